"""The ink of one digit, separated from paper, lines, borders and neighbours."""

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu

from mnist_helpers.preprocessing.image_io import PictureError
from mnist_helpers.preprocessing.lines import line_pixels, stroke_width

TINY = 24  # pixels; a picture with no longer side holds no lines, shadows or neighbours
# Background and ink must differ by this part of the full range, and by so many standard deviations
# of the noise.
LEAST_CONTRAST = 0.02
NOISE_FACTOR = 6.0
BLANK = "The picture is blank: nothing stands out from its background."
REACHING = 2.0
EVERY_NEIGHBOUR = np.ones((3, 3), bool)


def separate_ink(grey: np.ndarray) -> np.ndarray:
    """Separates the digit's ink from its background.

    Args:
        grey: Float array of shape (h, w), values in [0, 1].

    Returns:
        float64 array of the same shape: 0 is background, 1 full ink, soft edges in between.

    Raises:
        PictureError: No digit stands out from the background, or these are no grey values.
    """
    if grey.ndim != 2 or not np.all((grey >= 0) & (grey <= 1)) or grey.size == 0:
        raise PictureError("Grey values are an array of shape (h, w) with values in [0, 1].")
    ink, mask = find_ink(grey)
    digit = select_digit(mask, ink)
    full = np.percentile(ink[digit], 90)
    soft = ndimage.binary_dilation(digit, EVERY_NEIGHBOUR, iterations=soft_edge(grey.shape))
    return np.clip(ink / full, 0, 1) * (soft & ~(mask & ~digit))


def soft_edge(shape):
    return 1 + round(max(shape) / 100)


