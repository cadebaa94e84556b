"""Where a run of notebooks stands: a live bar on a terminal, plain lines elsewhere."""

import logging
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm import tqdm

CELL_STARTS = re.compile(r"Executing Cell (\d+)-")  # what papermill logs
# What Keras prints.
EPOCH_OR_ACCURACY = re.compile(
    r"^Epoch (?P<epoch>\d+/\d+)|\bval_accuracy: (?P<accuracy>[\d.]+)", re.MULTILINE
)


class Follower(logging.Handler):
    """Follows papermill's log of one notebook after another.

    Attributes:
        cell: Number of the cell that runs, counted from 1 in the executed notebook; 0 before.
        epoch: For example "3/10"; empty where nothing trains.
        accuracy: The last validation accuracy that was printed, or `None`.
    """

    def __init__(self) -> None:
        """Starts without a notebook."""
        super().__init__()
        self.cell, self.epoch = 0, ""
        self.accuracy: float | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Takes one record of papermill's log."""
        message = record.getMessage()
        if found := CELL_STARTS.match(message):
            self.cell, self.epoch = int(found[1]), ""
            self.on_cell()
        for found in EPOCH_OR_ACCURACY.finditer(message):
            if found["epoch"]:
                self.epoch = found["epoch"]
                self.on_epoch()
            else:
                self.accuracy = float(found["accuracy"])

    def on_cell(self) -> None:
        """Is called when a cell begins."""

    def on_epoch(self) -> None:
        """Is called when an epoch begins."""


class Progress(Follower):
    """Shows notebook, cell and epoch on stderr."""

    def __init__(self) -> None:
        """Starts without a notebook."""
        super().__init__()
        self.live = sys.stderr.isatty()
        self.bar: tqdm | None = None

    def start(self, title: str, cells: int) -> None:
        """Shows that a notebook begins.

        Args:
            title: Its name and place in the series.
            cells: How many cells it has.
        """
        self.title, self.cells, self.cell, self.epoch = title, cells, 0, ""
        if self.live:
            from tqdm import tqdm

            # Some terminals say they have no size at all, and tqdm then draws nothing.
            columns, rows = shutil.get_terminal_size()
            self.bar = tqdm(
                total=cells,
                bar_format="{desc} |{bar}| {elapsed}",
                file=sys.stderr,
                ncols=columns - 1,
                nrows=rows,
            )
        self._show(f"{title}: {cells} cells")

    def stop(self) -> None:
        """Ends the notebook's bar and leaves it on the terminal."""
        if self.bar is not None:
            self.bar.close()

    def on_cell(self) -> None:
        """Moves the bar on."""
        self._show()

    def on_epoch(self) -> None:
        """Shows the epoch."""
        self._show(f"{self.title}: epoch {self.epoch}")

    def _show(self, line: str | None = None) -> None:
        if self.bar is not None:
            epoch = f", epoch {self.epoch}" if self.epoch else ""
            self.bar.n = self.cell
            self.bar.set_description_str(f"{self.title}: cell {self.cell}/{self.cells}{epoch}")
        elif line:
            print(line, file=sys.stderr, flush=True)


@contextmanager
def following_papermill(log_file: Path, follower: Follower) -> Iterator[None]:
    """Writes all that the notebooks print into `log_file`, and lets `follower` follow."""
    logger = logging.getLogger("papermill")
    before = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False  # the terminal shows progress, the file holds the output
    file = logging.FileHandler(log_file, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(file)
    logger.addHandler(follower)
    try:
        yield
    finally:
        logger.removeHandler(follower)
        logger.removeHandler(file)
        file.close()
        logger.setLevel(before[0])
        logger.propagate = before[1]
