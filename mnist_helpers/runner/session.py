"""One run or one sweep from its plan to its table, whatever its size."""

import sys
from collections.abc import Callable, Collection
from pathlib import Path

from mnist_helpers.runner.estimate import Estimate
from mnist_helpers.runner.folder_lock import folder_lock
from mnist_helpers.runner.plan import Run
from mnist_helpers.runner.progress import Display, LiveDisplay
from mnist_helpers.runner.results import Saver, write_results
from mnist_helpers.runner.scheduler import pending_tasks, run_tasks
from mnist_helpers.runner.task import Task
from mnist_helpers.runner.workers import InProcess, Workers


def run_session(
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
    with folder_lock(folder):
        runs = plan()
        tasks = pending_tasks(runs, states)
        try:
            if tasks:
                _run(tasks, runs, folder, pages, workers, scheduler)
        finally:
            rows = write_results(runs, folder)
    return rows


def _run(
    tasks: list[Task],
    runs: list[Run],
    folder: Path,
    pages: bool,
    workers: int | None,
    scheduler: str | None,
) -> None:
    _get_data(tasks)
    kind = LiveDisplay if sys.stderr.isatty() else Display
    display = kind(runs, tasks, Estimate(folder.parent))
    place = _workers(runs, display, folder, workers, scheduler)
    display.cores = place.cores
    try:
        with display:
            run_tasks(tasks, place, display, pages, Saver(runs, folder))
    finally:
        place.close()


def _workers(
    runs: list[Run], display: Display, folder: Path, workers: int | None, scheduler: str | None
) -> Workers:
    if len(runs) == 1 and not scheduler:
        return InProcess(display.on_change)
    try:
        from mnist_helpers.runner.dask_workers import DaskWorkers
    except ImportError as error:
        raise OSError(
            "Several runs, and --scheduler, need Dask, which the lock holds. Run in the project: "
            "python -m pip install --require-hashes -r requirements.lock"
        ) from error
    return DaskWorkers(display.on_change, folder, workers, scheduler)


def _get_data(tasks: list[Task]) -> None:
    """Downloads MNIST before several workers would try to at once."""
    if any(task.parameters.get("DATASET") == "mnist" for task in tasks):
        from mnist_helpers.data.mnist import load_mnist

        load_mnist()
