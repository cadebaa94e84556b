"""Where the project keeps its files."""

# Lets a Python that is too old get as far as the sentence in __main__ that says so.
from __future__ import annotations

import os
import tempfile
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# A wheel carries the shipped model and the notebooks inside the package. Installed so, the project
# is the folder one works in, and nothing is written beside the installed code.
_INSTALLED = (_PACKAGE / "shipped").is_dir()

PROJECT = Path.cwd() if _INSTALLED else _PACKAGE.parent
NOTEBOOKS_DIR = (_PACKAGE if _INSTALLED else PROJECT) / "notebooks"
RUNS_DIR = PROJECT / "runs"
TRAINED_DIR = PROJECT / "trained_model"
SHIPPED_DIR = _PACKAGE / "shipped" if _INSTALLED else TRAINED_DIR / "shipped"


def datasets_dir() -> Path:
    """Returns the folder that holds `mnist.npz`: `datasets/` in the Keras home.

    The Keras home is `KERAS_HOME`, which importing this package sets to the project's `data/` where
    it is unset. A Keras that was imported before looks for its own downloads elsewhere, but not for
    MNIST: this package loads that by itself.
    """
    return Path(os.environ["KERAS_HOME"]).expanduser().absolute() / "datasets"


def is_path(dataset: str) -> bool:
    """Says whether the parameter DATASET names a file or folder and not a data set known here."""
    file = dataset.lower().removesuffix(".gz").endswith((".npz", ".csv", ".mat"))
    return file or "/" in dataset or "\\" in dataset


def input_dir(folder: str | Path) -> Path:
    """Returns `folder` as an absolute path to read from; a relative one counts from the project.

    Nothing is made and no permission asked for: the folder need not exist.
    """
    return PROJECT / os.path.expanduser(folder)


def output_dir(folder: str | Path) -> Path:
    """Returns `folder` as an absolute path to write to, made if missing.

    A relative one counts from the project; the working directory plays no part.

    Raises:
        OSError: The folder cannot be made or written to.
    """
    path = input_dir(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise type(error)(
            error.errno,
            f"cannot write to the output folder {path} ({error.strerror}); "
            "set OUTPUT_DIR to a folder that you may write to",
        ) from error
    return path
