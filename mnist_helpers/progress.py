"""Where a run of notebooks stands: a live bar on a terminal, plain lines elsewhere."""

import logging
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

CELL_STARTS = re.compile(r"Executing Cell (\d+)-")  # what papermill logs
EPOCH_STARTS = re.compile(r"^Epoch (\d+/\d+)", re.MULTILINE)  # what Keras prints


class Progress(logging.Handler):
    """Follows papermill's log and shows notebook, cell and epoch on stderr.

    Attributes:
        cell: Number of the cell that runs, counted from 1 in the executed notebook; 0 before.
    """

    def __init__(self):
        """Starts without a notebook."""
        super().__init__()
        self.live = sys.stderr.isatty()
        self.bar = None

    def start(self, title: str, cells: int) -> None:
        """Shows that a notebook begins.

        Args:
            title: Its name and place in the series.
            cells: How many cells it has.
        """
        self.title, self.cells, self.cell, self.epoch = title, cells, 0, ""
        if self.live:
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

    def emit(self, record: logging.LogRecord) -> None:
        """Takes one record of papermill's log."""
        message = record.getMessage()
        if found := CELL_STARTS.match(message):
            self.cell, self.epoch = int(found[1]), ""
            self._show()
        for epoch in EPOCH_STARTS.findall(message):
            self.epoch = f", epoch {epoch}"
            self._show(f"{self.title}: epoch {epoch}")

    def _show(self, line: str | None = None) -> None:
        if self.live:
            self.bar.n = self.cell
            self.bar.set_description_str(f"{self.title}: cell {self.cell}/{self.cells}{self.epoch}")
        elif line:
            print(line, file=sys.stderr, flush=True)


@contextmanager
def following_papermill(log_file: Path) -> Iterator[Progress]:
    """Writes all that the notebooks print into `log_file`, and yields the progress display."""
    logger = logging.getLogger("papermill")
    before = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False  # the terminal shows progress, the file holds the output
    file = logging.FileHandler(log_file, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    progress = Progress()
    logger.addHandler(file)
    logger.addHandler(progress)
    try:
        yield progress
    finally:
        progress.stop()
        logger.removeHandler(progress)
        logger.removeHandler(file)
        file.close()
        logger.setLevel(before[0])
        logger.propagate = before[1]
