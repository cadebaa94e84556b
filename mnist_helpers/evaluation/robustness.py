"""How accuracy falls as pictures get worse: kinds of damage, their levels, and the sweep."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from mnist_helpers.evaluation import corruptions
from mnist_helpers.training.robust_augmentation import TRAINING_RANGES
from mnist_helpers.training.transforms import TRANSFORMS, transform_name
from mnist_helpers.validation import MAX_SEED, check_images, check_integer

LEVELS = 5


class Damage(NamedTuple):
    """A kind of damage.

    Attributes:
        apply: Function of `mnist_helpers.evaluation.corruptions`.
        group: "geometric" or "photometric".
        unit: What a level is, in words.
        levels: Five of them, from mild to severe; a person reads nearly all digits at the third.
    """

    apply: Callable
    group: str
    unit: str
    levels: tuple[float, ...]


# Chosen by eye, from pictures at each level, before any model was measured on them.
CORRUPTIONS = {
    **{
        transform_name(name): Damage(
            corruptions.moving(move), "geometric", move.unit, move.severities
        )
        for name, move in TRANSFORMS.items()
    },
    "shear": Damage(corruptions.shear, "geometric", "slope", (0.1, 0.2, 0.3, 0.45, 0.6)),
    "stroke thickness": Damage(
        corruptions.stroke_thickness, "photometric", "part of a pixel", (0.2, 0.4, 0.6, 0.8, 1.0)
    ),
    "blur": Damage(corruptions.blur, "photometric", "pixels", (0.5, 0.75, 1.0, 1.5, 2.0)),
    "noise": Damage(corruptions.noise, "photometric", "deviation", (0.1, 0.2, 0.3, 0.45, 0.6)),
    "contrast": Damage(
        corruptions.contrast, "photometric", "part left", (0.7, 0.5, 0.35, 0.2, 0.1)
    ),
    "brightness": Damage(
        corruptions.brightness, "photometric", "added", (0.1, 0.2, 0.35, 0.5, 0.7)
    ),
    "occlusion": Damage(corruptions.occlusion, "photometric", "pixels a side", (4, 5, 6, 8, 10)),
    "light background": Damage(
        corruptions.light_background, "photometric", "grey of paper", (0.2, 0.4, 0.6, 0.8, 1.0)
    ),
    "uneven light": Damage(
        corruptions.uneven_light, "photometric", "at the bright side", (0.2, 0.35, 0.5, 0.65, 0.8)
    ),
    "salt and pepper": Damage(
        corruptions.salt_and_pepper,
        "photometric",
        "part of the pixels",
        (0.03, 0.06, 0.1, 0.2, 0.3),
    ),
    "line": Damage(corruptions.line, "photometric", "pixels wide", (0.5, 1.0, 1.5, 2.0, 3.0)),
    "stripes": Damage(
        corruptions.stripes, "photometric", "part swapped", (0.1, 0.2, 0.3, 0.4, 0.5)
    ),
    "fog": Damage(corruptions.fog, "photometric", "part of clouds", (0.2, 0.35, 0.5, 0.6, 0.7)),
    "motion blur": Damage(corruptions.motion_blur, "photometric", "pixels", (2, 3, 4, 6, 8)),
    "low resolution": Damage(
        corruptions.low_resolution, "photometric", "pixels a side", (18, 14, 12, 10, 8)
    ),
    "squared paper": Damage(
        corruptions.squared_paper, "photometric", "grey of lines", (0.2, 0.35, 0.5, 0.7, 0.9)
    ),
    "stains": Damage(corruptions.stains, "photometric", "stains", (1, 2, 4, 6, 9)),
}

# Left out of training on purpose, to see what the policy is worth on damage it has never met.
HELD_OUT = ("shear", "fog", "motion blur", "low resolution", "squared paper", "stains")


def damaged(images: np.ndarray, kind: str, level: float, seed: int = 0) -> np.ndarray:
    """Damages images; the same seed gives the same damage.

    Args:
        images: uint8 array of shape (n, 28, 28), 0 to 255.
        kind: One of `CORRUPTIONS`.
        level: One of the kind's levels, or something between.
        seed: Whole number, 0 or more.

    Returns:
        float32 array of shape (n, 28, 28) in [0, 1].

    Raises:
        ValueError: There is no such kind, the images have another form, or level or seed is
            impossible.
    """
    images = check_images(images)
    check_integer("seed", seed, 0, MAX_SEED)
    if kind not in CORRUPTIONS:
        raise ValueError(f"There is no damage called {kind!r}; there are {', '.join(CORRUPTIONS)}.")
    levels = CORRUPTIONS[kind].levels
    # Where the levels fall (what is left of the contrast), the least one is the severest.
    least, most = min(levels) if levels[0] > levels[-1] else 0, max(levels)
    if not least <= level <= most:
        raise ValueError(f"The level of {kind} must lie in {least} to {most}, not {level}.")
    # Each kind draws for itself, so that adding one leaves the others as they are.
    rng = np.random.default_rng([seed, zlib.crc32(kind.encode())])
    pixels = np.asarray(images, np.float32) / np.float32(255)
    return np.clip(CORRUPTIONS[kind].apply(pixels, level, rng), 0, 1).astype(np.float32, copy=False)


def choose_images(total: int, count: int) -> np.ndarray:
    """Chooses images to damage: always the same ones, so that every run is compared on them.

    Args:
        total: How many there are.
        count: How many to choose, at most.

    Returns:
        Integer array of indices, in order.
    """
    return np.sort(np.random.default_rng(0).permutation(total)[:count])


def sweep(
    readers: Mapping[str, Callable],
    images: np.ndarray,
    labels: np.ndarray,
    kinds: Iterable[str] = tuple(CORRUPTIONS),
    seed: int = 0,
) -> dict[str, dict[str, list[float]]]:
    """Measures accuracy at every level of every kind of damage; all models read the same images.

    Args:
        readers: Name of a model to a function from float32 images (n, 28, 28) in [0, 1] to
            probabilities (n, 10), such as `predict.reader` makes.
        images: uint8 array of shape (n, 28, 28).
        labels: Integer array of shape (n,).
        kinds: Keys of `CORRUPTIONS`.
        seed: Of the damage.

    Returns:
        For each model, for each kind, five accuracies from the mild level to the severe one.
    """
    curves: dict[str, dict[str, list[float]]] = {
        name: {kind: [] for kind in kinds} for name in readers
    }
    for kind in kinds:
        for level in CORRUPTIONS[kind].levels:
            worse = damaged(images, kind, level, seed)
            for name, read in readers.items():
                right = read(worse).argmax(axis=1) == labels
                curves[name][kind].append(float(right.mean()))
    return curves


def group_mean(curves: Mapping[str, list[float]], group: str) -> float:
    """Averages a model's accuracies over all levels of the kinds in a group.

    Args:
        curves: One model's part of what `sweep` returns.
        group: "geometric" or "photometric".
    """
    if group not in {kind.group for kind in map(CORRUPTIONS.get, curves) if kind}:
        raise ValueError(f"No kind of damage measured here is in a group called {group!r}.")
    chosen = [values for kind, values in curves.items() if CORRUPTIONS[kind].group == group]
    return float(np.mean(chosen))


def accuracy_at_severity_3(curves: Mapping[str, list[float]]) -> dict[str, float]:
    """Returns the accuracy at the third of the five levels for each kind."""
    return {kind: values[LEVELS // 2] for kind, values in curves.items()}


def severities_seen_in_training(kind: str, parameters: Mapping) -> int:
    """Counts how many of a kind's levels lie inside what training showed the network.

    Args:
        kind: One of `CORRUPTIONS`.
        parameters: Those of the training, as `metrics.json` records them; empty for clean images.

    Returns:
        0 to 5; the levels are ordered from mild to severe.
    """
    if not parameters.get("AUGMENTED_SHARE", 1):
        return 0
    ranges = {transform_name(name): parameters.get(name.upper(), 0) for name in TRANSFORMS}
    if parameters.get("AUGMENTATION") == "robust":
        ranges |= TRAINING_RANGES
    if kind not in ranges:
        return 0
    levels = np.array(CORRUPTIONS[kind].levels)
    # Contrast and resolution are told by what is left of them, so their levels fall.
    inside = levels <= ranges[kind] if levels[0] < levels[-1] else levels >= ranges[kind]
    return int(inside.sum())
