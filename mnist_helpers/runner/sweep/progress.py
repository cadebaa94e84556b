"""What one sees while tasks run: a live table on a terminal, plain lines elsewhere."""

import sys
import time
from contextlib import AbstractContextManager
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mnist_helpers.runner.sweep.plan import Run
from mnist_helpers.runner.sweep.task import Task
from mnist_helpers.runner.sweep.time_estimate import Estimate, duration


class Display(AbstractContextManager):
    """Shows on a terminal a table of what is running, below lines that must not be missed.

    Elsewhere it writes a line when a task starts or ends; of a single run, also for each epoch.
    It knows only what it is told: `on_change` a task's entry as it runs, `on_end` its last one.

    Args:
        runs: All the runs.
        left: The tasks to do, by key; whoever runs them takes out what has ended.
        estimate: Judges the time left.
        cores: How many work.
    """

    def __init__(self, runs: list[Run], left: dict[str, Task], estimate: Estimate, cores: int = 1):
        """Starts with nothing running."""
        self.runs, self.left, self.estimate, self.cores = runs, left, estimate, cores
        self.running: dict[Task, dict] = {}
        self.finished = sum(run.state()[0] == "done" for run in runs)
        self.live: Live | None = None
        if sys.stderr.isatty():
            console = Console(stderr=True)
            self.live = Live(console=console, refresh_per_second=2, get_renderable=self.table)

    def __enter__(self) -> Self:
        """Begins to draw."""
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves the last table on the terminal."""
        if self.live:
            self.live.stop()

    def on_change(self, key: str, entry: dict) -> None:
        """Takes the entry of a task that runs."""
        task = self.left.get(key)
        if task is None:
            return  # the last word of a worker that has ended
        before = self.running.get(task)
        self.running[task] = entry
        name = f"{self.title(task)} {task.name}"
        if before is None:
            self.line(f"{name}: started, {entry['cells']} cells")
        elif before["started"] != entry["started"]:
            self.line(f"{name}: its worker died; started again", important=True)
        elif entry["epoch"] not in ("", before["epoch"]) and len(self.runs) == 1:
            self.line(f"{name}: epoch {entry['epoch']}")

    def on_end(self, task: Task, entry: dict) -> None:
        """Takes the last entry of a task, whose state is "done" or "failed"."""
        self.running.pop(task, None)
        name = f"{self.title(task)} {task.name}"
        if entry["state"] == "failed":
            self.line(f"{name}: FAILED\n{entry['error']}", important=True)
            return
        self.estimate.learn(task.name, entry)
        self.finished += sum(run.tasks[-1] is task for run in self.runs)
        self.line(f"{name}: done in {duration(entry['seconds'])}; {self.summary()}")

    def title(self, task: Task) -> str:
        """Returns the place in a single run, or else which run or how many a task is for."""
        users = [run for run in self.runs if task in run.tasks]
        if len(self.runs) == 1:
            return f"[{users[0].tasks.index(task) + 1}/{len(users[0].tasks)}]"
        return f"{users[0].name}:" if len(users) == 1 else f"shared by {len(users)} runs:"

    def summary(self) -> str:
        """Returns how many runs are done and how long the rest will take, in words."""
        work = sum(map(self.estimate.core_seconds, list(self.left.values())))
        left = f"about {duration(work / self.cores)} left" if self.left else "nothing left"
        return f"{self.finished} of {len(self.runs)} runs done, {left}"

    def line(self, text: str, important: bool = False) -> None:
        """Writes a line at once; above the table, which shows the rest, only an important one."""
        if not self.live:
            print(text, file=sys.stderr, flush=True)
        elif important:
            self.live.console.print(text, markup=False, highlight=False)

    def table(self) -> Table:
        """Draws the table."""
        table = Table(title=self.summary(), title_justify="left")
        for column in ("run", "notebook", "cell", "epoch", "accuracy", "running for", "left"):
            table.add_column(column, overflow="fold")
        for task, entry in list(self.running.items()):
            accuracy = f"{entry['accuracy']:.2%}" if entry["accuracy"] else ""
            elapsed = time.time() - entry["started"]
            left = max(self.estimate.core_seconds(task) / entry["cores"] - elapsed, 0)
            cell, name = f"{entry['cell']}/{entry['cells']}", self.title(task).rstrip(":")
            row = name, task.name, cell, entry["epoch"], accuracy
            table.add_row(*map(Text, (*row, duration(elapsed), duration(left))))
        return table
