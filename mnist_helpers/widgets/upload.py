"""A reader's own picture, step by step to what the network sees."""

import numpy as np

from mnist_helpers.preprocessing.mnist_format import steps_to_mnist
from mnist_helpers.widgets.base import AskingWidget, javascript
from mnist_helpers.widgets.html import answer_html, bars_html, captioned, image_html, side_by_side
from mnist_helpers.widgets.pad import EXAMPLES, draw_strokes

STEP_HEIGHT = 140


def example_photo(digit: int = 3) -> np.ndarray:
    """Makes an example: a drawn digit on paper in uneven light, with a camera's noise.

    Args:
        digit: Which one.

    Returns:
        uint8 array of shape (140, 140).
    """
    drawing = draw_strokes(EXAMPLES[digit]) / 255
    down, right = np.mgrid[0 : 1 : drawing.shape[0] * 1j, 0 : 1 : drawing.shape[1] * 1j]
    light = 0.85 - 0.35 * right * down - 0.15 * down
    noise = np.random.default_rng(0).normal(0, 0.02, drawing.shape)
    photo = light * (0.25 + 0.75 * drawing) + noise
    return np.rint(255 * np.clip(photo, 0, 1)).astype(np.uint8)


def picture_html(image, predictor) -> str:
    """Shows the steps from a picture to 28 × 28 pixels, and the network's prediction.

    Args:
        image: Anything that `preprocessing.mnist_format.to_mnist` takes.
        predictor: Such as an `evaluation.inference.Predictor`.

    Raises:
        PictureError: There is no digit to be found in it.
    """
    steps = steps_to_mnist(image)
    pictures = [
        captioned(image_html(values, f"The picture {name}.", height=STEP_HEIGHT), name)
        for name, values in steps.items()
    ]
    seen = list(steps.values())[-1][..., None]
    probabilities = predictor(seen[None])[0]
    return side_by_side(*pictures, bars_html(probabilities)) + answer_html(probabilities)


class PictureUpload(AskingWidget):
    """A button to upload a picture of one digit, its steps to 28 × 28 and the prediction.

    The browser makes large pictures smaller before it sends them.

    Args:
        predictor: Such as an `evaluation.inference.Predictor`.
        example: A picture to begin with, as `to_mnist` takes it; a made-up photo by default.

    Attributes:
        question: Holds the chosen file's content.
        still: The example's steps.
    """

    _esm = javascript("upload.js")

    def __init__(self, predictor, example=None) -> None:
        self.predictor = predictor
        first = example_photo() if example is None else example
        self.still = picture_html(first, predictor)
        super().__init__(self.still)
        self.add_class("mnist-upload")

    def reply_html(self, question: dict) -> str:
        """Shows the chosen picture's steps and the prediction."""
        return picture_html(bytes(question["content"]), self.predictor)
