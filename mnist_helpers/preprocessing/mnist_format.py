"""Any picture of one digit, brought to the form of MNIST's images."""

import numpy as np
from PIL import Image
from scipy import ndimage

from mnist_helpers.preprocessing.image_io import (
    SMALLEST_SIDE,
    WORKING_SIDE,
    Picture,
    PictureError,
    read_grey,
)
from mnist_helpers.validation import SIDE

__all__ = ["PictureError", "steps_to_mnist", "to_mnist"]

BOX = 20  # MNIST fits digits into 20 x 20 and sets them into 28 x 28
# Background and ink must differ by this part of the full range, and by so many standard deviations
# of the noise.
LEAST_CONTRAST = 0.04
NOISE_FACTOR = 6.0
# Strokes of MNIST's digits, in pixels of the 20 x 20 box: the 5th and the 95th percentile of the
# first 3,000 training images. Thinner and thicker ones are brought to these widths.
STROKE_WIDTHS = (1.84, 4.18)
# From this part of full ink on, a pixel counts towards the digit's extent. A digit of fewer than 20
# pixels is enlarged so many times, by cubic splines, before that is asked, and its strokes stay as
# they are: its pixels, not its pen, made them wide. Of 0.1, 0.15 and 0.2, and of strokes changed or
# not, these read most (98.8 %) of 2,500 validation images of MNIST reduced to 8 x 8 pixels.
INKED, FINER = 0.2, 6


def to_mnist(image: Picture) -> np.ndarray:
    """Brings a picture of one digit to the form of MNIST: the one way into the network.

    The digit may be dark on light or light on dark, small in a large picture, lit unevenly and
    slightly noisy. It is cut out, fitted into 20 x 20 pixels with its shape kept, and centred by
    its mass in 28 x 28 (LeCun et al., "Gradient-based learning applied to document recognition",
    1998, section III.A). An image that has this form already comes out nearly as it was.

    Args:
        image: A path, the bytes of an image file, a Pillow image, or an array of shape (h, w),
            (h, w, 1) grey, (h, w, 2) grey and alpha, (h, w, 3) RGB or (h, w, 4) RGB and alpha.
            White is 255 or, in uint16 and where larger values occur, 65,535 in integer arrays; in
            float arrays it is 1, 16 (as in scikit-learn's digits) or 255, the first that no value
            exceeds.

    Returns:
        float32 array of shape (28, 28, 1), values in [0, 1], light digit on 0.

    Raises:
        PictureError: There is no digit to be found: the picture is blank, tiny, not finite, or
            cannot be decoded. This is a `ValueError`.
        FileNotFoundError: There is no file at the path.
    """
    return steps_to_mnist(image)["28 × 28, centred by mass"][..., None]


def steps_to_mnist(image: Picture) -> dict[str, np.ndarray]:
    """Does what `to_mnist` does and returns what each step made.

    Args:
        image: As for `to_mnist`.

    Returns:
        Name of the step to float32 array of shape (height, width), values in [0, 1]: the picture in
        grey, the ink without its background, the ink cut out, and the (28, 28) result.
    """
    grey = read_grey(image)
    ink = separate_ink(grey)
    digit, coarse = _cut_out(ink)
    steps = {
        "in grey": grey,
        "ink without background": ink,
        "cut out": digit,
        "28 × 28, centred by mass": _centre(_resized(digit, BOX) if coarse else _fit(digit)),
    }
    return {name: np.asarray(values, np.float32) for name, values in steps.items()}


def separate_ink(grey: np.ndarray) -> np.ndarray:
    """Separates the ink from its background, however the light falls.

    Args:
        grey: Float array of shape (h, w), values in [0, 1].

    Returns:
        float64 array of the same shape: 0 is background, 1 full ink, soft edges in between.

    Raises:
        PictureError: Nothing stands out from the background, or these are no grey values.
    """
    if grey.ndim != 2 or not np.all((grey >= 0) & (grey <= 1)) or grey.size == 0:
        raise PictureError("Grey values are an array of shape (h, w) with values in [0, 1].")
    longer = max(grey.shape)
    blur = longer / WORKING_SIDE if longer >= 60 else 0.0
    smooth = ndimage.gaussian_filter(grey, blur) if blur else grey
    above = smooth - _paper(smooth)
    # Ink is what departs far from the paper, hence the cubes.
    light = above if np.vdot(above, above * above) > 0 else -above
    ink = light - _remaining_background(light)
    floor = max(LEAST_CONTRAST, NOISE_FACTOR * _noise(ink, lag=1 + round(4 * blur)))
    if ink.max() <= floor:
        raise PictureError("The picture is blank: nothing stands out from its background.")
    full = np.percentile(ink[ink > floor], 90)
    return np.clip(ink / full, 0, 1) * _digit_mask(ink, floor, full)


