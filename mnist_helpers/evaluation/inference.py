"""Letting a trained model read digits: many arrays at once, or pictures from files."""

import glob
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mnist_helpers.evaluation.corruptions import resampling, turn
from mnist_helpers.preprocessing.mnist_format import to_mnist

PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".tif", ".tiff", ".webp")
Predict = Callable[[np.ndarray], np.ndarray]


class Prediction(NamedTuple):
    """What a model reads in a picture.

    Attributes:
        picture: Its path as given.
        digit: The top_k digit; `None` if the picture could not be read.
        confidence: Its probability.
        second_choice: The second top_k digit.
        second_confidence: Its probability.
        error: Why the picture could not be read, in a sentence; else `None`.
    """

    picture: str
    digit: int | None = None
    confidence: float | None = None
    second_choice: int | None = None
    second_confidence: float | None = None
    error: str | None = None


class Predictor:
    """A network traced once, for many predictions in a row: one image or ten thousand.

    `model.predict` sets up a loop for every call, which for one image takes far longer than the
    network itself.

    Args:
        model: Takes float32 (n, 28, 28, 1) in [0, 1].
        batch_size: Images in one step.
    """

    def __init__(self, model: keras.Model, batch_size: int = 500) -> None:
        """Traces the network, so that the first prediction need not."""
        self.model, self.batch_size = model, batch_size
        self._step = tf.function(
            lambda images: tf.cast(model(images, training=False), tf.float32),
            input_signature=[tf.TensorSpec((None, 28, 28, 1))],
            jit_compile=False,
        )
        self(np.zeros((1, 28, 28, 1), np.float32))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Predicts.

        Args:
            images: float32 array of shape (n, 28, 28) or (n, 28, 28, 1) in [0, 1]; n may be 0.

        Returns:
            float32 array of what the model gives; of a classifier probabilities of shape (n, 10).
        """
        images = np.asarray(images, np.float32).reshape(-1, 28, 28, 1)
        starts = range(0, max(len(images), 1), self.batch_size)
        return np.concatenate(
            [self._step(images[start : start + self.batch_size]).numpy() for start in starts]
        )

    @property
    def traces(self) -> int:
        """How often the network was traced; one is right."""
        return self._step.experimental_get_tracing_count()


def feature_extractor(model: keras.Model) -> Predictor:
    """Returns a predictor of the values that a classifier's last layer decides by.

    Args:
        model: A digit classifier whose last layer is dense.

    Returns:
        A function from float32 (n, 28, 28) in [0, 1] to float32 (n, features).
    """
    return Predictor(keras.Model(model.inputs, model.layers[-1].input))


def test_time_augmentation(predict: Predict, images: np.ndarray) -> np.ndarray:
    """Averages what a model says to nine slightly changed views of each image.

    The views were chosen before anything was measured: as it is, turned by 7.5 degrees either way,
    a tenth larger and smaller, and moved by 1 pixel in four directions.

    Args:
        predict: Such as a `Predictor`.
        images: float32 array of shape (n, 28, 28) in [0, 1].

    Returns:
        float32 array of shape (n, 10), the mean of the probabilities.
    """
    views = [turn(np.radians(angle)) for angle in (0, 7.5, -7.5)]
    views += [(np.eye(2) * factor, (0, 0)) for factor in (1.1, 0.9)]
    views += [(np.eye(2), offset) for offset in ((0, 1), (0, -1), (1, 0), (-1, 0))]
    pixels = np.asarray(images, np.float32).reshape(-1, 28 * 28).T
    return np.mean([predict((resampling(*view) @ pixels).T) for view in views], axis=0)


def find_images(names: Iterable[str]) -> list[str]:
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


def predict_files(
    predict: Predict, pictures: Iterable[str], batch_size: int = 200
) -> Iterator[Prediction]:
    """Reads picture files, in order; one that cannot be read costs nothing but itself.

    Args:
        predict: Such as a `Predictor`.
        pictures: Paths; no more than a batch of pictures is in memory at a time.
        batch_size: Pictures that the model reads together.

    Yields:
        One reading for each picture.
    """
    waiting = []
    for picture in pictures:
        waiting.append((picture, *_brought_to_form(picture)))
        if len(waiting) == batch_size:
            yield from _predict_batch(predict, waiting)
            waiting = []
    yield from _predict_batch(predict, waiting)


def _brought_to_form(picture: str) -> tuple[np.ndarray | None, str | None]:
    try:
        return to_mnist(picture), None
    except (ValueError, OSError) as error:
        reason = getattr(error, "strerror", None)
        return None, f"{reason}." if reason else str(error)


def _predict_batch(predict: Predict, waiting: list[tuple]) -> Iterator[Prediction]:
    good = [image for _, image, _ in waiting if image is not None]
    rows: Iterator[np.ndarray] = iter(predict(np.stack(good)) if good else ())
    for picture, image, error in waiting:
        if image is None:
            yield Prediction(picture, error=error)
        else:
            chances = next(rows)
            second, first = (int(digit) for digit in np.argsort(chances)[-2:])
            yield Prediction(picture, first, float(chances[first]), second, float(chances[second]))
