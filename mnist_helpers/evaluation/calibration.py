"""Does "90% sure" mean correct 90 times in 100? And what if the network may decline to answer?"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize_scalar
from scipy.special import softmax
from sklearn.metrics import brier_score_loss, log_loss
from statsmodels.stats.proportion import proportion_confint

from mnist_helpers import validation

BINS = 15  # as Guo et al. have it


class CalibrationScores(NamedTuple):
    """Three scores that judge the probabilities and not the predictions alone; low is good.

    Attributes:
        ece: The expected calibration error, 0 to 1.
        nll: The mean negative logarithm of the true digit's probability.
        brier: The mean squared distance from the truth over all ten digits (Brier, "Verification
            of forecasts expressed in terms of probability", 1950), 0 to 2.
    """

    ece: float
    nll: float
    brier: float


class AccuracyCoverage(NamedTuple):
    """Accuracy when only the most confident predictions are given.

    Attributes:
        coverage: Fractions of the images that get an answer, rising to 1.
        accuracy: Accuracy among those.
    """

    coverage: np.ndarray
    accuracy: np.ndarray


def reliability_curve(
    labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS
) -> pd.DataFrame:
    """Compares confidence with accuracy in equally wide bins, (0, 1/bins] to (1 - 1/bins, 1].

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10).
        bins: How many.

    Returns:
        One row per bin that holds a prediction: `confidence`, the mean probability of what was
        predicted; `accuracy` with the `low` and `high` end of its 95% interval; `images`.

    Raises:
        ValueError: The arrays do not fit each other, or rows are not probabilities.
    """
    labels, probabilities = validation.check_predictions(labels, probabilities)
    bins = validation.check_integer("bins", bins, 1)
    confidence = probabilities.max(axis=1).astype(float).clip(0, 1)
    predictions = pd.DataFrame(
        {"confidence": confidence, "correct": probabilities.argmax(axis=1) == labels}
    )
    groups = predictions.groupby(np.ceil(confidence * bins).astype(int))
    curve = groups.agg(
        confidence=("confidence", "mean"), accuracy=("correct", "mean"),
        correct=("correct", "sum"), images=("correct", "size"),
    ).reset_index(drop=True)  # fmt: skip
    ends = proportion_confint(curve["correct"], curve["images"], method="wilson")
    return curve.drop(columns="correct").assign(low=ends[0], high=ends[1])


def expected_calibration_error(
    labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS
) -> float:
    """Averages over all predictions how far confidence and accuracy lie apart.

    (Guo et al., "On Calibration of Modern Neural Networks", 2017, equation 3, after Naeini et al.,
    2015.)

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10).
        bins: How many bins of equal width.

    Returns:
        0 to 1; 0 where each bin is as often correct as it is confident.
    """
    curve = reliability_curve(labels, probabilities, bins)
    gaps = np.abs(curve["accuracy"] - curve["confidence"])
    return float(np.average(gaps, weights=curve["images"]))


def calibration_scores(labels: np.ndarray, probabilities: np.ndarray) -> CalibrationScores:
    """Computes calibration error, negative log-likelihood and Brier score.

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10).

    Raises:
        ValueError: The arrays do not fit each other, or rows are not probabilities.
    """
    labels, probabilities = validation.check_predictions(labels, probabilities)
    ece = expected_calibration_error(labels, probabilities)
    # float32 rows sum to 1 only nearly.
    probabilities = probabilities / np.sum(probabilities, axis=1, keepdims=True, dtype=float)
    return CalibrationScores(
        ece,
        float(log_loss(labels, probabilities, labels=range(10))),
        float(brier_score_loss(labels, probabilities, labels=range(10))),
    )


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Finds the temperature of least negative log-likelihood (Guo et al., 2017).

    Fit it on validation images: on the test images it would flatter what it is tested on.

    Without a single mistake the likelihood would sharpen without end. So a temperature below 1
    sharpens only as long as the confidences leave room for half a mistake among the n images.

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10).

    Returns:
        A temperature between 0.1 and 10; above 1 where the network was overconfident.

    Raises:
        ValueError: The arrays do not fit each other, or rows are not probabilities.
    """
    labels, probabilities = validation.check_predictions(labels, probabilities)

    def loss(log_temperature: float) -> float:
        scaled = temperature_scaled(probabilities, np.exp(log_temperature))
        return log_loss(labels, scaled, labels=range(10))

    found = minimize_scalar(loss, bounds=np.log([0.1, 10]), method="bounded")
    return max(float(np.exp(found.x)), min(_sharpest_temperature(probabilities), 1.0))


def _sharpest_temperature(probabilities: np.ndarray) -> float:
    """Returns the temperature at which half a mistake is expected among all the images."""

    def surplus(log_temperature: float) -> float:
        scaled = temperature_scaled(probabilities, np.exp(log_temperature))
        return float(np.sum(1 - scaled.max(axis=1))) - 0.5

    low, high = np.log([0.1, 10])
    if surplus(low) >= 0:
        return 0.1
    return float(np.exp(brentq(surplus, low, high))) if surplus(high) > 0 else 1.0


def temperature_scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Divides the logits behind the probabilities by a temperature; no prediction changes.

    Args:
        probabilities: Float array of shape (n, 10).
        temperature: 0.001 to 1000; above 1 makes the network less confident.

    Returns:
        float64 array of shape (n, 10).

    Raises:
        ValueError: Rows are not probabilities, or the temperature is out of range.
    """
    probabilities = validation.check_probabilities(probabilities)
    validation.check_real("temperature", temperature, 0.001, 1000)
    smallest = np.finfo(np.float32).tiny  # what float32 rounded to 0 is at most that
    return softmax(np.log(np.maximum(probabilities, smallest, dtype=float)) / temperature, axis=1)


def accuracy_coverage_curve(labels: np.ndarray, probabilities: np.ndarray) -> AccuracyCoverage:
    """Computes the accuracy of only the most confident predictions, for every number of them.

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10); equal confidences count together.

    Raises:
        ValueError: The arrays do not fit each other, or rows are not probabilities.
    """
    labels, probabilities = validation.check_predictions(labels, probabilities)
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    correct = np.cumsum(probabilities.argmax(axis=1)[order] == labels[order])
    last_of_equals = np.append(np.diff(confidence[order]) != 0, True)
    answered = np.flatnonzero(last_of_equals) + 1
    return AccuracyCoverage(answered / len(labels), correct[last_of_equals] / answered)


def coverage_at_accuracy(
    labels: np.ndarray, probabilities: np.ndarray, accuracy: float = 0.999
) -> float:
    """Returns the largest fraction of the images that can be answered at an accuracy, else 0."""
    curve = accuracy_coverage_curve(labels, probabilities)
    enough = curve.accuracy >= accuracy
    return float(curve.coverage[enough].max()) if enough.any() else 0.0
