"""Does "90 % sure" mean right 90 times in 100? And what if the network may decline to answer?"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.metrics import brier_score_loss, log_loss

from mnist_helpers.validation import check_predictions, check_probabilities

BINS = 15  # as Guo et al. have it


class Reliability(NamedTuple):
    """Answers grouped by how sure the network was; each array has shape (bins,).

    Attributes:
        images: How many answers a group has.
        right: How many of them are right.
        confidence: The mean probability of the answers given; NaN in an empty group.
    """

    images: np.ndarray
    right: np.ndarray
    confidence: np.ndarray


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> Reliability:
    """Groups answers into equally wide ranges of confidence, (0, 1/bins] to (1 - 1/bins, 1].

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10).
        bins: How many groups.

    Raises:
        ValueError: The arrays do not fit each other, or rows are not probabilities.
    """
    labels, probabilities = check_predictions(labels, probabilities)
    if bins < 1:
        raise ValueError(f"There must be at least 1 group, not {bins}.")
    sure = probabilities.max(axis=1).astype(float).clip(0, 1)
    group = np.ceil(sure * bins).astype(int) - 1
    images = np.bincount(group, minlength=bins)
    right = np.bincount(group[probabilities.argmax(axis=1) == labels], minlength=bins)
    total = np.bincount(group, weights=sure, minlength=bins)
    confidence = np.divide(total, images, out=np.full(bins, np.nan), where=images > 0)
    return Reliability(images, right, confidence)


def expected_calibration_error(
    labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS
) -> float:
    """Averages over all answers how far confidence and share of right answers lie apart.

    (Guo et al., "On Calibration of Modern Neural Networks", 2017, equation 3, after Naeini et al.,
    2015.)

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10).
        bins: Groups of equal width.

    Returns:
        0 to 1; 0 where each group is as often right as it is sure.
    """
    images, right, confidence = reliability(labels, probabilities, bins)
    some = images > 0
    gaps = np.abs(right[some] - images[some] * confidence[some])
    return float(gaps.sum() / images.sum())


def calibration_scores(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Computes three scores that judge the probabilities and not the answers alone; low is good.

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10).

    Returns:
        `ece`, the expected calibration error; `nll`, the mean negative logarithm of the true
        digit's probability; `brier`, the mean squared distance from the truth over all ten digits
        (Brier, "Verification of forecasts expressed in terms of probability", 1950), 0 to 2.

    Raises:
        ValueError: The arrays do not fit each other, or rows are not probabilities.
    """
    ece = expected_calibration_error(labels, probabilities)
    # Values of 32 bits sum to 1 but nearly.
    probabilities = probabilities / np.sum(probabilities, axis=1, keepdims=True, dtype=float)
    digits = range(10)
    return {
        "ece": ece,
        "nll": float(log_loss(labels, probabilities, labels=digits)),
        "brier": float(brier_score_loss(labels, probabilities, labels=digits)),
    }


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Finds the temperature that makes the probabilities fit best (Guo et al., 2017).

    Fit it on validation images: on the test images it would flatter what it is tested on.

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10).

    Returns:
        The temperature of least negative log-likelihood between 0.1 and 10; above 1 where the
        network was too sure.

    Raises:
        ValueError: The arrays do not fit each other, or rows are not probabilities.
    """
    labels, probabilities = check_predictions(labels, probabilities)

    def cost(log_temperature: float) -> float:
        scaled = temperature_scaled(probabilities, np.exp(log_temperature))
        return log_loss(labels, scaled, labels=range(10))

    found = minimize_scalar(cost, bounds=np.log([0.1, 10]), method="bounded")
    return float(np.exp(found.x))


def temperature_scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Divides the logits behind the probabilities by a temperature; the answers stay the same.

    Args:
        probabilities: Float array of shape (n, 10).
        temperature: Above 0; above 1 makes the network less sure.

    Returns:
        float64 array of shape (n, 10).

    Raises:
        ValueError: Rows are not probabilities, or the temperature is not from 0.001 to 1000.
    """
    probabilities = check_probabilities(probabilities)
    if not 0.001 <= temperature <= 1000:
        raise ValueError(f"The temperature must lie in 0.001 to 1000, not {temperature}.")
    smallest = np.finfo(np.float32).tiny  # what 32 bits rounded to 0 is at most that
    return softmax(np.log(np.maximum(probabilities, smallest, dtype=float)) / temperature, axis=1)


def accuracy_coverage_curve(
    labels: np.ndarray, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Computes accuracy when only the surest answers are given, for every number of them.

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10).

    Returns:
        Share of the images answered, rising to 1, and accuracy among them; answers of equal
        confidence are given together.

    Raises:
        ValueError: The arrays do not fit each other, or rows are not probabilities.
    """
    labels, probabilities = check_predictions(labels, probabilities)
    sure = probabilities.max(axis=1)
    order = np.argsort(-sure, kind="stable")
    right = np.cumsum(probabilities.argmax(axis=1)[order] == labels[order])
    last_of_equals = np.append(np.diff(sure[order]) != 0, True)
    answered = np.flatnonzero(last_of_equals) + 1
    return answered / len(labels), right[last_of_equals] / answered


def coverage_at_accuracy(
    labels: np.ndarray, probabilities: np.ndarray, accuracy: float = 0.999
) -> float:
    """Returns the largest share of the images that can be answered at some accuracy, else 0."""
    shares, accuracies = accuracy_coverage_curve(labels, probabilities)
    enough = accuracies >= accuracy
    return float(shares[enough].max()) if enough.any() else 0.0
