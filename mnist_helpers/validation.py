"""What numbers, images, labels and probabilities must look like, before they give wrong results."""

import math

import numpy as np
from numpy.typing import ArrayLike

MAX_SEED = 2**31 - 1
SIDE, BOX = 28, 20  # pixels: MNIST fits digits into 20 x 20 and sets them into 28 x 28
CLASSES = 10
# What Markdown, HTML or matplotlib's formulas would take for markup, and what looks alike.
LOOK_ALIKES = str.maketrans(
    {"<": "‹", ">": "›", "[": "(", "]": ")", "*": "∗", "`": "'", "|": "¦", "$": r"\$"}
)


def check_integer(name: str, value: object, minimum: int, maximum: float = math.inf) -> int:
    """Returns an integer that lies in [minimum, maximum]; `name` is the argument, for the message.

    Raises:
        ValueError: It is no integer, as True and 3.0 are none, or lies outside.
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

    Raises:
        ValueError: It is no number, or lies outside, as NaN always does.
    """
    real = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not real or not minimum <= value <= maximum or (below and value == maximum):  # type: ignore[operator]
        most = "below" if below else "at most"
        raise ValueError(
            f"{name} must be a number of at least {minimum:g} and {most} {maximum:g}; "
            f"got {value!r}."
        )
    return float(value)  # type: ignore[arg-type]


KINDS = {"integers": "iu", "real numbers": "iufb", "floats": "f"}


def check_array(name: str, values: ArrayLike, kind: str) -> np.ndarray:
    """Returns values as a plain NumPy array of numbers, or says what is wrong.

    Args:
        name: The argument, for the message.
        values: Array or nested lists. Subclasses such as `np.matrix` become plain arrays, since
            they index differently; masked arrays have values that are none.
        kind: A key of `KINDS`.

    Raises:
        ValueError: They are masked, ragged, or no numbers of that kind.
    """
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError(f"{name} must be a plain array, not a masked one: call .filled() first.")
    try:
        array = np.asarray(values)
    except Exception as error:  # foreign objects convert themselves, and raise anything
        raise ValueError(f"{name} must be an array of {kind}: {error}.") from error
    if array.dtype.kind not in KINDS[kind]:
        raise ValueError(
            f"{name} must be {kind}, not {array.dtype} of shape {array.shape}; "
            "use astype to convert them."
        )
    return array


def plain_text(name: object) -> str:
    """Returns a name that Markdown, HTML tables and figures all show and none takes for markup.

    The name comes from a file or a file's name: a class, a data set or a sweep's variant.
    """
    printable = (letter if letter.isprintable() else " " for letter in str(name))
    return "".join(printable).translate(LOOK_ALIKES)


def percent(share: float) -> str:
    """Writes a share of 1 as a percentage with one decimal; never 100% of what is not certain."""
    return "> 99.9%" if 0.9995 <= share < 1 else f"{100 * share:.1f}%"


def check_images(images: ArrayLike) -> np.ndarray:
    """Returns images as an array in MNIST's raw form.

    Args:
        images: uint8 array of shape (n, 28, 28), values 0–255.

    Raises:
        ValueError: They have another type or shape.
    """
    images = check_array("Images", images, "real numbers")
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise ValueError(
            f"Images must be uint8 of shape (n, {SIDE}, {SIDE}), not {images.dtype} of shape "
            f"{images.shape}; preprocessing.to_mnist converts other pictures."
        )
    return images


def check_labels(
    labels: ArrayLike, images: int | None = None, *, name: str = "Labels", minimum: int = 0
) -> np.ndarray:
    """Returns labels as an array.

    Args:
        labels: Integer array of shape (n,), values 0–9.
        images: How many labels there must be; by default any number.
        name: The argument, for the message.
        minimum: How many there must be at least.

    Raises:
        ValueError: They have another type or shape, are no digits, or are too few or too many.
    """
    labels = check_array(name, labels, "integers")
    if labels.ndim != 1 or len(labels) < minimum:
        raise ValueError(
            f"{name} must have shape (n,) with n at least {minimum}, not {labels.shape}."
        )
    if labels.size and not (labels.min() >= 0 and labels.max() < CLASSES):
        raise ValueError(f"{name} must be 0 to 9, but range from {labels.min()} to {labels.max()}.")
    if images is not None and len(labels) != images:
        raise ValueError(f"{images} images but {len(labels)} labels: give each image one label.")
    return labels


def check_digits(values: ArrayLike, name: str) -> np.ndarray:
    """Returns at least one label as `check_labels` does."""
    return check_labels(values, name=name, minimum=1)


def check_predictions(labels: ArrayLike, probabilities: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Returns labels (n,) and probabilities (n, 10) as arrays.

    Raises:
        ValueError: They do not fit each other, or rows are not probabilities.
    """
    labels = check_digits(labels, "labels")
    probabilities = check_probabilities(probabilities)
    if len(probabilities) != len(labels):
        raise ValueError(
            f"{len(labels)} labels need probabilities of shape ({len(labels)}, {CLASSES}), "
            f"not {probabilities.shape}."
        )
    return labels, probabilities


def check_probabilities(probabilities: ArrayLike) -> np.ndarray:
    """Returns probabilities of shape (n, 10) as an array.

    Raises:
        ValueError: They have another shape or type, or rows are not probabilities.
    """
    probabilities = check_array("Probabilities", probabilities, "floats")
    if probabilities.ndim != 2 or probabilities.shape[1] != CLASSES:
        raise ValueError(
            f"Probabilities must have shape (n, {CLASSES}), not {probabilities.shape}."
        )
    # 16-bit networks round each probability to three digits, hence the wide tolerance.
    with np.errstate(invalid="ignore", over="ignore"):
        sums_to_one = np.isclose(probabilities.sum(axis=1), 1, rtol=0, atol=0.02)
    if not (sums_to_one & (probabilities >= 0).all(axis=1)).all():
        raise ValueError(
            "Each row of probabilities must be finite, not negative and sum to 1; "
            "pass the network's softmax outputs."
        )
    return probabilities
