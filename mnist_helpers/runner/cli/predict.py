"""The command `predict`: which digit do pictures show?"""

import json
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from mnist_helpers.runner.cli.common import Model, echo
from mnist_helpers.runner.cli.pictures import find_pictures, read_pictures
from mnist_helpers.runner.csv_row import csv_row

if TYPE_CHECKING:
    from mnist_helpers.evaluation.inference import Prediction

NAMED = 10  # of the files that were not read


def command(
    pictures: Annotated[
        list[str],
        typer.Argument(
            metavar="PICTURE...",
            help='File, folder, pattern such as "*.png", URL, or - for standard input. A file may '
            "also be a CSV (as Kaggle's), IDX or .mat file of digits.",
        ),
    ],
    model: Model = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated, with a header.")] = False,
) -> int:
    """Reads the digit in each picture: dark on light or light on dark, one digit a picture.

    Exit status 0: all read; 1: at least one could not be read.
    """
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv cannot be used together")
    found, left_out = find_pictures(pictures)
    if left_out:
        more = f" and {len(left_out) - NAMED:,} more" if len(left_out) > NAMED else ""
        files = "1 file was" if len(left_out) == 1 else f"{len(left_out):,} files were"
        echo(f"{files} not read: {', '.join(left_out[:NAMED])}{more}")
    if all(map(os.path.isdir, found)):
        raise ValueError(f"There are no pictures in {', '.join(found)}.")
    from tqdm import tqdm

    from mnist_helpers.evaluation import inference
    from mnist_helpers.training.artifacts import load_model
    from mnist_helpers.training.model_choice import find_model

    predictor = inference.Predictor(load_model(find_model(model)))
    errors = []

    def watched() -> "Iterable[Prediction]":
        predictions = inference.predict_images(predictor, read_pictures(found))
        quiet = not sys.stderr.isatty() or None
        for prediction in tqdm(
            predictions, total=len(found), unit=" pictures", disable=quiet, leave=False
        ):
            errors.append(prediction.error is not None)
            yield prediction

    write = _write_json if as_json else _write_csv if as_csv else _write_lines
    write(watched())
    if any(errors):
        echo(f"{sum(errors):,} of {len(errors):,} pictures could not be read.")
    return int(any(errors))


def _write_lines(predictions: "Iterable[Prediction]") -> None:
    for prediction in predictions:
        if prediction.error:
            echo(f"{prediction.picture}: {prediction.error}")
        else:
            print(
                f"{prediction.picture}: {prediction.digit} ({prediction.confidence:.1%}; "
                f"second choice {prediction.second_choice}, {prediction.second_confidence:.1%})"
            )


def _write_csv(predictions: "Iterable[Prediction]") -> None:
    from mnist_helpers.evaluation.inference import Prediction

    print(csv_row(Prediction._fields), end="")
    for prediction in predictions:
        print(csv_row(prediction), end="")


def _write_json(predictions: "Iterable[Prediction]") -> None:
    print(json.dumps([prediction._asdict() for prediction in predictions], indent=2))
