"""The ink of one digit, separated from its background and from what stands beside it."""

from contextlib import suppress

import numpy as np
from scipy import ndimage

from mnist_helpers.preprocessing.background import (
    BLANK,
    TINY,
    find_ink,
    grown,
    otsu,
    sides,
)
from mnist_helpers.preprocessing.image_io import PictureError
from mnist_helpers.preprocessing.lines import connected_parts, stroke_width
from mnist_helpers.validation import BOX

# Of a further part of a digit, in parts of the main one: its least weight, the weight that makes it
# heavy, and the widest gaps, of its longer side, before a light and a heavy one. Captions stand
# farther off. FLAT is the height, in parts of the width, below which a low part is an underline.
LEAST_PART, HEAVY, WIDEST_GAPS, FLAT = 0.06, 0.3, (0.2, 0.4), 0.3
AT_EDGES = 0.04  # of the picture's edges: what covers more of them and has many holes is a texture
NO_DIGIT = "No digit is to be found: what stands out does not look like strokes."


class SeveralDigitsError(PictureError):
    """A picture that shows more digits than one."""


def separate_ink(grey: np.ndarray) -> np.ndarray:
    """Separates the digit's ink from its background.

    Args:
        grey: Float array of shape (h, w), values in [0, 1].

    Returns:
        float64 array of the same shape: 0 is background, 1 full ink, soft edges in between.

    Raises:
        PictureError: No digit stands out from the background.
    """
    ink, mask = find_ink(grey)
    digit, mask = _digit_among(mask, ink)
    full = np.percentile(ink[digit], 90)
    return np.clip(ink / full, 0, 1) * (grown(digit) & (digit | ~mask))


def _digit_among(mask: np.ndarray, ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the digit and the mask it was found in; where that is a texture, in its darker part.

    A pattern of the paper may lie between the paper and the ink.
    """
    try:
        return select_digit(mask, ink), mask
    except SeveralDigitsError:
        raise
    except PictureError:
        with suppress(PictureError):
            darker = mask & (ink > otsu(ink[mask]))
            return select_digit(darker, ink), darker
        raise


def select_digit(mask: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """Marks the pixels of one digit: the heaviest part near the middle and what belongs to it.

    Args:
        mask: bool array of shape (h, w), where ink is.
        ink: Float array of the same shape, how much.

    Returns:
        bool array of the same shape.

    Raises:
        PictureError: There is no digit, or there are several.
    """
    parts, boxes = connected_parts(mask)
    if len(boxes) == 0:
        raise PictureError(BLANK)
    numbers = np.arange(1, len(boxes) + 1)
    weights = ndimage.sum_labels(ink, parts, numbers)
    off_centre = np.abs(boxes.mean(axis=2) / mask.shape - 0.5).max(axis=1)
    cut_off = ((boxes[..., 0] == 0) | (boxes[..., 1] == mask.shape)).any(axis=1)
    main = (weights * np.where(cut_off, 0.5, 1) * (1.1 - 2 * off_centre)).argmax()
    weights /= weights[main]
    if max(mask.shape) < TINY:
        return np.isin(parts, numbers[weights >= LEAST_PART])
    weights[cut_off] = 0
    extent = np.diff(boxes[main]).max()
    digit = _without_pores(parts == numbers[main], extent)
    _check_digit(digit, extent, np.isin(parts, numbers[weights >= HEAVY]) | digit, mask)
    _check_single(boxes[main], boxes[(weights >= 0.4) & (numbers != numbers[main])])
    further = _belong_to(boxes[main], boxes, weights) & (numbers != numbers[main])
    return digit | np.isin(parts, numbers[further])


def _belong_to(main: np.ndarray, boxes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Tells which parts belong to the main one: near it for their weight, and no underline."""
    gaps = np.maximum(boxes[..., 0] - main[:, 1], main[:, 0] - boxes[..., 1]).max(axis=1)
    widest = np.where(weights >= HEAVY, WIDEST_GAPS[1], WIDEST_GAPS[0]) * np.diff(main).max()
    heights, widths = np.diff(boxes)[..., 0].T
    low = boxes[:, 0, 0] > main[0].mean()
    underline = low & (heights < FLAT * widths) & (widths > 0.5 * np.diff(main[1]))
    return (weights >= LEAST_PART) & (gaps <= widest) & ~underline


def _without_pores(digit: np.ndarray, extent: int) -> np.ndarray:
    """Fills holes smaller than a pixel of MNIST's form, as pencils and chalk leave them.

    A texture has such holes, too, and goes on to the picture's edges: it stays as it is.
    """
    if np.concatenate(sides(digit)).mean() > AT_EDGES:
        return digit
    holes, _ = ndimage.label(~digit)
    return digit | (np.bincount(holes.ravel()) < (extent / BOX) ** 2)[holes]


def _check_digit(digit: np.ndarray, extent: int, strokes: np.ndarray, mask: np.ndarray) -> None:
    """Raises an error for what is a texture or a spot and no strokes."""
    texture = strokes.sum() < 0.3 * mask.sum() or ndimage.label(~digit)[1] > 12
    if texture or stroke_width(digit) > 0.5 * extent:
        raise PictureError(NO_DIGIT)


def _check_single(main: np.ndarray, others: np.ndarray) -> None:
    """Raises an error if other parts stand beside the digit and are about as tall."""
    heights = np.diff(others[:, 0])[:, 0]
    shared = np.minimum(others[:, 1, 1], main[1, 1]) - np.maximum(others[:, 1, 0], main[1, 0])
    aside = shared <= 0.2 * np.minimum(np.diff(others[:, 1])[:, 0], np.diff(main[1])[0])
    several = 1 + (aside & (heights >= 0.6 * np.diff(main[0])[0])).sum()
    if several > 1:
        raise SeveralDigitsError(
            f"The picture seems to hold {several} digits; cut it so that one is left."
        )
