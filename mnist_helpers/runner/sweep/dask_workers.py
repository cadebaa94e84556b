"""Tasks on the workers of Dask, on this machine or on many."""

import logging
import queue
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from distributed import Client, Future, KilledWorker, get_worker

from mnist_helpers.runner.sweep.dask_local import default_workers, kill_workers, local_cluster
from mnist_helpers.runner.sweep.dask_transfer import pack, run_packed, take_home
from mnist_helpers.runner.sweep.task import Emit, Ended, SchedulerLostError, Task, cores, run_task

SECONDS_TO_CONNECT = 10
SECONDS_FOR_WORKERS = 60
SECONDS_BETWEEN_LOOKS = 0.5


@contextmanager
def dask_workers(
    folder: Path, workers: int | None = None, address: str | None = None
) -> Iterator["DaskWorkers"]:
    """Starts workers or connects to them; local ones end, and with them the kernels that they run.

    Args:
        folder: The folder of the sweep; workers that do not see it get and send its parts.
        workers: How many local ones to start.
        address: Of a scheduler whose workers are used instead, such as `tcp://10.0.0.1:8786`.

    Raises:
        OSError: The scheduler does not answer, or has no worker that can be used.
    """
    for name in ("distributed", "distributed.client", "distributed.scheduler"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what happens is said in sentences
    cluster = None
    with ExitStack() as opened:
        if address is None:
            cluster = local_cluster(workers or default_workers())
            opened.callback(cluster.close, timeout=10)
            opened.callback(kill_workers, cluster)
        client = Client(cluster or address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
        opened.callback(client.close, timeout=5)
        client.wait_for_workers(workers or 1, timeout=SECONDS_FOR_WORKERS)
        yield DaskWorkers(client, address, folder)


class DaskWorkers:
    """Workers of Dask, which starts a task of a lost worker again on another.

    Args:
        client: What they are reached by.
        address: Of their scheduler; none if they are of this machine.
        folder: The folder of the sweep.

    Attributes:
        cores: How many cores work; of a cluster, how many workers.
    """

    def __init__(self, client: Client, address: str | None, folder: Path):
        """Looks at the workers."""
        found = client.scheduler_info(n_workers=-1)["workers"]
        several = [name for name, worker in found.items() if worker["nthreads"] > 1]
        if several:
            raise OSError(
                f"The Dask worker {several[0]} has several threads, but a process can run one "
                "notebook at a time: start workers with --nthreads 1."
            )
        self._client, self._cluster, self._address = client, client.cluster, address
        self.cores = len(found) if address else len(cores())
        self._shared = not address or self._see_folder(folder)
        self._seen_workers = time.monotonic()

    def _see_folder(self, folder: Path) -> bool:
        token = folder / f".seen-{uuid.uuid4().hex}"
        token.touch()
        try:
            return all(self._client.run(token.exists).values())
        finally:
            token.unlink()

    def run(self, left: dict[str, Task], pages: bool, emit: Emit) -> Iterator[Ended]:
        """Runs tasks on the workers.

        Args:
            left: The tasks by key, parents before children; whoever iterates takes out what has
                ended.
            pages: Whether to make HTML pages of the notebooks.
            emit: Is told of what happens, in this thread.

        Yields:
            A task that has ended, and a function that returns its entry or raises its error.
        """
        topic = f"mnist-{uuid.uuid4().hex}"
        messages: queue.Queue = queue.Queue()
        self._client.subscribe_topic(topic, messages.put)
        running: dict[str, tuple[Task, Future]] = {}
        while left:
            # They are in the order of the runs, so what ends a run comes before the next run.
            waiting = (task for key, task in left.items() if key not in running)
            ready = (task for task in waiting if not (task.parent and task.parent.key in left))
            for task in islice(ready, max(0, self.slots - len(running))):
                future = self._submit(task, pages, topic)
                future.add_done_callback(messages.put)
                running[task.key] = task, future
            for message in _arrived(messages):
                if isinstance(message, tuple):  # time and content of an event
                    emit(*message[1])
                else:
                    task, future = running.pop(message.key)
                    yield task, partial(self._result, task, future)

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
        where = f"at {self._address}" if self._address else "on this machine"
        return SchedulerLostError(
            f"{what} ({where}). What is finished is kept: once scheduler and workers run again, "
            "the same command continues from here."
        )

    def _submit(self, task: Task, pages: bool, topic: str) -> Future:
        """Has a worker run the task; sends the folder of the task before along if it must."""
        before = pack(task.parent.folder) if task.parent and not self._shared else None
        return self._client.submit(
            _run_on_worker, task, pages, topic, self._shared, before, key=task.key, pure=False
        )

    def _result(self, task: Task, future: Future) -> dict:
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


def _arrived(messages: queue.Queue) -> Iterator[Any]:
    """Waits a moment for a message; yields it and what has come behind it."""
    with suppress(queue.Empty):
        yield messages.get(timeout=SECONDS_BETWEEN_LOOKS)
        while True:
            yield messages.get_nowait()


def _run_on_worker(
    task: Task, pages: bool, topic: str, shared: bool, before: bytes | None
) -> tuple[dict, bytes | None]:
    worker = get_worker()

    def emit(key: str, entry: dict) -> None:
        worker.log_event(topic, [key, entry])

    if shared:
        return run_task(task, pages, emit), None
    return run_packed(task, pages, emit, before)
