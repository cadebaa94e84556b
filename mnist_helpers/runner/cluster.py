"""Steps on the workers of a Dask cluster."""

import sys
import uuid
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from pathlib import Path

from mnist_helpers.runner.elsewhere import pack, perform_packed, take_home
from mnist_helpers.runner.task import Order

SECONDS_TO_CONNECT = 10
SECONDS_FOR_WORKERS = 60


class DaskPool:
    """The workers of a Dask cluster, which repeats the steps of lost workers by itself.

    Attributes:
        cores: How many workers there are; each takes the threads that its environment says.
        free: How many steps may be handed over; the scheduler queues what no worker is free for.
        lost: What is raised for a step that took several workers with it.
    """

    free = sys.maxsize

    def __init__(self, address: str, folder: Path):
        """Connects to a scheduler, and finds out whether the workers see the sweep's folder.

        Args:
            address: Such as `tcp://10.0.0.1:8786`.
            folder: The sweep's folder.

        Raises:
            OSError: It does not answer, or has no worker that can be used.
        """
        try:
            from distributed import Client, KilledWorker
        except ImportError as error:
            raise OSError(
                "--scheduler needs Dask, which the lock holds. Run in the project: "
                "python -m pip install --require-hashes -r requirements.lock"
            ) from error
        self.lost = (KilledWorker, CancelledError)
        self._client = Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
        try:
            self._client.wait_for_workers(1, timeout=SECONDS_FOR_WORKERS)
            self._check_workers()
            self._shared = self._share_disk(folder)
        except BaseException:
            self._client.close()
            raise
        self._executor = self._client.get_executor(pure=False)

    def _check_workers(self) -> None:
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        self.cores = len(workers)
        several = [name for name, worker in workers.items() if worker["nthreads"] > 1]
        if several:
            raise OSError(
                f"The Dask worker {several[0]} has several threads, but a process can run one "
                "notebook at a time: start workers with --nthreads 1."
            )

    def _share_disk(self, folder: Path) -> bool:
        token = folder / f".seen-{uuid.uuid4().hex}"
        token.touch()
        try:
            return all(self._client.run(token.exists).values())
        finally:
            token.unlink()

    def submit(self, function: Callable, order: Order) -> Future:
        """Has some worker call `function(order)`; sends the folders along if it must."""
        if self._shared:
            return self._executor.submit(function, order)
        parent = pack(order.parent) if order.parent else None
        remote = self._executor.submit(perform_packed, order, parent)
        arrived: Future = Future()
        remote.add_done_callback(lambda done: _arrive(done, order, arrived))
        return arrived

    def close(self) -> None:
        """Leaves the cluster; a step that a worker has begun runs to its end there."""
        self._executor.shutdown(wait=False)
        self._client.close()


def _arrive(remote: Future, order: Order, arrived: Future) -> None:
    """Takes a step's results home, and then says that it has ended."""
    try:
        entry, content = remote.result()
        take_home(order, content)
    except Exception as error:  # whatever it is, the one who waits is to see it
        arrived.set_exception(error)
    else:
        arrived.set_result(entry)
