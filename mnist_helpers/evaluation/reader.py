"""Reading pictures: which digit they show, whether one at all, or which number."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeGuard

import keras
import numpy as np

from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.files import read_json, reason
from mnist_helpers.paths import SHIPPED_DIR
from mnist_helpers.preprocessing.image_io import Picture, PictureError
from mnist_helpers.preprocessing.mnist_format import to_mnist
from mnist_helpers.preprocessing.number_marks import in_words
from mnist_helpers.preprocessing.numbers import Number, read_number
from mnist_helpers.preprocessing.separation import SeveralDigitsError
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.model_choice import find_model

READER_MODEL = SHIPPED_DIR / "reader.keras"
IS_DIGIT_MODEL = SHIPPED_DIR / "is_digit.keras"
READER_FACTS = SHIPPED_DIR / "reader.json"
LEAST_SURE = 0.9  # of each digit of a number that nobody asked for: a B comes apart into 1 and 3
AT_ONCE = min(os.cpu_count() or 1, 8)  # pictures brought to MNIST's form


class Prediction(NamedTuple):
    """Which digit a picture shows.

    Attributes:
        picture: Its name; empty for a picture without one.
        digit: The most probable digit; `None` if the picture shows no single digit.
        confidence: Its probability.
        second_choice: The second most probable digit.
        second_confidence: Its probability.
        error: Why there is no digit, in a sentence; else `None`.
        digit_score: How much it looks like a digit at all, in [0, 1].
    """

    picture: str
    digit: int | None = None
    confidence: float | None = None
    second_choice: int | None = None
    second_confidence: float | None = None
    error: str | None = None
    digit_score: float | None = None


def least_score() -> float:
    """Returns the score from which on an image is taken for a digit: see `benchmarks/reader.py`."""
    return float(read_json(READER_FACTS)["least_score"])


class Reader:
    """Reads pictures with a classifier, and with a second network that knows what is no digit.

    The second network is one for all classifiers: it was trained on digits, and on letters, signs,
    scribbles, parts of digits and merged ones (`benchmarks/reader.md`).

    Args:
        model: A digit classifier, its `.keras` file or a run's folder; by default the reader that
            comes with the project, which was trained on more than MNIST.

    Raises:
        FileNotFoundError: There is no such model.
        ValueError: The model is unsuitable.
    """

    def __init__(self, model: keras.Model | str | Path | None = None) -> None:
        """Loads both networks and traces them."""
        if not isinstance(model, keras.Model):
            model = load_model(READER_MODEL if model is None else find_model(model))
        self.predictor = Predictor(model)
        self._is_digit = Predictor(load_model(IS_DIGIT_MODEL, outputs=1))
        self.least_score = least_score()

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Classifies images in MNIST's form.

        Args:
            images: float32 array of shape (n, 28, 28) or (n, 28, 28, 1) in [0, 1].

        Returns:
            Probabilities, float32 of shape (n, 10), of the digits; and how much each image looks
            like a digit at all, float32 of shape (n,) in [0, 1].
        """
        return self.predictor(images), self._is_digit(images)[:, 0]

    def image(self, picture: Picture) -> np.ndarray:
        """Brings a picture to MNIST's form, as `to_mnist` does; of several digits it says which.

        Raises:
            PictureError: No single digit is found.
        """
        try:
            return to_mnist(picture)
        except SeveralDigitsError as error:
            several = self.several(picture)
            raise PictureError(in_words(several) if several else str(error)) from error

    def number(self, picture: Picture) -> Number:
        """Reads all digits in one picture, in one or several lines.

        Raises:
            PictureError: There is no digit, or the picture cannot be read.
        """
        return read_number(picture, self)

    def several(self, picture: Picture) -> Number | None:
        """Returns the number in a picture; `None` if it does not surely hold several digits."""
        try:
            number = self.number(picture)
        except PictureError:
            return None
        sure = min(number.confidences) >= LEAST_SURE
        return number if len(number.confidences) > 1 and sure else None

    def answer(self, picture: Picture, image: np.ndarray) -> tuple[np.ndarray, float, str | None]:
        """Classifies one picture, and says so if it does not look like a digit.

        Args:
            picture: The picture.
            image: What `image` made of it.

        Returns:
            Probabilities of shape (10,), the score of being a digit, and the doubt in a sentence.
        """
        (probabilities,), (score,) = self(image[None])
        return probabilities, float(score), self._doubt(picture, probabilities, score)

    def _doubt(self, picture: Picture, probabilities: np.ndarray, score: float) -> str | None:
        if score >= self.least_score:
            return None
        several = self.several(picture)
        if several and set(several.text) != {"1"}:  # an M comes apart into strokes like 1s
            return in_words(several)
        best = int(probabilities.argmax())
        article = "an" if best == 8 else "a"
        return f"This does not look like a digit; if it is one, it is {article} {best}."

    def read(self, picture: Picture) -> Prediction:
        """Reads the digit in one picture.

        Raises:
            FileNotFoundError: There is no such picture.
            PictureError: It cannot be read, or shows no single digit.
        """
        (probabilities,), (score,) = self(self.image(picture)[None])
        name = str(picture) if isinstance(picture, str | Path) else ""
        prediction = self._prediction(name, picture, (probabilities, score))
        if prediction.error:
            raise PictureError(prediction.error)
        return prediction

    def read_all(
        self, pictures: Iterable[tuple[str, Picture | Exception]], batch_size: int = 200
    ) -> Iterator[Prediction]:
        """Reads one digit in each picture, in order; one that cannot be read stops no other.

        Args:
            pictures: Their names and the pictures; a float32 array of shape (28, 28, 1) is in
                MNIST's form already. An error stands for a picture that could not be opened.
            batch_size: Images in MNIST's form classified together; of pictures, which take longer
                and may be large, four for each processor core.

        Yields:
            One prediction for each picture.
        """
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for batch in _batches(pictures, batch_size):
                names, given = zip(*batch, strict=True)
                images = list(pool.map(self._image_or_error, given))
                good = [image for image in images if not isinstance(image, Exception)]
                rows = zip(*self(np.stack(good)), strict=True) if good else iter(())
                found = [image if isinstance(image, Exception) else next(rows) for image in images]
                yield from pool.map(self._prediction, names, given, found)

    def _prediction(
        self, name: str, picture: Picture, found: Exception | tuple[np.ndarray, float]
    ) -> Prediction:
        if isinstance(found, Exception):
            return Prediction(name, error=reason(found))
        probabilities, score = found
        if doubt := self._doubt(picture, probabilities, score):
            return Prediction(name, error=doubt, digit_score=float(score))
        second, first = (int(digit) for digit in np.argsort(probabilities)[-2:])
        confidences = float(probabilities[first]), second, float(probabilities[second])
        return Prediction(name, first, *confidences, digit_score=float(score))

    def _image_or_error(self, picture: Picture | Exception) -> np.ndarray | Exception:
        if isinstance(picture, Exception) or _in_mnist_form(picture):
            return picture
        try:
            return self.image(picture)
        except (ValueError, OSError) as error:
            return error


def _in_mnist_form(picture: Picture | Exception) -> TypeGuard[np.ndarray]:
    if not isinstance(picture, np.ndarray):
        return False
    return picture.shape == (28, 28, 1) and picture.dtype == np.float32


def _batches(pictures: Iterable[tuple[str, Picture | Exception]], size: int) -> Iterator[list]:
    batch = []
    for name, picture in pictures:
        batch.append((name, picture))
        if len(batch) >= (size if _in_mnist_form(picture) else min(size, 4 * AT_ONCE)):
            yield batch
            batch = []
    if batch:
        yield batch
