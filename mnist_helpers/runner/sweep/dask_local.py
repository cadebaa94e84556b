"""Dask's workers as processes of this machine, each with its share of the cores."""

import contextlib
import logging
import os
import signal
from dataclasses import dataclass

import dask
import psutil
from distributed import LocalCluster, Worker, WorkerPlugin

from mnist_helpers.runner.sweep.task import THREADS, cores

MAX_TRIES = 3  # a task that ends its worker so often would end every worker
BYTES_PER_WORKER = 2 * 2**30  # training on MNIST takes about 1.5 GB


def default_workers() -> int:
    """Returns one worker for each core, as far as the memory reaches."""
    return max(1, min(len(cores()), psutil.virtual_memory().available // BYTES_PER_WORKER))


def kill_workers(cluster: LocalCluster) -> None:
    """Ends workers in the middle of their tasks, for which Dask would wait; not their nannies."""
    for nanny in cluster.workers.values():
        nanny.close_gracefully()  # it is not to start another
        if nanny.pid:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(nanny.pid).kill()


def local_cluster(workers: int) -> LocalCluster:
    """Starts worker processes of this machine, each with its share of the cores."""
    dask.config.set(
        {
            "distributed.scheduler.allowed-failures": MAX_TRIES - 1,
            # Dask would set OMP_NUM_THREADS=1 in this process too, for whatever it starts later.
            "distributed.nanny.pre-spawn-environ": {},
        }
    )
    # Workers that are half started cannot be ended, so Ctrl-C does nothing in these two seconds.
    # They inherit that: it is for this process to end them.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=0,
            # Some free port: Dask serves its pages on 8787 if it is free, and warns if it is not.
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
            plugins=[LocalWorker(workers)],
        )
    finally:
        signal.signal(signal.SIGINT, handler)


@dataclass
class LocalWorker(WorkerPlugin):
    """Dask's hook for a worker process that starts: its cores, and how it ends.

    Attributes:
        workers: How many share the cores.
    """

    workers: int

    def setup(self, worker: Worker) -> None:
        """Prepares the process, in its main thread."""
        share = cores()[worker.name % len(cores()) :: self.workers]
        # Kernels inherit this before they import TensorFlow.
        os.environ.update(dict.fromkeys(THREADS, str(len(share))))
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, share)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the sweep, which ends this
