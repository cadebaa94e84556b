"""One notebook of a run: what a worker knows of it, and how it runs it."""

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mnist_helpers.files import read_json, write_json
from mnist_helpers.runner.notebook.execution import KERNEL_FILE, NotebookError, execute
from mnist_helpers.runner.notebook.output import Output
from mnist_helpers.runner.notebook.read import code_sources
from mnist_helpers.runner.sweep.code_hash import code_version

# What TensorFlow, NumPy and scikit-learn ask for how many threads to use.
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
# papermill keeps state of its own in the process, so a worker runs one notebook at a time.
ONE_AT_A_TIME = threading.Lock()
Emit = Callable[[str, dict], None]
Ended = tuple["Task", Callable[[], dict]]  # a task, and what returns its entry or raises its error


class CodeChangedError(ValueError):
    """The code that would run a task is not the code that it was planned with."""


class SchedulerLostError(OSError):
    """The Dask scheduler, or the last of its workers, is gone."""


@dataclass(eq=False)
class Task:
    """One notebook with its parameters, after the tasks before it.

    Attributes:
        name: The notebook's name.
        notebook: Its content, without outputs.
        values: The parameters that it is given, by name.
        parameters: Those, and the defaults of the others; not where it writes.
        code: Its code version when the run was planned.
        key: Hash of its parameters, its code and data, and of the tasks before; the same key, the
            same work.
        parent: The task before.
        folder: Where the results of all tasks up to this one lie.
        takes_folder: Whether the notebook has the parameter OUTPUT_DIR.
    """

    name: str
    notebook: dict
    values: dict
    parameters: dict
    code: str
    key: str
    parent: "Task | None"
    folder: Path
    takes_folder: bool

    def entry(self) -> dict:
        """Returns what the folder's status says of this task; `{}` if nothing."""
        entry = read_status(self.folder).get(self.name, {})
        return entry if entry.get("key") == self.key else {}

    def state(self) -> str:
        """Returns "done", "failed", or "waiting" also for what was interrupted."""
        state = self.entry().get("state")
        return state if state in ("done", "failed") else "waiting"


def read_status(folder: Path) -> dict[str, dict]:
    """Returns the entries of a folder's `status.json` by notebook; `{}` if there is none."""
    return read_json(folder / "status.json", {}).get("notebooks", {})


def write_entry(task: Task, entry: dict) -> None:
    """Writes a task's entry into its folder's `status.json`."""
    notebooks = read_status(task.folder) | {task.name: entry}
    write_json(task.folder / "status.json", {"notebooks": notebooks})


def take_off(task: Task, entry: dict, left: dict[str, Task]) -> None:
    """Removes a task that has ended from those left, and all that build on it if it failed."""
    del left[task.key]
    if entry["state"] != "done":
        for child in [other for other in left.values() if other.parent is task]:
            take_off(child, entry, left)


def copy_results(source: Path, target: Path) -> None:
    """Copies what tasks have left in a folder into another; its status comes last."""
    ignored = shutil.ignore_patterns("*.lock", "status.json", KERNEL_FILE)
    shutil.copytree(source, target, dirs_exist_ok=True, ignore=ignored)
    write_json(target / "status.json", {"notebooks": read_status(source)})


def run_task(task: Task, pages: bool, emit: Emit) -> dict:
    """Runs a task, or continues one that was interrupted; keeps its state in `status.json`.

    Args:
        task: The task; the tasks before it are done.
        pages: Whether to make an HTML page of the notebook.
        emit: Is called with the key and the entry as these change.

    Returns:
        The task's entry; its state is "done" or "failed".

    Raises:
        CodeChangedError: This process has other code than the task was planned with.
    """
    from filelock import FileLock

    if code_version(code_sources(task.notebook)) != task.code:
        raise CodeChangedError(socket.gethostname())
    if "OMP_NUM_THREADS" in os.environ:  # where only this is set, it holds for TensorFlow, too
        for name in THREADS:
            os.environ.setdefault(name, os.environ["OMP_NUM_THREADS"])
    task.folder.mkdir(parents=True, exist_ok=True)
    # A worker that a killed sweep left behind may still be busy here, and may even finish.
    with ONE_AT_A_TIME, FileLock(task.folder / "task.lock"):
        if task.state() == "done":
            return task.entry()
        _fill(task)
        with StatusWriter(task, emit) as writer:
            try:
                _run_notebook(task, pages, writer)
            except NotebookError as error:
                return writer.note("failed", str(error))
            except KeyboardInterrupt:
                writer.note("stopped", "stopped by the user")
                raise
            return writer.note("done")


class StatusWriter(Output):
    """Logs what a task prints, keeps its entry in `status.json`, and emits each change."""

    def __init__(self, task: Task, emit: Emit):
        """Notes that the task is running."""
        super().__init__(task.folder / "run.log")
        self.task, self.emit, self.start = task, emit, time.time()
        self.cells = len(task.notebook["cells"]) + (task.takes_folder or bool(task.values))
        self.note("running")

    def on_change(self) -> None:
        """Notes cell, epoch and accuracy."""
        self.note("running")

    def note(self, state: str, error: str | None = None) -> dict:
        """Writes the entry, emits it if the task runs on, and returns it."""
        entry = {
            "key": self.task.key,
            "state": state,
            "seconds": round(time.time() - self.start, 2),
            "error": error,
            "parameters": self.task.parameters,
            "cell": self.cell,
            "cells": self.cells,
            "epoch": self.epoch,
            "accuracy": self.accuracy,
            "started": round(self.start, 2),
            "cores": _threads(),
            "host": socket.gethostname(),
        }
        write_entry(self.task, entry)
        if state == "running":
            self.emit(self.task.key, entry)
        return entry


def cores() -> list[int]:
    """Returns the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _threads() -> int:
    """Returns how many threads compute; OpenMP takes a list, the first of it for what we do."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return (int(first) if first.isdecimal() else 0) or len(cores())


def _fill(task: Task) -> None:
    """Gives a new folder what the task before left."""
    parent = task.parent
    if parent is None or parent.folder == task.folder:
        return
    if read_status(task.folder).get(parent.name, {}).get("key") != parent.key:
        copy_results(parent.folder, task.folder)


def _run_notebook(task: Task, pages: bool, printed: Output) -> None:
    from mnist_helpers.runner.page.notebook_page import write_page, write_thumbnail

    values, output = dict(task.values), task.folder / f"{task.name}.ipynb"
    if task.takes_folder:
        values["OUTPUT_DIR"] = str(task.folder)
    execute(task.notebook, output, values, printed)
    try:
        write_thumbnail(output)
        if pages:
            write_page(output)
    except OSError as error:
        raise NotebookError(
            f"{output.name} has run, but its page has not been made\n{error}"
        ) from error
