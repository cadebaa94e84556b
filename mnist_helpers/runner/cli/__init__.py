"""The command line, `mnist` or `python -m mnist_helpers`; one module per command."""

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from mnist_helpers.runner.cli import evaluate, export, notebooks, predict, run, sweep
from mnist_helpers.runner.cli.common import echo


def _end(status: int, **_: object) -> None:
    """Makes what a command returns the exit status."""
    sys.stdout.flush()  # here, where typer sees that nobody reads on, and not when Python ends
    raise typer.Exit(status)


# What takes long to import (papermill, NumPy, TensorFlow) is imported by a command when it runs.
app = typer.Typer(
    result_callback=_end,
    help="Trains, evaluates and uses a digit classifier without Jupyter.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for module in (run, sweep, predict, evaluate, export, notebooks):
    name = module.__name__.rpartition(".")[2]
    app.command(name, cls=getattr(module, "Command", None))(module.command)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print("mnist-helpers", version("mnist-helpers"))
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


def main(
    arguments: Sequence[str] | None = None, notebooks: Sequence[str | Path] | None = None
) -> int:
    """Runs the command line.

    Args:
        arguments: What follows the program's name; by default that of this process.
        notebooks: The series that `run` runs; by default 01 to 05 of the project.

    Returns:
        The exit status: 0 done, 1 a part failed, 2 an error in what was asked for or needed, 130
        stopped by Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal of cp1252 lacks most of the letters
            stream.reconfigure(errors="backslashreplace")
    given = sys.argv[1:] if arguments is None else arguments
    try:
        # typer ends by Ctrl-C with 130, and with 1 where nobody reads on, as after `| head`.
        app(args=run.join_parameters(given), prog_name="mnist", obj=notebooks)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except (ValueError, OSError, ImportError) as error:
        echo(f"Error: {error}")
        return 2
    return 0
