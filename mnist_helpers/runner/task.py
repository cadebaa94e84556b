"""One step of a run, as a worker does it: fill the folder, run the notebook, keep the status."""

import json
import os
import shutil
import socket
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from mnist_helpers.files import read_json, write_json
from mnist_helpers.runner.code_hash import code_version
from mnist_helpers.runner.execute import (
    KERNEL_FILE,
    NotebookError,
    execute,
    write_page,
    write_thumbnail,
)
from mnist_helpers.runner.notebooks import code_sources
from mnist_helpers.runner.progress import Follower, following_papermill

# What TensorFlow, NumPy and scikit-learn ask for how many threads to use.
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
# papermill keeps state of its own in the process, so a worker does one step at a time.
ONE_AT_A_TIME = threading.Lock()


class CodeChangedError(ValueError):
    """The code is not what it was when the sweep was planned."""


@dataclass(frozen=True)
class Order:
    """All that a worker needs to know of a step.

    Attributes:
        name: The notebook's name.
        notebook: Its content, without outputs.
        values: The parameters that it is given.
        parameters: Those and the defaults of the others.
        version: Its code version when the sweep was planned.
        key: The step's key.
        folder: Where it writes.
        parent: Folder of the step before; `None` for the first.
        takes_folder: Whether the notebook has the parameter OUTPUT_DIR.
        pages: Whether to make an HTML page.
    """

    name: str
    notebook: dict
    values: dict
    parameters: dict
    version: str
    key: str
    folder: str
    parent: str | None
    takes_folder: bool
    pages: bool


def perform(order: Order) -> dict:
    """Does a step; goes on with one that was broken off.

    Returns:
        The step's entry in `status.json`; its state is "done" or "failed".

    Raises:
        CodeChangedError: This process has other code than the sweep was planned with.
    """
    if code_version(code_sources(order.notebook)) != order.version:
        raise CodeChangedError(
            f"The code of mnist_helpers, on {socket.gethostname()}, is not what it was when the "
            "sweep was started: start it again."
        )
    if "OMP_NUM_THREADS" in os.environ:  # where only this is set, it holds for TensorFlow, too
        for name in THREADS:
            os.environ.setdefault(name, os.environ["OMP_NUM_THREADS"])
    folder = Path(order.folder)
    folder.mkdir(parents=True, exist_ok=True)
    # A worker that a killed sweep left behind may still be busy here, and may even finish.
    with ONE_AT_A_TIME, FileLock(folder / "run.lock"):
        status = _fill(order, folder)
        entry = status["notebooks"].get(order.name, {})
        if entry.get("state") == "done":
            return entry
        reporter = Reporter(folder, order, status)
        try:
            _run_notebook(order, folder, reporter)
        except NotebookError as failure:
            return reporter.note("failed", str(failure))
        return reporter.note("done")


class Reporter(Follower):
    """Keeps a step's entry in its folder's `status.json`."""

    def __init__(self, folder: Path, order: Order, status: dict):
        """Notes that the step is running; `status` is the content of the file until now."""
        super().__init__()
        self.folder, self.order, self.status = folder, order, status
        self.start = time.time()
        self.note("running")

    def on_epoch(self) -> None:
        """Notes the epoch and the accuracy so far."""
        self.note("running")

    def note(self, state: str, error: str | None = None) -> dict:
        """Writes the entry, and returns it."""
        entry = {
            "state": state,
            "seconds": round(time.time() - self.start, 2),
            "error": error,
            "parameters": self.order.parameters,
            "epoch": self.epoch,
            "accuracy": self.accuracy,
            "started": round(self.start, 2),
            "cores": int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1),
            "host": socket.gethostname(),
        }
        self.status["notebooks"][self.order.name] = entry
        write_json(self.folder / "status.json", self.status)
        return entry


def _fill(order: Order, folder: Path) -> dict:
    """Gives a new folder what the step before left.

    Returns:
        The folder's status. That of a new folder is not written yet, so that a folder with a
        status has all.
    """
    status = read_json(folder / "status.json")
    if status and status["key"] == order.key:
        return status
    notebooks = {}
    if order.parent:
        ignored = shutil.ignore_patterns("*.lock", "status.json", KERNEL_FILE)
        shutil.copytree(order.parent, folder, dirs_exist_ok=True, ignore=ignored)
        notebooks = read_json(Path(order.parent) / "status.json")["notebooks"]
    return {"key": order.key, "notebooks": notebooks}


def _run_notebook(order: Order, folder: Path, reporter: Reporter) -> None:
    values, output = dict(order.values), folder / f"{order.name}.ipynb"
    if order.takes_folder:
        values["OUTPUT_DIR"] = str(folder)
    with (
        tempfile.TemporaryDirectory() as temporary,
        following_papermill(folder / "run.log", reporter),
    ):
        notebook = Path(temporary) / output.name
        notebook.write_text(json.dumps(order.notebook), encoding="utf-8")
        execute(notebook, output, values, reporter)
    write_thumbnail(output)
    if order.pages:
        write_page(output)
