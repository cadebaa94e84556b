"""Models, histories, metrics and model cards on disk: how the notebooks hand work to each other."""

import datetime
import json
import os
import platform
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mnist_helpers.data.datasets import dataset_fingerprint, dataset_title
from mnist_helpers.files import atomic_write, read_json, write_json, write_text
from mnist_helpers.paths import SHIPPED_DIR, TRAINED_DIR, output_dir
from mnist_helpers.training.precision import with_dtype_policy
from mnist_helpers.training.safe_loading import open_model

CLEAN_MODEL = "clean_phase.keras"


def save_model(model: keras.Model, path: str | Path) -> None:
    """Saves a float32 copy of Keras's own layers without optimiser state, atomically.

    float32 runs at full speed everywhere; 16-bit types do not.
    """
    with atomic_write(path) as temporary:
        with_dtype_policy(model, "float32", fused=False).save(temporary)


def load_model(path: str | Path, dtype_policy: str = "float32") -> keras.Model:
    """Loads a digit classifier, which may come from anybody: see `safe_loading.open_model`.

    Args:
        path: A `.keras` file.
        dtype_policy: What the layers compute in, as from `training.default_dtype_policy`.

    Returns:
        An uncompiled model: float32 (n, 28, 28, 1) in [0, 1] to probabilities (n, 10).

    Raises:
        FileNotFoundError: There is no such file.
        ModelFileError: The file is damaged or hostile, or holds another kind of network.
    """
    return with_dtype_policy(open_model(path), dtype_policy)


def save_phase(
    model: keras.Model,
    folder: str | Path,
    phase: str,
    file_name: str,
    history: list[dict],
    **facts: Any,
) -> Path:
    """Saves a trained phase: model, history, and its section of `metrics.json`.

    Args:
        model: The trained model.
        folder: The notebook's OUTPUT_DIR.
        phase: Section name, "clean_phase" or "hybrid".
        file_name: Name of the model file.
        history: One dict per epoch, as `ResumableTraining.history`.
        **facts: Further entries for the section (JSON values), such as `parameters`.

    Returns:
        The model's path.
    """
    folder = output_dir(folder)
    save_model(model, folder / file_name)
    write_json(folder / f"{phase}_history.json", history)
    metrics = read_json(folder / "metrics.json", {})
    if phase == "clean_phase":
        # A hybrid of an earlier clean phase must not pass for one of this.
        metrics.pop("hybrid", None)
    # The section is begun anew: test figures of an earlier training do not hold for this one.
    metrics[phase] = {
        "model": file_name,
        "epochs": len(history),
        "training_seconds": round(sum(epoch["seconds"] for epoch in history), 1),
        # Of all cores together; what else the machine does hardly changes it.
        "training_cpu_seconds": round(sum(epoch["cpu_seconds"] for epoch in history), 1),
        "validation_accuracy": history[-1]["val_accuracy"],
        "best_validation_accuracy": max(epoch["val_accuracy"] for epoch in history),
        **facts,
    }
    write_json(folder / "metrics.json", metrics)
    return folder / file_name


def update_metrics(folder: str | Path, section: str, **values: Any) -> dict:
    """Merges `values` into a section of `metrics.json` and returns the whole content."""
    path = output_dir(folder) / "metrics.json"
    metrics = read_json(path, {})
    metrics[section] = {**metrics.get(section, {}), **values}
    write_json(path, metrics)
    return metrics


def record_environment(folder: str | Path, dataset: str) -> dict:
    """Writes into `metrics.json` which data, versions and machine the numbers come from.

    Returns:
        Those facts as a dict.
    """
    facts = {
        "dataset": dataset,
        "dataset_title": dataset_title(dataset),
        "dataset_checksum": dataset_fingerprint(dataset),
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "processor": processor(),
    }
    path = output_dir(folder) / "metrics.json"
    write_json(path, {**read_json(path, {}), **facts})
    return facts


def load_history(folder: str | Path, phase: str) -> list[dict]:
    """Returns a phase's epochs as saved by `save_phase`."""
    return read_json(require(folder, f"{phase}_history.json", "02_clean_phase.ipynb"))


def require(folder: str | Path, file_name: str, notebook: str) -> Path:
    """Returns a file that another notebook made.

    Raises:
        FileNotFoundError: It is not there; names the notebook to run first.
    """
    path = output_dir(folder) / file_name
    if not path.exists():
        raise FileNotFoundError(
            f"{file_name} is not in {path.parent}: run {notebook} first, with the same OUTPUT_DIR."
        )
    return path


