"""Twenty ways to corrupt an image of a digit, each as one function of a batch and an amount.

Every function takes float32 images of shape (n, 28, 28) in [0, 1] (light ink on dark), an amount,
and a `numpy.random.Generator`, and returns images of the same shape, which may leave [0, 1] a
little: `robustness.corrupt` clips them. Several follow MNIST-C (Mu and Gilmer, "MNIST-C: A
Robustness Benchmark for Computer Vision", 2019); the code and the amounts are this project's own.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from mnist_helpers.evaluation.geometry import X, Y, affine, apply_one_of, resampling, shear
from mnist_helpers.training.transforms import TRANSFORMS, transform_name
from mnist_helpers.validation import SIDE

ROWS, COLUMNS = Y.astype(np.float32), X.astype(np.float32)


class Corruption(NamedTuple):
    """A way to corrupt images.

    Attributes:
        apply: Function of float32 images, an amount and a generator.
        group: "geometric" or "photometric".
        unit: What an amount is, in words.
        amounts: What severities 1 to 5 amount to; at severity 3, a person still reads nearly all
            digits.
    """

    apply: Callable[..., np.ndarray]
    group: str
    unit: str
    amounts: tuple[float, ...]


def stroke_thickness(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Goes the fraction `amount` of the way to strokes a pixel thicker, or thinner, all around."""
    cross = ndimage.generate_binary_structure(2, 1)[None]
    thicker = rng.random(len(images)) < 0.5
    target = np.empty_like(images)
    target[thicker] = ndimage.grey_dilation(images[thicker], footprint=cross, mode="constant")
    target[~thicker] = ndimage.grey_erosion(images[~thicker], footprint=cross, mode="constant")
    return images + amount * (target - images)


