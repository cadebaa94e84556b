"""The command `predict`: which digit do pictures show?"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mnist_helpers.runner.cli.common import say
from mnist_helpers.runner.cli.models import add_model_option

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

    from mnist_helpers.training.artifacts import find_model, load_model

    predictor = inference.Predictor(load_model(find_model(options.model)))
    predictions = tqdm(
        inference.predict_files(predictor, pictures),
        total=len(pictures), unit=" pictures", disable=not sys.stderr.isatty() or None, leave=False,
    )  # fmt: skip
    write = _write_json if options.json else _write_csv if options.csv else _write_lines
    failed = write(predictions)
    if failed:
        say(f"{failed} of {len(pictures):,} pictures could not be read.")
    return 1 if failed else 0


def _write_lines(predictions: "Iterable[Prediction]") -> int:
    failed = 0
    for prediction in predictions:
        if prediction.error:
            failed += 1
            say(f"{prediction.picture}: {prediction.error}")
        else:
            print(
                f"{prediction.picture}: {prediction.digit} ({prediction.confidence:.1%}; "
                f"second choice {prediction.second_choice}, {prediction.second_confidence:.1%})"
            )
    return failed


def _write_csv(predictions: "Iterable[Prediction]") -> int:
    from mnist_helpers.evaluation.inference import Prediction

    writer, failed = csv.writer(sys.stdout, lineterminator="\n"), 0
    writer.writerow(Prediction._fields)
    for prediction in predictions:
        writer.writerow(prediction)
        failed += prediction.error is not None
    return failed


def _write_json(predictions: "Iterable[Prediction]") -> int:
    rows = [prediction._asdict() for prediction in predictions]
    print(json.dumps(rows, indent=2))
    return sum(row["error"] is not None for row in rows)
