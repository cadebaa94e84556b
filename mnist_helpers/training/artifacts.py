"""Models and histories on disk: how the notebooks hand work to each other."""

import json
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import keras

from mnist_helpers.files import atomic_write, read_json, write_json
from mnist_helpers.paths import TRAINED_DIR, input_dir, output_dir
from mnist_helpers.training.metrics import read_metrics, write_metrics
from mnist_helpers.training.model_choice import find_models, recorded_phase
from mnist_helpers.training.precision import default_dtype_policy, with_dtype_policy
from mnist_helpers.training.safe_loading import open_model
from mnist_helpers.validation import CLASSES

CLEAN_MODEL = "clean_phase.keras"
# Settings that older versions of Keras refuse, with the values that stand for their behaviour:
# of initialisers since 3.15, of batch normalisation since 3.14, of dense layers since 3.13.
NEW_SETTINGS = {
    "input_axes": None,
    "output_axes": None,
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
    "quantization_config": None,
}


def save_model(model: keras.Model, path: str | Path, temperature: float = 1) -> None:
    """Saves a float32 copy of Keras's own layers without optimiser state, atomically.

    float32 runs at full speed everywhere; 16-bit types do not. The file opens in Keras 3.8 and
    newer, as long as the model consists of layers that are as old.

    Args:
        model: The model; it is left as it is.
        path: Where to.
        temperature: Goes into the copy's last layer, so that whoever loads it gets calibrated
            probabilities.
    """
    copy = with_dtype_policy(model, "float32", fused=False)
    scale_logits(copy, 1 / temperature)
    with atomic_write(path) as temporary:
        copy.save(temporary)
        make_compatible(temporary)


def scale_logits(model: keras.Model, factor: float) -> None:
    """Multiplies what the last layer gives before its softmax; no prediction changes.

    A softmax of (w x + b) / T is one of (w / T) x + b / T (Guo et al., 2017).

    Args:
        model: A classifier that ends in a dense softmax layer; it is changed.
        factor: Above 0.
    """
    last = model.layers[-1]
    last.set_weights([weights * factor for weights in last.get_weights()])


def make_compatible(path: Path) -> None:
    """Takes `NEW_SETTINGS` out of a `.keras` file, where they hold their neutral values."""

    def without_new_settings(entry: dict) -> dict:
        return dict(item for item in entry.items() if item not in NEW_SETTINGS.items())

    with zipfile.ZipFile(path) as archive:
        members = {info: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for info, content in members.items():
            if info.filename == "config.json":
                config = json.loads(content, object_hook=without_new_settings)
                content = json.dumps(config).encode()
            archive.writestr(info, content)


def load_model(
    path: str | Path, dtype_policy: str = "float32", outputs: int = CLASSES
) -> keras.Model:
    """Loads a digit classifier, which may come from anybody: see `safe_loading.open_model`.

    Args:
        path: A `.keras` file.
        dtype_policy: What the layers compute in, as from `training.default_dtype_policy`.
        outputs: As for `open_model`.

    Returns:
        An uncompiled model: float32 (n, 28, 28, 1) in [0, 1] to probabilities (n, outputs).

    Raises:
        FileNotFoundError: There is no such file.
        ModelFileError: The file is damaged or hostile, or holds another kind of network.
    """
    return with_dtype_policy(open_model(path, outputs), dtype_policy)


def load_models(
    choice: str, dataset: str, folder: str | Path = TRAINED_DIR
) -> dict[str, keras.Model]:
    """Finds models as `find_models` does and loads each, by phase."""
    return {name: load_model(path) for name, path in find_models(choice, dataset, folder).items()}


def save_phase(
    model: keras.Model,
    folder: str | Path,
    phase: str,
    file_name: str,
    history: list[dict],
    temperature: float = 1,
    **facts: Any,
) -> Path:
    """Saves a trained phase: model, history, and its entry in `metrics.json`.

    Args:
        model: The trained model; it is left as it is.
        folder: The notebook's OUTPUT_DIR.
        phase: "clean_phase" or "hybrid".
        file_name: Name of the model file.
        history: One dict per epoch, as `ResumableTraining.history`.
        temperature: Calibrates what is saved, as `evaluation.fit_temperature` found it.
        **facts: Further values to record (JSON values), such as `parameters`.

    Returns:
        The model's path.
    """
    folder = output_dir(folder)
    save_model(model, folder / file_name, temperature)
    write_json(folder / f"{phase}_history.json", history)
    metrics = read_metrics(folder)
    if phase == "clean_phase":
        # A hybrid of an earlier clean phase must not pass for one of this.
        metrics["phases"].pop("hybrid", None)
    # Nothing is kept of the entry before: its test figures do not hold for this model.
    metrics["phases"][phase] = {
        "model": file_name,
        "epochs": len(history),
        "training_seconds": round(sum(epoch["seconds"] for epoch in history), 1),
        # Of all cores together; what else the machine does hardly changes it.
        "training_cpu_seconds": round(sum(epoch["cpu_seconds"] for epoch in history), 1),
        "validation_accuracy": history[-1]["val_accuracy"],
        "best_validation_accuracy": max(epoch["val_accuracy"] for epoch in history),
        "calibration_temperature": temperature,
        **facts,
    }
    write_metrics(folder, metrics)
    return folder / file_name


class CleanPhase(NamedTuple):
    """What the clean phase hands on.

    Attributes:
        network: As it was trained, before its calibration, for this machine's fastest dtypes.
        history: Its epochs, as `ResumableTraining.history`.
        best_file: The model that was best on validation.
        precision: What the network computes in.
    """

    network: keras.Model
    history: list[dict]
    best_file: Path
    precision: str


def load_clean_phase(folder: str | Path) -> CleanPhase:
    """Loads what notebook 02 left in a folder, to train on from there.

    Raises:
        FileNotFoundError: It is not all there; names the notebook to run first.
    """
    names = CLEAN_MODEL, "clean_phase_history.json", "best_clean_phase.keras"
    model, history, best = (input_dir(folder) / name for name in names)
    for path in (model, history, best):
        if not path.exists():
            raise FileNotFoundError(
                f"{path.name} is not in {path.parent}: run 02_clean_phase.ipynb first, with the "
                "same OUTPUT_DIR."
            )
    precision = default_dtype_policy()
    network = load_model(model, precision)
    scale_logits(network, recorded_phase(model).get("calibration_temperature", 1.0))
    return CleanPhase(network, read_json(history), best, precision)
