"""Which digits are read well, which images wrongly, and which labels one may doubt."""

from collections.abc import Iterable

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from mnist_helpers.validation import check_digits, check_predictions, check_probabilities


def per_class_metrics(labels: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """Computes precision and recall of each digit.

    Args:
        labels: Integer array of shape (n,), the true digits.
        predicted: Integer array of shape (n,), the answers.

    Returns:
        Arrays of shape (10,): `precision`, the share of the answers "3" that are a 3; `recall`, the
        share of the 3s that are answered "3"; `images`, how many 3s there are. A share of nothing
        is 0.

    Raises:
        ValueError: The arrays are empty, of different lengths, or hold anything but 0 to 9.
    """
    labels, predicted = check_digits(labels, "labels"), check_digits(predicted, "predicted")
    if len(labels) != len(predicted):
        raise ValueError(
            f"{len(labels)} labels cannot be compared with {len(predicted)} answers; "
            "give one answer for each label."
        )
    precision, recall, _, images = precision_recall_fscore_support(
        labels, predicted, labels=range(10), zero_division=0
    )
    return {"precision": precision, "recall": recall, "images": images}


def mistakes(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Finds the wrong answers, the most confident first.

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10), one row for each image. The answer is the
            top_k digit, and its probability the confidence.

    Returns:
        Integer array of indices; those of equal confidence keep their order.

    Raises:
        ValueError: The arrays do not fit each other, or rows are not probabilities.
    """
    labels, probabilities = check_predictions(labels, probabilities)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]


def top_k(probabilities: np.ndarray, count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Finds the top_k digits of each image, the top_k first.

    Args:
        probabilities: Float array of shape (n, 10).
        count: How many.

    Returns:
        Integer array of digits and float array of their probabilities, both of shape (n, count).

    Raises:
        ValueError: Rows are not probabilities, or count is not 1 to 10.
    """
    probabilities = check_probabilities(probabilities)
    if not 1 <= count <= 10:
        raise ValueError(f"1 to 10 digits can be the top_k, not {count}.")
    digits = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    return digits, np.take_along_axis(probabilities, digits, axis=1)


def label_issues(
    labels: np.ndarray, several: Iterable[np.ndarray], sure: float = 0.9
) -> np.ndarray:
    """Finds images where every model is sure of one and the same digit, which is not the label.

    That is a reason to look at the image, and no proof that the label is wrong: models trained on
    the same images share their blind spots.

    Args:
        labels: Integer array of shape (n,).
        several: Probabilities (n, 10) of each model.
        sure: Least probability that each model must give to the digit.

    Returns:
        Integer array of indices, in order.

    Raises:
        ValueError: There are no models, arrays do not fit each other, or `sure` is not 0 to 1.
    """
    if not 0 <= sure <= 1:
        raise ValueError(f"How sure the models must be lies in 0 to 1, not {sure}.")
    several = [check_predictions(labels, probabilities)[1] for probabilities in several]
    answers = np.stack([probabilities.argmax(axis=1) for probabilities in several])
    least = np.min([probabilities.max(axis=1) for probabilities in several], axis=0)
    agreed = (answers == answers[0]).all(axis=0) & (least >= sure)
    return np.flatnonzero(agreed & (answers[0] != labels))


def ambiguous(probabilities: np.ndarray, margin: float = 0.2) -> np.ndarray:
    """Finds images for which the two top_k digits are nearly as likely as each other.

    Args:
        probabilities: Float array of shape (n, 10).
        margin: Largest difference of the two probabilities.

    Returns:
        Boolean array of shape (n,).

    Raises:
        ValueError: Rows are not probabilities, or the margin is not 0 to 1.
    """
    if not 0 <= margin <= 1:
        raise ValueError(f"The margin must lie in 0 to 1, not {margin}.")
    _, chances = top_k(probabilities, 2)
    return chances[:, 0] - chances[:, 1] <= margin
