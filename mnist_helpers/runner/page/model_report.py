"""The test report of one model as text, and as a page with notebook 04's figures."""

import base64
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

from mnist_helpers import evaluation, plotting
from mnist_helpers.data.datasets import dataset_title
from mnist_helpers.evaluation import robustness
from mnist_helpers.evaluation.model_evaluation import EvaluationReport
from mnist_helpers.files import write_text
from mnist_helpers.plotting.style import figure_png
from mnist_helpers.runner.page.render import render

CHANCE_LEVEL = "This model does no better than guessing: nothing below says anything about it.\n\n"


def report_text(name: str, report: EvaluationReport) -> str:
    """Returns the report as plain text.

    Args:
        name: What the model is called.
        report: As from `evaluation.evaluate_model`.
    """
    summary, labels, probabilities = report.summary, report.labels, report.probabilities
    predicted = probabilities.argmax(axis=1)
    low, high = summary["test_accuracy_interval"]
    errors = int((predicted != labels).sum())
    coverage = evaluation.coverage_at_accuracy(labels, probabilities)
    digits = evaluation.per_class_metrics(labels, predicted)
    external = summary["digits8x8_accuracy"]
    curves = "\n".join(
        f"{kind:<18}" + "".join(f"{accuracy:8.1%}" for accuracy in accuracies)
        for kind, accuracies in report.curves.items()
    )
    per_digit = digits.to_string(
        index_names=False,
        formatters={
            "images": "{:,}".format,
            "precision": "{:.2%}".format,
            "recall": "{:.2%}".format,
        },
        na_rep="–",
    )
    return f"""\
{name}: {len(labels):,} test images of {dataset_title(report.dataset)}

{CHANCE_LEVEL if evaluation.is_chance_level(labels, predicted) else ""}\
accuracy            {summary["test_accuracy"]:.2%} \
(95 % interval {low:.2%} to {high:.2%}); {errors} misclassified
calibration error   {summary["ece"]:.4f}; negative log-likelihood {summary["nll"]:.4f}; \
Brier score {summary["brier"]:.4f}; temperature {summary["temperature"]:.2f}
coverage            {coverage:.1%} of the images can be answered at 99.9 % accuracy
scikit-learn digits {"not external to it" if external is None else f"{external:.2%} of 1,797"}
corrupted digits    geometric {summary["geometric_robustness"]:.2%}, \
photometric {summary["photometric_robustness"]:.2%}

{per_digit}

corruption          accuracy at severities 1 to 5
{curves}"""


def report_page(name: str, report: EvaluationReport) -> str:
    """Returns the report as an HTML page that needs no other file.

    Args:
        name: What the model is called.
        report: As from `evaluation.evaluate_model`.
    """
    plotting.use_style()
    pictures = [(heading, alt, figure_png(figure)) for heading, alt, figure in _figures(report)]
    return render(
        "model_report.html.j2",
        title=f"Test report of {name}",
        text=report_text(name, report),
        figures=[
            (heading, alt, base64.b64encode(png.data).decode(), png.width)
            for heading, alt, png in pictures
        ],
    )


def write_report(path: str | Path, name: str, report: EvaluationReport) -> None:
    """Writes `report_page` to a file, atomically."""
    write_text(path, report_page(name, report))


def _figures(report: EvaluationReport) -> list[tuple[str, str, Figure]]:
    """Returns heading, alternative text and figure of each."""
    labels, probabilities = report.labels, report.probabilities
    predicted = probabilities.argmax(axis=1)
    counts, shares = (
        confusion_matrix(labels, predicted, labels=range(10), normalize=n) for n in (None, "true")
    )
    scaled = evaluation.temperature_scaled(probabilities, report.summary["temperature"])
    curves = {
        "as trained": evaluation.reliability_curve(labels, probabilities),
        "temperature-scaled": evaluation.reliability_curve(labels, scaled),
    }
    coverage = {"model": evaluation.accuracy_coverage_curve(labels, probabilities)}
    shown = evaluation.misclassified(labels, probabilities)[:48]
    captions = [
        f"label {labels[i]}\npredicted {predicted[i]}, {probabilities[i].max():.0%}" for i in shown
    ]
    seen = {
        kind: robustness.severities_seen_in_training(kind, report.parameters)
        for kind in robustness.CORRUPTIONS
    }
    return [
        ("Which digits are confused",
         f"Two tables of true against predicted digit; {np.trace(counts):,} images are on the "
         "diagonal.",
         plotting.plot_confusion(counts, shares, "Predictions for each digit")),
        ("Confidence and accuracy",
         "Accuracy against confidence, before and after temperature scaling.",
         plotting.plot_reliability(curves, "Reliability")),
        ("Leaving digits unanswered",
         "A falling curve: fewer errors, the more of the least confident digits are left out.",
         plotting.plot_accuracy_coverage(coverage, 0.999, "Accuracy and coverage")),
        ("Accuracy as images get worse",
         "Twenty panels of accuracy against severity; the text above has the numbers.",
         plotting.plot_robustness(
             {"model": report.curves}, robustness.CORRUPTIONS,
             robustness.example_corruptions(report.images[0]), seen, "Corrupted digits")),
        ("Misclassified images",
         f"{len(shown)} misclassified images, those of the highest confidence first.",
         plotting.plot_captioned(report.images[shown], captions, "Highest confidence first")),
    ]  # fmt: skip