def blur(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Blurs by a Gaussian whose standard deviation is `amount` pixels."""
    return ndimage.gaussian_filter(images, amount, mode="constant", axes=(1, 2))


def motion_blur(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Smears each image over `amount` pixels in one of four directions."""
    steps = np.linspace(-amount / 2, amount / 2, 2 * int(np.ceil(amount)) + 1)
    smears = []
    for angle in np.pi * np.arange(4) / 4:
        right, down = np.cos(angle), np.sin(angle)
        moved = (resampling(X - step * right, Y - step * down) for step in steps)
        smears.append(sum(moved) / len(steps))
    return apply_one_of(images, smears, rng)


def low_resolution(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Brings each image to `amount` pixels a side and back, as from a camera too far away."""
    small, edges = int(amount), np.linspace(0, SIDE, int(amount) + 1)
    # What part of each fine pixel falls into each coarse one.
    starts, ends = np.arange(SIDE), np.arange(SIDE) + 1
    overlap = np.minimum(ends, edges[1:, None]) - np.maximum(starts, edges[:-1, None])
    shrink = overlap.clip(0) * small / SIDE
    centres = (edges[1:] + edges[:-1]) / 2
    grow = np.stack([np.interp(starts + 0.5, centres, row) for row in np.eye(small)], axis=1)
    both = (grow @ shrink).astype(np.float32)
    return both @ images @ both.T


def noise(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Adds normal noise whose standard deviation is `amount`."""
    return images + np.float32(amount) * rng.standard_normal(images.shape, np.float32)


def salt_and_pepper(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Turns the fraction `amount` of the pixels black or white."""
    draws = rng.random(images.shape, np.float32)
    return np.where(draws < amount, draws < amount / 2, images).astype(np.float32)


def contrast(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Leaves the fraction `amount` of the contrast, around middle grey."""
    return 0.5 + np.float32(amount) * (images - 0.5)


def brightness(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Adds `amount` to each pixel; what passes white is lost."""
    return images + np.float32(amount)


def light_background(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Draws dark ink on paper of the grey value `amount`."""
    return np.float32(amount) * (1 - images)


def uneven_light(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Lightens the ground from nothing at one side to `amount` at the other, in any direction."""
    angle = rng.uniform(0, 2 * np.pi, (len(images), 1, 1)).astype(np.float32)
    along = COLUMNS * np.cos(angle) + ROWS * np.sin(angle)
    light = np.clip(0.5 + along / SIDE, 0, 1)
    return 1 - (1 - amount * light) * (1 - images)


def fog(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Mixes in the fraction `amount` of clouds, a sum of smooth noises from coarse to fine."""
    clouds = np.zeros_like(images)
    for cells, weight in ((2, 1.0), (4, 0.5), (8, 0.25)):
        knots = rng.random((len(images), cells + 1, cells + 1), np.float32)
        places = np.linspace(0, cells, SIDE)
        weights = np.clip(1 - np.abs(places[:, None] - np.arange(cells + 1)), 0, 1)
        weights = weights.astype(np.float32)
        clouds += weight * (weights @ knots @ weights.T)
    low, high = clouds.min((1, 2), keepdims=True), clouds.max((1, 2), keepdims=True)
    return images + amount * ((clouds - low) / (high - low) - images)


def occlusion(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Covers a square of `amount` pixels a side, somewhere over the digit, with background."""
    size = int(amount)
    corners = rng.integers(4, SIDE - 4 - size, (len(images), 2), endpoint=True)
    within = [
        (np.arange(SIDE) >= corner[:, None]) & (np.arange(SIDE) < corner[:, None] + size)
        for corner in corners.T
    ]
    return images * ~(within[0][:, :, None] & within[1][:, None, :])


def line(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Draws a straight line of ink, `amount` pixels wide, in any direction near the centre."""
    angle, offset = rng.uniform((0, -4), (np.pi, 4), (len(images), 2)).astype(np.float32).T
    away = np.abs(
        COLUMNS * np.sin(angle)[:, None, None]
        - ROWS * np.cos(angle)[:, None, None]
        - offset[:, None, None]
    )
    return np.maximum(images, np.clip(amount / 2 + 0.5 - away, 0, 1))


def stripes(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Swaps dark and light in upright or horizontal bands that cover the fraction `amount`."""
    places = (np.arange(SIDE) + rng.integers(0, 14, (len(images), 1))) % 14
    bands = (places < round(14 * amount))[:, None, :]
    swapped = np.where(rng.random((len(images), 1, 1)) < 0.5, bands, bands.swapaxes(1, 2))
    return np.where(swapped, 1 - images, images)


def squared_paper(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Draws squares of 7 pixels, as of an exercise book, in lines of the grey value `amount`."""
    offsets = rng.integers(0, 7, (2, len(images), 1))
    down, across = ((np.arange(SIDE) + offset) % 7 == 0 for offset in offsets)
    return np.maximum(images, np.float32(amount) * (down[:, :, None] | across[:, None, :]))


def stains(images: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Drops `amount` round stains of ink, each about 3 pixels wide, anywhere on the image."""
    spots = np.zeros_like(images)
    pixels = (SIDE - 1) / 2 + COLUMNS[0]
    for _ in range(int(amount)):
        down, across = rng.uniform(2, SIDE - 3, (2, len(images), 1)).astype(np.float32)
        squares = (pixels - down)[:, :, None] ** 2 + (pixels - across)[:, None, :] ** 2
        spots = np.maximum(spots, np.clip(2 - np.sqrt(squares), 0, 1))
    return np.maximum(images, spots)


# Chosen by eye, from images at each severity, before any model was measured on them.
_GEOMETRIC = {
    transform_name(name): (affine(transform), transform.unit, transform.severities)
    for name, transform in TRANSFORMS.items()
} | {"shear": (shear, "slope", (0.1, 0.2, 0.3, 0.45, 0.6))}
_PHOTOMETRIC = {
    "stroke thickness": (stroke_thickness, "fraction of a pixel", (0.2, 0.4, 0.6, 0.8, 1.0)),
    "blur": (blur, "pixels", (0.5, 0.75, 1.0, 1.5, 2.0)),
    "noise": (noise, "standard deviation", (0.1, 0.2, 0.3, 0.45, 0.6)),
    "contrast": (contrast, "fraction left", (0.7, 0.5, 0.35, 0.2, 0.1)),
    "brightness": (brightness, "grey added", (0.1, 0.2, 0.35, 0.5, 0.7)),
    "occlusion": (occlusion, "pixels a side", (4, 5, 6, 8, 10)),
    "light background": (light_background, "grey of paper", (0.2, 0.4, 0.6, 0.8, 1.0)),
    "uneven light": (uneven_light, "grey added at one side", (0.2, 0.35, 0.5, 0.65, 0.8)),
    "salt and pepper": (salt_and_pepper, "fraction of the pixels", (0.03, 0.06, 0.1, 0.2, 0.3)),
    "line": (line, "pixels wide", (0.5, 1.0, 1.5, 2.0, 3.0)),
    "stripes": (stripes, "fraction inverted", (0.1, 0.2, 0.3, 0.4, 0.5)),
    "fog": (fog, "fraction of fog", (0.2, 0.35, 0.5, 0.6, 0.7)),
    "motion blur": (motion_blur, "pixels", (2, 3, 4, 6, 8)),
    "low resolution": (low_resolution, "pixels a side", (18, 14, 12, 10, 8)),
    "squared paper": (squared_paper, "grey of lines", (0.2, 0.35, 0.5, 0.7, 0.9)),
    "stains": (stains, "stains", (1, 2, 4, 6, 9)),
}
CORRUPTIONS = {
    kind: Corruption(apply, group, unit, amounts)
    for group, kinds in (("geometric", _GEOMETRIC), ("photometric", _PHOTOMETRIC))
    for kind, (apply, unit, amounts) in kinds.items()
}
