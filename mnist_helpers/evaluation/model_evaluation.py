"""The test report of a model: what is measured, and what of it `metrics.json` keeps."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from mnist_helpers.data.datasets import class_names, dataset_title, load_test, load_training
from mnist_helpers.data.exploration import tsne_embedding
from mnist_helpers.evaluation import calibration, error_analysis, robustness
from mnist_helpers.evaluation.inference import Predictor, feature_extractor
from mnist_helpers.evaluation.significance import accuracy_interval
from mnist_helpers.preprocessing.mnist_format import to_mnist
from mnist_helpers.training import model_choice
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.metrics import read_metrics
from mnist_helpers.training.precision import default_dtype_policy, with_dtype_policy


@dataclass(frozen=True)
class EvaluationReport:
    """What one model did on the test images.

    Attributes:
        title: What titles call the data set.
        names: What its ten classes are called.
        images: uint8 array of shape (n, 28, 28), the test images.
        labels: Integer array of shape (n,), the true digits.
        predict: The model.
        probabilities: float32 array of shape (n, 10), as the model gives them.
        temperature: What its weights have been divided by; `None` where that is not recorded.
        curves: By corruption, accuracy at its five severities.
        parameters: Those of the training, which say what corruptions it has seen; `None` where they
            are not recorded.
        summary: See `summarise`.
    """

    title: str
    names: list[str]
    images: np.ndarray
    labels: np.ndarray
    predict: Predictor
    probabilities: np.ndarray
    temperature: float | None
    curves: robustness.Curves
    parameters: dict | None
    summary: dict

    @property
    def corruptions(self) -> dict[str, robustness.CorruptionKind]:
        """All kinds of corruption, on the first test image."""
        return robustness.describe_corruptions(self.images[0], self.parameters)

    @property
    def coverage(self) -> calibration.AccuracyCoverage:
        """See `accuracy_coverage_curve`."""
        return calibration.accuracy_coverage_curve(self.labels, self.probabilities)


Reports = Mapping[str, EvaluationReport]  # by phase


@functools.cache  # bringing them to MNIST's form takes three seconds
def _external_digits() -> tuple[np.ndarray, np.ndarray]:
    """Loads an external test set: scikit-learn's 8 × 8 digits, brought to MNIST's form.

    Returns:
        float32 array of shape (1797, 28, 28) in [0, 1], and integer labels of shape (1797,).
    """
    digits = load_digits()
    return np.stack([to_mnist(image)[..., 0] for image in digits.images]), digits.target


def summarise(
    labels: np.ndarray,
    probabilities: np.ndarray,
    temperature: float,
    curves: robustness.Curves,
    external: tuple[int, int] | None,
) -> dict:
    """Gathers what `metrics.json` keeps of a model's test.

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10), before temperature scaling.
        temperature: As fitted on validation images.
        curves: The model's part of what `robustness.measure_robustness` returns.
        external: How many of scikit-learn's digits are correct, and of how many; `None` for a
            model of another data set than MNIST.

    Returns:
        JSON values by name.
    """
    correct = int(np.sum(probabilities.argmax(axis=1) == labels))
    return {
        "test_accuracy": correct / len(labels),
        "test_accuracy_interval": list(accuracy_interval(correct, len(labels))),
        **calibration.calibration_scores(labels, probabilities)._asdict(),
        "temperature": temperature,
        "geometric_robustness": robustness.group_mean(curves, "geometric"),
        "photometric_robustness": robustness.group_mean(curves, "photometric"),
        "digits8x8_accuracy": external and external[0] / external[1],
        "digits8x8_accuracy_interval": external and list(accuracy_interval(*external)),
    }


def evaluate_model(
    model_file: str | Path, dataset: str = "mnist", robustness_images: int = 2000
) -> EvaluationReport:
    """Tests a model on the test images, corrupted ones and external ones.

    The test images themselves are classified in float32; the hundred corrupted copies of some of
    them, and external digits, in 16 bits where that is twice as fast.

    Args:
        model_file: A `.keras` file with a digit classifier.
        dataset: As for `data.load_dataset`.
        robustness_images: How many test images to corrupt.
    """
    model_file = Path(model_file)
    model = load_model(model_file)
    predict, fast = Predictor(model), Predictor(with_dtype_policy(model, default_dtype_policy()))
    images, labels = load_test(dataset)
    _, (x_val, y_val) = load_training(dataset)
    probabilities = predict(images / np.float32(255))
    temperature = calibration.fit_temperature(y_val, predict(x_val / np.float32(255)))
    chosen = robustness.choose_images(len(images), robustness_images)
    curves = robustness.measure_robustness({"model": fast}, images[chosen], labels[chosen])["model"]
    recorded = model_choice.recorded_phase(model_file)
    external = None
    trained_on = read_metrics(model_file.absolute().parent)["environment"].get("dataset")
    if dataset == "mnist" and not (recorded and trained_on == "digits"):
        digits, truth = _external_digits()
        external = int((fast(digits).argmax(axis=1) == truth).sum()), len(truth)
    return EvaluationReport(
        dataset_title(dataset), class_names(dataset), images, labels, predict, probabilities,
        recorded.get("calibration_temperature"), curves, recorded.get("parameters"),
        summarise(labels, probabilities, temperature, curves, external),
    )  # fmt: skip


def evaluate_models(
    choice: str, dataset: str, folder: str | Path, robustness_images: int
) -> dict[str, EvaluationReport]:
    """Finds models as `training.find_models` does and evaluates each, by phase."""
    return {
        phase: evaluate_model(path, dataset, robustness_images)
        for phase, path in model_choice.find_models(choice, dataset, folder).items()
    }


def compare_calibration(reports: Reports) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Compares confidence and accuracy before and after each model was calibrated.

    Returns:
        What `reliability_curve` gives, by phase and "before" or "calibrated", or by phase and "as
        saved" where no temperature is recorded; and one row of `calibration_scores` for each.
    """
    curves, scores = {}, {}
    for phase, report in reports.items():
        states = {"as saved": report.probabilities}
        if report.temperature:
            before = calibration.temperature_scaled(report.probabilities, 1 / report.temperature)
            states = {"before": before, "calibrated": report.probabilities}
        for state, given in states.items():
            name, pair = f"{phase}, {state}", (report.labels, given)
            curves[name] = calibration.reliability_curve(*pair)
            scores[name] = calibration.calibration_scores(*pair)._asdict()
    return curves, pd.DataFrame.from_dict(scores, "index")