def find_phases(folder: str | Path, dataset: str) -> dict[str, Path]:
    """Finds the models to compare: the user's own training, else the one that comes along.

    Args:
        folder: OUTPUT_DIR of the notebooks.
        dataset: The data set that the models must have been trained on.

    Returns:
        The paths under "clean phase" and "hybrid", the second only if there is a hybrid of this
        clean phase.

    Raises:
        FileNotFoundError: There is no clean phase; names the notebook to run first.
    """
    folder = output_dir(folder)
    shipped = dataset == "mnist" and not any(folder.glob("*.keras"))
    if shipped:
        folder = SHIPPED_DIR
    metrics = read_json(folder / "metrics.json", {})
    trained_on = metrics.get("dataset", dataset)
    if trained_on != dataset:
        raise FileNotFoundError(
            f"The models in {folder} were trained on {dataset_title(trained_on)}, not on "
            f"{dataset_title(dataset)}: run 02_clean_phase.ipynb first, or set DATASET."
        )
    clean = require(folder, CLEAN_MODEL, "02_clean_phase.ipynb")
    whose = "the model that comes with the project" if shipped else "your own training"
    if "hybrid" not in metrics:
        print(f"Evaluating {whose}: {clean.name} alone, as 03_augmented_phase.ipynb has not run.")
        return {"clean phase": clean}
    hybrid = require(folder, metrics["hybrid"]["model"], "03_augmented_phase.ipynb")
    print(f"Evaluating {whose}: {clean.name} and {hybrid.name}.")
    return {"clean phase": clean, "hybrid": hybrid}


def find_model(given: str | Path | None = None) -> Path:
    """Returns the file of the model that is meant.

    Args:
        given: A `.keras` file or a folder with `metrics.json`; `None` for your own last training,
            else the model shipped with the project.

    Raises:
        FileNotFoundError: The folder holds no model.
    """
    if given and not Path(given).is_dir():
        return Path(given)
    folders = [Path(given)] if given else [TRAINED_DIR, SHIPPED_DIR]
    for folder in folders:
        metrics = read_json(folder / "metrics.json", {})
        for phase in ("hybrid", "clean_phase"):
            if phase in metrics and (folder / metrics[phase]["model"]).exists():
                return folder / metrics[phase]["model"]
    raise FileNotFoundError(
        f"There is no model in {folders[-1]}: give a .keras file, or a folder with one."
    )


def training_parameters(model_file: Path) -> dict:
    """Returns the parameters of a model's training, from the `metrics.json` beside it, else {}."""
    metrics = read_json(model_file.parent / "metrics.json", {})
    for phase in ("hybrid", "clean_phase"):
        if metrics.get(phase, {}).get("model") == model_file.name:
            return metrics[phase].get("parameters", {})
    return {}


def write_model_card(folder: str | Path, model_file: str) -> Path:
    """Writes `model_card.md` from what `metrics.json` records; nothing in it is typed by hand."""
    folder = output_dir(folder)
    metrics = read_json(folder / "metrics.json", {})
    sections = {name: metrics.pop(name) for name in ("clean_phase", "hybrid") if name in metrics}
    lines = [
        f"# {model_file}",
        "",
        f"A convolutional network that reads handwritten digits, trained on "
        f"{metrics['dataset_title']} by the two-phase hybrid strategy: clean images first, then "
        "half clean and half augmented ones.",
        "",
        "Input: float32 (n, 28, 28, 1) in [0, 1], light digit on dark. Output: ten probabilities. "
        "Meant for teaching; digits that are not brought to MNIST's form are read badly.",
        "",
        *_table(metrics),
    ]
    for name, section in sections.items():
        lines += ["", f"## {name.replace('_', ' ').capitalize()}", "", *_table(section)]
    write_text(folder / "model_card.md", "\n".join(lines) + "\n")
    return folder / "model_card.md"


def _table(values: dict) -> list[str]:
    rows = [f"| {name} | {_cell(value)} |" for name, value in values.items()]
    return ["| fact | value |", "|---|---|", *rows]


def _cell(value: object) -> str:
    return value if isinstance(value, str) else f"`{json.dumps(value)}`"


def processor() -> str:
    """Returns the processor's name as it states it, and the number of cores."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = {line.split(":")[1].strip() for line in lines if line.startswith("model name")}
    name = " / ".join(sorted(names)) or platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"
