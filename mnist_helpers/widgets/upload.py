"""A reader's own picture, step by step to what the network sees."""

from mnist_helpers.images import PictureError, steps_to_mnist
from mnist_helpers.widgets.callbacks import guarded, message_line
from mnist_helpers.widgets.pictures import captioned, image_html, reading_html, side_by_side

import ipywidgets
from IPython.display import HTML

STEP_HEIGHT = 140


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
    return side_by_side(*pictures) + reading_html(seen, reader(seen))


class PictureUpload(ipywidgets.VBox):
    """A button to upload a picture of one digit, its steps to 28 × 28 and the answer.

    Args:
        reader: (28, 28, 1) to ten probabilities.
        example: A picture to begin with, as `images.to_mnist` takes it.

    Attributes:
        still: The example's steps, to show where there is no kernel.
    """

    def __init__(self, reader, example) -> None:
        self.reader = reader
        self.upload = ipywidgets.FileUpload(
            accept=".png,.jpg,.jpeg", description="Choose a picture", tooltip="PNG or JPEG"
        )
        self.upload.layout.width = "auto"
        self.message = message_line()
        self.result = ipywidgets.HTML(picture_html(example, reader))
        self.still = HTML(self.result.value)
        self.upload.observe(guarded(self.message)(self._read), "value")
        super().__init__([self.upload, self.message, self.result])

    def _read(self, change) -> None:
        if not change["new"]:
            return
        try:
            self.result.value = picture_html(bytes(change["new"][0]["content"]), self.reader)
        except PictureError:
            self.result.value = ""
            raise
