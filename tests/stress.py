"""The long versions of the tests that keep the promises of SECURITY.md: `python -m tests.stress`.

The tests are the ones of `make test` that are marked `promise(number)`. Here they try many more
cases, and a table at the end says how many of each promise and how many of them failed.
"""

import os
import sys
import time
from collections import defaultdict

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


def often(few: int, many: int) -> int:
    """Returns how many cases to try: `few` in `make test`, `many` in `make stress`."""
    return many if VARIABLE in os.environ else few


class PromiseTable:
    """Runs the tests of promises alone, and counts. A test tells its number by `cases`."""

    def __init__(self):
        self.promise, self.cases, self.failures = {}, defaultdict(int), defaultdict(list)
        self.skipped, self.seconds = defaultdict(list), defaultdict(float)

    def pytest_collection_modifyitems(self, config, items):
        for item in items:
            if marker := item.get_closest_marker("promise"):
                self.promise[item.nodeid] = marker.args[0]
        config.hook.pytest_deselected(items=[i for i in items if i.nodeid not in self.promise])
        items[:] = [item for item in items if item.nodeid in self.promise]

    def pytest_runtest_logreport(self, report):
        number = self.promise[report.nodeid]
        self.seconds[number] += report.duration
        if report.failed:
            self.failures[number].append(report.nodeid)
        elif report.skipped:
            self.skipped[number].append(report.nodeid)
        elif report.when == "call":
            self.cases[number] += dict(report.user_properties).get("cases", 1)

    def kept(self) -> bool:
        """Says whether every promise was tried and none was broken."""
        return not self.failures and all(self.cases[number] for number in PROMISES)

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
