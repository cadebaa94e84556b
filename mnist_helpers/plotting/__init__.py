"""Figures of the series. Functions draw what they are given and return a `Figure`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "digits": [
            "image_grid", "plot_captioned", "plot_class_balance", "plot_embedding",
            "plot_pixel_values", "plot_rows_of_digits",
        ],
        "evaluation": [
            "plot_accuracies", "plot_accuracy_coverage", "plot_confusion", "plot_per_class",
            "plot_reliability",
        ],
        "robustness": ["plot_robustness"],
        "style": ["show", "use_style"],
        "sweeps": ["plot_differences", "plot_runs", "plot_sweep_curves"],
        "training": ["plot_architecture", "plot_feature_maps", "plot_learning_curves"],
    },
)  # fmt: skip
