"""The command `run`: the notebooks in order, into a folder of its own."""

import argparse
import datetime
import textwrap
from collections.abc import Sequence
from pathlib import Path

from mnist_helpers.parameters import LIMITS, parse_value
from mnist_helpers.paths import NOTEBOOKS_DIR, RUNS_DIR
from mnist_helpers.runner.cli.common import folder_name, say
from mnist_helpers.training.metrics import read_metrics

SERIES = ("01_data_exploration", "02_clean_phase", "03_augmented_phase", "04_evaluation")
QUICK = {"EPOCHS": 2, "MAX_TRAINING_IMAGES": 2000, "BATCH_SIZE": 32, "ROBUSTNESS_IMAGES": 200}
NOT_MNIST = (
    "THIS IS NOT MNIST. MNIST cannot be had, so every number of this run is for the 1,797 small "
    "digits that scikit-learn carries."
)
# Of scikit-learn's digits, batches of 128 would make ten steps an epoch: too few to learn from.
DIGITS_BATCH_SIZE = 32
NOT_OF_RUNS = ("OUTPUT_DIR", "SWEEP_DIR", "METRIC")  # set by run itself, or of notebook 05
PHASES = {"clean_phase": "clean phase", "hybrid": "hybrid"}


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the command line."""
    run = commands.add_parser(
        "run",
        help="run the notebooks 01 to 04 in order",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Runs the notebooks 01 to 04 in order into a folder of its own, with an HTML "
        "page of each.\nA run that was broken off goes on when it is started again with its name.",
        epilog="parameters:\n"
        + "\n".join(
            f"  {name:<20} {limit.allowed}"
            for name, limit in LIMITS.items()
            if name not in NOT_OF_RUNS
        ),
    )
    quick = ", ".join(f"{name} {value}" for name, value in QUICK.items())
    run.add_argument("--quick", action="store_true", help=f"to see it work: {quick}")
    run.add_argument(
        "--name", type=folder_name, help="name of the run's folder; by default date and time"
    )
    run.add_argument(
        "--dataset",
        metavar="NAME",
        help="mnist, digits, or the path of a data set in MNIST's form; by default MNIST, or "
        "scikit-learn's small digits where MNIST cannot be had",
    )
    run.add_argument(
        "--output",
        default=str(RUNS_DIR),
        metavar="FOLDER",
        help="where the run's folder is made; by default runs/ in the project",
    )
    run.add_argument(
        "-p",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        dest="parameters",
        help="a notebook parameter, for example -p EPOCHS 3; may be repeated",
    )
    run.set_defaults(execute=execute)


def execute(options: argparse.Namespace) -> int:
    """Runs the command and returns the exit status."""
    notebooks = options.notebooks or [NOTEBOOKS_DIR / f"{name}.ipynb" for name in SERIES]
    name = options.name or f"{datetime.datetime.now():%Y-%m-%d_%H-%M-%S}"
    try:
        return _run(options, notebooks, Path(options.output) / name)
    except KeyboardInterrupt:
        say(f"Stopped. The same command with --name {name} goes on from here.")
        return 130


def _run(options: argparse.Namespace, notebooks: Sequence, folder: Path) -> int:
    from mnist_helpers.runner import batch

    known = batch.parameter_types(notebooks)
    parameters = {name: value for name, value in QUICK.items() if options.quick and name in known}
    parameters |= _given(options, known)
    batch.check_parameters(notebooks, parameters)
    missing = None
    if "DATASET" in known:
        try:
            missing = _settle_dataset(parameters)
        except OSError as error:
            say(str(error))
            return 1
    if missing:
        say(_boxed(NOT_MNIST, missing))
    if parameters.get("DATASET") == "digits" and "BATCH_SIZE" in known:
        parameters.setdefault("BATCH_SIZE", DIGITS_BATCH_SIZE)
    try:
        batch.run_series(notebooks, parameters, folder)
    except batch.NotebookError as error:
        say(f"{error}\nWhat it did until then, and the log, are in {folder}.")
        return 1
    print(summary(folder), flush=True)
    if missing:
        say(_boxed(NOT_MNIST))
    return 0


def _given(options: argparse.Namespace, known: dict[str, str]) -> dict:
    """Returns the parameters that the user stated, by name."""
    stated = list(options.parameters)
    if options.dataset:
        stated.append(("DATASET", options.dataset))
    given = {name: parse_value(text, known.get(name, "str")) for name, text in stated}
    if len(given) < len(stated):
        raise ValueError("A parameter is given twice; say each once.")
    if "OUTPUT_DIR" in given:
        raise ValueError("A run writes into its own folder; choose it by --output and --name.")
    return given


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
    from mnist_helpers.data.datasets import (
        MnistUnavailableError,
        class_names,
        load_dataset,
        load_mnist,
    )

    if parameters.get("DATASET") == "digits":
        return None
    stated = "DATASET" in parameters
    if stated and parameters["DATASET"] != "mnist":
        load_dataset(parameters["DATASET"])
        class_names(parameters["DATASET"])
        return None
    try:
        load_mnist()
    except MnistUnavailableError as error:
        if stated:
            raise
        parameters["DATASET"] = "digits"
        return str(error)
    parameters["DATASET"] = "mnist"
    return None


def _boxed(*paragraphs: str) -> str:
    lines = [
        line for text in paragraphs for line in textwrap.wrap(text, 74, break_on_hyphens=False)
    ]
    frame = "#" * 80
    return "\n".join([frame, *(f"#  {line:<74}  #" for line in lines), frame])


def summary(folder: Path) -> str:
    """Returns a short table of a run: accuracy and time of each phase, and where things lie.

    Args:
        folder: A run's folder, with `metrics.json`.
    """
    metrics = read_metrics(folder)
    lines = [
        "",
        f"Data: {metrics['environment'].get('dataset_title', 'not recorded')}",
        f"{'phase':<13}{'test accuracy (95 % interval)':<33}training time",
    ]
    for key, title in PHASES.items():
        section = metrics["phases"].get(key, {})
        lines.append(f"{title:<13}{_accuracy(section):<33}{_duration(section)}")
    models = ", ".join(sorted(path.name for path in Path(folder).glob("*.keras")))
    pages = ", ".join(sorted(path.name for path in Path(folder).glob("*.html")))
    lines += ["", f"Folder: {folder}", f"Models: {models or 'none'}", f"Pages:  {pages or 'none'}"]
    return "\n".join(lines)


def _accuracy(section: dict) -> str:
    if "test_accuracy" not in section:
        return "not measured"
    text = f"{section['test_accuracy']:.2%}"
    if "test_accuracy_interval" in section:
        low, high = section["test_accuracy_interval"]
        text += f" ({low:.2%} to {high:.2%})"
    return text.replace("%", " %")


def _duration(section: dict) -> str:
    if "training_seconds" not in section:
        return "not measured"
    minutes, seconds = divmod(round(section["training_seconds"]), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
