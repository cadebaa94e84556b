"""What images and labels must look like: all else is refused before it gives a wrong answer."""

import math

import numpy as np
from numpy.typing import ArrayLike

MAX_SEED = 2**31 - 1
SIDE = 28
CLASSES = 10


def check_integer(name: str, value: object, minimum: int, maximum: float = math.inf) -> int:
    """Returns an integer that lies in a range.

    Args:
        name: The argument, for the message.
        value: What was given; True and 3.0 are no integers.
        minimum: The least that it may be.
        maximum: The most that it may be.

    Raises:
        ValueError: It is no integer, or lies outside.
    """
    integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not integer or not minimum <= value <= maximum:  # type: ignore[operator]
        most = f" and at most {maximum}" if maximum < math.inf else ""
        raise ValueError(f"{name} must be an integer of at least {minimum}{most}; got {value!r}.")
    return int(value)  # type: ignore[call-overload]


def check_real(
    name: str, value: object, minimum: float, maximum: float, *, below: bool = False
) -> float:
    """Returns a number that lies in [minimum, maximum], or in [minimum, maximum) if `below`.

    Args:
        name: The argument, for the message.
        value: What was given; NaN lies in no range.
        minimum: The least that it may be.
        maximum: The most that it may be, or what it must stay below.
        below: Whether `maximum` itself is too much.

    Raises:
        ValueError: It is no number, or lies outside.
    """
    real = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not real or not minimum <= value <= maximum or (below and value == maximum):  # type: ignore[operator]
        most = "below" if below else "at most"
        raise ValueError(
            f"{name} must be a number of at least {minimum:g} and {most} {maximum:g}; "
            f"got {value!r}."
        )
    return float(value)  # type: ignore[arg-type]


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


def check_digits(values: np.ndarray, name: str) -> np.ndarray:
    """Returns an integer array of shape (n,) with values 0 to 9, or says what is wrong."""
    values = np.asarray(values)
    if values.ndim != 1 or len(values) == 0 or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(
            f"{name} must be a list of at least one whole number, "
            f"not {values.dtype} of shape {values.shape}."
        )
    if values.min() < 0 or values.max() > 9:
        raise ValueError(
            f"{name} must be digits from 0 to 9, but range from {values.min()} to {values.max()}."
        )
    return values


def check_predictions(
    labels: np.ndarray, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns labels (n,) and probabilities (n, 10) as arrays.

    Raises:
        ValueError: They do not fit each other, or rows are not probabilities.
    """
    labels = check_digits(labels, "labels")
    probabilities = np.asarray(probabilities)
    if probabilities.shape != (len(labels), 10):
        raise ValueError(
            f"{len(labels)} labels need probabilities of shape ({len(labels)}, 10), "
            f"not {probabilities.shape}."
        )
    return labels, check_probabilities(probabilities)


def check_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """Returns probabilities of shape (n, 10) as an array.

    Raises:
        ValueError: They have another shape or type, or rows are not probabilities.
    """
    probabilities = np.asarray(probabilities)
    numbers = np.issubdtype(probabilities.dtype, np.floating)
    if probabilities.ndim != 2 or probabilities.shape[1] != 10 or not numbers:
        raise ValueError(
            f"Probabilities must be floats of shape (n, 10), not {probabilities.dtype} of shape "
            f"{probabilities.shape}."
        )
    # 16-bit networks round each probability to three digits, hence the wide tolerance.
    sums_to_one = np.isclose(probabilities.sum(axis=1), 1, rtol=0, atol=0.02)
    if not (sums_to_one & (probabilities >= 0).all(axis=1)).all():
        raise ValueError(
            "Each row of probabilities must be finite, not negative and sum to 1; "
            "pass the network's softmax outputs."
        )
    return probabilities
