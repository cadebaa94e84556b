"""A reader's own picture, step by step to what the network sees."""

from mnist_helpers.images import PictureError, steps_to_mnist
from mnist_helpers.widgets.callbacks import guarded, message_line
from mnist_helpers.widgets.pad import EXAMPLES, draw_strokes
from mnist_helpers.widgets.pictures import (
    answer_html,
    bars_html,
    captioned,
    image_html,
    side_by_side,
)

import ipywidgets
import numpy as np
from IPython.display import HTML

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


def picture_html(image, reader) -> str:
    """Shows the steps from a picture to 28 × 28 pixels, and what the network reads.

    Args:
        image: Anything that `images.to_mnist` takes.
        reader: (28, 28, 1) to ten probabilities.

    Raises:
        PictureError: There is no digit to be found in it.
    """
    steps = steps_to_mnist(image)
    pictures = [
        captioned(image_html(values, f"The picture {name}.", height=STEP_HEIGHT), name)
        for name, values in steps.items()
    ]
    seen = list(steps.values())[-1][..., None]
    probabilities = reader(seen)
    return side_by_side(*pictures, bars_html(probabilities)) + answer_html(probabilities)


class PictureUpload(ipywidgets.VBox):
    """A button to upload a picture of one digit, its steps to 28 × 28 and the answer.

    Args:
        reader: (28, 28, 1) to ten probabilities.
        example: A picture to begin with, as `images.to_mnist` takes it; a made-up photo by default.

    Attributes:
        still: The example's steps, to show where there is no kernel.
    """

    def __init__(self, reader, example=None) -> None:
        self.reader = reader
        self.upload = ipywidgets.FileUpload(
            accept=".png,.jpg,.jpeg", description="Choose a picture", tooltip="PNG or JPEG"
        )
        self.upload.layout = {"width": "max-content"}
        self.message = message_line()
        first = example_photo() if example is None else example
        self.result = ipywidgets.HTML(picture_html(first, reader))
        self.still = HTML(self.result.value)
        self.upload.observe(guarded(self.message)(self._read), "value")
        super().__init__([self.upload, self.message, self.result])
        self.add_class("mnist-upload")

    def _read(self, change) -> None:
        if not change["new"]:
            return
        try:
            self.result.value = picture_html(bytes(change["new"][0]["content"]), self.reader)
        except PictureError:
            self.result.value = ""
            raise
