"""Steps in processes of this machine."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from mnist_helpers.runner.task import THREADS, Order

BYTES_PER_WORKER = 2 * 2**30  # a training on MNIST takes about 1.5 GB


def default_workers() -> int:
    """Returns one worker for each core, as far as the memory reaches."""
    import psutil

    return max(1, min(len(cores()), psutil.virtual_memory().available // BYTES_PER_WORKER))


class LocalPool:
    """Processes of this machine, each with its share of the cores.

    Each is an executor of its own, because the death of one process takes all of a
    `ProcessPoolExecutor` with it.

    Attributes:
        cores: How many cores the workers have together.
        lost: What is raised for a step whose worker died.
    """

    lost = BrokenProcessPool

    def __init__(self, workers: int):
        """Starts the processes."""
        self.workers, self.cores = workers, len(cores())
        self._idle = [self._start(number) for number in range(workers)]
        self._busy: list[tuple] = []
        self._closed = False

    @property
    def free(self) -> int:
        """How many steps can begin at once."""
        return len(self._idle)

    def submit(self, function: Callable, order: Order) -> Future:
        """Has a free worker call `function(order)`."""
        worker = self._idle.pop(0)
        try:
            future = worker[0].submit(function, order)
        except BrokenProcessPool:  # its process has died, with a step or without
            worker = self._start(worker[1])
            future = worker[0].submit(function, order)
        self._busy.append(worker)
        future.add_done_callback(lambda _: self._release(worker))
        return future

    def _release(self, worker: tuple) -> None:
        # A broken executor calls this under its own lock (Python 3.12), so it is left alone here;
        # `submit` replaces it.
        if not self._closed:
            self._busy.remove(worker)
            self._idle.append(worker)

    def _start(self, number: int) -> tuple:
        # Forking a process that runs threads, as a live table does, can deadlock.
        executor = ProcessPoolExecutor(
            1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(number, self.workers),
        )
        return executor, number, executor.submit(os.getpid)

    def close(self) -> None:
        """Ends the workers; steps that are going on are broken off."""
        self._closed = True
        busy, idle = list(self._busy), list(self._idle)
        for _, _, pid in busy:
            if not pid.exception():
                os.kill(pid.result(), signal.SIGTERM)
        for executor, _, _ in [*busy, *idle]:
            executor.shutdown(cancel_futures=True)


def cores() -> list[int]:
    """Returns the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _start_worker(number: int, workers: int) -> None:
    """Prepares a worker process: its cores, and how it ends."""
    own = cores()[number % len(cores()) :: workers]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, own)
    # Kernels inherit this before they import TensorFlow.
    os.environ.update(dict.fromkeys(THREADS, str(len(own))))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the sweep, which ends its workers
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # through the clean-up of the kernel
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "only a worker has a parent to end with"
    parent.join()
    os._exit(1)
