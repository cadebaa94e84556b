"""Any picture of one digit, brought to the form of MNIST's images."""

import numpy as np
from PIL import Image
from scipy import ndimage

from mnist_helpers.preprocessing.background import cut_to_sheet
from mnist_helpers.preprocessing.image_io import SMALLEST_SIDE, Picture, PictureError, read_grey
from mnist_helpers.preprocessing.lines import stroke_width
from mnist_helpers.preprocessing.separation import separate_ink
from mnist_helpers.validation import BOX, SIDE

# Strokes of MNIST's digits, in pixels of the 20 x 20 box: the 5th and the 95th percentile of the
# first 3,000 training images. Thinner and thicker ones are brought to these widths.
STROKE_WIDTHS = (1.84, 4.18)
# From this part of full ink on, a pixel counts towards the digit's extent. A digit of fewer than 20
# pixels is enlarged so many times, by cubic splines, before that is asked, and its strokes stay as
# they are: its pixels, not its pen, made them wide. Of 0.1, 0.15 and 0.2, and of strokes changed or
# not, these read most (98.8%) of 2,500 validation images of MNIST reduced to 8 x 8 pixels.
INKED, FINER = 0.2, 6
FAINT = "No digit is to be found: what stands out is too faint."


def to_mnist(image: Picture) -> np.ndarray:
    """Brings a picture of one digit to the form of MNIST: the one way into the network.

    The digit may be dark on light or light on dark, small in a large picture, lit unevenly, noisy,
    on patterned or ruled paper or a sheet on a dark desk, in a box or a ring, beside words, dark
    borders or cut-off neighbours. It is cut out, fitted into 20 x 20 pixels with its shape kept,
    and centred by its mass in 28 x 28 (LeCun et al., "Gradient-based learning applied to document
    recognition", 1998, section III.A). An image that has this form already comes out nearly as it
    was.

    Args:
        image: A path, the bytes of an image file, a Pillow image, or an array of shape (h, w),
            (h, w, 1) grey, (h, w, 2) grey and alpha, (h, w, 3) RGB or (h, w, 4) RGB and alpha.
            White is the first of these that no value exceeds: 255, 4,095 or 65,535 in integer
            arrays; 1, 16 (as in scikit-learn's digits) or 255 in float arrays.

    Returns:
        float32 array of shape (28, 28, 1), values in [0, 1], light digit on 0.

    Raises:
        PictureError: No digit is found, or several: the picture is blank, a texture, tiny, huge,
            not finite, or cannot be decoded. This is a `ValueError`.
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
    ink = separate_ink(cut_to_sheet(grey))
    digit, image = _formed(ink)
    steps = {
        "in grey": grey,
        "ink without background": ink,
        "cut out": digit,
        "28 × 28, centred by mass": image,
    }
    return {name: np.asarray(values, np.float32) for name, values in steps.items()}


def ink_to_mnist(ink: np.ndarray) -> np.ndarray:
    """Brings the ink of one digit to the form of MNIST: `to_mnist` after separation.

    Args:
        ink: Float array of shape (h, w), 0 is background, 1 full ink.

    Returns:
        float32 array of shape (28, 28, 1).
    """
    return _formed(ink)[1].astype(np.float32)[..., None]


def _formed(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the ink cut out, made finer if it is coarse, and in MNIST's form."""
    digit = _inked_part(ink, margin=1)
    height, width = (side - 2 for side in digit.shape)
    if max(height, width) < SMALLEST_SIDE:
        raise PictureError(
            f"All that stands out is a spot of {width} × {height} pixels, too small for a digit."
        )
    if max(height, width) >= BOX:
        digit = _inked_part(ink)
        return digit, _centre(_fit(digit))
    smooth = ndimage.zoom(digit, FINER, order=3, mode="grid-constant", grid_mode=True)
    digit = _inked_part(np.clip(smooth, 0, 1))
    return digit, _centre(_resized(digit, BOX))


def _inked_part(ink: np.ndarray, margin: int = 0) -> np.ndarray:
    """Returns the part from the first to the last inked row and column, and `margin` around it."""
    rows, columns = (np.flatnonzero(ink.max(axis=axis) > INKED) for axis in (1, 0))
    part = np.pad(ink, margin)[rows[0] : rows[-1] + 1 + 2 * margin]
    return part[:, columns[0] : columns[-1] + 1 + 2 * margin]


def _fit(digit: np.ndarray) -> np.ndarray:
    """Brings the longer side to 20 pixels, and strokes to a width that MNIST's have."""
    fine = _resized(digit, 4 * BOX)
    width = stroke_width(fine >= 0.5) / 4
    if not width:
        raise PictureError(FAINT)
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
    # Drawn symmetrically, a digit's centre lies between two pixels, and not by a last bit beside.
    centre = np.round(ndimage.center_of_mass(digit), 6)
    shift = np.rint(SIDE / 2 - centre).astype(int)
    top, left = np.clip(shift, 0, SIDE - np.array(digit.shape))
    canvas = np.zeros((SIDE, SIDE))
    canvas[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return canvas
