"""What `predict --numbers` does: all digits of each picture, and pictures with boxes."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mnist_helpers.evaluation.reader import Reader
    from mnist_helpers.preprocessing.image_io import Picture
    from mnist_helpers.preprocessing.numbers import Number


class NumberReading(NamedTuple):
    """The digits of one picture; the fields from `number` on are those of `Number`."""

    picture: str
    number: str | None = None
    confidence: float | None = None
    confidences: list[float] | None = None
    boxes: list[tuple[float, float, float, float]] | None = None
    error: str | None = None


def read_numbers(
    reader: "Reader", pictures: "Iterable[tuple[str, Picture | Exception]]", folder: Path | None
) -> Iterator[NumberReading]:
    """Reads all digits in each picture, in order; one that cannot be read stops no other.

    Args:
        reader: Reads them.
        pictures: As for `Reader.read_all`.
        folder: Gets each picture with boxes around its digits; `None` for none. A file that is
            there already is an error.
    """
    from mnist_helpers.files import reason

    for name, picture in pictures:
        try:
            if isinstance(picture, Exception):
                raise picture
            number = reader.number(picture)
            if folder:
                _save_boxes(picture, number, folder / f"{Path(name).stem}_boxes.png")
        except (ValueError, OSError) as error:
            yield NumberReading(name, error=reason(error))
        else:
            yield NumberReading(name, *number)


def _save_boxes(picture: "Picture", number: "Number", path: Path) -> None:
    """Saves a picture with a box around each digit, and the digit above it."""
    from PIL import Image

    from mnist_helpers.files import atomic_write
    from mnist_helpers.preprocessing.image_io import read_grey
    from mnist_helpers.preprocessing.number_marks import with_boxes
    from mnist_helpers.preprocessing.numbers import LONGEST

    if path.exists():
        raise FileExistsError(f"{path} is there already; choose another folder for --boxes.")
    path.parent.mkdir(parents=True, exist_ok=True)
    marked = with_boxes(read_grey(picture, LONGEST), number)
    with atomic_write(path) as temporary:
        Image.fromarray(marked).save(temporary, format="png")
