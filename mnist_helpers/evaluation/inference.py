"""Letting a trained model classify digits: arrays of images, or pictures of any kind."""

import functools
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mnist_helpers.evaluation.geometry import resampling, rotation_matrix
from mnist_helpers.files import reason
from mnist_helpers.preprocessing.image_io import Picture
from mnist_helpers.preprocessing.mnist_format import to_mnist
from mnist_helpers.preprocessing.numbers import Number, read_number
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.model_choice import find_model

Predict = Callable[[np.ndarray], np.ndarray]


class Prediction(NamedTuple):
    """Which digit a model sees in a picture.

    Attributes:
        picture: Its path as given; empty for an array.
        digit: The most probable digit; `None` if the picture could not be read.
        confidence: Its probability.
        second_choice: The second most probable digit.
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
        if len(images) == 0:  # not every layer takes an empty batch
            return self(np.zeros((1, 28, 28, 1), np.float32))[:0]
        starts = range(0, len(images), self.batch_size)
        return np.concatenate(
            [self._step(images[start : start + self.batch_size]).numpy() for start in starts]
        )

    def with_scores(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predicts, and scores how much each image looks like a digit at all.

        Returns:
            Probabilities (n, 10), and scores (n,) in [0, 1]: ones, where a model has no score.
        """
        probabilities = self(images)
        return probabilities, np.ones(len(probabilities), np.float32)

    @property
    def traces(self) -> int:
        """How often the network was traced; it should be once."""
        return self._step.experimental_get_tracing_count()


def predict(picture: Picture, model: keras.Model | str | Path | None = None) -> Prediction:
    """Classifies the digit in one picture, of whatever kind.

    Args:
        picture: A file, its content, or an array; see `preprocessing.to_mnist`.
        model: A digit classifier, its `.keras` file or a run's folder; by default your own last
            training, else the model shipped with the project.

    Raises:
        FileNotFoundError: There is no such picture or model.
        ValueError: The picture cannot be read, or shows no digit; or the model is unsuitable.

    Example:
        >>> predict("photo.jpg").digit
        7
    """
    image = to_mnist(picture)
    predictor = _predictor(model)
    name = str(picture) if isinstance(picture, str | Path) else ""
    return _prediction(name, predictor(image[None])[0])


def predict_number(picture: Picture, model: keras.Model | str | Path | None = None) -> Number:
    """Reads all digits in one picture, in one or several lines.

    Args:
        picture: As for `predict`.
        model: As for `predict`.

    Raises:
        FileNotFoundError: There is no such picture or model.
        ValueError: The picture cannot be read, or shows no digit; or the model is unsuitable.
    """
    return read_number(picture, _predictor(model).with_scores)


def _predictor(model: keras.Model | str | Path | None) -> Predictor:
    if isinstance(model, keras.Model):
        return Predictor(model)
    path = find_model(model)
    return _cached_predictor(path, path.stat().st_mtime_ns if path.exists() else 0)


@functools.lru_cache(maxsize=1)
def _cached_predictor(path: Path, _modified: int) -> Predictor:
    return Predictor(load_model(path))


def _prediction(picture: str, probabilities: np.ndarray) -> Prediction:
    second, first = (int(digit) for digit in np.argsort(probabilities)[-2:])
    return Prediction(
        picture, first, float(probabilities[first]), second, float(probabilities[second])
    )


def feature_extractor(model: keras.Model) -> Predictor:
    """Returns a predictor of the values that a classifier's last layer decides by.

    Args:
        model: A digit classifier whose last layer is dense.

    Returns:
        A function from float32 (n, 28, 28) in [0, 1] to float32 (n, features).
    """
    return Predictor(keras.Model(model.inputs, model.layers[-1].input))


def test_time_augmentation(predict: Predict, images: np.ndarray) -> np.ndarray:
    """Averages what a model predicts for nine slightly transformed views of each image.

    The views were chosen before anything was measured: the image itself, rotated by 7.5 degrees
    either way, a tenth larger and smaller, and shifted by 1 pixel in four directions.

    Args:
        predict: Such as a `Predictor`.
        images: float32 array of shape (n, 28, 28) in [0, 1].

    Returns:
        float32 array of shape (n, 10), the mean of the probabilities.
    """
    views = [rotation_matrix(np.radians(angle)) for angle in (0, 7.5, -7.5)]
    views += [(np.eye(2) * factor, (0, 0)) for factor in (1.1, 0.9)]
    views += [(np.eye(2), offset) for offset in ((0, 1), (0, -1), (1, 0), (-1, 0))]
    pixels = np.asarray(images, np.float32).reshape(-1, 28 * 28).T
    return np.mean([predict((resampling(*view) @ pixels).T) for view in views], axis=0)


def predict_files(
    predict: Predict, pictures: Iterable[str], batch_size: int = 200
) -> Iterator[Prediction]:
    """Classifies picture files, in order; one that cannot be read does not stop the others.

    Args:
        predict: Such as a `Predictor`.
        pictures: Paths; no more than a batch of pictures is in memory at a time.
        batch_size: Pictures that the model classifies together.

    Yields:
        One prediction for each picture.
    """
    images = ((picture, image_or_error(picture)) for picture in pictures)
    return predict_images(predict, images, batch_size)


def predict_images(
    predict: Predict, images: Iterable[tuple[str, np.ndarray | str]], batch_size: int = 200
) -> Iterator[Prediction]:
    """Classifies named images in MNIST's form, as `predict_files` does with pictures.

    Args:
        predict: Such as a `Predictor`.
        images: Names and float32 arrays of shape (28, 28, 1) in [0, 1]; or, in place of an array,
            why there is none.
        batch_size: Images that the model classifies together.

    Yields:
        One prediction for each image.
    """
    waiting = iter(images)
    for batch in iter(lambda: list(islice(waiting, batch_size)), []):
        good = [image for _, image in batch if not isinstance(image, str)]
        rows = iter(predict(np.stack(good)) if good else ())
        for name, image in batch:
            if isinstance(image, str):
                yield Prediction(name, error=image)
            else:
                yield _prediction(name, next(rows))


def image_or_error(picture: Picture) -> np.ndarray | str:
    """Returns a picture in MNIST's form, or why it cannot be read."""
    try:
        return to_mnist(picture)
    except (ValueError, OSError) as error:
        return reason(error)
