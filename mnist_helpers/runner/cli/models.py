"""Which model a command means, and under which name."""

import argparse
from pathlib import Path


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--model`."""
    parser.add_argument(
        "--model",
        metavar="FILE",
        help="a .keras file, or a run's folder; by default your last notebook training, else the "
        "model that comes along",
    )


def model_file(given: str | None) -> Path:
    """Returns the model's file.

    Args:
        given: A `.keras` file, a folder with `metrics.json`, or `None` for the default.

    Raises:
        FileNotFoundError: There is no model there.
    """
    from mnist_helpers.paths import SHIPPED_DIR, TRAINED_DIR
    from mnist_helpers.training.metrics import read_metrics

    if given and not Path(given).is_dir():
        return Path(given)
    folders = [Path(given)] if given else [TRAINED_DIR, SHIPPED_DIR]
    for folder in folders:
        phases = read_metrics(folder)["phases"]
        for phase in ("hybrid", "clean_phase"):
            if phase in phases and (folder / phases[phase]["model"]).exists():
                return folder / phases[phase]["model"]
    raise FileNotFoundError(f"There is no model in {folders[-1]}; give a .keras file by --model.")
