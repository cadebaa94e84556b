"""Letting a trained model read digits: many arrays at once, or pictures from files."""

import glob
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from mnist_helpers.damage import resampling, turn
from mnist_helpers.images import to_mnist

import keras
import numpy as np
import tensorflow as tf

PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".tif", ".tiff", ".webp")
Reader = Callable[[np.ndarray], np.ndarray]


class Reading(NamedTuple):
    """What a model reads in a picture.

    Attributes:
        picture: Its path as given.
        digit: The likeliest digit; `None` if the picture could not be read.
        confidence: Its probability.
        runner_up: The second likeliest digit.
        runner_up_confidence: Its probability.
        error: Why the picture could not be read, in a sentence; else `None`.
    """

    picture: str
    digit: int | None = None
    confidence: float | None = None
    runner_up: int | None = None
    runner_up_confidence: float | None = None
    error: str | None = None


def reader(model: keras.Model, batch_size: int = 500) -> Reader:
    """Returns a function that reads images with one traced graph, for many calls in a row.

    `model.predict` builds its machinery anew in each call, which for a hundred calls on a thousand
    images costs more than the network itself.

    Args:
        model: Takes float32 (n, 28, 28, 1) in [0, 1].
        batch_size: Images in one step.

    Returns:
        A function from float32 (n, 28, 28) or (n, 28, 28, 1) in [0, 1] to what the model gives, as
        a float32 array; for a whole classifier probabilities of shape (n, 10).
    """

    @tf.function(input_signature=[tf.TensorSpec((None, 28, 28, 1))], jit_compile=False)
    def step(images: tf.Tensor) -> tf.Tensor:
        return tf.cast(model(images, training=False), tf.float32)

    def read(images: np.ndarray) -> np.ndarray:
        images = np.asarray(images, np.float32).reshape(-1, 28, 28, 1)
        starts = range(0, len(images), batch_size)
        parts = [step(images[start : start + batch_size]).numpy() for start in starts]
        return np.concatenate(parts) if parts else np.empty((0, *model.output_shape[1:]), "f")

    return read


def feature_reader(model: keras.Model) -> Reader:
    """Returns a reader of the values that a classifier's last layer decides by.

    Args:
        model: A digit classifier whose last layer is dense.

    Returns:
        A function from float32 (n, 28, 28) in [0, 1] to float32 (n, features).
    """
    return reader(keras.Model(model.inputs, model.layers[-1].input))


def read_several_views(read: Reader, images: np.ndarray) -> np.ndarray:
    """Averages what a model says to nine slightly changed views of each image.

    The views were chosen before anything was measured: as it is, turned by 7.5 degrees either way,
    a tenth larger and smaller, and moved by 1 pixel in four directions.

    Args:
        read: As from `reader`.
        images: float32 array of shape (n, 28, 28) in [0, 1].

    Returns:
        float32 array of shape (n, 10), the mean of the probabilities.
    """
    views = [turn(np.radians(angle)) for angle in (0, 7.5, -7.5)]
    views += [(np.eye(2) * factor, (0, 0)) for factor in (1.1, 0.9)]
    views += [(np.eye(2), offset) for offset in ((0, 1), (0, -1), (1, 0), (-1, 0))]
    pixels = np.asarray(images, np.float32).reshape(-1, 28 * 28).T
    return np.mean([read((resampling(*view) @ pixels).T) for view in views], axis=0)


def find_pictures(names: Iterable[str]) -> list[str]:
    """Finds the picture files that paths, folders and patterns name, each once and in order.

    Args:
        names: Files, folders (searched with what is below them for the usual kinds of picture) and
            patterns such as `scans/*.png`. A file that is named is taken whatever its name.

    Returns:
        Paths. A name that stands for nothing stays in the list, to be reported.
    """
    found = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            found += sorted(
                str(file) for file in path.rglob("*") if file.suffix.lower() in PICTURES
            )
        elif path.exists():
            found.append(name)
        else:
            found += sorted(glob.glob(name, recursive=True)) or [name]
    return list(dict.fromkeys(found))


def read_pictures(
    read: Reader, pictures: Iterable[str], batch_size: int = 200
) -> Iterator[Reading]:
    """Reads picture files, in order; one that cannot be read costs nothing but itself.

    Args:
        read: As from `reader`.
        pictures: Paths; no more than a batch of pictures is in memory at a time.
        batch_size: Pictures that the model reads together.

    Yields:
        One reading for each picture.
    """
    waiting = []
    for picture in pictures:
        waiting.append((picture, *_brought_to_form(picture)))
        if len(waiting) == batch_size:
            yield from _read_batch(read, waiting)
            waiting = []
    yield from _read_batch(read, waiting)


def _brought_to_form(picture: str) -> tuple[np.ndarray | None, str | None]:
    try:
        return to_mnist(picture), None
    except (ValueError, OSError) as error:
        reason = getattr(error, "strerror", None)
        return None, f"{reason}." if reason else str(error)


def _read_batch(read: Reader, waiting: list[tuple]) -> Iterator[Reading]:
    good = [image for _, image, _ in waiting if image is not None]
    rows: Iterator[np.ndarray] = iter(read(np.stack(good)) if good else ())
    for picture, image, error in waiting:
        if image is None:
            yield Reading(picture, error=error)
        else:
            chances = next(rows)
            second, first = (int(digit) for digit in np.argsort(chances)[-2:])
            yield Reading(picture, first, float(chances[first]), second, float(chances[second]))
