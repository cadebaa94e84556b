"""What one sees of a sweep while it runs: a live table on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterable

from mnist_helpers.runner.estimate import Estimate
from mnist_helpers.runner.plan import Run, Step


class Display:
    """Writes a line when a step begins or ends.

    Args:
        runs: The whole sweep.
        steps: The steps to do.
        estimate: Judges the time left.
        cores: How many cores work.
    """

    def __init__(self, runs: list[Run], steps: list[Step], estimate: Estimate, cores: int):
        """Starts with nothing running."""
        self.runs, self.estimate, self.cores = runs, estimate, cores
        self.left = {step.key: step for step in steps}
        self.users: dict[str, list[Run]] = {}
        for run in runs:
            for step in run.steps:
                self.users.setdefault(step.key, []).append(run)
        self.total = len(runs)
        self.finished = {run.steps[-1].key for run in runs if run.state()[0] == "done"}

    def __enter__(self) -> "Display":
        """Begins to show."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends showing."""

    def began(self, step: Step) -> None:
        """Shows that a step begins."""
        self.line(f"{self.title(step)}: {step.name} begins")

    def ended(self, step: Step, state: str) -> None:
        """Shows that a step is "done", "failed", or "lost" with its worker."""
        if state == "lost":
            self.line(f"{self.title(step)}: {step.name} lost its worker and is done again")
            return
        self.left.pop(step.key)
        entry = step.entry()
        if state == "failed":
            self.line(f"{self.title(step)}: FAILED\n{entry['error']}")
            self._drop_children(step)
            return
        self.estimate.learn(step.name, entry)
        if step.key in self.ends:
            self.finished.add(step.key)
        self.line(
            f"{self.title(step)}: {step.name} done in {duration(entry['seconds'])}; "
            f"{len(self.finished)} of {self.total} runs done, {self.time_left()}"
        )

    @property
    def ends(self) -> set[str]:
        """Keys of the steps that end a run."""
        return {run.steps[-1].key for run in self.runs}

    def _drop_children(self, step: Step) -> None:
        for key, other in list(self.left.items()):
            if other.parent and other.parent.key == step.key:
                del self.left[key]
                self._drop_children(other)

    def title(self, step: Step) -> str:
        """Returns the name of the run, or of how many runs, that a step is for."""
        users = self.users[step.key]
        return users[0].name if len(users) == 1 else f"shared by {len(users)} runs"

    def time_left(self) -> str:
        """Returns how long the rest will take, in words."""
        work = sum(map(self.estimate.core_seconds, self.left.values()))
        return f"about {duration(work / self.cores)} left" if self.left else "nothing left"

    def line(self, text: str) -> None:
        """Writes a line at once."""
        print(text, file=sys.stderr, flush=True)

    def look(self, running: Iterable[Step]) -> None:
        """Shows what is running now; called often."""


class LiveDisplay(Display):
    """Shows a table of what is running; what failed stays above it."""

    def __enter__(self) -> "LiveDisplay":
        """Begins to draw."""
        from rich.console import Console
        from rich.live import Live

        self.live = Live(console=Console(stderr=True), refresh_per_second=2)
        self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves the last table on the terminal."""
        self.live.stop()

    def line(self, text: str) -> None:
        """Keeps only what must not be missed."""
        if "FAILED" in text or "lost its worker" in text:
            self.live.console.print(text, markup=False, highlight=False)

    def look(self, running: Iterable[Step]) -> None:
        """Draws the table anew."""
        from rich.table import Table

        title = f"{len(self.finished)} of {self.total} runs done, {self.time_left()}"
        table = Table(title=title, title_justify="left")
        for column in ("run", "notebook", "epoch", "accuracy so far", "running for", "left"):
            table.add_column(column, overflow="fold")
        for step in running:
            table.add_row(self.title(step), step.name, *self._progress(step))
        self.live.update(table)

    def _progress(self, step: Step) -> tuple[str, str, str, str]:
        entry = step.entry()
        if entry.get("state") != "running":
            return "", "", "", ""
        accuracy = f"{entry['accuracy']:.2%}" if entry["accuracy"] else ""
        elapsed = time.time() - entry["started"]
        expected = self.estimate.core_seconds(step) / entry["cores"]
        return entry["epoch"], accuracy, duration(elapsed), duration(max(expected - elapsed, 0))


def duration(seconds: float) -> str:
    """Returns a time in the units that suit it."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
