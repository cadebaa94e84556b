"""A reader's own picture, step by step to what the network sees."""

import numpy as np

from mnist_helpers.evaluation.reader import Reader
from mnist_helpers.preprocessing.image_io import Picture
from mnist_helpers.preprocessing.mnist_format import steps_to_mnist
from mnist_helpers.preprocessing.number_marks import in_words, with_boxes
from mnist_helpers.preprocessing.separation import SeveralDigitsError
from mnist_helpers.widgets import html
from mnist_helpers.widgets.base import AskingWidget, javascript
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


def picture_html(image: Picture, reader: Reader) -> str:
    """Shows the steps from a picture to 28 × 28 pixels, and what it shows.

    Args:
        image: Anything that `preprocessing.mnist_format.to_mnist` takes; with several digits it is
            shown with a box around each.
        reader: Says what it shows.

    Raises:
        PictureError: There is no digit to be found in it.
    """
    try:
        steps = steps_to_mnist(image)
    except SeveralDigitsError:
        if number := reader.several(image):
            words = in_words(number)
            marked = html.image_html(with_boxes(image, number), words, height=STEP_HEIGHT)
            return marked + html.answer_html(words)
        raise
    pictures = [
        html.captioned(html.image_html(values, f"The picture {name}.", height=STEP_HEIGHT), name)
        for name, values in steps.items()
    ]
    seen = list(steps.values())[-1][..., None]
    probabilities, _, doubt = reader.answer(image, seen)
    answer = html.answer_html(doubt or html.answer_in_words(probabilities))
    return html.side_by_side(*pictures, html.bars_html(probabilities)) + answer


class PictureUpload(AskingWidget):
    """A button to upload a picture of one digit, its steps to 28 × 28 and the prediction.

    The browser makes large pictures smaller before it sends them.

    Args:
        reader: Says what it shows.

    Attributes:
        question: Holds the chosen file's content.
        still: The steps of a made-up photo, to begin with.
    """

    _esm = javascript("ask", "canvas", "upload")

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.still = picture_html(example_photo(), reader)
        super().__init__(self.still)
        self.add_class("mnist-upload")

    def reply_html(self, question: dict) -> str:
        """Shows the chosen picture's steps and the prediction."""
        return picture_html(bytes(question["content"]), self.reader)
