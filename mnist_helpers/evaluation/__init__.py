"""How good are the predictions, how sure are we, and what do they withstand?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "predictions": ["ambiguous", "label_issues", "mistakes", "per_class_metrics", "top_k"],
        "calibration": [
            "accuracy_coverage_curve", "calibration_scores", "coverage_at_accuracy",
            "expected_calibration_error", "fit_temperature", "reliability", "temperature_scaled",
        ],
        "significance": ["accuracy_interval", "mcnemar", "paired_bootstrap_interval"],
    },
)  # fmt: skip
