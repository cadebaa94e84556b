"""The command `predict`: which digit do pictures show?"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from mnist_helpers.files import atomic_write, reason
from mnist_helpers.runner.cli.common import ReaderModel, echo
from mnist_helpers.runner.csv_row import csv_row

if TYPE_CHECKING:
    from mnist_helpers.evaluation.reader import Prediction, Reader
    from mnist_helpers.preprocessing.image_io import Picture
    from mnist_helpers.preprocessing.numbers import Number

NAMED = 10  # of the files that were not read


class NumberReading(NamedTuple):
    """The digits of one picture; the fields from `number` on are those of `Number`."""

    picture: str
    number: str | None = None
    confidence: float | None = None
    confidences: list[float] | None = None
    boxes: list[tuple[float, float, float, float]] | None = None
    error: str | None = None


def command(
    pictures: Annotated[
        list[str],
        typer.Argument(
            metavar="PICTURE...",
            help='File, folder, pattern such as "*.png", URL, or - for standard input. A file may '
            "also be a CSV (as Kaggle's), IDX or .mat file of digits.",
        ),
    ],
    model: ReaderModel = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated, with a header.")] = False,
    numbers: Annotated[
        bool, typer.Option("--numbers", help="Read all digits of each picture, in lines.")
    ] = False,
    boxes: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="With --numbers: save each picture there with boxes drawn."
        ),
    ] = None,
) -> int:
    """Reads the digit in each picture, or with --numbers all; dark on light or light on dark.

    Exit status 0: all read; 1: at least one could not be read.
    """
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv cannot be used together")
    if boxes and not numbers:
        raise typer.BadParameter("--boxes needs --numbers")
    from mnist_helpers.runner.cli.pictures import find_pictures, read_pictures

    found, left_out = find_pictures(pictures)
    if left_out:
        more = f" and {len(left_out) - NAMED:,} more" if len(left_out) > NAMED else ""
        files = "1 file was" if len(left_out) == 1 else f"{len(left_out):,} files were"
        echo(f"{files} not read: {', '.join(left_out[:NAMED])}{more}")
    if all(map(os.path.isdir, found)):
        raise ValueError(f"There are no pictures in {', '.join(found)}.")
    from tqdm import tqdm

    from mnist_helpers.evaluation.reader import Prediction, Reader

    reader, opened = Reader(model), read_pictures(found)
    results: Iterable[Prediction | NumberReading] = (
        read_numbers(reader, opened, boxes) if numbers else reader.read_all(opened)
    )
    if as_csv:
        print(csv_row((NumberReading if numbers else Prediction)._fields), end="")
    rows, errors = [], []
    # `None` hides the bar where there is no terminal.
    for result in tqdm(results, total=len(found), unit=" pictures", disable=None, leave=False):
        errors.append(result.error is not None)
        if as_json:
            rows.append(result._asdict())
        elif as_csv:
            print(csv_row(result), end="")
        else:
            _write_line(result)
    if as_json:
        print(json.dumps(rows, indent=2))
    if any(errors):
        echo(f"{sum(errors):,} of {len(errors):,} pictures could not be read.")
    return int(any(errors))


def read_numbers(
    reader: "Reader", pictures: "Iterable[tuple[str, Picture | Exception]]", folder: Path | None
) -> Iterator[NumberReading]:
    """Reads all digits in each picture, in order; one that cannot be read stops no other.

    Args:
        reader: Reads them.
        pictures: As for `Reader.read_all`.
        folder: Gets each picture with boxes around its digits, pictures of one name numbered;
            `None` for none. A file that was there before is an error.
    """
    names: Counter[str] = Counter()
    for name, picture in pictures:
        try:
            if isinstance(picture, Exception):
                raise picture
            number = reader.number(picture)
            if folder:
                stem = Path(name.partition(", image ")[0]).stem  # "train.csv, image 2", for one
                names[stem] += 1
                again = f"_{names[stem]}" if names[stem] > 1 else ""
                _save_boxes(picture, number, folder / f"{stem}{again}_boxes.png")
        except (ValueError, OSError) as error:
            yield NumberReading(name, error=reason(error))
        else:
            yield NumberReading(name, *number)


def _save_boxes(picture: "Picture", number: "Number", path: Path) -> None:
    """Saves a picture with a box around each digit, and the digit above it."""
    from PIL import Image

    from mnist_helpers.preprocessing.number_marks import with_boxes

    if path.exists():
        raise FileExistsError(f"{path} is there already; choose another folder for --boxes.")
    marked = with_boxes(picture, number)
    with atomic_write(path) as temporary:
        Image.fromarray(marked).save(temporary, format="png")


def _write_line(result: "Prediction | NumberReading") -> None:
    from mnist_helpers.validation import percent

    if result.error:
        echo(f"{result.picture}: {result.error}")
    elif isinstance(result, NumberReading):
        print(f"{result.picture}: {result.number!r} ({percent(result.confidence or 0)})")
    else:
        print(
            f"{result.picture}: {result.digit} ({percent(result.confidence or 0)}; "
            f"second choice {result.second_choice}, {percent(result.second_confidence or 0)})"
        )
