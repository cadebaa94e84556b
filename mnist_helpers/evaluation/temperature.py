"""Calibrated confidence kept in a model's own weights, so that whoever loads it gets it."""

from pathlib import Path

import keras
import numpy as np

from mnist_helpers.evaluation.calibration import fit_temperature
from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.training.artifacts import load_model, save_model


def calibrate(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> float:
    """Fits a temperature and divides the last layer's weights by it; no prediction changes.

    A softmax of (w x + b) / T is one of (w / T) x + b / T (Guo et al., 2017).

    Args:
        model: A classifier that ends in a dense softmax layer; it is changed.
        images: float32 array of shape (n, 28, 28) or (n, 28, 28, 1) in [0, 1]: validation images.
        labels: Integer array of shape (n,).

    Returns:
        The temperature; above 1 where the network was overconfident.
    """
    temperature = fit_temperature(labels, Predictor(model)(images))
    scale_logits(model, 1 / temperature)
    return temperature


def scale_logits(model: keras.Model, factor: float) -> None:
    """Multiplies what the last layer gives before its softmax; undoes `calibrate` by its result.

    Args:
        model: A classifier that ends in a dense softmax layer; it is changed.
        factor: Above 0.
    """
    last = model.layers[-1]
    last.set_weights([weights * factor for weights in last.get_weights()])


def calibrate_file(path: str | Path, images: np.ndarray, labels: np.ndarray) -> float:
    """Calibrates a saved model, as `calibrate` does, and returns the temperature."""
    model = load_model(path)
    temperature = calibrate(model, images, labels)
    save_model(model, path)
    return temperature
