"""Tasks on the workers of Dask, on this machine or on many."""

import logging
import queue
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from distributed import Client, KilledWorker, get_worker

from mnist_helpers.runner.sweep.dask_local import default_workers, kill, local_cluster
from mnist_helpers.runner.sweep.dask_transfer import pack, run_packed, take_home
from mnist_helpers.runner.sweep.task import Emit, SchedulerLostError, Task, cores, run_task

SECONDS_TO_CONNECT = 10
SECONDS_FOR_WORKERS = 60
SECONDS_BETWEEN_LOOKS = 0.5


class DaskWorkers:
    """Workers of Dask, which starts a task of a lost worker again on another.

    Args:
        emit: Is told of what happens, in the thread that calls `ended`.
        folder: The folder of the sweep; workers that do not see it get and send its parts.
        workers: How many local ones to start.
        address: Of a scheduler whose workers are used instead, such as `tcp://10.0.0.1:8786`.

    Raises:
        OSError: The scheduler does not answer, or has no worker that can be used.

    Attributes:
        cores: How many cores work; of a cluster, how many workers.
        local: Whether all the workers are of this machine and this code.
    """

    def __init__(
        self, emit: Emit, folder: Path, workers: int | None = None, address: str | None = None
    ):
        """Starts the workers, or connects to them."""
        for name in ("distributed", "distributed.client", "distributed.scheduler"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what happens is said in sentences
        self.emit, self.local, self.address = emit, address is None, address
        self._messages: queue.Queue = queue.Queue()
        self._running: dict[str, tuple[Task, Any]] = {}
        self._seen_workers = time.monotonic()
        self._topic = f"mnist-{uuid.uuid4().hex}"
        with ExitStack() as opened:
            self._cluster = None
            if self.local:
                self._cluster = local_cluster(workers or default_workers())
                opened.callback(self._cluster.close, timeout=10)
            self._client = Client(
                self._cluster or address, timeout=SECONDS_TO_CONNECT, set_as_default=False
            )
            opened.callback(self._client.close, timeout=5)
            opened.callback(self._kill)
            self._client.wait_for_workers(workers or 1, timeout=SECONDS_FOR_WORKERS)
            self._prepare(folder)
            self._opened = opened.pop_all()

    def _prepare(self, folder: Path) -> None:
        found = self._client.scheduler_info(n_workers=-1)["workers"]
        several = [name for name, worker in found.items() if worker["nthreads"] > 1]
        if several:
            raise OSError(
                f"The Dask worker {several[0]} has several threads, but a process can run one "
                "notebook at a time: start workers with --nthreads 1."
            )
        self.cores = len(cores()) if self.local else len(found)
        self._shared = self.local or self._see_folder(folder)
        self._client.subscribe_topic(self._topic, self._messages.put)

    def _see_folder(self, folder: Path) -> bool:
        token = folder / f".seen-{uuid.uuid4().hex}"
        token.touch()
        try:
            return all(self._client.run(token.exists).values())
        finally:
            token.unlink()

    @property
    def slots(self) -> int:
        """How many tasks may be handed over: one for each worker.

        Dask would queue more behind a task, but counts its worker's death against all of them.

        Raises:
            SchedulerLostError: The scheduler does not answer, or there is no worker for a minute.
        """
        try:
            number = len(self._client.nthreads())
        except (OSError, ValueError, AttributeError, RuntimeError, CancelledError) as error:
            raise self._lost("The Dask scheduler no longer answers") from error
        if self._cluster and number < len(self._cluster.worker_spec):
            # A worker that is not back within 15 s, on a busy machine, Dask gives up for good.
            self._cluster.scale(len(self._cluster.worker_spec))
        if number:
            self._seen_workers = time.monotonic()
        elif time.monotonic() - self._seen_workers > SECONDS_FOR_WORKERS:
            raise self._lost("There are no Dask workers any more")
        return number

    def _lost(self, what: str) -> SchedulerLostError:
        where = "on this machine" if self.local else f"at {self.address}"
        return SchedulerLostError(
            f"{what} ({where}). What is finished is kept: once scheduler and workers run again, "
            "the same command continues from here."
        )

    def submit(self, task: Task, pages: bool) -> None:
        """Has a worker run the task; sends the folder of the task before along if it must."""
        before = pack(task.parent.folder) if task.parent and not self._shared else None
        future = self._client.submit(
            _run_on_worker, task, pages, self._topic, self._shared, before,
            key=task.key, pure=False,
        )  # fmt: skip
        self._running[task.key] = task, future
        future.add_done_callback(self._messages.put)

    def ended(self) -> Iterator[tuple[str, Callable[[], dict]]]:
        """Waits a moment; yields key, and a function that returns the entry, of what has ended."""
        timeout: float | None = SECONDS_BETWEEN_LOOKS
        while True:
            try:
                message = self._messages.get(timeout=timeout)
            except queue.Empty:
                return
            timeout = 0.001
            if isinstance(message, tuple):  # time and content of an event
                self.emit(*message[1])
            elif task_and_future := self._running.pop(message.key, None):
                yield message.key, partial(self._result, *task_and_future)

    def _result(self, task: Task, future: Any) -> dict:
        try:
            entry, content = future.result()
        except KilledWorker as error:
            died = f"its worker died {error.allowed_failures + 1} times"
            raise RuntimeError(f"{died}; is the memory too small?") from error
        except CancelledError as error:
            raise self._lost("The Dask scheduler no longer answers") from error
        if content is not None:
            take_home(task, content)
        return entry

    def _kill(self) -> None:
        for worker in self._cluster.workers.values() if self._cluster else ():
            kill(worker)

    def close(self) -> None:
        """Leaves the workers; local ones end, and with them the kernels that they run."""
        self._opened.close()


def _run_on_worker(
    task: Task, pages: bool, topic: str, shared: bool, before: bytes | None
) -> tuple[dict, bytes | None]:
    worker = get_worker()

    def emit(key: str, entry: dict) -> None:
        worker.log_event(topic, [key, entry])

    if shared:
        return run_task(task, pages, emit), None
    return run_packed(task, pages, emit, before)
