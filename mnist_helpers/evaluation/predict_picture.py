"""Reading one picture in one call."""

import functools
from pathlib import Path

import keras

from mnist_helpers.evaluation.reader import READER_MODEL, Prediction, Reader
from mnist_helpers.preprocessing.image_io import Picture
from mnist_helpers.preprocessing.numbers import Number
from mnist_helpers.training.model_choice import find_model


def predict(picture: Picture, model: keras.Model | str | Path | None = None) -> Prediction:
    """Reads the digit in one picture, of whatever kind.

    Args:
        picture: A file, its content, or an array; see `preprocessing.to_mnist`.
        model: As for `Reader`.

    Raises:
        FileNotFoundError: There is no such picture or model.
        ValueError: The picture cannot be read, or shows no single digit; or the model is
            unsuitable.

    Example:
        >>> predict("photo.jpg").digit
        7
    """
    return _reader(model).read(picture)


def predict_number(picture: Picture, model: keras.Model | str | Path | None = None) -> Number:
    """Reads all digits in one picture, in one or several lines; see `predict`.

    Example:
        >>> predict_number("invoice.jpg").text
        '2026'
    """
    return _reader(model).number(picture)


def _reader(model: keras.Model | str | Path | None) -> Reader:
    if isinstance(model, keras.Model):
        return Reader(model)
    path = READER_MODEL if model is None else find_model(model)
    return _cached_reader(path, path.stat().st_mtime_ns if path.exists() else 0)


@functools.lru_cache(maxsize=1)
def _cached_reader(path: Path, _modified: int) -> Reader:
    return Reader(path)
