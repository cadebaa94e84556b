"""Helpers for the MNIST hybrid-training notebooks."""

from mnist_helpers import paths

paths.set_keras_home()
