"""Twenty ways in which a picture of a digit goes bad, each as one function of a batch and a level.

Every function takes float32 images of shape (n, 28, 28) in [0, 1] (light ink on dark), a level, and
a `numpy.random.Generator`, and returns images of the same shape, which may leave [0, 1] a little:
`robustness.damaged` clips them. Several kinds follow MNIST-C (Mu and Gilmer, "MNIST-C: A Robustness
Benchmark for Computer Vision", 2019); the code and the levels are this project's own.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage, sparse

from mnist_helpers.training.transforms import AffineTransform
from mnist_helpers.validation import SIDE

# Row and column of each pixel, counted from the centre of the image.
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE].astype(np.float32) - np.float32((SIDE - 1) / 2)


def moving(move: AffineTransform) -> Callable[..., np.ndarray]:
    """Returns the damage that a random move does at a level: all of it, one way or the other."""
    inverse = move.inverse
    if inverse is None:
        return _shift

    def moved(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
        x, y = COLUMNS.astype(float), ROWS.astype(float)
        ways = [inverse(x, y, sign * level * move.scale, np) for sign in (1, -1)]
        return _apply(images, [_bilinear(rows, columns) for columns, rows in ways], rng)

    return moved


def _shift(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Moves each image by the fraction `level` of its side, along both axes and either way."""
    move = level * SIDE
    moves = [(down, right) for down in (move, -move) for right in (move, -move)]
    return _warp(images, [(np.eye(2), offset) for offset in moves], rng)


