"""The long versions of the tests that keep the promises of SECURITY.md: `python -m tests.stress`.

The tests are the ones of `make test` that are marked `promise(number)`. Here they try many more
cases, and a table at the end says how many of each promise and how many of them failed. A second
one says of each kind of hostile input how long and how much memory its worst specimen took.
"""

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable

import pytest

VARIABLE = "MNIST_STRESS"
MOST_SECONDS = 1180
PROMISES = {
    1: "killed at any moment, it ends with the same weights",
    2: "no half file, ever",
    3: "many at once",
    4: "data are verified on every way in",
    5: "model files run nothing",
    6: "any picture and parameter: a right answer or an error",
    7: "notebooks in any order: right, or say what to do",
    8: "the server listens to this machine only, with a token",
    9: "supply chain: hashes and pinned actions",
}

# What comes from outside, and of how many specimens of each kind the table has to tell.
SPECIMENS = {
    "mutated model files": 3000,
    "hostile model files": 30,
    "mutated pictures": 30_000,
    "files of digits": 5_000,
    "arrays": 20_000,
    "sweep files": 100,
    "full disks": 8,
    "Dask processes killed": 10,
}


def often(few: int, many: int) -> int:
    """Returns how many cases to try: `few` in `make test`, `many` in `make stress`."""
    return many if VARIABLE in os.environ else few


def record_specimens(
    record_property: Callable, kind: str, count: int, seconds: float = 0, megabytes: float = 0
) -> None:
    """Records for the table how many specimens a test tried, and what the worst of them took.

    Args:
        record_property: pytest's fixture.
        kind: One of `SPECIMENS`.
        count: How many.
        seconds: The longest time of one.
        megabytes: The highest peak of memory of one, beyond what its process had.
    """
    assert kind in SPECIMENS, kind
    record_property("cases", count)
    record_property("specimens", (kind, count, seconds, megabytes))


class PromiseTable:
    """Runs the tests of promises alone, and counts. A test tells its number by `cases`."""

    def __init__(self):
        self.promise, self.cases, self.failures = {}, defaultdict(int), defaultdict(list)
        self.skipped, self.seconds = defaultdict(list), defaultdict(float)
        self.specimens = {kind: [0, 0.0, 0.0] for kind in SPECIMENS}  # count, seconds, megabytes

    def pytest_collection_modifyitems(self, config, items):
        for item in items:
            if marker := item.get_closest_marker("promise"):
                self.promise[item.nodeid] = marker.args[0]
        config.hook.pytest_deselected(items=[i for i in items if i.nodeid not in self.promise])
        items[:] = [item for item in items if item.nodeid in self.promise]

    def pytest_runtest_logreport(self, report):
        number = self.promise[report.nodeid]
        self.seconds[number] += report.duration
        properties = dict(report.user_properties)
        if report.when == "call" and "specimens" in properties:
            kind, count, *worst = properties["specimens"]
            so_far = self.specimens[kind]
            self.specimens[kind] = [so_far[0] + count, *map(max, so_far[1:], worst)]
        if report.failed:
            self.failures[number].append(report.nodeid)
        elif report.skipped:
            self.skipped[number].append(report.nodeid)
        elif report.when == "call":
            self.cases[number] += properties.get("cases", 1)

    def kept(self) -> bool:
        """Says whether every promise was tried and none was broken."""
        enough = all(self.specimens[kind][0] >= least for kind, least in SPECIMENS.items())
        tried = all(self.cases[number] for number in PROMISES)
        return enough and tried and not any(self.failures.values())

    def pytest_terminal_summary(self, terminalreporter):
        write = terminalreporter.write_line
        write("")
        write(f"{'promise':<58} {'cases':>7} {'failures':>8} {'skipped':>7} {'seconds':>7}")
        for number, title in PROMISES.items():
            counts = len(self.failures[number]), len(self.skipped[number])
            write(
                f"{number} {title:<56} {self.cases[number]:>7,} {counts[0]:>8} {counts[1]:>7} "
                f"{self.seconds[number]:>7.0f}"
            )
        write(
            f"  {'all':<56} {sum(self.cases.values()):>7,} "
            f"{sum(map(len, self.failures.values())):>8} "
            f"{sum(map(len, self.skipped.values())):>7} {sum(self.seconds.values()):>7.0f}"
        )
        write("")
        write(f"{'specimens':<40} {'least':>8} {'tried':>8} {'worst s':>8} {'worst MB':>8}")
        for kind, (count, seconds, megabytes) in self.specimens.items():
            write(
                f"{kind:<40} {SPECIMENS[kind]:>8,} {count:>8,} {seconds:>8.1f} {megabytes:>8,.0f}"
            )


def main() -> int:
    """Runs them; the exit status is 0 if every promise was tried and kept."""
    os.environ[VARIABLE] = str(time.time_ns())  # also the seed of what is random
    print(f"{VARIABLE}={os.environ[VARIABLE]}")
    table = PromiseTable()
    status = pytest.main(
        ["-q", "-p", "no:cacheprovider", f"--session-timeout={MOST_SECONDS}", *sys.argv[1:]],
        plugins=[table],
    )
    return int(status) or (0 if table.kept() else 1)


if __name__ == "__main__":
    sys.exit(main())
