"""What a running notebook prints: into the log, into the cell, and as events."""

import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

# What Keras prints.
EPOCH = re.compile(r"Epoch (\d+/\d+)")
ACCURACY = re.compile(r"\bval_accuracy: (\d+(?:\.\d+)?)")
LONGEST_LINE = 2_000  # no line of progress is longer


class Output(AbstractContextManager):
    """The file that papermill writes all printed text to: the log, which it also reads.

    Args:
        path: The log, which is appended to.

    Attributes:
        cell: Number of the cell that runs, counted from 1 in the executed notebook; 0 before.
        source: The source of the cell that runs.
        epoch: For example "3/10"; empty where nothing trains.
        accuracy: The last validation accuracy that was printed, or `None`.
    """

    def __init__(self, path: Path):
        """Opens the log; stands before the first cell."""
        self.path, self._line = path, ""
        self.file = path.open("ab", buffering=0)
        self.cell, self.source, self.epoch = 0, "", ""
        self.accuracy: float | None = None

    def on_change(self) -> None:
        """Is called when a cell or an epoch starts, and when an accuracy is printed."""

    def __exit__(self, *_: object) -> None:
        """Closes the log."""
        self.file.close()

    def on_cell_start(self, cell: Any, cell_index: int) -> None:
        """Is nbclient's hook."""
        self.cell, self.source = cell_index + 1, cell.source
        self.epoch, self._line = "", ""
        self._log(f"\n[cell {cell_index + 1}]\n")
        self.on_change()

    def write(self, text: str) -> None:
        """Takes what a cell printed, whatever its size and wherever it is cut."""
        self._log(text)
        *lines, rest = re.split(r"[\r\n]", text)
        for line in lines:
            self._look((self._line + line)[:LONGEST_LINE])
            self._line = ""
        self._line = (self._line + rest)[:LONGEST_LINE]

    def flush(self) -> None:
        """Does nothing, as nothing is held back."""

    def _look(self, line: str) -> None:
        if found := EPOCH.match(line):
            self.epoch = found[1]
        elif found := ACCURACY.search(line):
            self.accuracy = float(found[1])
        else:
            return
        self.on_change()

    def _log(self, text: str) -> None:
        try:
            self.file.write(text.encode("utf-8", "replace"))
        except OSError as error:
            said = f"{self.path} could not be written ({error.strerror or error})"
            raise OSError(error.errno, said) from error


def merge_streams(cell: Any, **_: Any) -> None:
    """Joins what a cell printed into one text per stream, as a terminal would show it in the end.

    nbclient's `coalesce_streams` does the same in a time that grows with the square of a line's
    length: minutes for a line of 400,000 characters.
    """
    streams = [output for output in cell.outputs if output["output_type"] == "stream"]
    first = {output["name"]: output for output in reversed(streams)}
    for name, output in first.items():
        text = "".join(each["text"] for each in streams if each["name"] == name)
        output["text"] = "\n".join(map(_last_state, text.split("\n")))
    cell.outputs = [
        output
        for output in cell.outputs
        if output["output_type"] != "stream" or output is first[output["name"]]
    ]


def _last_state(line: str) -> str:
    """Returns what is left of a line that was written over from its start again and again."""
    return line.rstrip("\r").rpartition("\r")[2].lstrip("\b")
