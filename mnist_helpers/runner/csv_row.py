"""Rows of CSV that hold names of others' files, for programs as well as for spreadsheets."""

import csv
import io
from collections.abc import Iterable


def csv_row(cells: Iterable[object]) -> str:
    r"""Returns one line of CSV, with its line end.

    Args:
        cells: Values; `None` becomes an empty cell. Before a text that a spreadsheet would take for
            a formula comes an apostrophe.
    """
    row = io.StringIO(newline="")
    # Only with "\r\n" as the line end does the module quote both letters inside a cell.
    csv.writer(row, lineterminator="\r\n").writerow(map(_inert, cells))
    return row.getvalue().removesuffix("\r\n") + "\n"


def _inert(value: object) -> object:
    formula = isinstance(value, str) and value.startswith(tuple("=+-@\t\r"))
    return f"'{value}" if formula else value
