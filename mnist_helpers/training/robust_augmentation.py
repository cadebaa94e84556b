"""The augmentation that AUGMENTATION names: affine transforms, alone or with corruptions."""

import math
from dataclasses import dataclass

import tensorflow as tf

from mnist_helpers.training.augmentation import Augmentation

# How far each corruption goes at most, in the units of `evaluation.robustness.CORRUPTIONS`.
TRAINING_RANGES = {
    "stroke thickness": 0.9,
    "blur": 1.6,
    "noise": 0.5,
    "contrast": 0.15,
    "brightness": 0.7,
    "occlusion": 9,
    "light background": 1.0,
    "uneven light": 0.8,
    "salt and pepper": 0.25,
    "line": 2.5,
    "stripes": 0.4,
}


def make_augmentation(name: str, **ranges: float) -> Augmentation:
    """Makes the augmentation that the parameter AUGMENTATION names.

    Args:
        name: "standard" for `Augmentation`, "robust" for `RobustAugmentation`.
        **ranges: Their fields, such as `rotation_degrees`.

    Raises:
        ValueError: There is no such augmentation, or a range is impossible.
    """
    if name not in ("standard", "robust"):
        raise ValueError(f'The augmentation must be "standard" or "robust"; got {name!r}.')
    return RobustAugmentation(**ranges) if name == "robust" else Augmentation(**ranges)


@dataclass(frozen=True)
class RobustAugmentation(Augmentation):
    """Rotation, shift and zoom, then in some of the images corruptions as in photos and scans.

    A corrupted image gets one corruption drawn evenly from the eight below, and each of the others
    with a small probability. All images of a batch are worked on at once.

    Attributes:
        corruption_probability: Of an image, to be corrupted beyond rotation, shift and zoom.
        further_probability: Of each further corruption in a corrupted image.
    """

    corruption_probability: float = 0.15  # settled on validation: benchmarks/robust_policy.md
    further_probability: float = 0.08

    def __call__(self, images, seed):
        """Takes and returns what `Augmentation` does."""
        transformed = super().__call__(images, seed)
        seeds = tf.random.split(tf.cast(seed, tf.int32), len(_CORRUPTIONS) + 1)
        selected = tf.unstack(self._select(tf.shape(transformed)[0], seeds[-1]), axis=1)
        pixels = transformed[..., 0]
        for number, corrupt in enumerate(_CORRUPTIONS):
            chosen = tf.where(selected[number])
            corrupted = corrupt(tf.gather(pixels, chosen[:, 0]), seeds[number])
            pixels = tf.tensor_scatter_nd_update(pixels, chosen, corrupted)
        return tf.ensure_shape(tf.clip_by_value(pixels, 0.0, 1.0)[..., None], transformed.shape)

    def _select(self, count, seed):
        """Draws which corruptions each image gets: bool (count, corruptions)."""
        draws = tf.random.stateless_uniform([count, len(_CORRUPTIONS) + 2], seed)
        first = tf.cast(draws[:, -1] * len(_CORRUPTIONS), tf.int32)
        further = draws[:, : len(_CORRUPTIONS)] < self.further_probability
        return (draws[:, -2:-1] < self.corruption_probability) & (
            further | tf.one_hot(first, len(_CORRUPTIONS), True, False)
        )


# Each function below takes float32 pixels of shape (n, height, width) in [0, 1] and a seed, and
# returns pixels of the same shape; n may be 0.


def _thickness(pixels, seed):
    (amount,) = _draws(1, pixels, seed)
    amount = (2.0 * amount - 1.0) * TRAINING_RANGES["stroke thickness"]
    around = tf.pad(pixels, [[0, 0], [1, 1], [1, 1]])
    crossing = tf.stack([
        pixels,
        around[:, :-2, 1:-1], around[:, 2:, 1:-1], around[:, 1:-1, :-2], around[:, 1:-1, 2:],
    ])  # fmt: skip
    changed = tf.where(amount > 0, tf.reduce_max(crossing, 0), tf.reduce_min(crossing, 0))
    return pixels + tf.abs(amount) * (changed - pixels)


