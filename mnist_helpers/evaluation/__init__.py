"""How good are the predictions, how sure can we be of that, and what do they withstand?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["error_analysis", "inference", "model_evaluation", "robustness", "sweeps"],
    submod_attrs={
        "error_analysis": [
            "label_issues", "low_margin", "misclassified", "per_class_metrics", "top_k",
            "top_k_captions",
        ],
        "calibration": [
            "accuracy_coverage_curve", "calibration_scores", "coverage_at_accuracy",
            "expected_calibration_error", "fit_temperature", "reliability_curve",
            "temperature_scaled",
        ],
        "inference": ["Predictor", "feature_extractor", "test_time_augmentation"],
        "model_evaluation": [
            "compare_calibration", "doubtful_images", "embed_features", "evaluate_model",
            "evaluate_models",
        ],
        "predict_picture": ["predict", "predict_number"],
        "reader": ["Prediction", "Reader"],
        "robustness": ["corrupt", "measure_robustness"],
        "temperature": ["calibrate_and_save_phase"],
        "significance": [
            "accuracy_interval", "compare_models", "is_chance_level", "mcnemar",
            "paired_bootstrap_interval",
        ],
    },
)  # fmt: skip
