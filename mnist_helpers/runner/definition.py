"""What a sweep's file says, once it is read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


class SweepError(ValueError):
    """A sweep file says something impossible; says where."""

    def __init__(self, path: Path, line: int, text: str):
        """Takes the file, the line counted from 1, and what is wrong."""
        super().__init__(f"{path}, line {line}: {text}")


@dataclass(frozen=True)
class Setting:
    """A parameter with a value, or with several for a grid.

    Attributes:
        name: The parameter; with a notebook's name and a dot before it, for that one alone.
        value: The value, or the list of values.
        line: Where the file says so.
    """

    name: str
    value: Any
    line: int = 1

    def each(self) -> "list[Setting]":
        """Returns the setting with each of its values."""
        return [Setting(self.name, value, self.line) for value in self.value]


@dataclass(frozen=True)
class Variant:
    """A named way to run: its own notebooks and settings."""

    name: str
    notebooks: list[Path]
    settings: list[Setting]
    line: int = 1


@dataclass(frozen=True)
class Definition:
    """What a sweep file says.

    Attributes:
        path: The file.
        fixed: Settings of every run.
        variants: At least one; a file that names none has one without a name.
        grid: Settings with lists of values, of which every combination runs.
        zipped: Settings with equally long lists of values, which go together.
        seeds: Values of SEED, as a setting with a list; `None` for the notebooks' own.
    """

    path: Path
    fixed: list[Setting]
    variants: list[Variant]
    grid: list[Setting]
    zipped: list[Setting]
    seeds: Setting | None
