"""Any picture of a digit, brought to the form of MNIST's images."""

from mnist_helpers.preprocessing.mnist_format import PictureError, steps_to_mnist, to_mnist

__all__ = ["PictureError", "steps_to_mnist", "to_mnist"]
