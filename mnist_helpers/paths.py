"""Where the project keeps its files, and how it writes them without leaving halves."""

# Lets a Python that is too old get as far as the sentence in __main__ that says so.
from __future__ import annotations

import glob
import json
import os
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS_DIR = PROJECT / "notebooks"
RUNS_DIR = PROJECT / "runs"
TRAINED_DIR = PROJECT / "trained_model"
SHIPPED_DIR = TRAINED_DIR / "shipped"
# What NumPy and zipfile raise for a damaged or hostile .npz (tried with 16,000 of them).
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, TokenError,
    ValueError, EOFError, MemoryError, RuntimeError, OSError,
)  # fmt: skip


def set_keras_home() -> Path:
    """Makes `data/` in the project the Keras home, unless `KERAS_HOME` is already set.

    Keras reads the variable once, when it is first imported, so this runs on
    `import mnist_helpers`. The path is absolute because papermill and nbval change the working
    directory.

    Returns:
        The Keras home in force, as an absolute path.

    Raises:
        RuntimeError: Keras was imported before and uses another folder.
    """
    chosen = os.environ.get("KERAS_HOME")
    home = Path(chosen).expanduser().absolute() if chosen else PROJECT / "data"
    if "keras.src.backend.config" in sys.modules:
        used = Path(sys.modules["keras.src.backend.config"]._KERAS_DIR).absolute()
        if used != home:
            raise RuntimeError(
                f"Keras was imported before mnist_helpers and keeps its files in {used}, not in "
                f"{home}; restart the kernel and import mnist_helpers first."
            )
    os.environ["KERAS_HOME"] = str(home)
    return home


def datasets_dir() -> Path:
    """Returns the folder that holds `mnist.npz`: `datasets/` in the Keras home."""
    return Path(os.environ["KERAS_HOME"]) / "datasets"


def is_path(dataset: str) -> bool:
    """Says whether the parameter DATASET names a file or folder and not a data set known here."""
    return dataset.endswith(".npz") or "/" in dataset or "\\" in dataset


def output_dir(folder: str | Path) -> Path:
    """Returns `folder` as an existing absolute path; a relative one counts from the project.

    Args:
        folder: Where a notebook writes. The working directory plays no part.

    Raises:
        OSError: The folder cannot be made or written to.
    """
    path = PROJECT / Path(folder).expanduser()
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


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path beside `path` that replaces it when the block ends well.

    A reader sees the previous file or the new one, never a half. On an error the temporary file is
    removed and the previous file stays.

    Args:
        path: The file to write. Its folder is made if missing.

    Raises:
        OSError: The file could not be written, on a full disk for example.
    """
    path = Path(path)
    # The suffix stays last because Keras chooses the format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        kept = "; the previous file is unchanged" if path.exists() else ""
        raise OSError(
            error.errno, f"{path} could not be written ({error.strerror or error}){kept}"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(path: str | Path) -> None:
    """Removes what processes killed in the middle of an `atomic_write` to `path` left beside it.

    Only for the one process that may write `path` at this moment.
    """
    path = Path(path)
    for leftover in path.parent.glob(f".{glob.escape(path.stem)}.*{path.suffix}"):
        if leftover.name.removeprefix(f".{path.stem}.").removesuffix(path.suffix).isdigit():
            leftover.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Writes a UTF-8 text file atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: object) -> None:
    """Writes `content` as indented JSON, atomically."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_json(path: str | Path, default: Any = None) -> Any:
    """Reads a JSON file; `default` where there is none.

    Raises:
        ValueError: The file holds something else.
    """
    path = Path(path)
    if not path.exists():
        return default
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged, for it is no JSON ({error}): remove it.") from error
