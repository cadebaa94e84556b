"""Ruled lines, boxes and dark borders in a mask of ink."""

import numpy as np
from scipy import ndimage

EVERY_NEIGHBOUR = np.ones((3, 3), bool)
LEAST_LENGTH = 0.75  # of the picture's side
SLOPES = np.linspace(-0.1, 0.1, 21)
# Pixels; where a picture's longer side is below it, strokes are as straight as lines from edge to
# edge. Of 28, 36 and 44, this read most of 7,910 digits cut out of drawn numbers by their boxes.
LEAST_RULED = 36
SAG, SAG_OF_PEN = 0.15, 0.05  # pixels, and parts of its thickness, that a line may bend


def line_pixels(mask: np.ndarray) -> np.ndarray:
    """Marks dark borders and straight lines that are no strokes of a digit.

    Args:
        mask: bool array of shape (h, w).

    Returns:
        bool array of the same shape.
    """
    found = border_bands(mask)
    if max(mask.shape) < LEAST_RULED:
        return found
    mask = mask & ~found
    candidates = straight_lines(mask)
    if not candidates:
        return found
    lines = np.logical_or.reduce(candidates)
    rest = mask & ~lines
    alone = rest.sum() < 0.1 * mask.sum()
    if alone and len(candidates) == 1:
        return found  # a lone line is a 1
    if alone and len(candidates) > 2:
        return found | lines  # an empty cell, or ruled paper with nothing on it
    pen = stroke_width(rest)
    ruled = [line for line in candidates if _is_ruled(line, rest, pen)]
    return np.logical_or.reduce([found, *ruled])


def connected_parts(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers the connected parts of a mask from 1 on.

    Returns:
        The number of each pixel's part, 0 for none, of the mask's shape; and the parts' boxes, int
        (n, 2, 2): the first row and the first below, the first column and the first to the right.
    """
    parts, count = ndimage.label(mask, EVERY_NEIGHBOUR)
    found = ndimage.find_objects(parts)
    boxes = [[(side.start, side.stop) for side in box] for box in found]
    return parts, np.array(boxes, int).reshape(count, 2, 2)


def stroke_width(mask: np.ndarray) -> float:
    """Measures strokes in pixels: distances to the edge of a strip average a quarter of it."""
    if not mask.any():
        return 0.0
    (part,) = ndimage.find_objects(mask.astype(np.uint8))
    inside = ndimage.distance_transform_edt(np.pad(mask[part], 1))
    return 4 * inside[inside > 0].mean()


def border_bands(mask: np.ndarray) -> np.ndarray:
    """Marks the outermost rows and columns that are all ink."""
    band = np.zeros(mask.shape, bool)
    for turns in range(4):
        turned, marked = np.rot90(mask, turns), np.rot90(band, turns)
        full = turned.mean(axis=1) > 0.97
        depth = 0 if full.all() else full.argmin()
        if depth < len(full) / 3:
            marked[:depth] = turned[:depth]
    return band


def straight_lines(mask: np.ndarray, turns: tuple[bool, ...] = (False, True)) -> list[np.ndarray]:
    """Finds lines that are nearly level or upright: a Hough transform over a few slopes.

    The longest are taken first, and what they take counts for no other: the stem of a 4 between the
    top and the bottom of a box is not as long as the box.

    Args:
        mask: bool array of shape (h, w).
        turns: False for level lines, True for upright ones, or both.

    Returns:
        Each line, a bool array of shape (h, w).
    """
    votes, runs = [], {}
    for upright in turns:
        turned = mask.T if upright else mask
        width = turned.shape[1]
        rows, columns = np.nonzero(turned)
        for slope in SLOPES:
            offsets = np.rint(rows - slope * (columns - width / 2)).astype(int) + width
            counts = np.bincount(offsets)
            long = np.flatnonzero(counts >= LEAST_LENGTH * width)
            votes += [(counts[at] / width, upright, slope, at - width) for at in long]
        runs[upright] = ndimage.label(turned, [[0, 1, 0]] * 3)[0] if votes else turned
    lengths = {upright: np.bincount(each.ravel()) for upright, each in runs.items()}
    lines, taken = [], np.zeros(mask.shape, bool)
    for _, upright, slope, offset in sorted(votes, reverse=True):
        free = (mask & ~taken).T if upright else mask & ~taken
        height, width = free.shape
        across = np.arange(width)
        down = np.rint(offset + slope * (across - width / 2)).astype(int)
        across, down = (values[(down >= 0) & (down < height)] for values in (across, down))
        fresh = free[down, across]
        if fresh.sum() < LEAST_LENGTH * width:
            continue
        met = runs[upright][down[fresh], across[fresh]]
        thicknesses = lengths[upright][met]
        thickness = np.median(thicknesses)
        if thickness <= max(0.08 * height, 3):
            # Where it is thicker, a stroke crosses it, which stays.
            line = np.isin(runs[upright], met[thicknesses <= 1.5 * thickness + 1])
            lines.append(line.T if upright else line)
            taken |= lines[-1]
    return lines


def _is_ruled(line: np.ndarray, rest: np.ndarray, pen: float) -> bool:
    """Tells a ruled line from a stroke.

    It is straight, unlike the lower half of a wide 0, and runs from edge to edge. But one as thick
    as the pen is a stroke where the rest touches the other two edges: the picture was cut to the
    digit.
    """
    if np.ptp(np.nonzero(line)[0]) > np.ptp(np.nonzero(line)[1]):
        line, rest = line.T, rest.T
    lengths = line.sum(axis=0)
    columns = np.flatnonzero(lengths)
    thickness = np.median(lengths[columns])
    middles = (np.arange(len(line)) @ line)[columns] / lengths[columns]
    if len(columns) > 2:
        first, second, third = (part.mean() for part in np.array_split(middles, 3))
        if abs(second - (first + third) / 2) > SAG + SAG_OF_PEN * thickness:
            return False
    if min(lengths[:2].max(), lengths[-2:].max()) < max(0.7 * thickness, 1):
        return False
    return thickness < 0.7 * pen or not (rest[:2].any() and rest[-2:].any())
