"""Which digits are recognised well, which images are misclassified, and which labels to doubt."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_fscore_support

from mnist_helpers.validation import (
    check_digits,
    check_integer,
    check_predictions,
    check_probabilities,
)

CONFIDENT = 0.9  # of a digit that is not the label
AMBIGUOUS = 0.2  # the two highest probabilities are no further apart


def per_class_metrics(labels: np.ndarray, predicted: np.ndarray) -> pd.DataFrame:
    """Computes precision and recall of each digit.

    Args:
        labels: Integer array of shape (n,), the true digits.
        predicted: Integer array of shape (n,), the predicted ones.

    Returns:
        One row per digit: `images`, how many 3s there are; `precision`, the fraction of the
        predictions "3" that are a 3; `recall`, the fraction of the 3s predicted as "3". NaN where
        there is no such image or prediction, as 0 would be a statement about nothing.

    Raises:
        ValueError: The arrays are empty, of different lengths, or hold anything but 0 to 9.
    """
    labels, predicted = check_digits(labels, "labels"), check_digits(predicted, "predicted")
    if len(labels) != len(predicted):
        raise ValueError(
            f"Expected one prediction for each label; got {len(predicted)} predictions for "
            f"{len(labels)} labels."
        )
    precision, recall, _, images = precision_recall_fscore_support(
        labels, predicted, labels=range(10), zero_division=np.nan
    )
    return pd.DataFrame({"images": images, "precision": precision, "recall": recall})


def misclassified(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Finds the misclassified images, those of the highest confidence first.

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10).

    Returns:
        Integer array of indices; those of equal confidence keep their order.

    Raises:
        ValueError: The arrays do not fit each other, or rows are not probabilities.
    """
    labels, probabilities = check_predictions(labels, probabilities)
    incorrect = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return incorrect[np.argsort(-probabilities[incorrect].max(axis=1), kind="stable")]


def top_k(probabilities: np.ndarray, k: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Finds the k most probable digits of each image, the most probable first.

    Args:
        probabilities: Float array of shape (n, 10).
        k: 1 to 10.

    Returns:
        Integer array of digits and float array of their probabilities, both of shape (n, k).

    Raises:
        ValueError: Rows are not probabilities, or k is not 1 to 10.
    """
    probabilities = check_probabilities(probabilities)
    digits = np.argsort(-probabilities, axis=1, kind="stable")[:, : check_integer("k", k, 1, 10)]
    return digits, np.take_along_axis(probabilities, digits, axis=1)


def top_k_captions(
    labels: np.ndarray, probabilities: np.ndarray, indices: Iterable[int], names: Sequence[str]
) -> list[str]:
    """Writes for some images the label and the three most probable digits, in percent.

    Args:
        labels: Integer array of shape (n,).
        probabilities: Float array of shape (n, 10).
        indices: Which images.
        names: What the ten classes are called.

    Returns:
        Captions of two lines, such as "label 4" and "9: 62, 4: 30, 7: 5".
    """
    indices, captions = list(indices), []
    for label, digits, shares in zip(labels[indices], *top_k(probabilities[indices]), strict=True):
        pairs = zip(digits, shares, strict=True)
        likely = ", ".join(f"{names[digit]}: {100 * share:.0f}" for digit, share in pairs)
        captions.append(f"label {names[label]}\n{likely}")
    return captions


def label_issues(labels: np.ndarray, models: Iterable[np.ndarray]) -> np.ndarray:
    """Finds images where every model is 90% sure of one and the same digit, not the label.

    That is a reason to look at the image, and no proof that the label is wrong: models trained on
    the same images share their blind spots.

    Args:
        labels: Integer array of shape (n,).
        models: Probabilities (n, 10) of each model.

    Returns:
        Integer array of indices, in order.

    Raises:
        ValueError: There are no models, or arrays do not fit each other.
    """
    stacked = np.stack([check_predictions(labels, probabilities)[1] for probabilities in models])
    predicted = stacked.argmax(axis=2)
    least = stacked.max(axis=2).min(axis=0)
    agreed = (predicted == predicted[0]).all(axis=0) & (least >= CONFIDENT)
    return np.flatnonzero(agreed & (predicted[0] != labels))


def low_margin(probabilities: np.ndarray) -> np.ndarray:
    """Tells for which images the two most probable digits are at most 0.2 apart.

    Args:
        probabilities: Float array of shape (n, 10).

    Returns:
        Boolean array of shape (n,).

    Raises:
        ValueError: Rows are not probabilities.
    """
    _, chances = top_k(probabilities, 2)
    return chances[:, 0] - chances[:, 1] <= AMBIGUOUS
