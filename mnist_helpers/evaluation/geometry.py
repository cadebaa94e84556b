"""Geometric corruptions: the same transform of many images is one sparse matrix product."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from mnist_helpers.training.transforms import AffineTransform
from mnist_helpers.validation import SIDE

# Row and column of each pixel, counted from the centre of the image.
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE].astype(np.float32) - np.float32((SIDE - 1) / 2)


def affine(transform: AffineTransform) -> Callable[..., np.ndarray]:
    """Returns the corruption that a random transform makes: its full amount, either way."""
    inverse = transform.inverse
    if inverse is None:
        return _shift

    def moved(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
        x, y = COLUMNS.astype(float), ROWS.astype(float)
        ways = [inverse(x, y, sign * amount * transform.scale, np) for sign in (1, -1)]
        return apply_one_of(images, [_bilinear(rows, columns) for columns, rows in ways], rng)

    return moved


def _shift(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Moves each image by the fraction `amount` of its side, along both axes and either way."""
    moves = product((amount * SIDE, -amount * SIDE), repeat=2)  # down, right
    return apply_one_of(images, [resampling(np.eye(2), move) for move in moves], rng)


def shear(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Slants each image: a pixel moves sideways by `amount` times its height, either way."""
    slants = [resampling(np.array([[1, sign * amount], [0, 1]])) for sign in (1, -1)]
    return apply_one_of(images, slants, rng)


def apply_one_of(images: np.ndarray, operators: Sequence, rng: np.random.Generator) -> np.ndarray:
    """Applies to each image one of several sparse (784, 784) operators, drawn at random."""
    pixels = images.reshape(len(images), -1)
    drawn = rng.integers(len(operators), size=len(images))
    result = np.empty_like(pixels)
    for number, operator in enumerate(operators):
        result[drawn == number] = (operator @ pixels[drawn == number].T).T
    return result.reshape(images.shape)


def rotation_matrix(angle: float) -> np.ndarray:
    """Returns the matrix that `resampling` takes for a rotation by `angle` radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, sine], [-sine, cosine]])


def resampling(matrix: np.ndarray, offset: ArrayLike = (0, 0)) -> sparse.csr_array:
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
