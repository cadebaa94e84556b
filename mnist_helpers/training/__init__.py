"""The network, its augmented training data, and training that survives being killed."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "artifacts": [
            "CLEAN_MODEL", "load_clean_phase", "load_model", "load_models", "save_model",
            "save_phase", "scale_logits",
        ],
        "augmentation": ["Augmentation"],
        "callbacks": ["ResumableTraining"],
        "metrics": ["read_metrics", "record_environment", "update_metrics", "write_model_card"],
        "model": ["build_cnn"],
        "model_choice": [
            "calibration_temperature", "find_model", "find_models", "quality_warning",
            "training_parameters",
        ],
        "optimizer": ["adamw_cosine"],
        "pipeline": ["to_input", "training_dataset"],
        "precision": ["default_dtype_policy", "with_dtype_policy"],
        "robust_augmentation": ["RobustAugmentation", "make_augmentation"],
    },
)  # fmt: skip
