"""Hostile files in a process of their own, with the time and memory that each of them takes."""

import contextlib
import importlib
import itertools
import multiprocessing
import os
import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.stress import record_specimens

MAX_SECONDS = 20.0
MAX_MEGABYTES = 2048.0  # beyond what the process has
RENEWED_MEGABYTES = 256  # a child that keeps more than this of what it took is replaced
ROOM_MEGABYTES = 6144  # where the system stops it, so that a failure does not end the whole machine
CLEAR_REFS = Path("/proc/self/clear_refs")
needs_posix = pytest.mark.skipif(
    not hasattr(os, "mkfifo"),
    reason="Windows has no named pipes, no device files and no Ctrl-C to send",
)
needs_linux = pytest.mark.skipif(
    not os.access(CLEAR_REFS, os.W_OK), reason="peaks of memory are measured on Linux"
)


class Measured(NamedTuple):
    """What a specimen did.

    Attributes:
        specimen: Its name.
        outcome: What the function returned; of failures what went wrong.
        seconds: The time it took.
        megabytes: The peak of memory beyond what the process had before.
        failed: It raised something, or passed a limit.
    """

    specimen: str
    outcome: str
    seconds: float
    megabytes: float
    failed: bool


@contextlib.contextmanager
def largest_file(size: int):
    """Lets no file of this process grow beyond `size` bytes; that stands for a full disk."""
    resource = pytest.importorskip("resource", reason="Windows has no limit on a file's size")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Peak:
    """Measures, as a context, the peak of this process's memory beyond what it has; 0 off Linux."""

    def __enter__(self):
        self.megabytes, self.own = 0.0, 0.0
        if os.access(CLEAR_REFS, os.W_OK):
            CLEAR_REFS.write_text("5")  # the peak begins here
            self.own = _megabytes("VmRSS")
        return self

    def __exit__(self, *_):
        if self.own:
            self.megabytes = _megabytes("VmHWM") - self.own


def measure(
    function: Callable[[object], str], specimens: Iterable[tuple[str, object]], children: int = 1
) -> list[Measured]:
    """Calls a function with each specimen in child processes.

    Args:
        function: A function of a module; returns what happened, and raises nothing that it
            expects.
        specimens: Names and arguments, which can be pickled.
        children: How many processes share the work.

    Returns:
        What each did, in order.
    """
    specimens = list(specimens)
    shares = [specimens[start::children] for start in range(children)]
    with ThreadPoolExecutor(children) as pool:
        parts = list(pool.map(lambda share: _measure_share(function, share), shares))
    return [found for group in itertools.zip_longest(*parts) for found in group if found]


def conclude(record_property: Callable, kind: str, measured: list[Measured]) -> None:
    """Records a kind's figures for the table of `make stress`, and asserts that none failed."""
    slowest = max(measured, key=lambda m: m.seconds)
    largest = max(measured, key=lambda m: m.megabytes)
    print(f"{kind}: slowest {slowest}\nlargest {largest}")
    record_specimens(record_property, kind, len(measured), slowest.seconds, largest.megabytes)
    failures = [m for m in measured if m.failed]
    assert not failures, f"{len(failures)} of {len(measured)}: {failures[:3]}"


def _measure_share(function: Callable, specimens: list[tuple[str, object]]) -> list[Measured]:
    measured, child = [], None
    try:
        for name, argument in specimens:
            child = child or _Child(function)
            measured.append(child.measure(name, argument))
            if child.used_up:
                child.end()
                child = None
    finally:
        if child:
            child.end()
    return measured


class _Child:
    """A process that calls one function whenever it is sent an argument."""

    def __init__(self, function: Callable):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        target = function.__module__, function.__name__
        self.process = context.Process(target=_serve, args=(theirs, *target), daemon=True)
        self.process.start()
        theirs.close()
        self.used_up = False
        self.connection.recv()  # once everything is imported

    def measure(self, name: str, argument: object) -> Measured:
        begin, self.used_up = time.perf_counter(), True
        self.connection.send(argument)
        if not self.connection.poll(MAX_SECONDS + 1):
            return Measured(name, "took too long", MAX_SECONDS + 1, 0, True)
        try:
            outcome, failed, megabytes, kept = self.connection.recv()
        except (EOFError, OSError):
            return Measured(name, "its process died", time.perf_counter() - begin, 0, True)
        seconds = time.perf_counter() - begin
        self.used_up = kept > RENEWED_MEGABYTES
        failed |= seconds > MAX_SECONDS or megabytes > MAX_MEGABYTES
        return Measured(name, outcome, seconds, megabytes, failed)

    def end(self) -> None:
        self.process.kill()
        self.process.join()


def _serve(connection, module: str, name: str) -> None:
    """Runs in the child."""
    import resource

    function = getattr(importlib.import_module(module), name)
    room = (_megabytes("VmSize") + ROOM_MEGABYTES) * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (int(room), -1))
    own = _megabytes("VmRSS")
    connection.send("ready")
    while True:
        argument = connection.recv()
        CLEAR_REFS.write_text("5")  # the peak begins here
        try:
            outcome, failed = str(function(argument)), False
        except BaseException as error:
            outcome, failed = f"{type(error).__name__}: {error}"[:500], True
        connection.send((outcome, failed, _megabytes("VmHWM") - own, _megabytes("VmRSS") - own))


def _megabytes(field: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+)", status)[1]) / 1024
