"""The test report of one model as text, and as a page with notebook 04's figures."""

import base64
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

from mnist_helpers import evaluation, plotting
from mnist_helpers.evaluation.model_evaluation import EvaluationReport
from mnist_helpers.files import write_text
from mnist_helpers.plotting.style import figure_png
from mnist_helpers.runner.page.render import render


def report_text(name: str, report: EvaluationReport) -> str:
    """Returns the report as plain text.

    Args:
        name: What the model is called.
        report: As from `evaluation.evaluate_model`.
    """
    labels, probabilities = report.labels, report.probabilities
    predicted = probabilities.argmax(axis=1)
    percent = "{:.2%}".format
    per_digit = evaluation.per_class_metrics(labels, predicted).to_string(
        index_names=False,
        formatters={"images": "{:,}".format, "precision": percent, "recall": percent},
        na_rep="–",
    )
    return render(
        "model_report.txt.j2",
        name=name,
        title=report.title,
        images=len(labels),
        errors=int((predicted != labels).sum()),
        is_chance_level=evaluation.is_chance_level(labels, predicted),
        coverage=evaluation.coverage_at_accuracy(labels, probabilities),
        per_digit=per_digit,
        curves=report.curves,
        **report.summary,
    )


def write_report(path: str | Path, name: str, report: EvaluationReport) -> None:
    """Writes the report as an HTML page that needs no other file.

    Args:
        path: The page.
        name: What the model is called.
        report: As from `evaluation.evaluate_model`.
    """
    plotting.use_style()
    figures = []
    for heading, alt, figure in _figures(report):
        png = figure_png(figure)
        figures.append((heading, alt, base64.b64encode(png.data).decode(), png.width))
    title, text = f"Test report of {name}", report_text(name, report)
    write_text(path, render("model_report.html.j2", title=title, text=text, figures=figures))


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
    coverage = {"model": report.coverage}
    shown = evaluation.misclassified(labels, probabilities)[:48]
    captions = [
        f"label {labels[i]}\npredicted {predicted[i]}, {probabilities[i].max():.0%}" for i in shown
    ]
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
             {"model": report.curves}, report.corruptions, "Corrupted digits")),
        ("Misclassified images",
         f"{len(shown)} misclassified images, those of the highest confidence first.",
         plotting.plot_captioned(report.images[shown], captions, "Highest confidence first")),
    ]  # fmt: skip
