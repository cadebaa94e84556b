"""The network, its augmented training data, and a training that survives being killed."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "artifacts": [
            "CLEAN_MODEL", "find_model", "find_phases", "load_history", "load_model",
            "record_environment", "require", "save_model", "save_phase", "training_parameters",
            "update_metrics", "write_model_card",
        ],
        "augmentation": ["Augmentation"],
        "callbacks": ["ResumableTraining"],
        "model": ["build_cnn"],
        "optimizer": ["adamw_cosine"],
        "pipeline": ["evaluation_dataset", "to_input", "training_dataset"],
        "precision": ["default_dtype_policy", "with_dtype_policy"],
        "robust_augmentation": ["RobustAugmentation", "make_augmentation"],
    },
)  # fmt: skip
