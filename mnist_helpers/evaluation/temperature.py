"""Calibrated confidence kept in a saved model's own weights, so that whoever loads it gets it."""

from pathlib import Path

import keras

from mnist_helpers.data.mnist import Split
from mnist_helpers.evaluation.calibration import fit_temperature
from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.training.artifacts import load_model, save_model, save_phase
from mnist_helpers.training.callbacks import ResumableTraining
from mnist_helpers.training.metrics import record_environment, write_model_card
from mnist_helpers.training.model_choice import quality_warning
from mnist_helpers.training.pipeline import to_input


def calibrate_and_save_phase(
    model: keras.Model,
    training: ResumableTraining,
    file_name: str,
    validation: Split,
    parameters: dict,
    precision: str,
) -> tuple[Path, float]:
    """Calibrates a trained phase on validation images and saves it with all that is recorded of it.

    Saved are the model, its history and `metrics.json`, and after the augmented phase the model
    card; the best model so far is calibrated as well. A poor model is warned of.

    Args:
        model: The trained model; it is left as it is.
        training: What it was trained with, through to its end; its state is removed.
        file_name: Name of the model file.
        validation: uint8 images (n, 28, 28) and labels.
        parameters: Those of the notebook, to record; with "DATASET".
        precision: What the layers computed in, to record.

    Returns:
        The model's path; and the temperature, above 1 where the network was overconfident.

    Raises:
        RuntimeError: The training has not run to its end.
    """
    history = training.history  # first, for it says when the training has not run to its end
    images, labels = to_input(validation[0]), validation[1]
    probabilities = model.predict(images, batch_size=500, verbose=0)
    temperature = fit_temperature(labels, probabilities)
    phase = "clean_phase" if training.phase == "clean_phase" else "hybrid"
    saved = save_phase(
        model, training.folder, phase, file_name, history, temperature,
        precision=precision, parameters=parameters,
    )  # fmt: skip
    best = load_model(training.best_file)
    save_model(best, training.best_file, fit_temperature(labels, Predictor(best)(images)))
    record_environment(training.folder, parameters["DATASET"])
    if phase == "hybrid":
        write_model_card(training.folder, file_name)
    training.finish()
    print(quality_warning(history[-1]["val_accuracy"]), end="")
    return saved, temperature
