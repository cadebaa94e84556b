"""What several commands need."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def echo(text: str) -> None:
    """Writes to stderr, which holds what is not a result."""
    print(text, file=sys.stderr, flush=True)


def check_folder_name(text: str | None) -> str | None:
    """Checks that an option names one folder and is no path."""
    if text is not None and (not text or text == ".." or Path(text).name != text):
        raise typer.BadParameter(f"{text!r} is not the name of one folder")
    return text


Model = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="A .keras file, or a run's folder; by default your last notebook training, else the "
        "shipped model.",
    ),
]
ReaderModel = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="A .keras file, or a run's folder; by default the reader that comes with the project.",
    ),
]
Output = Annotated[
    Path,
    typer.Option(
        metavar="FOLDER", help="Where the folder is made; by default runs/.", show_default=False
    ),
]
