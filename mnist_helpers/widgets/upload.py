"""A reader's own picture, step by step to what the network sees."""

import ipywidgets
import numpy as np
from IPython.display import HTML

from mnist_helpers.preprocessing.mnist_format import PictureError, steps_to_mnist
from mnist_helpers.widgets.error_handling import handle_errors, message_line
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


def picture_html(image, predict) -> str:
    """Shows the steps from a picture to 28 × 28 pixels, and what the network reads.

    Args:
        image: Anything that `images.to_mnist` takes.
        predict: Such as an `evaluation.inference.Predictor`.

    Raises:
        PictureError: There is no digit to be found in it.
    """
    steps = steps_to_mnist(image)
    pictures = [
        captioned(image_html(values, f"The picture {name}.", height=STEP_HEIGHT), name)
        for name, values in steps.items()
    ]
    seen = list(steps.values())[-1][..., None]
    probabilities = predict(seen[None])[0]
    return side_by_side(*pictures, bars_html(probabilities)) + answer_html(probabilities)


class PictureUpload(ipywidgets.VBox):
    """A button to upload a picture of one digit, its steps to 28 × 28 and the answer.

    Args:
        predict: Such as an `evaluation.inference.Predictor`.
        example: A picture to begin with, as `images.to_mnist` takes it; a made-up photo by default.

    Attributes:
        still: The example's steps, to show where there is no kernel.
    """

    def __init__(self, predict, example=None) -> None:
        self.predict = predict
        self.upload = ipywidgets.FileUpload(
            accept=".png,.jpg,.jpeg", description="Choose a picture", tooltip="PNG or JPEG"
        )
        self.upload.layout = {"width": "max-content"}
        self.message = message_line()
        first = example_photo() if example is None else example
        self.result = ipywidgets.HTML(picture_html(first, predict))
        self.still = HTML(self.result.value)
        self.upload.observe(handle_errors(self.message)(self._read), "value")
        super().__init__([self.upload, self.message, self.result])
        self.add_class("mnist-upload")

    def _read(self, change) -> None:
        if not change["new"]:
            return
        try:
            self.result.value = picture_html(bytes(change["new"][0]["content"]), self.predict)
        except PictureError:
            self.result.value = ""
            raise
