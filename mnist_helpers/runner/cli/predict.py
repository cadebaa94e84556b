"""The command `predict`: which digit do pictures show?"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mnist_helpers.runner.cli.common import say
from mnist_helpers.runner.cli.models import add_model_option, model_file

if TYPE_CHECKING:
    from mnist_helpers.evaluation.inference import Prediction


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "predict",
        help="read the digit in pictures",
        description="Reads the digit in each picture: dark on light or light on dark, one digit a "
        "picture. Exit status 0: all read; 1: at least one could not be read.",
    )
    parser.add_argument(
        "pictures", nargs="+", metavar="PICTURE", help='file, folder or pattern such as "*.png"'
    )
    add_model_option(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON list")
    form.add_argument("--csv", action="store_true", help="comma-separated, with a header")
    parser.set_defaults(execute=execute)


def execute(options: argparse.Namespace) -> int:
    """Runs the command and returns the exit status."""
    from mnist_helpers.evaluation import inference

    pictures = inference.find_images(options.pictures)
    if not pictures:
        raise ValueError(f"There are no pictures in {', '.join(options.pictures)}.")
    from tqdm import tqdm

    from mnist_helpers.training.artifacts import load_model

    read = inference.Predictor(load_model(model_file(options.model)))
    readings = tqdm(
        inference.predict_files(read, pictures),
        total=len(pictures), unit=" pictures", disable=not sys.stderr.isatty() or None, leave=False,
    )  # fmt: skip
    write = _write_json if options.json else _write_csv if options.csv else _write_lines
    failed = write(readings)
    if failed:
        say(f"{failed} of {len(pictures):,} pictures could not be read.")
    return 1 if failed else 0


def _write_lines(readings: "Iterable[Prediction]") -> int:
    failed = 0
    for reading in readings:
        if reading.error:
            failed += 1
            say(f"{reading.picture}: {reading.error}")
        else:
            print(
                f"{reading.picture}: {reading.digit} ({reading.confidence:.1%} sure; "
                f"else {reading.second_choice}, {reading.second_confidence:.1%})"
            )
    return failed


def _write_csv(readings: "Iterable[Prediction]") -> int:
    from mnist_helpers.evaluation.inference import Prediction

    writer, failed = csv.writer(sys.stdout, lineterminator="\n"), 0
    writer.writerow(Prediction._fields)
    for reading in readings:
        writer.writerow(reading)
        failed += reading.error is not None
    return failed


def _write_json(readings: "Iterable[Prediction]") -> int:
    rows = [reading._asdict() for reading in readings]
    print(json.dumps(rows, indent=2))
    return sum(row["error"] is not None for row in rows)