def doubtful_images(reports: Reports, count: int = 8) -> pd.DataFrame:
    """Finds images whose label the models dispute, then ambiguous ones, for the last model.

    Args:
        reports: Of models on the same images.
        count: How many of each kind, at most.

    Returns:
        By the image's index its `doubt`, "disputed label" or "ambiguous", and a `caption`.
    """
    last = list(reports.values())[-1]
    every = [report.probabilities for report in reports.values()]
    issues = error_analysis.label_issues(last.labels, every)
    ambiguous = np.flatnonzero(error_analysis.low_margin(last.probabilities))
    kinds = {"disputed label": issues[:count], "ambiguous": ambiguous[:count]}
    rows = [(index, kind) for kind, indices in kinds.items() for index in indices]
    table = pd.DataFrame(rows, columns=["image", "doubt"]).set_index("image")
    captions = error_analysis.top_k_captions(
        last.labels, last.probabilities, table.index, last.names
    )
    return table.assign(caption=captions)


def embed_features(report: EvaluationReport, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Places some test images in the plane by the features that a network decides by.

    Args:
        report: Of the model.
        seed: Of the t-SNE.

    Returns:
        Indices of about 1,000 images, among them the 300 misclassified ones of most confidence, as
        t-SNE of many takes minutes; and their places, of shape (n, 2).
    """
    wrong = error_analysis.misclassified(report.labels, report.probabilities)
    correct = np.setdiff1d(robustness.choose_images(len(report.labels), 1000), wrong)
    chosen = np.union1d(correct, wrong[:300])
    features = feature_extractor(report.predict.model)(report.images[chosen] / np.float32(255))
    return chosen, tsne_embedding(features, seed)
