"""`metrics.json`: what a folder's models were trained with and what they reach."""

import datetime
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mnist_helpers.data.datasets import dataset_fingerprint, dataset_title
from mnist_helpers.files import read_json, write_json, write_text
from mnist_helpers.paths import input_dir, output_dir
from mnist_helpers.validation import plain_text

FILE_NAME = "metrics.json"


def read_metrics(folder: str | Path) -> dict[str, Any]:
    """Reads a folder's `metrics.json`; neither the folder nor the file need exist.

    Args:
        folder: A notebook's OUTPUT_DIR; a relative one counts from the project.

    Returns:
        "environment": data, versions and machine, as from `record_environment`; "phases": for each
        phase what `save_phase` and `update_metrics` have recorded. Either may be empty.

    Raises:
        ValueError: The file is damaged.
    """
    path = input_dir(folder) / FILE_NAME
    content = read_json(path, {})
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object; remove it and train again.")
    if "phases" not in content and "environment" not in content:
        content = _from_flat_form(content)
    return {"environment": {}, "phases": {}} | content


def _from_flat_form(content: dict) -> dict:
    """Takes phases and facts apart, which earlier versions kept side by side."""
    code = {"code": content["code"]} if "code" in content else {}
    rest = {name: value for name, value in content.items() if name != "code"}
    return {
        "environment": {n: value for n, value in rest.items() if not isinstance(value, dict)},
        "phases": {n: value for n, value in rest.items() if isinstance(value, dict)},
    } | code


def write_metrics(folder: str | Path, metrics: dict) -> None:
    """Writes a folder's `metrics.json` in the form that `read_metrics` returns."""
    write_json(output_dir(folder) / FILE_NAME, metrics)


def update_metrics(folder: str | Path, phase: str, **values: Any) -> None:
    """Merges `values` into what is recorded of a phase.

    Nothing is written where no model of the phase is recorded: the values are of a model elsewhere.
    """
    metrics = read_metrics(folder)
    if phase in metrics["phases"]:
        metrics["phases"][phase] |= values
        write_metrics(folder, metrics)


def record_environment(folder: str | Path, dataset: str) -> None:
    """Writes into `metrics.json` which data, versions and machine the numbers come from."""
    environment = {
        "dataset": dataset,
        "dataset_title": dataset_title(dataset),
        "dataset_checksum": dataset_fingerprint(dataset),
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        **{package: version(package) for package in ("tensorflow", "keras", "numpy")},
        "processor": processor(),
    }
    write_metrics(folder, read_metrics(folder) | {"environment": environment})


def write_model_card(folder: str | Path, model_file: str) -> Path:
    """Writes `model_card.md` from what `metrics.json` records; nothing in it is typed by hand."""
    metrics = read_metrics(folder)
    first, second = (
        metrics["phases"].get(phase, {}).get("parameters", {}).get("AUGMENTED_SHARE", usual)
        for phase, usual in (("clean_phase", 0), ("hybrid", 0.5))
    )
    lines = [
        f"# {plain_text(model_file)}",
        "",
        "A convolutional network that reads handwritten digits, trained on "
        f"{plain_text(metrics['environment']['dataset_title'])} in two phases, with "
        f"{first:.0%} of the images augmented in the first and {second:.0%} in the second.",
        "",
        "Input: float32 (n, 28, 28, 1) in [0, 1], light digit on dark. Output: ten probabilities. "
        "Meant for teaching; digits that are not brought to MNIST's form are read badly. "
        "The file opens in Keras 3.8 and newer.",
        "",
        *_table(metrics["environment"]),
    ]
    for name, phase in metrics["phases"].items():
        lines += ["", f"## {plain_text(name).replace('_', ' ').capitalize()}", "", *_table(phase)]
    path = output_dir(folder) / "model_card.md"
    write_text(path, "\n".join(lines) + "\n")
    return path


def _table(values: dict) -> list[str]:
    rows = [f"| {plain_text(name)} | {_cell(value)} |" for name, value in values.items()]
    return ["| fact | value |", "|---|---|", *rows]


def _cell(value: object) -> str:
    if isinstance(value, str):
        return plain_text(value)
    code = json.dumps(value).replace("`", "'").replace("|", r"\|")
    return f"`{code}`"


def processor() -> str:
    """Returns the processor's name as it states it, and the number of cores."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = {line.split(":")[1].strip() for line in lines if line.startswith("model name")}
    name = " / ".join(sorted(names)) or platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"
