"""Statistics of labels and probabilities: how good are the answers, and how sure are we?"""

from mnist_helpers.evaluation.answers import (
    ambiguous,
    doubtful_labels,
    likeliest,
    mistakes,
    per_digit_report,
)
from mnist_helpers.evaluation.calibration import (
    accuracy_when_declining,
    answered_at,
    at_temperature,
    calibration_scores,
    expected_calibration_error,
    fit_temperature,
    reliability,
)
from mnist_helpers.evaluation.comparison import (
    accuracy_interval,
    mcnemar,
    paired_bootstrap_interval,
)

__all__ = [
    "accuracy_interval",
    "accuracy_when_declining",
    "ambiguous",
    "answered_at",
    "at_temperature",
    "calibration_scores",
    "doubtful_labels",
    "expected_calibration_error",
    "fit_temperature",
    "likeliest",
    "mcnemar",
    "mistakes",
    "paired_bootstrap_interval",
    "per_digit_report",
    "reliability",
]
