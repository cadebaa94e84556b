"""The test report of one model: what is measured, and what of it `metrics.json` keeps."""

from dataclasses import dataclass

import keras
import numpy as np
from sklearn.datasets import load_digits

from mnist_helpers.data.datasets import load_test, load_training
from mnist_helpers.evaluation import robustness
from mnist_helpers.evaluation.calibration import calibration_scores, fit_temperature
from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.evaluation.significance import accuracy_interval
from mnist_helpers.preprocessing.mnist_format import to_mnist
from mnist_helpers.training.precision import default_dtype_policy, with_dtype_policy


@dataclass(frozen=True)
class EvaluationReport:
    """What one model did on the test images.

    Attributes:
        dataset: As for `data.load_dataset`.
        images: uint8 array of shape (n, 28, 28), the test images.
        labels: Integer array of shape (n,), the true digits.
        probabilities: float32 array of shape (n, 10), before temperature scaling.
        curves: By corruption, accuracy at its five severities.
        parameters: Those of the training, which say what corruptions it has seen; may be empty.
        summary: See `summarise`.
    """

    dataset: str
    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    curves: robustness.Curves
    parameters: dict
    summary: dict


def load_external_digits() -> tuple[np.ndarray, np.ndarray]:
    """Loads an external test set: scikit-learn's 8 × 8 digits, brought to MNIST's form.

    Returns:
        float32 array of shape (1797, 28, 28) in [0, 1], and integer labels of shape (1797,).
    """
    digits = load_digits()
    return np.stack([to_mnist(image)[..., 0] for image in digits.images]), digits.target


def fast_predictor(model: keras.Model) -> Predictor:
    """Returns a predictor that computes in this machine's fastest dtypes, for many images.

    The test images themselves are classified in float32; the hundred corrupted copies of some of
    them, and external digits, in 16 bits where that is twice as fast.
    """
    return Predictor(with_dtype_policy(model, default_dtype_policy()))


def summarise(
    labels: np.ndarray,
    probabilities: np.ndarray,
    temperature: float,
    curves: robustness.Curves,
    external_accuracy: float | None,
) -> dict:
    """Gathers what `metrics.json` keeps of a model's test.

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10), before temperature scaling.
        temperature: As fitted on validation images.
        curves: The model's part of what `robustness.measure_robustness` returns.
        external_accuracy: On scikit-learn's digits; `None` for a model trained on them.

    Returns:
        JSON values by name.
    """
    correct = int(np.sum(probabilities.argmax(axis=1) == labels))
    return {
        "test_accuracy": correct / len(labels),
        "test_accuracy_interval": list(accuracy_interval(correct, len(labels))),
        **calibration_scores(labels, probabilities)._asdict(),
        "temperature": temperature,
        "geometric_robustness": robustness.group_mean(curves, "geometric"),
        "photometric_robustness": robustness.group_mean(curves, "photometric"),
        "digits8x8_accuracy": external_accuracy,
    }


def evaluate_model(
    model: keras.Model,
    dataset: str = "mnist",
    *,
    robustness_images: int = 2000,
    parameters: dict | None = None,
) -> EvaluationReport:
    """Tests a model on the test images, corrupted ones and external ones, as notebook 04 does.

    Args:
        model: A digit classifier.
        dataset: As for `data.load_dataset`.
        robustness_images: How many test images to corrupt.
        parameters: Those of the training; see `EvaluationReport`.
    """
    predict, fast = Predictor(model), fast_predictor(model)
    images, labels = load_test(dataset)
    _, (x_val, y_val) = load_training(dataset)
    probabilities = predict(images / np.float32(255))
    temperature = fit_temperature(y_val, predict(x_val / np.float32(255)))
    chosen = robustness.choose_images(len(images), robustness_images)
    curves = robustness.measure_robustness({"model": fast}, images[chosen], labels[chosen])["model"]
    external_accuracy = None
    if dataset == "mnist":
        digits, truth = load_external_digits()
        external_accuracy = float((fast(digits).argmax(axis=1) == truth).mean())
    summary = summarise(labels, probabilities, temperature, curves, external_accuracy)
    return EvaluationReport(
        dataset, images, labels, probabilities, curves, parameters or {}, summary
    )
