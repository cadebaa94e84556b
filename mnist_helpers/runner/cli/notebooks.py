"""The command `notebooks`: a copy of the series to work on."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[Path, typer.Argument(help="Where to; made if missing.")],
    without_solutions: Annotated[
        bool, typer.Option("--without-solutions", help="Leave the exercises' solutions out.")
    ] = False,
) -> int:
    """Copies the notebooks, without outputs, to a folder to work in.

    Nothing that is in the folder is replaced.
    """
    from mnist_helpers.runner.hand_out import copy_series

    for copy in copy_series(folder, solutions=not without_solutions):
        print(copy)
    return 0
