"""Runs what is left of a run or a sweep, in order, here or on Dask's workers."""

import datetime
import os
import socket
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from filelock import FileLock, Timeout

from mnist_helpers.files import read_json, write_json
from mnist_helpers.runner.sweep.plan import Run, pending_tasks
from mnist_helpers.runner.sweep.progress import Display, LiveDisplay
from mnist_helpers.runner.sweep.results import write_results
from mnist_helpers.runner.sweep.task import (
    CodeChangedError,
    Emit,
    SchedulerLostError,
    Task,
    cores,
    drop_dependents,
    run_task,
    write_entry,
)
from mnist_helpers.runner.sweep.time_estimate import Estimate

if TYPE_CHECKING:
    from mnist_helpers.runner.sweep.dask_workers import DaskWorkers

Workers: TypeAlias = "InProcess | DaskWorkers"
SECONDS_BETWEEN_SAVES = 30
LOCAL_CODE = (
    "The code of mnist_helpers has changed since this was started. What is finished is kept: start "
    "the same command again, and what the change concerns is repeated."
)
OTHER_CODE = (
    "The Dask worker on {} has another version of mnist_helpers than this machine. Update the code "
    "there, restart that worker, and start the same command again."
)


def run_all(
    plan: Callable[[], list[Run]],
    folder: Path,
    *,
    states: Collection[str] = ("waiting",),
    pages: bool = True,
    workers: int | None = None,
    scheduler: str | None = None,
) -> list[dict]:
    """Runs what is left of some runs, and tabulates all of them.

    Args:
        plan: Returns the runs; is called while the folder is held, so that its state stays.
        folder: Where everything is kept; one process at a time works in it.
        states: Of the runs that are wanted, as for `pending_tasks`.
        pages: Whether to make an HTML page of each notebook.
        workers: How many processes of this machine; by default as many as suit it.
        scheduler: Address of a Dask scheduler whose workers are used instead.

    Returns:
        The rows of the table.

    Raises:
        FileExistsError: The folder holds something else, or another process works in it.
        OSError: The scheduler cannot be used.
        CodeChangedError: The code has changed, here or on a worker.
    """
    with _held(folder):
        runs = plan()
        tasks = pending_tasks(runs, states)
        _get_data(tasks)
        try:
            if tasks:
                kind = LiveDisplay if sys.stderr.isatty() else Display
                display = kind(runs, tasks, Estimate(folder.parent))
                if len(runs) == 1 and not scheduler:
                    place: Workers = InProcess(display.on_change)
                else:
                    place = _dask_workers(display.on_change, folder, workers, scheduler)
                display.cores = place.cores
                with closing(place), display:
                    run_tasks(tasks, place, display, pages, lambda: write_results(runs, folder))
        finally:
            rows = write_results(runs, folder)
    return rows


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keeps other processes from running in a folder, which is made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    holder = folder / "runner.json"
    try:
        lock = FileLock(folder / "runner.lock").acquire(timeout=0)
    except Timeout as error:
        other = read_json(holder, {"pid": "unknown", "host": "unknown", "since": "unknown"})
        raise FileExistsError(
            f"A run or sweep is already going in {folder}: process {other['pid']} on "
            f"{other['host']}, since {other['since']}. Wait for it, stop it, or choose another "
            "--name."
        ) from error
    since = f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S}"
    with lock:
        try:
            write_json(holder, {"pid": os.getpid(), "host": socket.gethostname(), "since": since})
            yield
        finally:
            holder.unlink(missing_ok=True)


def _dask_workers(
    emit: Emit, folder: Path, workers: int | None, scheduler: str | None
) -> "DaskWorkers":
    try:
        from mnist_helpers.runner.sweep.dask_workers import DaskWorkers
    except ImportError as error:
        raise OSError(
            "Several runs, and --scheduler, need Dask, which the lock holds. Run in the project: "
            "python -m pip install --require-hashes -r requirements.lock"
        ) from error
    return DaskWorkers(emit, folder, workers, scheduler)


def _get_data(tasks: list[Task]) -> None:
    """Downloads MNIST before several workers would try to at once."""
    if any(task.parameters.get("DATASET") == "mnist" for task in tasks):
        from mnist_helpers.data.mnist import load_mnist

        load_mnist()


class InProcess:
    """Runs tasks in this process: for a single run a second one, which takes seconds, is no gain.

    It has what `DaskWorkers` has.
    """

    slots, local = 1, True

    def __init__(self, emit: Emit):
        """Takes who is told of what happens."""
        self.emit, self.cores = emit, len(cores())
        self._submitted: list[tuple[str, Callable[[], dict]]] = []

    def submit(self, task: Task, pages: bool) -> None:
        """Keeps the task for `ended`."""
        self._submitted.append((task.key, partial(run_task, task, pages, self.emit)))

    def ended(self) -> Iterator[tuple[str, Callable[[], dict]]]:
        """Yields the key of each task, and a function that runs it and returns its entry."""
        while self._submitted:
            yield self._submitted.pop()

    def close(self) -> None:
        """Does nothing."""


def run_tasks(
    tasks: list[Task],
    workers: Workers,
    display: Display,
    pages: bool,
    save: Callable[[], object] = lambda: None,
) -> None:
    """Runs tasks; each leaves its state in its folder, and what builds on a failed one is left out.

    Args:
        tasks: As `pending_tasks` returns them: parents before children.
        workers: Where they run.
        display: Is told what starts and ends.
        pages: Whether to make HTML pages of the notebooks.
        save: Is called from time to time.

    Raises:
        CodeChangedError: A worker has other code than the tasks were planned with.
        SchedulerLostError: Dask's scheduler is gone.
    """
    pending, saved = {task.key: task for task in tasks}, time.monotonic()
    running: dict[str, Task] = {}
    while pending or running:
        free = max(0, workers.slots - len(running))
        unfinished = pending.keys() | running.keys()
        # The list has each run's tasks together, so what ends a run comes before the next run.
        ready = (t for t in pending.values() if not (t.parent and t.parent.key in unfinished))
        for task in list(islice(ready, free)):
            running[task.key] = pending.pop(task.key)
            workers.submit(task, pages)
        for key, result in workers.ended():
            task = running.pop(key)
            entry = _settle(task, result, workers.local)
            if entry["state"] != "done":
                drop_dependents(task, pending)
            display.on_end(task, entry)
            if time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
                save()
                saved = time.monotonic()


def _settle(task: Task, result: Callable[[], dict], local: bool) -> dict:
    """Returns a task's entry; notes a failure that the worker could not note."""
    try:
        return result()
    except CodeChangedError as error:
        raise CodeChangedError(LOCAL_CODE if local else OTHER_CODE.format(error)) from error
    except SchedulerLostError:
        raise
    except Exception as error:  # whatever it is, the other tasks go on
        reason = str(error) if type(error) is RuntimeError else f"{type(error).__name__}: {error}"
        entry = {"key": task.key, "seconds": None, "parameters": task.parameters} | task.entry()
        entry |= {"state": "failed", "error": f"{task.name}.ipynb failed\n{reason}"}
        write_entry(task, entry)
        return entry
