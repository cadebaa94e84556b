"""What several commands need."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mnist_helpers.paths import RUNS_DIR


def echo(text: str) -> None:
    """Writes to stderr, which holds what is not a result."""
    print(text, file=sys.stderr, flush=True)


def check_folder_name(text: str | None) -> str | None:
    """Checks that an option names one folder and is no path."""
    if text is not None and (not text or text == ".." or Path(text).name != text):
        raise typer.BadParameter(f"{text!r} is not the name of one folder")
    return text


Model = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="A .keras file, or a run's folder; by default your last notebook training, else the "
        "shipped model.",
    ),
]
Output = Annotated[
    Path,
    typer.Option(
        metavar="FOLDER", help="Where the folder is made; by default runs/.", show_default=False
    ),
]
OUTPUT = RUNS_DIR


def model_file(given: str | None) -> Path:
    """Returns the model's file.

    Args:
        given: A `.keras` file, a folder with `metrics.json`, or `None` for the default.

    Raises:
        FileNotFoundError: There is no model there.
    """
    from mnist_helpers.paths import SHIPPED_DIR, TRAINED_DIR
    from mnist_helpers.runner.results import read_phases

    if given and not Path(given).is_dir():
        return Path(given)
    folders = [Path(given)] if given else [TRAINED_DIR, SHIPPED_DIR]
    for folder in folders:
        _, phases = read_phases(folder)
        for phase in ("hybrid", "clean_phase"):
            if phase in phases and (folder / phases[phase]["model"]).exists():
                return folder / phases[phase]["model"]
    raise FileNotFoundError(f"There is no model in {folders[-1]}; give a .keras file by --model.")