def find_ink(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the ink without its background, and where it is: lines and borders left out."""
    light = light_on_dark(grey)
    if max(grey.shape) < TINY:
        ink = light - paper_level(light)
        return ink, ink > max(LEAST_CONTRAST, 0.1 * ink.max())
    blur = max(grey.shape) / 400
    if max(grey.shape) >= 60:
        light = ndimage.gaussian_filter(light, blur)
    erased = np.zeros(grey.shape, bool)
    for _ in range(3):
        ink = np.where(erased, 0, light - background(light, erased))
        mask = inked(ink, erased)
        lines = line_pixels(mask)
        if not lines.any():
            break
        erased |= ndimage.binary_dilation(lines, EVERY_NEIGHBOUR, iterations=soft_edge(grey.shape)) & (~mask | lines)
    return ink, mask


def light_on_dark(grey: np.ndarray) -> np.ndarray:
    """Turns a picture of dark ink into its negative.

    Paper is what the border and, as digits are round, above all the corners show; unless two or
    more sides are dark all along in a picture that is mostly bright: then it has dark borders.
    """
    flat = flattened(grey)
    if np.ptp(flat) < LEAST_CONTRAST:
        raise PictureError(BLANK)
    bright = flat > threshold_otsu(flat)
    sides = [bright[0], bright[-1], bright[:, 0], bright[:, -1]]
    corners = bright[[0, 0, -1, -1], [0, -1, 0, -1]]
    bright_paper = np.concatenate(sides).mean() + corners.mean() > 1
    least = 2 if min(grey.shape) >= 60 else 3 if min(grey.shape) >= TINY else 5
    for paper in (True, False):
        full = sum((side == paper).mean() < 0.03 for side in sides)
        if full >= least and (bright == paper).mean() > 0.5:
            bright_paper = paper
    return 1 - grey if bright_paper else grey


def flattened(grey):
    """Takes the slope and the curvature of the light away."""
    if max(grey.shape) < 60:
        return grey
    every = -(-max(grey.shape) // 48)
    rows, columns = np.meshgrid(*(np.linspace(-1, 1, side) for side in grey.shape), indexing="ij")
    terms = np.stack([np.ones(grey.shape), rows, columns], axis=-1)
    chosen, values = terms[::every, ::every].reshape(-1, 3), grey[::every, ::every].ravel()
    weights = np.ones(len(values))
    for _ in range(8):
        weighted = chosen * weights[:, None]
        factors = np.linalg.lstsq(weighted.T @ chosen, weighted.T @ values, rcond=None)[0]
        weights = 1 / np.maximum(np.abs(chosen @ factors - values), 0.01)
    return grey - terms[..., 1:] @ factors[1:]


def paper_level(light):
    border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])
    return np.percentile(border, 25)


def background(light: np.ndarray, erased) -> np.ndarray:
    """Estimates the paper: the average of the pixels that are not ink, near to each."""
    window = max(light.shape) // 2
    paper = ndimage.median_filter(light, 3) if False else light
    opened = ndimage.grey_opening(np.where(erased, light.min(), light) if False else light, size=(window, window), mode="nearest")
    rough = light - opened
    values = rough[~erased]
    inky = (rough > threshold_otsu(values)) | erased
    inky = ndimage.binary_dilation(inky, EVERY_NEIGHBOUR, iterations=soft_edge(light.shape))
    if inky.mean() > 0.9:
        return opened + np.percentile(values, 25)
    weights = ndimage.gaussian_filter(1.0 - inky, max(light.shape) / 10)
    average = ndimage.gaussian_filter(np.where(inky, 0, rough), max(light.shape) / 10)
    return opened + average / np.maximum(weights, 1e-3)


def inked(ink, erased=False):
    """Marks what is ink."""
    values = ink[~np.broadcast_to(erased, ink.shape)]
    if values.size == 0 or np.ptp(values) == 0:
        raise PictureError(BLANK)
    threshold = threshold_otsu(values)
    above, below = values[values > threshold], values[values <= threshold]
    if above.mean() - np.median(below) < max(LEAST_CONTRAST, 3 * below.std()):
        raise PictureError(BLANK)
    return (ink > threshold) & ~np.broadcast_to(erased, ink.shape)


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
    parts, count = ndimage.label(mask, EVERY_NEIGHBOUR)
    if count == 0:
        raise PictureError(BLANK)
    numbers = np.arange(1, count + 1)
    weights = ndimage.sum_labels(ink, parts, numbers)
    boxes = np.array([[[s.start, s.stop] for s in box] for box in ndimage.find_objects(parts)])
    sides = np.array(mask.shape)
    off_centre = np.abs(boxes.mean(axis=2) / sides - 0.5).max(axis=1)
    cut_off = ((boxes[..., 0] == 0) | (boxes[..., 1] == sides)).any(axis=1)
    main = (weights * np.where(cut_off, 0.5, 1) * (1.1 - 2 * off_centre)).argmax()
    digit = parts == numbers[main]
    if max(mask.shape) < TINY:
        return np.isin(parts, numbers[weights >= 0.06 * weights[main]])
    whole = weights * ~cut_off
    _check_digit(digit, np.isin(parts, numbers[whole >= 0.3 * weights[main]]) | digit, mask)
    _check_single(boxes[main], boxes[(whole >= 0.4 * weights[main]) & (numbers != numbers[main])])
    kept = numbers[whole >= 0.06 * weights[main]]
    return without_neighbours(digit) | np.isin(parts, kept[kept != numbers[main]])


def _check_digit(digit, strokes, mask):
    """Raises an error for what is a texture, a shadow or a spot and no strokes."""
    rows, columns = np.nonzero(digit)
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    edges = np.concatenate([digit[0], digit[-1], digit[:, 0], digit[:, -1]])
    holes = ndimage.label(~digit)[1]
    shadow = min(mask.shape) >= 60 and edges.mean() > 0.25
    texture = strokes.sum() < 0.3 * mask.sum() or holes > 12
    if shadow or texture or stroke_width(digit) > 0.5 * extent:
        raise PictureError("No digit is to be found: what stands out does not look like strokes.")


def _check_single(main, others):
    """Raises an error if other parts stand beside the digit and are about as tall."""
    heights = np.diff(others[:, 0])[:, 0]
    shared = np.minimum(others[:, 1, 1], main[1, 1]) - np.maximum(others[:, 1, 0], main[1, 0])
    aside = shared <= 0.2 * np.minimum(np.diff(others[:, 1])[:, 0], np.diff(main[1])[0])
    several = 1 + (aside & (heights >= 0.6 * np.diff(main[0])[0])).sum()
    if several > 1:
        raise PictureError(
            f"The picture seems to hold {several} digits; cut it so that one is left."
        )


def without_neighbours(digit: np.ndarray) -> np.ndarray:
    """Cuts off what reaches in from the left or the right and joins the digit by one stroke."""
    digit = digit.copy()
    for side in (digit, digit[:, ::-1]):
        if side[:, 0].any():
            side &= ~_outer_part(side)
    return digit


def _outer_part(digit):
    """Marks what lies left of the thinnest bridge in the left quarter, along upright or slanted cuts."""
    rows, columns = np.nonzero(digit)
    best, outer = np.inf, np.zeros(digit.shape, bool)
    for slant in (0, 0.2, -0.2, 0.4, -0.4):
        shifted = np.rint(columns + slant * (rows - len(digit) / 2)).astype(int)
        shifted -= shifted.min()
        sheared = np.zeros((len(digit), shifted.max() + 1), bool)
        sheared[rows, shifted] = True
        heights = sheared[:, : -(-sheared.shape[1] // 4)].sum(axis=0)
        strokes = np.diff(sheared[:, : len(heights)], axis=0, prepend=False).sum(axis=0)
        cut = np.where(strokes <= 2, heights, np.inf).argmin()
        if strokes[cut] > 2 or heights[cut] >= best or heights[:cut].max(initial=0) < REACHING * heights[cut]:
            continue
        left = shifted <= cut
        if columns[left].min(initial=1) == 0 and left.mean() < 0.25:
            best, outer = heights[cut], np.zeros(digit.shape, bool)
            outer[rows[left], columns[left]] = True
    return outer
