"""Helpers for the MNIST hybrid-training notebooks.

Names are imported when they are first used, so that `import mnist_helpers` costs nothing.
"""

import os

import lazy_loader

from mnist_helpers import paths

# Keras reads it once, when it is first imported; absolute, because papermill and nbval change the
# working directory.
os.environ.setdefault("KERAS_HOME", str(paths.PROJECT / "data"))
# TensorFlow's start-up notes about the processor would fill the first cell of every notebook.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# OpenMP's threads spin while they wait for each other, which on a busy machine takes t-SNE several
# times as long; read when scikit-learn loads it.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["data", "evaluation", "plotting", "preprocessing", "training", "widgets"],
    submod_attrs={
        "data.mnist": ["load_mnist"],
        "data.datasets": ["load_test", "load_training"],
        "evaluation.inference": ["predict"],
        "preprocessing.mnist_format": ["to_mnist"],
        "training.artifacts": ["load_model"],
        "training.augmentation": ["Augmentation"],
        "training.model": ["build_cnn"],
        "training.pipeline": ["training_dataset"],
    },
)