def shear(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Slants each image: a pixel moves sideways by `level` times its height, either way."""
    slants = [np.array([[1, sign * level], [0, 1]]) for sign in (1, -1)]
    return _warp(images, [(slant, (0, 0)) for slant in slants], rng)


def stroke_thickness(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Goes the fraction `level` of the way to strokes one pixel thicker, or thinner, all around."""
    cross = ndimage.generate_binary_structure(2, 1)[None]
    thicker = rng.random(len(images)) < 0.5
    target = np.empty_like(images)
    target[thicker] = ndimage.grey_dilation(images[thicker], footprint=cross, mode="constant")
    target[~thicker] = ndimage.grey_erosion(images[~thicker], footprint=cross, mode="constant")
    return images + level * (target - images)


def blur(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Blurs by a Gaussian whose standard deviation is `level` pixels."""
    return ndimage.gaussian_filter(images, level, mode="constant", axes=(1, 2))


def motion_blur(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Smears each image over `level` pixels in one of four directions."""
    steps = np.linspace(-level / 2, level / 2, 2 * int(np.ceil(level)) + 1)
    smears = []
    for angle in np.pi * np.arange(4) / 4:
        moves = [(np.eye(2), step * np.array([np.sin(angle), np.cos(angle)])) for step in steps]
        smears.append(sum(resampling(*move) for move in moves) / len(steps))
    return _apply(images, smears, rng)


def low_resolution(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Brings each image to `level` pixels a side and back, as from a camera too far away."""
    small, edges = int(level), np.linspace(0, SIDE, int(level) + 1)
    # What part of each fine pixel falls into each coarse one.
    starts, ends = np.arange(SIDE), np.arange(SIDE) + 1
    overlap = np.minimum(ends, edges[1:, None]) - np.maximum(starts, edges[:-1, None])
    shrink = overlap.clip(0) * small / SIDE
    centres = (edges[1:] + edges[:-1]) / 2
    grow = np.stack([np.interp(starts + 0.5, centres, row) for row in np.eye(small)], axis=1)
    both = (grow @ shrink).astype(np.float32)
    return both @ images @ both.T


def noise(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Adds normal noise whose standard deviation is `level`."""
    return images + np.float32(level) * rng.standard_normal(images.shape, np.float32)


def salt_and_pepper(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Turns the fraction `level` of the pixels black or white."""
    draws = rng.random(images.shape, np.float32)
    return np.where(draws < level, draws < level / 2, images).astype(np.float32)


def contrast(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Leaves the fraction `level` of the contrast, around middle grey."""
    return 0.5 + np.float32(level) * (images - 0.5)


def brightness(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Adds `level` to each pixel; what passes white is lost."""
    return images + np.float32(level)


def light_background(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Draws dark ink on paper of the grey value `level`."""
    return np.float32(level) * (1 - images)


def uneven_light(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Lightens the ground from nothing at one side to `level` at the other, in any direction."""
    angle = rng.uniform(0, 2 * np.pi, (len(images), 1, 1)).astype(np.float32)
    along = COLUMNS * np.cos(angle) + ROWS * np.sin(angle)
    light = np.clip(0.5 + along / SIDE, 0, 1)
    return 1 - (1 - level * light) * (1 - images)


def fog(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Mixes in the fraction `level` of clouds, a sum of smooth noises from coarse to fine."""
    clouds = np.zeros_like(images)
    for cells, weight in ((2, 1.0), (4, 0.5), (8, 0.25)):
        knots = rng.random((len(images), cells + 1, cells + 1), np.float32)
        places = np.linspace(0, cells, SIDE)
        weights = np.clip(1 - np.abs(places[:, None] - np.arange(cells + 1)), 0, 1)
        weights = weights.astype(np.float32)
        clouds += weight * (weights @ knots @ weights.T)
    low, high = clouds.min((1, 2), keepdims=True), clouds.max((1, 2), keepdims=True)
    return images + level * ((clouds - low) / (high - low) - images)


def occlusion(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Covers a square of `level` pixels a side, somewhere over the digit, with background."""
    size = int(level)
    corners = rng.integers(4, SIDE - 4 - size, (len(images), 2), endpoint=True)
    within = [
        (np.arange(SIDE) >= corner[:, None]) & (np.arange(SIDE) < corner[:, None] + size)
        for corner in corners.T
    ]
    return images * ~(within[0][:, :, None] & within[1][:, None, :])


def line(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Draws a straight line of ink, `level` pixels wide, in any direction near the centre."""
    angle, offset = rng.uniform((0, -4), (np.pi, 4), (len(images), 2)).astype(np.float32).T
    away = np.abs(
        COLUMNS * np.sin(angle)[:, None, None]
        - ROWS * np.cos(angle)[:, None, None]
        - offset[:, None, None]
    )
    return np.maximum(images, np.clip(level / 2 + 0.5 - away, 0, 1))


def stripes(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Swaps dark and light in upright or level bands that cover the fraction `level`."""
    places = (np.arange(SIDE) + rng.integers(0, 14, (len(images), 1))) % 14
    bands = (places < round(14 * level))[:, None, :]
    swapped = np.where(rng.random((len(images), 1, 1)) < 0.5, bands, bands.swapaxes(1, 2))
    return np.where(swapped, 1 - images, images)


def squared_paper(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Draws squares of 7 pixels, as of an exercise book, in lines of the grey value `level`."""
    offsets = rng.integers(0, 7, (2, len(images), 1))
    down, across = ((np.arange(SIDE) + offset) % 7 == 0 for offset in offsets)
    return np.maximum(images, np.float32(level) * (down[:, :, None] | across[:, None, :]))


def stains(images: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Drops `level` round stains of ink, each about 3 pixels wide, anywhere on the image."""
    spots = np.zeros_like(images)
    pixels = (SIDE - 1) / 2 + COLUMNS[0]
    for _ in range(int(level)):
        down, across = rng.uniform(2, SIDE - 3, (2, len(images), 1)).astype(np.float32)
        squares = (pixels - down)[:, :, None] ** 2 + (pixels - across)[:, None, :] ** 2
        spots = np.maximum(spots, np.clip(2 - np.sqrt(squares), 0, 1))
    return np.maximum(images, spots)


def turn(angle: float) -> tuple[np.ndarray, tuple[float, float]]:
    """Returns what `resampling` takes for a turn by `angle` radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, sine], [-sine, cosine]]), (0, 0)


def _warp(images: np.ndarray, transforms: Iterable[tuple], rng: np.random.Generator) -> np.ndarray:
    return _apply(images, [resampling(*transform) for transform in transforms], rng)


def _apply(images: np.ndarray, operators: Sequence, rng: np.random.Generator) -> np.ndarray:
    """Applies to each image one of several sparse (784, 784) operators, drawn at random."""
    pixels = images.reshape(len(images), -1)
    drawn = rng.integers(len(operators), size=len(images))
    result = np.empty_like(pixels)
    for number, operator in enumerate(operators):
        result[drawn == number] = (operator @ pixels[drawn == number].T).T
    return result.reshape(images.shape)


def resampling(matrix: np.ndarray, offset: ArrayLike) -> sparse.csr_array:
    """Returns bilinear resampling as a sparse (784, 784) matrix; outside is background.

    One transform for many images costs least as one matrix product.

    Args:
        matrix: (2, 2); a pixel at row and column (r, c) from the centre goes to (r, c) @ matrix.
        offset: How far it then moves down and to the right, in pixels.
    """
    places = np.stack([ROWS.ravel(), COLUMNS.ravel()], axis=1)
    return _bilinear(*((places - np.asarray(offset)) @ np.linalg.inv(matrix)).T)


def _bilinear(rows: np.ndarray, columns: np.ndarray) -> sparse.csr_array:
    """Returns the sparse matrix that takes each pixel from (row, column), counted from the centre.

    Args:
        rows: Float array of 784 values, in any shape.
        columns: The same.
    """
    sources = np.stack([rows.ravel(), columns.ravel()], axis=1) + (SIDE - 1) / 2
    corner = np.floor(sources).astype(int)
    total = sparse.csr_array((SIDE**2, SIDE**2), dtype=np.float32)
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
        near = corner + (down, across)
        weights = (1 - np.abs(sources - near)).prod(axis=1)
        inside = ((near >= 0) & (near < SIDE)).all(axis=1) & (weights > 0)
        to, source = np.flatnonzero(inside), near[inside] @ (SIDE, 1)
        total += sparse.csr_array((weights[inside].astype(np.float32), (to, source)), total.shape)
    return total
