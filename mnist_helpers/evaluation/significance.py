"""How good is a model, how sure are we, and is another one better?"""

import numpy as np
from scipy.stats import binomtest


def accuracy_interval(correct: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Computes Wilson's score interval for a share of right answers.

    Unlike the mean plus or minus two standard errors it stays within 0 and 1 and holds near them
    (Wilson, "Probable inference, the law of succession, and statistical inference", 1927).

    Args:
        correct: Number of right answers.
        n: Number of answers.
        confidence: Chance that such an interval covers the true share, between 0 and 1.

    Returns:
        Lower and upper end, as fractions.

    Raises:
        ValueError: The counts or the confidence are impossible.
    """
    if not 0 <= correct <= n or not 0 < n < 2**53 or correct % 1 or n % 1:
        raise ValueError(f"There cannot be {correct} right answers among {n}; count them first.")
    _check_confidence(confidence)
    interval = binomtest(int(correct), int(n)).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray) -> dict[str, float]:
    """Tests whether two models that answered the same questions are equally good.

    Questions that both got right or both got wrong say nothing about which is better. If they were
    equally good, each of the others would be a fair coin toss between them (McNemar, "Note on the
    sampling error of the difference between correlated proportions", 1947; the exact form).

    Args:
        correct_a: Boolean array of shape (n,), true where the first model is right.
        correct_b: The same for the second model, in the same order.

    Returns:
        The counts `both_right`, `only_a_right`, `only_b_right`, `both_wrong`, and the two-sided
        `p_value`; 1 if the models never differ.

    Raises:
        ValueError: The arrays are empty, not boolean, or of different lengths.
    """
    a, b = _check_pairs(correct_a, correct_b)
    only_a, only_b = int(np.sum(a & ~b)), int(np.sum(~a & b))
    differing = only_a + only_b
    return {
        "both_right": int(np.sum(a & b)),
        "only_a_right": only_a,
        "only_b_right": only_b,
        "both_wrong": int(np.sum(~a & ~b)),
        "p_value": float(binomtest(only_a, differing).pvalue) if differing else 1.0,
    }


def paired_bootstrap_interval(
    correct_a: np.ndarray,
    correct_b: np.ndarray,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> tuple[float, float]:
    """Estimates how far the gain in accuracy from one model to the other may be off.

    Draws the questions anew with replacement, each with both models' answers, and takes percentiles
    of the gain (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13). A
    question counts +1, 0 or -1, so a redrawn set is one draw from a multinomial distribution.

    Args:
        correct_a: Boolean array of shape (n,), true where the first model is right.
        correct_b: The same for the second model, in the same order.
        confidence: Share of the redrawn gains that lie in the interval, between 0 and 1.
        resamples: How many sets are drawn.
        seed: Of the draws.

    Returns:
        Lower and upper end of accuracy of the second minus accuracy of the first, as fractions.

    Raises:
        ValueError: The arrays are empty, not boolean, or of different lengths, or the confidence
            or the number of resamples is impossible.
    """
    a, b = _check_pairs(correct_a, correct_b)
    _check_confidence(confidence)
    if resamples < 1:
        raise ValueError(f"At least 1 set must be drawn, not {resamples}.")
    gain = b.astype(int) - a
    shares = np.array([np.mean(gain == outcome) for outcome in (1, -1, 0)])
    drawn = np.random.default_rng(seed).multinomial(len(gain), shares, size=resamples)
    tail = (1 - confidence) / 2
    low, high = np.quantile((drawn[:, 0] - drawn[:, 1]) / len(gain), [tail, 1 - tail])
    return float(low), float(high)


def _check_pairs(correct_a: np.ndarray, correct_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(correct_a), np.asarray(correct_b)
    if a.dtype != bool or b.dtype != bool or a.shape != b.shape or a.ndim != 1 or len(a) == 0:
        raise ValueError(
            "Two models are compared by two lists of true and false, as long as each other and not "
            f"empty; these are {a.dtype} of shape {a.shape} and {b.dtype} of shape {b.shape}."
        )
    return a, b


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, as 0.95 does, not {confidence}.")
