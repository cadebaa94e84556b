"""Geometric corruptions: the same transform of many images is one sparse matrix product."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from scipy import sparse

from mnist_helpers.training.transforms import AffineTransform
from mnist_helpers.validation import SIDE

# How far each pixel lies below and to the right of the centre of the image.
Y, X = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2


def affine(transform: AffineTransform) -> Callable[..., np.ndarray]:
    """Returns the corruption that a random transform makes: its full amount, either way."""
    inverse = transform.inverse
    if inverse is None:
        return _shift

    def moved(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
        ways = [inverse(X, Y, sign * amount * transform.scale, np) for sign in (1, -1)]
        return apply_one_of(images, [resampling(x, y) for x, y in ways], rng)

    return moved


def _shift(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Moves each image by the fraction `amount` of its side, along both axes and either way."""
    moves = product((amount * SIDE, -amount * SIDE), repeat=2)
    return apply_one_of(images, [resampling(X - right, Y - down) for down, right in moves], rng)


def shear(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Slants each image: a pixel moves sideways by `amount` times its height, either way."""
    slants = [resampling(X - sign * amount * Y, Y) for sign in (1, -1)]
    return apply_one_of(images, slants, rng)


def apply_one_of(images: np.ndarray, operators: Sequence, rng: np.random.Generator) -> np.ndarray:
    """Applies to each image one of several sparse (784, 784) operators, drawn at random."""
    pixels = images.reshape(len(images), -1)
    drawn = rng.integers(len(operators), size=len(images))
    result = np.empty_like(pixels)
    for number, operator in enumerate(operators):
        result[drawn == number] = (operator @ pixels[drawn == number].T).T
    return result.reshape(images.shape)


def resampling(x: np.ndarray, y: np.ndarray) -> sparse.csr_array:
    """Returns bilinear resampling as a sparse (784, 784) matrix; outside is background.

    Args:
        x: Float array of shape (28, 28): how far right of the centre each pixel comes from.
        y: The same for how far below it.
    """
    sources = np.stack([y.ravel(), x.ravel()], axis=1) + (SIDE - 1) / 2
    corner = np.floor(sources).astype(int)
    total = sparse.csr_array((SIDE**2, SIDE**2), dtype=np.float32)
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
        near = corner + (down, across)
        weights = (1 - np.abs(sources - near)).prod(axis=1)
        inside = ((near >= 0) & (near < SIDE)).all(axis=1) & (weights > 0)
        to, source = np.flatnonzero(inside), near[inside] @ (SIDE, 1)
        total += sparse.csr_array((weights[inside].astype(np.float32), (to, source)), total.shape)
    return total
