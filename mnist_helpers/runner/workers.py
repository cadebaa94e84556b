"""Where tasks run: in this process, or in those of `dask_workers`."""

import os
from collections.abc import Iterator
from typing import Protocol

from mnist_helpers.runner.task import Emit, Task, run_task

BYTES_PER_WORKER = 2 * 2**30  # training on MNIST takes about 1.5 GB
Ended = Iterator[tuple[str, dict | Exception]]


class SchedulerLostError(OSError):
    """The Dask scheduler, or the last of its workers, is gone."""


class Workers(Protocol):
    """What tasks are handed to.

    Attributes:
        cores: How many cores work; of a cluster, how many workers.
        local: Whether all the workers are of this machine and this code.
    """

    cores: int
    local: bool

    @property
    def slots(self) -> int:
        """How many tasks may be handed over."""

    def submit(self, task: Task, pages: bool) -> None:
        """Has a worker run a task."""

    def ended(self) -> Ended:
        """Yields key and entry, or error, of each task that has ended; waits a moment for one."""

    def close(self) -> None:
        """Ends what runs."""


def cores() -> list[int]:
    """Returns the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def default_workers() -> int:
    """Returns one worker for each core, as far as the memory reaches."""
    import psutil

    return max(1, min(len(cores()), psutil.virtual_memory().available // BYTES_PER_WORKER))


class InProcess:
    """Runs each task at once; a single run needs no second process, which takes seconds to start.

    Attributes:
        cores: How many cores work.
        slots: How many tasks may be handed over.
    """

    slots, local = 1, True

    def __init__(self, emit: Emit):
        """Takes who is told of what happens."""
        self.emit, self.cores = emit, len(cores())
        self._ended: list[tuple[str, dict | Exception]] = []

    def submit(self, task: Task, pages: bool) -> None:
        """Runs the task."""
        try:
            self._ended.append((task.key, run_task(task, pages, self.emit)))
        except Exception as error:  # whatever it is, the scheduler judges it
            self._ended.append((task.key, error))

    def ended(self) -> Ended:
        """Yields key and entry, or error, of each task that has ended."""
        while self._ended:
            yield self._ended.pop()

    def close(self) -> None:
        """Does nothing."""
