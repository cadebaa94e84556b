"""The command `predict`: which digit do pictures show?"""

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from mnist_helpers.runner.cli.common import Model, echo
from mnist_helpers.runner.csv_row import csv_row

if TYPE_CHECKING:
    from mnist_helpers.evaluation.inference import Prediction


def command(
    pictures: Annotated[
        list[str],
        typer.Argument(metavar="PICTURE...", help='File, folder or pattern such as "*.png".'),
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
    from mnist_helpers.evaluation import inference

    found = inference.find_images(pictures)
    if not found:
        raise ValueError(f"There are no pictures in {', '.join(pictures)}.")
    from tqdm import tqdm

    from mnist_helpers.training.artifacts import load_model
    from mnist_helpers.training.model_choice import find_model

    predictor = inference.Predictor(load_model(find_model(model)))
    predictions = tqdm(
        inference.predict_files(predictor, found),
        total=len(found), unit=" pictures", disable=not sys.stderr.isatty() or None, leave=False,
    )  # fmt: skip
    write = _write_json if as_json else _write_csv if as_csv else _write_lines
    failed = write(predictions)
    if failed:
        echo(f"{failed} of {len(found):,} pictures could not be read.")
    return 1 if failed else 0


def _write_lines(predictions: "Iterable[Prediction]") -> int:
    failed = 0
    for prediction in predictions:
        if prediction.error:
            failed += 1
            echo(f"{prediction.picture}: {prediction.error}")
        else:
            print(
                f"{prediction.picture}: {prediction.digit} ({prediction.confidence:.1%}; "
                f"second choice {prediction.second_choice}, {prediction.second_confidence:.1%})"
            )
    return failed


def _write_csv(predictions: "Iterable[Prediction]") -> int:
    from mnist_helpers.evaluation.inference import Prediction

    failed = 0
    print(csv_row(Prediction._fields), end="")
    for prediction in predictions:
        print(csv_row(prediction), end="")
        failed += prediction.error is not None
    return failed


def _write_json(predictions: "Iterable[Prediction]") -> int:
    rows = [prediction._asdict() for prediction in predictions]
    print(json.dumps(rows, indent=2))
    return sum(row["error"] is not None for row in rows)
