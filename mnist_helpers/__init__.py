"""Helpers for the MNIST hybrid-training notebooks.

Names are imported when they are first used, so that `import mnist_helpers` costs nothing.
"""

import lazy_loader

from mnist_helpers import startup

startup.prepare()

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["data", "evaluation", "plotting", "preprocessing", "training", "widgets"],
    submod_attrs={
        "data.mnist": ["load_mnist"],
        "data.datasets": ["load_test", "load_training"],
        "evaluation.predict_picture": ["predict", "predict_number"],
        "preprocessing.mnist_format": ["to_mnist"],
        "training.artifacts": ["load_model"],
        "training.augmentation": ["Augmentation"],
        "training.model": ["build_cnn"],
        "training.pipeline": ["training_dataset"],
    },
)