def _blur(pixels, seed):
    (width,) = _draws(1, pixels, seed)
    width = 0.3 + width * (TRAINING_RANGES["blur"] - 0.3)
    reach = 3
    weights = [tf.exp(-0.5 * tf.square(step / width)) for step in range(-reach, reach + 1)]
    total = tf.add_n(weights)
    around = tf.pad(pixels, [[0, 0], [reach, reach], [reach, reach]])
    height, breadth = tf.unstack(tf.shape(pixels)[1:])
    down = tf.add_n([w * around[:, k : k + height] for k, w in enumerate(weights)]) / total
    return tf.add_n([w * down[:, :, k : k + breadth] for k, w in enumerate(weights)]) / total


def _occlusion(pixels, seed):
    size, down, across = _draws(3, pixels, seed)
    rows, columns = _places(pixels)
    half = 0.5 * (2.0 + size * (TRAINING_RANGES["occlusion"] - 2.0))
    covered = (tf.abs(rows - 18.0 * (down - 0.5)) < half) & (
        tf.abs(columns - 18.0 * (across - 0.5)) < half
    )
    return tf.where(covered, 0.0, pixels)


def _line(pixels, seed):
    angle, offset, width, ink = _draws(4, pixels, seed)
    away = tf.abs(_along(pixels, angle) - 14.0 * (offset - 0.5))
    width = 0.3 + width * (TRAINING_RANGES["line"] - 0.3)
    drawn = tf.clip_by_value(width / 2 + 0.5 - away, 0.0, 1.0) * (0.5 + 0.5 * ink)
    return tf.maximum(pixels, drawn)


def _stripes(pixels, seed):
    period, phase, part, upright = _draws(4, pixels, seed)
    rows, columns = _places(pixels)
    along = tf.where(upright < 0.5, rows, columns) / (8.0 + 12.0 * period) + phase
    swapped = along - tf.floor(along) < part * TRAINING_RANGES["stripes"]
    return tf.where(swapped, 1.0 - pixels, pixels)


def _uneven_light(pixels, seed):
    angle, amount = _draws(2, pixels, seed)
    light = tf.clip_by_value(0.5 + _along(pixels, angle) / 28.0, 0.0, 1.0)
    return 1.0 - (1.0 - amount * TRAINING_RANGES["uneven light"] * light) * (1.0 - pixels)


def _ground_and_ink(pixels, seed):
    """Contrast, brightness and light background are all a choice of two grey values."""
    lower, between, light = _draws(3, pixels, seed)
    least = TRAINING_RANGES["contrast"]
    darker = (1.0 - least) * lower
    lighter = darker + least + between * (1.0 - least - darker)
    ground, ink = tf.where(light < 0.5, darker, lighter), tf.where(light < 0.5, lighter, darker)
    return ground + (ink - ground) * pixels


def _specks(pixels, seed):
    """Normal noise in one half of the images, salt and pepper in the other."""
    seeds = tf.random.split(seed, 3)
    amount, which = _draws(2, pixels, seeds[0])
    strength = tf.reduce_max(pixels, [1, 2], True) - tf.reduce_min(pixels, [1, 2], True)
    deviation = amount * TRAINING_RANGES["noise"] * strength
    noisy = pixels + deviation * tf.random.stateless_normal(tf.shape(pixels), seeds[1])
    draws = tf.random.stateless_uniform(tf.shape(pixels), seeds[2])
    part = amount * TRAINING_RANGES["salt and pepper"]
    specked = tf.where(draws < part, tf.cast(draws < part / 2, tf.float32), pixels)
    return tf.where(which < 0.5, noisy, specked)


_CORRUPTIONS = (
    _thickness, _blur, _occlusion, _line, _stripes, _uneven_light, _ground_and_ink, _specks,
)  # fmt: skip


def _draws(number, pixels, seed):
    """Returns `number` uniform draws from [0, 1) for each image, each of shape (n, 1, 1)."""
    return tf.unstack(tf.random.stateless_uniform([number, tf.shape(pixels)[0], 1, 1], seed))


def _places(pixels):
    """Returns row and column of each pixel, counted from the centre."""
    height, width = tf.unstack(tf.cast(tf.shape(pixels)[1:], tf.float32))
    rows, columns = tf.range(height) - (height - 1) / 2, tf.range(width) - (width - 1) / 2
    return rows[None, :, None], columns[None, None, :]


def _along(pixels, turn):
    """Returns how far each pixel lies from the centre in a direction, `turn` of a full circle."""
    rows, columns = _places(pixels)
    angle = turn * (2.0 * math.pi)
    return columns * tf.cos(angle) + rows * tf.sin(angle)
