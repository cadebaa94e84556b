"""The ink in a picture, freed of paper, uneven light, lines and dark borders."""

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu

from mnist_helpers.preprocessing.frames import frame_pixels
from mnist_helpers.preprocessing.image_io import PictureError
from mnist_helpers.preprocessing.lines import EVERY_NEIGHBOUR, border_bands, line_pixels

TINY = 24  # pixels; a picture whose longer side is below it holds no shadows or neighbours
LARGE = 60  # pixels; from here on light may have a slope or cast shadows, and noise is smoothed
# Ink must differ from its background by this part of the full range, and by so many standard
# deviations of what is left of the background: Otsu's halves of plain noise differ by 2.7.
LEAST_CONTRAST = 0.02
NOISE_FACTOR = 3.0
# A sheet of paper on a desk: its part of the picture, how much of it is bright, and how much of the
# smallest rectangle around it it fills. A bold 0 or 8, bright on dark, stays below these.
LEAST_SHEET, LEAST_BRIGHT, LEAST_RECTANGLE = 0.15, 0.65, 0.88
UNDECIDED = 0.1  # of the votes on either side of a half
LEAST_FREE = 0.7  # of the border of what lies within dark borders
BLANK = "The picture is blank: nothing stands out from its background."


def find_ink(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Takes the background away and, one after another, what is straight and no stroke.

    Once a black border or frame is gone, a pale digit beside it is what stands out: so the
    threshold is asked anew after each removal.

    Args:
        grey: Float array of shape (h, w), values in [0, 1].

    Returns:
        How much ink there is, a float array of the same shape, and where, a bool array.

    Raises:
        PictureError: Nothing stands out.
    """
    light = light_on_dark(grey)
    longer = max(grey.shape)
    if longer < TINY:
        ink = light - np.percentile(np.concatenate(sides(light)), 25)
        return ink, ink > max(LEAST_CONTRAST, 0.1 * ink.max())
    if longer >= LARGE:
        light = ndimage.gaussian_filter(light, longer / 400)
    erased = np.zeros(grey.shape, bool)
    for _ in range(3):
        ink = np.where(erased, 0, light - _background(light, erased))
        mask = _above_threshold(ink, erased)
        frame = frame_pixels(mask)
        lines = frame | line_pixels(mask & ~frame)
        if not lines.any():
            break
        erased |= grown(lines) & (lines | ~mask)
    return ink, mask


def cut_to_sheet(grey: np.ndarray) -> np.ndarray:
    """Cuts a picture to the sheet of paper in it, if there is a dark desk around one.

    A sheet is a bright part with something dark on it; it is nearly a rectangle, at whatever angle,
    and leaves at least three sides of the picture dark. Corners that a turned one does not fill get
    its brightness.

    Args:
        grey: Float array of shape (h, w), values in [0, 1].

    Returns:
        Float array, no larger; the picture itself if it shows no such sheet.
    """
    if min(grey.shape) < LARGE or np.ptp(grey) < LEAST_CONTRAST:
        return grey
    bright = grey > threshold_otsu(grey)
    if sum(side.mean() < 0.03 for side in sides(bright)) < 3:
        return grey
    parts, _ = ndimage.label(bright)
    sizes = np.bincount(parts.ravel())
    largest = parts == 1 + sizes[1:].argmax()
    sheet = ndimage.binary_fill_holes(largest)
    area = sheet.sum()
    if area < LEAST_SHEET * grey.size or not LEAST_BRIGHT * area < largest.sum() < area:
        return grey
    rows, columns = np.nonzero(sheet)
    angles = np.radians(range(0, 90, 5))[:, None]
    along = columns * np.cos(angles) + rows * np.sin(angles)
    across = rows * np.cos(angles) - columns * np.sin(angles)
    boxes = (np.ptp(along, axis=1) + 1) * (np.ptp(across, axis=1) + 1)
    if area < LEAST_RECTANGLE * boxes.min():
        return grey
    inside = ~grown(~sheet)
    if not inside.any():
        return grey
    (part,) = ndimage.find_objects(inside.astype(int))
    return np.where(inside, grey, np.median(grey[inside & largest]))[part]


def grown(mask: np.ndarray) -> np.ndarray:
    """Adds the soft edge of ink, wider in larger pictures."""
    width = 1 + round(max(mask.shape) / 100)
    return ndimage.binary_dilation(mask, EVERY_NEIGHBOUR, iterations=width)


def light_on_dark(grey: np.ndarray) -> np.ndarray:
    """Turns a picture of dark ink into its negative.

    Paper is what the border shows and, as digits are round, above all the corners, and what most of
    a picture is. Where that leaves it open, as in a bold digit cut to its bounding box, paper is
    what falls into more parts: strokes hang together and cut it up. But where two or more sides are
    dark all along and the rest is clearly brighter, also along its own border, the picture has dark
    borders; and the reverse.
    """
    flat = _flattened(grey)
    if np.ptp(flat) < LEAST_CONTRAST:
        raise PictureError(BLANK)
    bright = flat > threshold_otsu(flat)
    corners = bright[[0, 0, -1, -1], [0, -1, 0, -1]]
    shares = [np.concatenate(sides(bright)).mean(), corners.mean()]
    tiny = max(grey.shape) < TINY
    if not tiny:  # ink may fill most of a few pixels, seldom of many
        shares.append(bright.mean())
    vote = np.mean(shares)
    bright_paper = vote > 0.5
    if not tiny and abs(vote - 0.5) < UNDECIDED:
        more_parts = _count_parts(bright) - _count_parts(~bright)
        bright_paper = more_parts > 0 if more_parts else bright_paper
    least = 2 if min(grey.shape) >= LARGE else 3 if min(grey.shape) >= TINY else 5
    for paper in (True, False):
        if _has_borders(bright == paper, least):
            bright_paper = paper
    return 1 - grey if bright_paper else grey


def _has_borders(paper: np.ndarray, least: int) -> bool:
    """Tells whether at least so many sides show no paper, and what lies within them mostly does.

    A bold digit within a margin shows little paper along its own border: the margin is paper.
    """
    full = sum(side.mean() < 0.03 for side in sides(paper))
    if full < least or paper.mean() <= 0.53:
        return False
    inside = ~border_bands(~paper)
    rest = paper[np.ix_(inside.any(axis=1), inside.any(axis=0))]
    return bool(np.concatenate(sides(rest)).mean() > LEAST_FREE)


def sides(values: np.ndarray) -> list[np.ndarray]:
    """Returns the first and the last row and column."""
    return [values[0], values[-1], values[:, 0], values[:, -1]]


def _count_parts(mask: np.ndarray) -> int:
    """Counts the connected parts that are no specks."""
    sizes = np.bincount(ndimage.label(mask, EVERY_NEIGHBOUR)[0].ravel())[1:]
    return int((sizes >= 0.01 * mask.size).sum())


def _flattened(grey: np.ndarray) -> np.ndarray:
    """Takes the slope of the light away: a plane with the least absolute deviation."""
    if max(grey.shape) < LARGE:
        return grey
    every = -(-max(grey.shape) // 48)  # a coarse grid is enough for a plane
    down, across = (np.linspace(-1, 1, side) for side in grey.shape)
    places = np.meshgrid(down[::every], across[::every], indexing="ij")
    values = grey[::every, ::every].ravel()
    chosen = np.stack([np.ones(len(values)), *(place.ravel() for place in places)], axis=1)
    weights = np.ones(len(values))
    for _ in range(8):  # iteratively reweighted least squares
        weighted = chosen * weights[:, None]
        factors = np.linalg.lstsq(weighted.T @ chosen, weighted.T @ values, rcond=None)[0]
        weights = 1 / np.maximum(np.abs(chosen @ factors - values), 0.01)
    return grey - (factors[1] * down[:, None] + factors[2] * across)


def _background(light: np.ndarray, erased: np.ndarray) -> np.ndarray:
    """Estimates the paper: near each pixel, the average of those that are no ink.

    What is ink is first asked of the opening by a window wider than any stroke.
    """
    longer = max(light.shape)
    opened = ndimage.grey_opening(light, size=(longer // 2, longer // 2), mode="nearest")
    above = light - opened
    inky = grown((above > otsu(above[~erased])) | erased)
    if inky.mean() > 0.9:
        return opened + np.percentile(above, 25)
    near = longer // 2
    weights = ndimage.uniform_filter(1.0 - inky, near)
    average = ndimage.uniform_filter(np.where(inky, 0, above), near)
    return opened + average / np.maximum(weights, 1e-3)


def otsu(values: np.ndarray) -> float:
    """Returns the threshold that splits values best; all alike are a blank picture."""
    if values.size == 0 or np.ptp(values) == 0:
        raise PictureError(BLANK)
    return threshold_otsu(values)


def _above_threshold(ink: np.ndarray, erased: np.ndarray) -> np.ndarray:
    """Marks what is ink, by Otsu's threshold."""
    values = ink[~erased]
    threshold = max(otsu(values), 0)  # what is lighter than the paper is none
    below, above = values[values <= threshold], values[values > threshold]
    contrast = above.mean() - np.median(below) if above.size else 0
    if contrast < max(LEAST_CONTRAST, NOISE_FACTOR * below.std()):
        raise PictureError(BLANK)
    return (ink > threshold) & ~erased
