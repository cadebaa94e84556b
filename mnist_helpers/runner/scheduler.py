"""Which tasks are left to do, and in what order they run."""

from collections.abc import Callable, Collection
from itertools import islice
from typing import TYPE_CHECKING

from mnist_helpers.runner.plan import Run
from mnist_helpers.runner.task import CodeChangedError, Task, write_entry
from mnist_helpers.runner.workers import SchedulerLostError, Workers

if TYPE_CHECKING:
    from mnist_helpers.runner.progress import Display


def pending_tasks(runs: list[Run], states: Collection[str] = ("waiting",)) -> list[Task]:
    """Returns the tasks that are still needed, parents before children.

    Args:
        runs: The sweep.
        states: Of the runs that are wanted; the others are left as they are.
    """
    needed: dict[str, Task] = {}
    for run in runs:
        if run.state()[0] not in states:
            continue
        missing = []
        for task in reversed(run.tasks):
            if task.state() == "done":
                break
            missing.append(task)
        needed.update((task.key, task) for task in reversed(missing))
    return list(needed.values())


def run_tasks(
    tasks: list[Task],
    workers: Workers,
    display: "Display",
    pages: bool,
    save: Callable[[], None] = lambda: None,
) -> None:
    """Runs the tasks; each leaves its state in its folder.

    One that fails leaves undone what builds on it.

    Args:
        tasks: As `pending_tasks` returns them: parents before children.
        workers: Where they run.
        display: Is told what starts and ends.
        pages: Whether to make HTML pages of the notebooks.
        save: Is called when a task has ended.

    Raises:
        CodeChangedError: A worker has other code than the tasks were planned with.
        SchedulerLostError: Dask's scheduler is gone.
    """
    pending = {task.key: task for task in tasks}
    running: dict[str, Task] = {}
    while pending or running:
        free = max(0, workers.slots - len(running))
        # The list has each run's tasks together, so what ends a run comes before the next run.
        ready = (task for task in pending.values() if not _waits(task, pending, running))
        for task in list(islice(ready, free)):
            running[task.key] = pending.pop(task.key)
            workers.submit(task, pages)
        for key, result in workers.ended():
            task = running.pop(key)
            entry = _settle(task, result, workers.local)
            if entry["state"] != "done":
                _drop_children(task, pending)
            display.on_end(task, entry)
            save()


def _waits(task: Task, *unfinished: dict[str, Task]) -> bool:
    return task.parent is not None and any(task.parent.key in tasks for tasks in unfinished)


def _drop_children(failed: Task, pending: dict[str, Task]) -> None:
    """Removes what builds on a failed task; children come after their parents."""
    dropped = {failed.key}
    for key, task in list(pending.items()):
        if task.parent and task.parent.key in dropped:
            dropped.add(key)
            del pending[key]


def _settle(task: Task, result: dict | Exception, local: bool) -> dict:
    """Returns a task's entry; notes a failure that the worker could not note."""
    if isinstance(result, dict):
        return result
    if isinstance(result, CodeChangedError):
        raise CodeChangedError(_other_code(str(result), local)) from result
    if isinstance(result, SchedulerLostError):
        raise result
    reason = str(result) if type(result) is RuntimeError else f"{type(result).__name__}: {result}"
    entry = {"key": task.key, "seconds": None, "parameters": task.parameters} | task.entry()
    entry |= {"state": "failed", "error": f"{task.name}.ipynb failed\n{reason}"}
    write_entry(task, entry)
    return entry


def _other_code(host: str, local: bool) -> str:
    if local:
        return (
            "The code of mnist_helpers has changed since this was started. What is finished is "
            "kept: start the same command again, and what the change concerns is repeated."
        )
    return (
        f"The Dask worker on {host} has another version of mnist_helpers than this machine. Update "
        "the code there, restart that worker, and start the same command again."
    )
