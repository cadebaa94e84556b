"""Calibrated confidence kept in a saved model's own weights, so that whoever loads it gets it."""

from pathlib import Path

import numpy as np

from mnist_helpers.evaluation.calibration import fit_temperature
from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.training.artifacts import load_model, save_model


def calibrate_file(path: str | Path, images: np.ndarray, labels: np.ndarray) -> float:
    """Fits a temperature for a saved model and puts it into the file's last layer.

    Doing it again changes next to nothing.

    Args:
        path: A `.keras` file.
        images: float32 array of shape (n, 28, 28) or (n, 28, 28, 1) in [0, 1]: validation images.
        labels: Integer array of shape (n,).

    Returns:
        The temperature; above 1 where the network was overconfident.
    """
    model = load_model(path)
    temperature = fit_temperature(labels, Predictor(model)(images))
    save_model(model, path, temperature)
    return temperature
