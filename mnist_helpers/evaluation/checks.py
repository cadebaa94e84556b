"""What labels and probabilities must look like."""

import numpy as np


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


def check_answers(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
