"""The writing in a picture of numbers: ink without paper and ruled lines, in lines of text."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from skimage.filters import apply_hysteresis_threshold

from mnist_helpers.preprocessing.background import light_on_dark, otsu
from mnist_helpers.preprocessing.image_io import PictureError
from mnist_helpers.preprocessing.lines import (
    EVERY_NEIGHBOUR,
    border_bands,
    connected_parts,
    straight_lines,
)

PAPER_WINDOW = (15, 80)  # pixels; wider than a stroke, narrower than what shades the paper
# A stroke is as dark as FULL somewhere and nowhere paler than FAINT, in parts of the ink's own
# darkness; the patterns that cheques and forms are printed on are not.
FAINT, FULL = 0.35, 0.6
MOST_PARTS = 400  # separate strokes; a page of digits has fewer, a texture has thousands
TOO_MANY = "The picture holds {:,} {}; give a part that shows the number alone."
LEAST_WALLS = 3  # of a form's cells; fewer equal strokes on a line may be 1s
LEAST_HEIGHT = 0.28  # of a line's height: points, commas and dashes are lower


class Part(NamedTuple):
    """Connected strokes: pixels `rows` and `columns`, and the box around them."""

    rows: np.ndarray
    columns: np.ndarray
    top: int
    bottom: int
    left: int
    right: int

    @classmethod
    def of(cls, rows: np.ndarray, columns: np.ndarray) -> "Part":
        """Puts the box around pixels; `bottom` and `right` are the first outside."""
        return cls(rows, columns, rows.min(), rows.max() + 1, columns.min(), columns.max() + 1)


def find_writing(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Takes paper, its patterns, dark borders and ruled lines away.

    Unlike `background.find_ink`, which expects one digit, it takes no upright stroke for a line and
    no digit for paper, however many there are.

    Args:
        grey: Float array of shape (h, w), values in [0, 1].

    Returns:
        How much ink there is, float in [0, 1], and where, bool, both of the same shape.

    Raises:
        PictureError: Nothing stands out.
    """
    smooth = ndimage.gaussian_filter(light_on_dark(grey), 0.7)
    window = int(np.clip(len(grey) // 2, *PAPER_WINDOW))
    paper = ndimage.grey_opening(smooth, size=(window, window), mode="nearest")
    ink = np.maximum(smooth - ndimage.uniform_filter(paper, window), 0)
    erased = np.zeros(ink.shape, bool)
    for _ in range(3):
        values = ink[~erased]
        threshold = otsu(values)
        dark = np.percentile(values[values > threshold], 80)
        left = np.where(erased, 0, ink)
        mask = apply_hysteresis_threshold(left, max(threshold, FAINT * dark), FULL * dark)
        lines = border_bands(mask)
        for line in straight_lines(mask & ~lines, turns=(False,)):
            lines |= line
        lines |= _walls(mask & ~lines, lines)
        if not lines.any():
            break
        erased |= ndimage.binary_dilation(lines, EVERY_NEIGHBOUR) & (lines | ~mask)
    return np.clip(ink / dark, 0, 1), mask & ~erased


def _walls(mask: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Marks the walls between the cells of a form: upright, and equal from end to end.

    Args:
        mask: bool array of shape (h, w), ink without the level lines.
        lines: bool array of the same shape, these lines.
    """
    parts, boxes = connected_parts(mask)
    heights, widths = np.diff(boxes)[..., 0].T
    sizes = np.bincount(parts.ravel())[1:]
    joined = np.isin(
        np.arange(len(boxes)) + 1, parts[ndimage.binary_dilation(lines, EVERY_NEIGHBOUR)]
    )
    upright = joined & (widths <= 0.2 * heights) & (sizes > 0.7 * heights * widths)
    ends = boxes[:, 0]
    equal = (np.abs(ends[:, None] - ends[None]).max(axis=2) <= 2) & upright
    walls = upright & (equal.sum(axis=1) >= LEAST_WALLS)
    return np.isin(parts, 1 + np.flatnonzero(walls))


def text_lines(mask: np.ndarray) -> tuple[list[list[Part]], float]:
    """Groups the strokes that are tall enough for digits into lines of text.

    Args:
        mask: bool array of shape (h, w), where ink is.

    Returns:
        The lines from top to bottom, and the height in pixels that digits have.

    Raises:
        PictureError: There are far too many strokes.
    """
    labels, boxes = connected_parts(mask)
    if len(boxes) == 0:
        return [], 0.0
    heights, widths = np.diff(boxes)[..., 0].T
    order = np.argsort(heights)
    ink = np.cumsum(np.bincount(labels.ravel())[1:][order])
    height = float(heights[order][np.searchsorted(ink, 0.6 * ink[-1])])  # of most of the ink
    tall = (heights >= max(LEAST_HEIGHT * height, 4)) & ~(
        (heights < 0.45 * height) & (widths > 2.2 * heights)
    )
    if tall.sum() > MOST_PARTS:
        raise PictureError(TOO_MANY.format(tall.sum(), "separate strokes"))
    lines: list[list[Part]] = []
    for number in sorted(np.flatnonzero(tall), key=lambda number: -heights[number]):
        (top, bottom), (left, right) = boxes[number]
        rows, columns = np.nonzero(labels[top:bottom, left:right] == number + 1)
        part = Part.of(rows + top, columns + left)
        middle = (part.top + part.bottom) / 2
        for line in lines:
            if np.mean([p.top for p in line]) <= middle <= np.mean([p.bottom for p in line]):
                line.append(part)
                break
        else:
            lines.append([part])
    lines.sort(key=lambda line: np.mean([part.top for part in line]))
    return lines, height
