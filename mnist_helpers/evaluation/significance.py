"""How far may chance have moved an accuracy, and is another model really better?"""

from typing import NamedTuple

import numpy as np
from scipy import stats
from sklearn.metrics import confusion_matrix
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_test
from statsmodels.stats.proportion import proportion_confint

from mnist_helpers.validation import check_array, check_digits, check_integer


class McNemar(NamedTuple):
    """How two models did on the same images.

    Attributes:
        both_correct: Number of images that both models classify correctly.
        only_a_correct: Number that only the first does.
        only_b_correct: Number that only the second does.
        both_incorrect: Number that neither does.
        p_value: Two-sided; 1 if the models never differ.
    """

    both_correct: int
    only_a_correct: int
    only_b_correct: int
    both_incorrect: int
    p_value: float


class Comparison(NamedTuple):
    """How two models compare on the same images.

    Attributes:
        gain: Accuracy of the second minus accuracy of the first, as a fraction.
        low: Lower end of the gain's 95% interval, from the paired bootstrap.
        high: Its upper end.
        test: McNemar's test.
    """

    gain: float
    low: float
    high: float
    test: McNemar

    @property
    def in_words(self) -> str:
        """Whether the difference is significant, in a sentence."""
        p = f"McNemar's p = {self.test.p_value:.2g}"
        if self.test.p_value >= 0.05:
            return f"These images cannot tell the two models apart ({p})."
        better = "second" if self.gain > 0 else "first"
        return f"The {better} model makes significantly fewer mistakes ({p})."


def accuracy_interval(correct: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Computes Wilson's score interval for an accuracy.

    Unlike the mean plus or minus two standard errors it stays within 0 and 1 and holds near them
    (Wilson, "Probable inference, the law of succession, and statistical inference", 1927).

    Args:
        correct: Number of correct predictions.
        n: Number of predictions.
        confidence: Probability that such an interval covers the true accuracy, between 0 and 1.

    Returns:
        Lower and upper end, as fractions.

    Raises:
        ValueError: The counts or the confidence are impossible.
    """
    n = check_integer("n", n, 1, 2**53)
    correct = check_integer("correct", correct, 0, n)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, as 0.95 does; got {confidence}.")
    low, high = proportion_confint(correct, n, 1 - confidence, method="wilson")
    return float(low), float(high)


def is_chance_level(labels: np.ndarray, predicted: np.ndarray) -> bool:
    """Tells whether a model does no better than always naming the most frequent digit.

    Args:
        labels: Integer array of shape (n,), the true digits.
        predicted: Integer array of shape (n,), the predicted ones.

    Returns:
        Whether the 99% interval of its accuracy reaches down to what that constant answer gets.
    """
    labels, predicted = check_digits(labels, "labels"), check_digits(predicted, "predicted")
    low, _ = accuracy_interval(int(np.sum(labels == predicted)), len(labels), 0.99)
    return bool(low <= np.bincount(labels).max() / len(labels))


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray) -> McNemar:
    """Tests whether two models that classified the same images are equally good.

    Images that both or neither got right say nothing about which is better. If the models were
    equally good, each of the others would be a fair coin toss between them (McNemar, "Note on the
    sampling error of the difference between correlated proportions", 1947; the exact form).

    Args:
        correct_a: Boolean array of shape (n,), true where the first model is correct.
        correct_b: The same for the second model, in the same order.

    Raises:
        ValueError: The arrays are empty, not boolean, or of different lengths.
    """
    a, b = _check_pairs(correct_a, correct_b)
    counts = confusion_matrix(~a, ~b, labels=[False, True])
    both, only_a, only_b, neither = counts.ravel().tolist()
    p_value = float(mcnemar_test(counts, exact=True).pvalue)
    return McNemar(both, only_a, only_b, neither, p_value)


def compare_models(correct_a: np.ndarray, correct_b: np.ndarray, seed: int = 0) -> Comparison:
    """Compares two models on the same images by McNemar's test and a paired bootstrap.

    Args:
        correct_a: Boolean array of shape (n,), true where the first model is correct.
        correct_b: The same for the second model, in the same order.
        seed: Of the bootstrap's draws.

    Raises:
        ValueError: The arrays are too short, not boolean, or of different lengths.
    """
    test = mcnemar(correct_a, correct_b)
    low, high = paired_bootstrap_interval(correct_a, correct_b, seed=seed)
    return Comparison(float(np.mean(correct_b) - np.mean(correct_a)), low, high, test)


def paired_bootstrap_interval(
    correct_a: np.ndarray, correct_b: np.ndarray, seed: int = 0
) -> tuple[float, float]:
    """Estimates how far the gain in accuracy from one model to the other may be off.

    Draws the images anew with replacement, each with both models' results, and takes percentiles
    of the gain (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
    95% of the 10,000 drawn gains lie in the interval.

    Args:
        correct_a: Boolean array of shape (n,), n at least 2, true where the first model is correct.
        correct_b: The same for the second model, in the same order.
        seed: Of the draws.

    Returns:
        Lower and upper end of accuracy of the second minus accuracy of the first, as fractions.

    Raises:
        ValueError: The arrays are too short, not boolean, or of different lengths.
    """
    a, b = _check_pairs(correct_a, correct_b)
    drawn = stats.bootstrap(
        (b.astype(float) - a,), np.mean, n_resamples=10_000, batch=100, confidence_level=0.95,
        method="percentile", rng=seed,
    )  # fmt: skip
    return float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)


def _check_pairs(correct_a: np.ndarray, correct_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = (check_array("Arrays", values, "real numbers") for values in (correct_a, correct_b))
    if a.dtype != bool or b.dtype != bool or a.shape != b.shape or a.ndim != 1 or len(a) == 0:
        raise ValueError(
            "Expected two boolean arrays of one length, not empty, that say which predictions are "
            f"correct; got {a.dtype} of shape {a.shape} and {b.dtype} of shape {b.shape}."
        )
    return a, b
