"""Sliders over the augmentation that training uses."""

import base64
import dataclasses
from collections.abc import Sequence

import ipywidgets
import numpy as np

from mnist_helpers.plotting.digits import image_grid
from mnist_helpers.training.augmentation import Augmentation
from mnist_helpers.training.transforms import TRANSFORMS, AffineTransform, transform_name
from mnist_helpers.widgets.base import StillPicture, handle_errors
from mnist_helpers.widgets.html import captioned, image_html, live_marker

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


# What a reader chose, by the settings that the explorer began with: running its cell again keeps
# the choice, and other parameters begin with those.
_choices: dict[Augmentation, Augmentation] = {}


def parameter_lines(augmentation: Augmentation) -> str:
    """Returns the lines that set an augmentation in a notebook's parameters cell."""
    values = augmentation.parameters.items()
    return "\n".join(f"{name}: float = {float(value)!r}" for name, value in values)


def status_html(used: Augmentation, shown: Augmentation, given: Augmentation) -> str:
    """Says which settings training uses, and what to do if the sliders show others.

    Args:
        used: What training uses.
        shown: What the sliders show.
        given: What the parameters cell says.
    """
    text = f"<p>Training uses: {used.description}"
    if shown != used:
        text += f"; the sliders show: {shown.description}. "
        return text + "Press “Use these settings” to train with them.</p>"
    if used == given:
        return f"{text}, as in the parameters cell.</p>"
    return (
        f"{text}. Select the next cell and choose <i>Run ▸ Run Selected Cell and All Below</i>. "
        "To keep them for other runs, paste these lines into the parameters cell:</p>"
        f"<pre>{parameter_lines(used)}</pre>"
    )


class AugmentationExplorer(StillPicture, ipywidgets.VBox):
    """Sliders for each transform, a seed and a choice of digit over a grid of digits.

    Args:
        images: uint8 array of shape (n, 28, 28).
        labels: uint8 array of shape (n,).
        augmentation: The settings to begin with. A choice that was made with the same ones in
            this session is kept.
        seed: The draw to begin with.
        names: What the ten classes are called.

    Attributes:
        augmentation: The settings to train with: those given, until a reader presses the button.
        sliders: By the name of the augmentation's field.
        still: The first picture.
    """

    def __init__(
        self, images, labels, augmentation: Augmentation, seed=0, names: Sequence = range(10)
    ) -> None:
        self.given = augmentation
        self.augmentation = _choices.get(augmentation, augmentation)
        self._first = {"all": images[:COLUMNS]}
        self._first |= {
            # Places, not a mask: a slice of what a mask copies would keep the whole class alive.
            str(names[digit]): images[np.flatnonzero(labels == digit)[:COLUMNS]]
            for digit in np.unique(labels)
        }
        self.sliders = {
            name: _slider(transform_name(name), transform, getattr(self.augmentation, name))
            for name, transform in TRANSFORMS.items()
        }
        self.seed = ipywidgets.BoundedIntText(seed, min=0, max=2**31 - 1, description="seed")
        self.digit = ipywidgets.Dropdown(options=list(self._first), description="digit")
        self.resample = ipywidgets.Button(description="Resample", tooltip="Another random draw")
        self.use = ipywidgets.Button(
            description="Use these settings", tooltip="Train with them in the cells below"
        )
        self.reset = ipywidgets.Button(
            description="Reset", tooltip="Back to the settings of the parameters cell"
        )
        self.message, self.status, self.picture = (ipywidgets.HTML() for _ in range(3))
        self._connect()
        self.still = self._live_marker(images) + self.picture.value
        sliders = ipywidgets.HBox(list(self.sliders.values()))
        choices = ipywidgets.HBox([self.digit, self.seed, self.resample, self.use, self.reset])
        for row in (sliders, choices):
            row.layout.flex_flow = "row wrap"
        super().__init__([sliders, choices, self.status, self.picture, self.message])
        self.add_class("mnist-explorer")

    @property
    def shown(self) -> Augmentation:
        """What the sliders show."""
        # Rounded, for a slider's steps add up to 0.33000000000000007.
        values = {name: round(slider.value, 6) for name, slider in self.sliders.items()}
        return dataclasses.replace(self.given, **values)

    def _live_marker(self, images) -> str:
        return live_marker(
            "augmentation",
            digits=[base64.b64encode(digit.tobytes()).decode() for digit in images[:COLUMNS]],
            ranges={name: slider.value for name, slider in self.sliders.items()},
            affine=type(self.given) is Augmentation,
            seed=self.seed.value,
        )

    def _connect(self) -> None:
        handled = handle_errors(self.message)
        redraw = handled(self._redraw)
        redraw()
        for control in (*self.sliders.values(), self.seed, self.digit):
            control.observe(redraw, "value")
        self.resample.on_click(handled(self._resample))
        self.use.on_click(handled(lambda _: self._choose(self.shown)))
        self.reset.on_click(handled(self._reset))

    def _redraw(self, _=None) -> None:
        images = self._first[self.digit.value]
        shown = self.shown
        pixels = augmentation_picture(images, shown, self.seed.value)
        alt = f"A row of digits and three rows of them, changed at random: {shown.description}."
        picture = image_html(pixels, alt, 2 * pixels.shape[1])
        self.picture.value = captioned(picture, CAPTION)
        self.status.value = status_html(self.augmentation, shown, self.given)

    def _resample(self, _) -> None:
        self.seed.value = (self.seed.value + 1) % 2**31

    def _choose(self, augmentation: Augmentation) -> None:
        self.augmentation = _choices[self.given] = augmentation
        self.status.value = status_html(self.augmentation, self.shown, self.given)

    def _reset(self, _) -> None:
        for name, slider in self.sliders.items():
            slider.value = getattr(self.given, name)
        self._choose(self.given)


def _slider(name: str, transform: AffineTransform, value: float) -> ipywidgets.FloatSlider:
    largest, step = transform.slider
    return ipywidgets.FloatSlider(
        value,
        min=0,
        max=max(largest, value),
        step=step,
        description=f"{name} °" if transform.unit == "degrees" else name,
        readout_format=".1f" if step == 1 else ".2f",
    )
