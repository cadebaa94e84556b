"""What images and labels must look like: all else is refused before it gives a wrong answer."""

import numpy as np
from numpy.typing import ArrayLike

SIDE = 28
CLASSES = 10


def check_images(images: ArrayLike) -> np.ndarray:
    """Returns images as an array in MNIST's raw form.

    Args:
        images: uint8 array of shape (n, 28, 28), values 0–255.

    Raises:
        ValueError: They have another type or shape.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise ValueError(
            f"Images must be uint8 of shape (n, {SIDE}, {SIDE}), not {images.dtype} of shape "
            f"{images.shape}; images.to_mnist takes pictures of other forms."
        )
    return images


def check_labels(labels: ArrayLike, images: int | None = None) -> np.ndarray:
    """Returns labels as an array.

    Args:
        labels: Integer array of shape (n,), values 0–9.
        images: How many labels there must be; by default any number.

    Raises:
        ValueError: They have another type or shape, are no digits, or are too few or too many.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"Labels must be whole numbers of shape (n,), not {labels.dtype} of shape "
            f"{labels.shape}."
        )
    if labels.size and not (labels.min() >= 0 and labels.max() < CLASSES):
        raise ValueError(f"Labels must be 0 to 9, but range from {labels.min()} to {labels.max()}.")
    if images is not None and len(labels) != images:
        raise ValueError(f"{images} images but {len(labels)} labels: give one label an image.")
    return labels
