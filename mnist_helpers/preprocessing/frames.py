"""Frames in a mask of ink: a form's cell, three sides of one, or a ring around a digit."""

import numpy as np
from scipy import ndimage

from mnist_helpers.preprocessing.lines import connected_parts

# In parts of the frame's height: how deep in its box a side may lie, how thick it may be, and how
# tall the ink within must be.
NEAR, THIN, LEAST_WITHIN = 0.08, 0.12, 0.3
LEAST_SIDE = 0.85  # of the frame's width, or height, that a side covers
MOST_INK = 0.5  # of the frame's box; a digit on stripes that it joins fills more


def frame_pixels(mask: np.ndarray) -> np.ndarray:
    """Marks what has the largest box if it stands around other ink, and all that lies beyond it.

    Args:
        mask: bool array of shape (h, w), where ink is.

    Returns:
        bool array of the same shape; nothing is marked where nothing tall stands within.
    """
    parts, boxes = connected_parts(mask)
    if len(boxes) == 0:
        return mask
    largest = np.diff(boxes).prod(axis=1).argmax()
    box = tuple(slice(*side) for side in boxes[largest])
    frame = parts[box] == largest + 1
    sides = [np.rot90(_upper_side(np.rot90(frame, turns)), -turns) for turns in range(4)]
    if sum(side.any() for side in sides) >= 3:  # a digit may touch them
        within = mask[box] & ~np.logical_or.reduce(sides)
    else:
        within = mask[box] & ~frame & ndimage.binary_fill_holes(frame)
    heights = np.diff(connected_parts(within)[1][:, 0])
    if frame.mean() > MOST_INK or heights.max(initial=0) < LEAST_WITHIN * len(frame):
        return np.zeros(mask.shape, bool)
    beyond = mask.copy()
    beyond[box] &= ~within
    return beyond


def _upper_side(frame: np.ndarray) -> np.ndarray:
    """Marks the upper side of a frame, if it is straight and thin; a stroke that crosses it stays.

    Args:
        frame: bool array of shape (h, w), without empty rows or columns around it.
    """
    height = len(frame)
    first = np.where(frame.any(axis=0), frame.argmax(axis=0), height)
    near = first <= max(1, NEAR * height)
    rows = np.arange(height + 1)[:, None]
    ended = np.pad(~frame, ((0, 1), (0, 0)), constant_values=True) & (rows > first)
    thickness = ended.argmax(axis=0) - first
    # A quarter, for a digit may touch it in more than half of the places.
    usual = np.percentile(thickness[near], 25) if near.any() else np.inf
    if near.mean() < LEAST_SIDE or usual > max(2, THIN * height):
        return np.zeros(frame.shape, bool)
    thickness = np.where(thickness <= 1.5 * usual + 1, thickness, usual)
    return frame & near & (rows[:-1] < first + thickness)
