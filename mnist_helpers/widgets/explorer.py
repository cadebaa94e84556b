"""Sliders over the augmentation that training uses."""

import dataclasses

import ipywidgets
import numpy as np
from IPython.display import HTML

from mnist_helpers.plotting.digits import image_grid
from mnist_helpers.training.augmentation import Augmentation
from mnist_helpers.training.transforms import TRANSFORMS, AffineTransform, transform_name
from mnist_helpers.widgets.error_handling import handle_errors, message_line
from mnist_helpers.widgets.html import captioned, image_html

COLUMNS = 12
ROWS = 3
CAPTION = "Top: as they are. Below: augmented, three draws."


def augmentation_picture(images, augmentation: Augmentation, seed: int) -> np.ndarray:
    """Makes the explorer's picture: the digits as they are, and rows of augmented ones.

    Args:
        images: uint8 array of shape (n, 28, 28); the first 12 are shown.
        augmentation: What to apply; the very function that training calls.
        seed: Non-negative integer; another one gives another draw.

    Returns:
        uint8 array of shape (h, w), dark strokes on white.
    """
    digits = np.asarray(images[:COLUMNS])[..., None]
    # One call for all rows takes a third of the time of three.
    augmented = np.asarray(augmentation(np.tile(digits, (ROWS, 1, 1, 1)), [seed, 0]))
    rows = [digits / 255, *np.split(augmented, ROWS)]
    ink = np.concatenate([image_grid(row, COLUMNS, gap=4) for row in rows])
    return np.rint(255 * (1 - ink)).astype(np.uint8)


class AugmentationExplorer(ipywidgets.VBox):
    """A slider for each move, a seed and a choice of digit over a grid of digits.

    Args:
        images: uint8 array of shape (n, 28, 28).
        labels: uint8 array of shape (n,).
        augmentation: The settings to begin with.
        seed: The draw to begin with.

    Attributes:
        augmentation: The settings to train with: those given, until a reader presses the button.
        sliders: By the name of the field of `TransformRanges`.
        still: The first picture, to show where there is no kernel.
    """

    def __init__(self, images, labels, augmentation: Augmentation, seed: int = 0) -> None:
        self.augmentation = augmentation
        self._first = {"all": images[:COLUMNS]}
        self._first |= {str(d): images[np.flatnonzero(labels == d)[:COLUMNS]] for d in range(10)}
        self.sliders = {
            name: _slider(transform_name(name), move, getattr(augmentation, name))
            for name, move in TRANSFORMS.items()
        }
        self.seed = ipywidgets.BoundedIntText(seed, min=0, max=2**31 - 1, description="seed")
        self.digit = ipywidgets.Dropdown(options=list(self._first), description="digit")
        self.resample = ipywidgets.Button(description="Resample", tooltip="Another random draw")
        self.use = ipywidgets.Button(
            description="Use these settings", tooltip="Train with them in the cells below"
        )
        self.message = message_line()
        self.picture = ipywidgets.HTML()
        self._connect()
        self.still = HTML(self.picture.value)
        sliders = ipywidgets.HBox(list(self.sliders.values()))
        choices = ipywidgets.HBox([self.digit, self.seed, self.resample, self.use])
        for row in (sliders, choices):
            row.layout.flex_flow = "row wrap"
        super().__init__([sliders, choices, self.picture, self.message])
        self.add_class("mnist-explorer")

    @property
    def chosen(self) -> Augmentation:
        """What the sliders say."""
        values = {name: slider.value for name, slider in self.sliders.items()}
        return dataclasses.replace(self.augmentation, **values)

    def _connect(self) -> None:
        redraw = handle_errors(self.message)(self._redraw)
        redraw()
        for control in (*self.sliders.values(), self.seed, self.digit):
            control.observe(redraw, "value")
        self.resample.on_click(handle_errors(self.message)(self._resample))
        self.use.on_click(handle_errors(self.message)(self._use))

    def _redraw(self, _=None) -> None:
        images = self._first[self.digit.value]
        pixels = augmentation_picture(images, self.chosen, self.seed.value)
        ranges = self.chosen.description
        alt = f"A row of digits and three rows of them, changed at random: {ranges}."
        picture = image_html(pixels, alt, 2 * pixels.shape[1])
        self.picture.value = captioned(picture, CAPTION)

    def _resample(self, _) -> None:
        self.seed.value = (self.seed.value + 1) % 2**31

    def _use(self, _) -> None:
        self.augmentation = self.chosen
        self.message.value = "Taken. Run the cells below, and training uses these settings."


def _slider(name: str, move: AffineTransform, value: float) -> ipywidgets.FloatSlider:
    largest, step = move.slider
    return ipywidgets.FloatSlider(
        value,
        min=0,
        max=max(largest, value),
        step=step,
        description=f"{name} °" if move.unit == "degrees" else name,
        readout_format=".1f" if step == 1 else ".2f",
    )
