"""The network, its augmented training data, and training that survives being killed."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "artifacts": ["load_clean_phase", "load_model", "load_models", "save_model"],
        "augmentation": ["Augmentation"],
        "callbacks": ["ResumableTraining"],
        "metrics": ["read_metrics", "update_metrics"],
        "model": ["build_cnn"],
        "model_choice": ["find_model", "find_models"],
        "optimizer": ["adamw_cosine"],
        "pipeline": ["to_input", "training_dataset", "validation_dataset"],
        "precision": ["default_dtype_policy"],
        "robust_augmentation": ["RobustAugmentation", "make_augmentation"],
    },
)
