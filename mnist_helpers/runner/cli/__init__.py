"""The command line: `python -m mnist_helpers COMMAND`; one module per command."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mnist_helpers.runner.cli import evaluate, export, predict, run, sweep
from mnist_helpers.runner.cli.common import say
from mnist_helpers.runner.cli.run import QUICK, SERIES, summary

__all__ = ["QUICK", "SERIES", "main", "summary"]

# What takes long to import (papermill, NumPy, TensorFlow) is imported by a command when it runs.
# A command's module has `add_parser(commands)`, which sets `execute`, a function of the options
# that returns the exit status.
COMMANDS = (run, sweep, predict, evaluate, export)


def main(
    arguments: Sequence[str] | None = None, notebooks: Sequence[str | Path] | None = None
) -> int:
    """Runs the command line.

    Args:
        arguments: What follows the program's name; by default that of this process.
        notebooks: The series that `run` runs; by default the project's four notebooks.

    Returns:
        The exit status: 0 done, 1 a part failed or the data cannot be had, 2 refused,
        130 stopped by Ctrl-C.
    """
    parser = argparse.ArgumentParser(prog="python -m mnist_helpers", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    parser.set_defaults(notebooks=notebooks)
    options = parser.parse_args(arguments)
    try:
        return options.execute(options)
    except (ValueError, OSError) as error:
        say(f"Refused: {error}")
        return 2
