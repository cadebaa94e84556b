"""Interactive parts of the notebooks: pure functions make pictures, a thin layer has sliders."""

import io

from mnist_helpers.augmentation import Augmentation
from mnist_helpers.plotting.training import mosaic

import ipywidgets
import numpy as np
from PIL import Image

COLUMNS = 12
ROWS = 3


def augmentation_picture(images, augmentation: Augmentation, seed: int) -> bytes:
    """Makes the explorer's picture: the digits as they are, and rows of augmented ones.

    One PNG made by Pillow is ready in a few milliseconds, where subplots take a quarter second.

    Args:
        images: uint8 array of shape (n, 28, 28); the first 12 are shown.
        augmentation: What to apply; the very function that training calls.
        seed: Non-negative integer; another one gives another draw.

    Returns:
        PNG file content, dark strokes on white, at twice the size.
    """
    digits = np.asarray(images[:COLUMNS])[..., None]
    rows = [digits / 255, *(augmentation(digits, [seed, row]) for row in range(ROWS))]
    ink = np.concatenate([mosaic(row, COLUMNS, gap=4) for row in rows])
    picture = Image.fromarray((255 * (1 - ink)).astype(np.uint8))
    file = io.BytesIO()
    picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.NEAREST).save(
        file, format="png"
    )
    return file.getvalue()


def explore_augmentation(images, augmentation: Augmentation, seed: int = 0) -> ipywidgets.VBox:
    """Shows sliders for rotation, shift, zoom and seed over a grid of digits.

    Args:
        images: uint8 array of shape (n, 28, 28); the first 12 are shown.
        augmentation: The settings to begin with.
        seed: The draw to begin with.

    Returns:
        The widget, to be displayed; its first row is the digits as they are.
    """

    def slider(description, value, largest, step):
        return ipywidgets.FloatSlider(
            value, min=0, max=largest, step=step, description=description, readout_format="g"
        )

    rotation = slider("rotation °", augmentation.rotation_degrees, 180, 1)
    shift = slider("shift", augmentation.shift_fraction, 0.5, 0.01)
    zoom = slider("zoom", augmentation.zoom_fraction, 0.9, 0.01)
    draw = ipywidgets.IntSlider(seed, min=0, max=max(100, seed), description="seed")
    picture = ipywidgets.Image(format="png")
    picture.layout = ipywidgets.Layout(max_width="100%", object_fit="contain")

    def redraw(_=None):
        chosen = Augmentation(rotation.value, shift.value, zoom.value)
        picture.value = augmentation_picture(images, chosen, draw.value)

    redraw()
    for control in (rotation, shift, zoom, draw):
        control.observe(redraw, "value")
    return ipywidgets.VBox(
        [
            ipywidgets.GridBox(
                [rotation, shift, zoom, draw],
                layout=ipywidgets.Layout(grid_template_columns="repeat(2, 340px)"),
            ),
            picture,
        ]
    )