def _paper(grey: np.ndarray) -> np.ndarray:
    """Fits a curved surface to the border, then to all that lies near it.

    The few pixels of a tiny picture cannot tell a slope from a stroke: it gets a plain level, that
    of the border's quarter on the side of the background.
    """
    if max(grey.shape) < BOX:
        border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
        light_ink = np.median(border) < (grey.min() + grey.max()) / 2
        return np.full(grey.shape, np.percentile(border, 25 if light_ink else 75))
    every = -(-max(grey.shape) // 64)  # a coarse grid is enough for a smooth surface
    coarse = grey[::every, ::every]
    rows, columns = np.meshgrid(*(np.linspace(-1, 1, side) for side in grey.shape), indexing="ij")
    every_term = [np.ones(grey.shape), rows, columns, rows * columns, rows**2, columns**2]
    all_terms = np.stack(every_term, axis=2)
    terms = all_terms[::every, ::every]
    width = max(1, round(0.04 * min(coarse.shape)))
    border = np.ones(coarse.shape, bool)
    border[width:-width, width:-width] = False
    surface = np.full(coarse.shape, np.median(coarse[border]))
    for within in [border] * 5 + [np.ones_like(border)] * 5:
        off = np.abs(coarse - surface)
        kept = within & (off <= max(2.5 * np.median(off[border]), 1e-3))
        # The normal equations: well conditioned on [-1, 1], and far faster than all the pixels.
        chosen = terms[kept]
        factors = np.linalg.lstsq(chosen.T @ chosen, chosen.T @ coarse[kept], rcond=None)[0]
        surface = terms @ factors
    return all_terms @ factors


def _remaining_background(light: np.ndarray) -> np.ndarray:
    """Estimates shadows under light strokes: the opening by a window wider than a stroke."""
    if max(light.shape) < BOX:  # too few pixels for a window
        return np.zeros(light.shape)
    window = max(light.shape) // 2
    opened = ndimage.grey_opening(light, size=(window, window), mode="nearest")
    return opened + np.percentile(light - opened, 25)


def _noise(ink: np.ndarray, lag: int) -> float:
    """Estimates the noise's standard deviation from pixels `lag` apart, where it is calmest.

    A quarter of normally distributed differences is below 0.3186 of their deviation, which is
    √2 times that of a single value. So a quarter of plain background is enough.
    """
    if max(ink.shape) < BOX:  # hardly any two neighbours are both background
        return 0.0
    return np.percentile(np.abs(ink[:, lag:] - ink[:, :-lag]), 25) / (0.3186 * np.sqrt(2))


def _digit_mask(ink: np.ndarray, floor: float, full: float) -> np.ndarray:
    """Marks the digit's pixels: no specks, and nothing that only reaches in from the border."""
    parts, count = ndimage.label(ink > floor, np.ones((3, 3)))
    numbers = np.arange(1, count + 1)
    sizes = ndimage.sum_labels(np.clip(ink / full, 0, 1), parts, numbers)
    strong = ndimage.maximum(ink, parts, numbers) > 0.5 * full
    kept = strong & (sizes >= 0.03 * sizes.max())
    edge = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    touching = np.isin(numbers, edge)
    if not touching[sizes.argmax()]:
        kept &= ~touching
    return np.isin(parts, numbers[kept])


def _cut_out(ink: np.ndarray) -> tuple[np.ndarray, bool]:
    """Cuts out what is inked, made finer if it is coarse, and tells whether it was coarse."""
    digit = _inked_part(ink, margin=1)
    height, width = (side - 2 for side in digit.shape)
    if max(height, width) < SMALLEST_SIDE:
        raise PictureError(
            f"All that stands out is a spot of {width} × {height} pixels, too small for a digit."
        )
    if max(digit.shape) < BOX + 2:
        smooth = ndimage.zoom(digit, FINER, order=3, mode="grid-constant", grid_mode=True)
        return _inked_part(np.clip(smooth, 0, 1)), True
    return _inked_part(ink), False


def _inked_part(ink: np.ndarray, margin: int = 0) -> np.ndarray:
    """Returns the part from the first to the last inked row and column, and `margin` around it."""
    rows, columns = (np.flatnonzero(ink.max(axis=axis) > INKED) for axis in (1, 0))
    part = np.pad(ink, margin)[rows[0] : rows[-1] + 1 + 2 * margin]
    return part[:, columns[0] : columns[-1] + 1 + 2 * margin]


def _fit(digit: np.ndarray) -> np.ndarray:
    """Brings the longer side to 20 pixels, and strokes to a width that MNIST's have."""
    fine = _resized(digit, 4 * BOX)
    inside = ndimage.distance_transform_edt(np.pad(fine >= 0.5, 1))
    # Distances to the edge of a strip average a quarter of its width.
    width = 4 * inside[inside > 0].mean() / 4
    change = (np.clip(width, *STROKE_WIDTHS) - width) / 2 * 4
    radius = round(abs(change))
    if radius == 0:
        return _resized(digit, BOX)
    reach = np.arange(-radius, radius + 1)
    disc = reach[:, None] ** 2 + reach**2 <= radius**2
    change_width = ndimage.grey_dilation if change > 0 else ndimage.grey_erosion
    return _resized(change_width(np.pad(fine, radius), footprint=disc), BOX)


def _resized(values: np.ndarray, longer: int) -> np.ndarray:
    """Resizes the longer side to `longer` pixels; Pillow's cubic filter averages on shrinking."""
    height, width = (max(1, round(side * longer / max(values.shape))) for side in values.shape)
    picture = Image.fromarray(values.astype(np.float32))
    return np.clip(np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC)), 0, 1)


def _centre(digit: np.ndarray) -> np.ndarray:
    """Sets a digit into 28 x 28, its centre of mass as near to row and column 14 as it goes.

    MNIST's own centres lie there, within half a pixel.
    """
    shift = np.rint(SIDE / 2 - np.array(ndimage.center_of_mass(digit))).astype(int)
    top, left = np.clip(shift, 0, SIDE - np.array(digit.shape))
    canvas = np.zeros((SIDE, SIDE))
    canvas[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return canvas
