"""The command `run`: the notebooks in order, into a folder of its own."""

import datetime
import textwrap
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from mnist_helpers.parameters import PARAMETERS
from mnist_helpers.paths import NOTEBOOKS_DIR, RUNS_DIR
from mnist_helpers.runner.cli.common import Output, check_folder_name, echo
from mnist_helpers.runner.cli.summary import summary
from mnist_helpers.runner.notebook.given_parameters import (
    check_declared,
    declared_parameters,
    declared_type,
    parse_value,
)
from mnist_helpers.runner.notebook.read import SERIES

QUICK = {"EPOCHS": 2, "MAX_TRAINING_IMAGES": 2000, "BATCH_SIZE": 32, "ROBUSTNESS_IMAGES": 200}
QUICK_NOTE = (
    "A run on at most {:,} images shows that everything works and proves nothing about accuracy."
)
NOT_MNIST = (
    "THIS IS NOT MNIST. MNIST cannot be had, so every number of this run is for the 1,797 small "
    "digits that scikit-learn carries."
)
# Of scikit-learn's digits, batches of 128 would make ten steps an epoch: too few to learn from.
DIGITS_BATCH_SIZE = 32


class Command(TyperCommand):
    """The command with the notebooks' parameters in its help, read when it is shown."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Lists the parameters with their defaults, meanings and constraints."""
        defaults: dict[str, dict[str, None]] = {}
        for path in _series():
            for name, declared in declared_parameters(path).items():
                defaults.setdefault(name, {})[declared["default"]] = None
        del defaults["OUTPUT_DIR"]  # the run's own folder
        with formatter.section("Parameters, with the notebooks' defaults"):
            formatter.write_dl(
                (f"{name} {' or '.join(values)}", f"{known.meaning}: {known.constraint}.")
                for name, values in defaults.items()
                if (known := PARAMETERS[name])
            )


def command(
    context: typer.Context,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="To see it work: " + ", ".join(f"{name} {n}" for name, n in QUICK.items()) + ".",
        ),
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(
            callback=check_folder_name, help="Name of the run's folder; by default date and time."
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="mnist, digits, or the path of a data set in MNIST's form; by default MNIST, or "
            "scikit-learn's small digits where MNIST cannot be had.",
        ),
    ] = None,
    output: Output = RUNS_DIR,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            metavar="NAME VALUE",
            help="A notebook parameter, for example -p EPOCHS 3; may be repeated.",
        ),
    ] = None,
) -> int:
    """Runs the notebooks 01 to 05 in order into a folder of its own, with an HTML page of each.

    A run that was interrupted continues when it is started again with its name.
    """
    notebooks = [Path(path).resolve() for path in context.obj or _series()]
    name = name or f"{datetime.datetime.now():%Y-%m-%d_%H-%M-%S}"
    stated = [*(parameters or []), *([f"DATASET={dataset}"] if dataset is not None else [])]
    try:
        return _run(notebooks, quick, stated, (output / name).resolve())
    except KeyboardInterrupt:
        echo(f"Stopped. The same command with --name {name} continues from here.")
        return 130


def _series() -> list[Path]:
    return [NOTEBOOKS_DIR / f"{name}.ipynb" for name in SERIES]


def join_parameters(arguments: Sequence[str]) -> list[str]:
    """Writes `-p NAME VALUE` as `-p NAME=VALUE`: typer has no option of two values to repeat."""
    joined: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        joined.append(word)
        if word == "-p" and len(rest) > 1 and "=" not in rest[0]:
            joined.append(f"{rest.pop(0)}={rest.pop(0)}")
    return joined


def _run(notebooks: list[Path], quick: bool, stated: list[str], folder: Path) -> int:
    from mnist_helpers.runner.sweep.plan import plan_run
    from mnist_helpers.runner.sweep.schedule import run_all

    parameters = _checked(notebooks, quick, stated)
    # It takes a second or two, meanwhile the data are looked at; and deep in this call stack,
    # Python 3.11 can take three times as long.
    threading.Thread(target=__import__, args=("papermill",), daemon=True).start()
    try:
        missing = _settle_dataset(parameters) if declared_type("DATASET", notebooks) else None
    except OSError as error:
        echo(str(error))
        return 1
    if missing:
        echo(_boxed(NOT_MNIST, missing))
    if parameters.get("DATASET") == "digits" and declared_type("BATCH_SIZE", notebooks):
        parameters.setdefault("BATCH_SIZE", DIGITS_BATCH_SIZE)
    plan_run(notebooks, parameters, folder)  # refuses a folder before anything is written there
    row, *_ = run_all(
        lambda: [plan_run(notebooks, parameters, folder)], folder, states=("waiting", "failed")
    )
    if row["state"] == "failed":
        echo(f"What it did until then, and the log, are in {folder}.")
        return 1
    print(summary(folder), flush=True)
    if quick:
        images = parameters.get("MAX_TRAINING_IMAGES", QUICK["MAX_TRAINING_IMAGES"])
        print(QUICK_NOTE.format(images), flush=True)
    if missing:
        echo(_boxed(NOT_MNIST))
    return 0


def _checked(notebooks: list[Path], quick: bool, stated: list[str]) -> dict:
    """Returns the parameters that the user stated, and those of `--quick`, by name.

    Raises:
        ValueError: A name that no notebook has, a wrong type, or an impossible value.
    """
    given = {}
    for text in stated:
        name, equals, typed = text.partition("=")
        if not equals:
            raise ValueError(f"-p needs a name and a value, such as -p EPOCHS 3, not {name}.")
        given[name] = parse_value(typed, declared_type(name, notebooks) or "str")
    if len(given) < len(stated):
        raise ValueError("A parameter is given twice; say each once.")
    for name, value in given.items():
        check_declared(name, value, notebooks)
    if not quick:
        return given
    return {name: n for name, n in QUICK.items() if declared_type(name, notebooks)} | given


def _settle_dataset(parameters: dict) -> str | None:
    """Makes sure of the data set before a kernel starts.

    Args:
        parameters: Gets the entry DATASET if it has none.

    Returns:
        Why MNIST cannot be had, if scikit-learn's digits stand in for it; else None.

    Raises:
        MnistUnavailableError: MNIST was asked for by name and cannot be had.
        FileNotFoundError: The path that was given leads nowhere.
        ValueError: What lies there is no data set.
    """
    from mnist_helpers.data.datasets import class_names, load_dataset
    from mnist_helpers.data.mnist import MnistUnavailableError

    is_stated = "DATASET" in parameters
    dataset = parameters.setdefault("DATASET", "mnist")
    try:
        if dataset != "digits":
            load_dataset(dataset)
            class_names(dataset)
    except MnistUnavailableError as error:
        if is_stated:
            raise
        parameters["DATASET"] = "digits"
        return str(error)
    return None


def _boxed(*paragraphs: str) -> str:
    text = "\n".join(textwrap.fill(each, 74, break_on_hyphens=False) for each in paragraphs)
    frame = "#" * 80
    return "\n".join([frame, *(f"#  {line:<74}  #" for line in text.splitlines()), frame])
