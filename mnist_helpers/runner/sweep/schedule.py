"""Runs what is left of a run or a sweep, in order, here or on Dask's workers."""

import datetime
import os
import socket
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from mnist_helpers.files import read_json, write_json
from mnist_helpers.runner.sweep.plan import Run, pending_tasks
from mnist_helpers.runner.sweep.progress import Display
from mnist_helpers.runner.sweep.results import write_results
from mnist_helpers.runner.sweep.task import (
    CodeChangedError,
    Emit,
    Ended,
    SchedulerLostError,
    Task,
    cores,
    run_task,
    take_off,
    write_entry,
)
from mnist_helpers.runner.sweep.time_estimate import Estimate

if TYPE_CHECKING:
    from mnist_helpers.runner.sweep.dask_workers import DaskWorkers

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
        left = {task.key: task for task in pending_tasks(runs, states)}
        _get_data(left.values())
        try:
            if left:
                with (
                    _workers(runs, folder, workers, scheduler) as place,
                    Display(runs, left, Estimate(folder.parent), place.cores) as display,
                ):
                    ended = place.run(left, pages, display.on_change)
                    settle_tasks(left, ended, display, lambda: write_results(runs, folder))
        except CodeChangedError as error:
            text = OTHER_CODE.format(error) if scheduler else LOCAL_CODE
            raise CodeChangedError(text) from error
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


def _workers(
    runs: list[Run], folder: Path, workers: int | None, scheduler: str | None
) -> AbstractContextManager["InProcess | DaskWorkers"]:
    if len(runs) == 1 and not scheduler:
        return nullcontext(InProcess())
    try:
        from mnist_helpers.runner.sweep.dask_workers import dask_workers
    except ImportError as error:
        raise OSError(
            "Several runs, and --scheduler, need Dask, which the lock holds. Run in the project: "
            "python -m pip install --require-hashes -r requirements.lock"
        ) from error
    return dask_workers(folder, workers, scheduler)


def _get_data(tasks: Iterable[Task]) -> None:
    """Downloads MNIST before several workers would try to at once."""
    if any(task.parameters.get("DATASET") == "mnist" for task in tasks):
        from mnist_helpers.data.mnist import load_mnist

        load_mnist()


class InProcess:
    """This process: for a single run a second one, which takes seconds, is no gain."""

    def __init__(self) -> None:
        """Counts the cores."""
        self.cores = len(cores())

    def run(self, left: dict[str, Task], pages: bool, emit: Emit) -> Iterator[Ended]:
        """Does what `DaskWorkers.run` does, one task after another."""
        while left:
            task = next(iter(left.values()))
            yield task, partial(run_task, task, pages, emit)


def settle_tasks(
    left: dict[str, Task],
    ended: Iterable[Ended],
    display: Display,
    save: Callable[[], object] = lambda: None,
) -> None:
    """Takes tasks off the list as they end; what builds on a failed one is left out.

    Args:
        left: By key, as `pending_tasks` returns them: parents before children.
        ended: From where they run.
        display: Is told what ends.
        save: Is called from time to time.

    Raises:
        CodeChangedError: A worker has other code than the tasks were planned with.
        SchedulerLostError: Dask's scheduler is gone.
    """
    saved = time.monotonic()
    for task, result in ended:
        entry = _settle(task, result)
        take_off(task, entry, left)
        display.on_end(task, entry)
        if time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
            save()
            saved = time.monotonic()


def _settle(task: Task, result: Callable[[], dict]) -> dict:
    """Returns a task's entry; notes a failure that the worker could not note."""
    try:
        return result()
    except (CodeChangedError, SchedulerLostError):
        raise
    except Exception as error:  # whatever it is, the other tasks go on
        reason = str(error) if type(error) is RuntimeError else f"{type(error).__name__}: {error}"
        entry = {"key": task.key, "seconds": None, "parameters": task.parameters} | task.entry()
        entry |= {"state": "failed", "error": f"{task.name}.ipynb failed\n{reason}"}
        write_entry(task, entry)
        return entry
