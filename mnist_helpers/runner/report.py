"""One model's test report: the numbers, the same as text, and as a page with figures."""

import html
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix

from mnist_helpers import evaluation
from mnist_helpers.data.datasets import dataset_title, load_test, load_training
from mnist_helpers.evaluation import robustness
from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.files import write_text
from mnist_helpers.plotting import calibration, style
from mnist_helpers.plotting import evaluation as figures
from mnist_helpers.plotting.robustness import plot_robustness
from mnist_helpers.preprocessing.mnist_format import to_mnist
from mnist_helpers.training.metrics import read_metrics


def markdown_table(header: list, rows: list) -> str:
    """Returns a Markdown table.

    Args:
        header: The titles of the columns.
        rows: Lists of as many cells.
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def external_digits() -> tuple[np.ndarray, np.ndarray]:
    """Loads scikit-learn's digits of 8 × 8 pixels and brings them to MNIST's form.

    Returns:
        float32 array of shape (1797, 28, 28) in [0, 1], and integer labels of shape (1797,).
    """
    digits = load_digits()
    return np.stack([to_mnist(image)[..., 0] for image in digits.images]), digits.target


def summarise(
    labels: np.ndarray,
    probabilities: np.ndarray,
    temperature: float,
    curves: dict,
    foreign: float | None,
) -> dict:
    """Gathers what `metrics.json` keeps of a model's test.

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10), before temperature scaling.
        temperature: As fitted on validation images.
        curves: The model's part of what `robustness.sweep` returns.
        foreign: Accuracy on scikit-learn's digits; `None` where they are nothing foreign.

    Returns:
        JSON values by name.
    """
    right = int(np.sum(probabilities.argmax(axis=1) == labels))
    return {
        "test_accuracy": right / len(labels),
        "test_accuracy_interval": list(evaluation.accuracy_interval(right, len(labels))),
        **evaluation.calibration_scores(labels, probabilities),
        "temperature": temperature,
        "geometric_robustness": robustness.group_mean(curves, "geometric"),
        "photometric_robustness": robustness.group_mean(curves, "photometric"),
        "digits8x8_accuracy": foreign,
    }


def training_parameters(model_file: Path) -> dict:
    """Returns the parameters that `metrics.json` beside a model says it was trained with.

    Args:
        model_file: The model's path; for one without a record there, the result is empty.
    """
    for phase in read_metrics(model_file.absolute().parent)["phases"].values():
        if phase.get("model") == model_file.name:
            return phase.get("parameters", {})
    return {}


def reliability_rows(labels: np.ndarray, probabilities: np.ndarray) -> list[tuple]:
    """Returns what `plot_reliability` draws: one tuple for each group that has an answer."""
    groups = zip(*evaluation.reliability(labels, probabilities), strict=True)
    return [
        (sure, right / images, *evaluation.accuracy_interval(right, images), images)
        for images, right, sure in groups
        if images
    ]


def measure(
    model: keras.Model,
    dataset: str = "mnist",
    robustness_images: int = 2000,
    parameters: dict | None = None,
) -> dict:
    """Lets a model read the test images, damaged ones and foreign ones.

    Args:
        model: A digit classifier.
        dataset: As for `data.load_dataset`.
        robustness_images: How many test images to damage.
        parameters: Those of the training, which say what damage it met.

    Returns:
        `labels`, `images` and `probabilities` of the test, `curves` as from `robustness.sweep`,
        and `summary`, see `summarise`; `dataset` and `parameters` as given.
    """
    read = Predictor(model)
    images, labels = load_test(dataset)
    _, (x_val, y_val) = load_training(dataset)
    probabilities = read(images / np.float32(255))
    temperature = evaluation.fit_temperature(y_val, read(x_val / np.float32(255)))
    some = robustness.choose_images(len(images), robustness_images)
    curves = robustness.sweep({"model": read}, images[some], labels[some])["model"]
    foreign = None
    if dataset == "mnist":
        digits, truth = external_digits()
        foreign = float((read(digits).argmax(axis=1) == truth).mean())
    summary = summarise(labels, probabilities, temperature, curves, foreign)
    return {
        "dataset": dataset,
        "images": images,
        "labels": labels,
        "probabilities": probabilities,
        "curves": curves,
        "parameters": parameters or {},
        "summary": summary,
    }


def text(name: str, measured: dict) -> str:
    """Returns the report as plain text.

    Args:
        name: What the model is called.
        measured: As from `measure`.
    """
    summary, labels = measured["summary"], measured["labels"]
    probabilities = measured["probabilities"]
    low, high = summary["test_accuracy_interval"]
    wrong = evaluation.mistakes(labels, probabilities)
    shares = evaluation.coverage_at_accuracy(labels, probabilities)
    report = evaluation.per_class_metrics(labels, probabilities.argmax(axis=1))
    digits = zip(report["images"], report["precision"], report["recall"], strict=True)
    foreign = summary["digits8x8_accuracy"]
    return "\n".join([
        f"{name}: {len(labels):,} test images of {dataset_title(measured['dataset'])}",
        "",
        f"accuracy            {summary['test_accuracy']:.2%} "
        f"(95 % interval {low:.2%} to {high:.2%}); {len(wrong)} mistakes",
        f"calibration error   {summary['ece']:.4f}; negative log-likelihood {summary['nll']:.4f}; "
        f"Brier score {summary['brier']:.4f}; temperature {summary['temperature']:.2f}",
        f"at 99.9 % accuracy  it answers {shares:.1%} of the images",
        "scikit-learn digits " + (f"{foreign:.2%} of 1,797" if foreign else "not foreign to it"),
        f"damaged digits      geometric {summary['geometric_robustness']:.2%}, "
        f"photometric {summary['photometric_robustness']:.2%}",
        "",
        "digit  images  precision   recall",
        *(f"{digit:5}  {n:6,}  {precision:9.2%}  {recall:7.2%}"
          for digit, (n, precision, recall) in enumerate(digits)),
        "",
        "damage              accuracy at five levels, from mild to severe",
        *(f"{kind:<18}" + "".join(f"{value:8.1%}" for value in values)
          for kind, values in measured["curves"].items()),
    ])  # fmt: skip


def page(name: str, measured: dict) -> str:
    """Returns the report as an HTML page that needs no other file.

    Args:
        name: What the model is called.
        measured: As from `measure`.
    """
    style.use_style()
    parts = [f"<pre>{html.escape(text(name, measured))}</pre>"]
    for heading, figure in _figures(measured):
        parts += [f"<h2>{heading}</h2>", style.picture_html(figure, heading)]
    title = html.escape(f"Test report of {name}")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width">\n'
        "<style>body {max-width: 60em; margin: 2em auto; padding: 0 1em; font-family: sans-serif} "
        "pre {overflow-x: auto}</style></head>\n"
        f"<body><h1>{title}</h1>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def write_page(path: str | Path, name: str, measured: dict) -> None:
    """Writes `page` to a file, atomically."""
    write_text(path, page(name, measured))


def robustness_figure(images: np.ndarray, curves: dict, parameters: dict, title: str) -> Figure:
    """Draws `plot_robustness` with the first image as the example.

    Args:
        images: uint8 array of shape (n, 28, 28).
        curves: As from `robustness.sweep`.
        parameters: Those of the last training, which say what it met; may be empty.
        title: Figure title.
    """
    kinds = robustness.CORRUPTIONS
    return plot_robustness(
        curves,
        {kind: (damage.unit, damage.levels) for kind, damage in kinds.items()},
        {
            kind: np.concatenate(
                [robustness.damaged(images[:1], kind, level) for level in damage.levels]
            )
            for kind, damage in kinds.items()
        },
        {kind: robustness.severities_seen_in_training(kind, parameters) for kind in kinds},
        title,
    )


def _figures(measured: dict) -> list[tuple[str, Figure]]:
    labels, probabilities = measured["labels"], measured["probabilities"]
    predicted, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    counts, shares = (
        confusion_matrix(labels, predicted, labels=range(10), normalize=n) for n in (None, "true")
    )
    scaled = evaluation.temperature_scaled(probabilities, measured["summary"]["temperature"])
    groups = {
        "as it is": reliability_rows(labels, probabilities),
        "at its temperature": reliability_rows(labels, scaled),
    }
    declining = {"model": evaluation.accuracy_coverage_curve(labels, probabilities)}
    wrong = evaluation.mistakes(labels, probabilities)[:48]
    captions = [f"{labels[i]} read as {predicted[i]}\n{sure[i]:.1%} sure" for i in wrong]
    return [
        ("Which digits are mixed up", figures.plot_confusion(
            counts, shares, "Answers to each digit")),
        ("Confidence and accuracy", calibration.plot_reliability(groups, "Reliability")),
        ("Leaving digits unanswered", calibration.plot_accuracy_coverage(declining, 0.999, "Declining")),
        ("Accuracy as pictures get worse", robustness_figure(
            measured["images"], {"model": measured["curves"]}, measured["parameters"],
            "Damaged digits")),
        ("Mistakes, surest first", figures.plot_captioned(
            measured["images"][wrong], captions, "Mistakes")),
    ]  # fmt: skip
