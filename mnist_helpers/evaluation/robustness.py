"""How accuracy falls as images get worse: the corruptions, their severities, and the measuring."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from mnist_helpers.evaluation.corruptions import CORRUPTIONS
from mnist_helpers.training.robust_augmentation import TRAINING_RANGES
from mnist_helpers.training.transforms import TRANSFORMS, transform_name
from mnist_helpers.validation import MAX_SEED, check_images, check_integer

SEVERITIES = range(1, 6)
Curves = Mapping[str, list[float]]  # corruption to the accuracies at the five severities


# Left out of training on purpose, to see what the policy is worth on what it has never seen.
HELD_OUT = ("shear", "fog", "motion blur", "low resolution", "squared paper", "stains")


def corrupt(images: np.ndarray, kind: str, severity: int, seed: int = 0) -> np.ndarray:
    """Corrupts images; the same seed gives the same result.

    Args:
        images: uint8 array of shape (n, 28, 28), 0 to 255.
        kind: One of `CORRUPTIONS`.
        severity: 1 (mild) to 5 (severe).
        seed: Integer, 0 or more.

    Returns:
        float32 array of shape (n, 28, 28) in [0, 1].

    Raises:
        ValueError: There is no such corruption, the images have another form, or severity or seed
            is impossible.
    """
    images = check_images(images)
    check_integer("severity", severity, 1, 5)
    check_integer("seed", seed, 0, MAX_SEED)
    if kind not in CORRUPTIONS:
        raise ValueError(f"kind must be one of {', '.join(CORRUPTIONS)}; got {kind!r}.")
    corruption = CORRUPTIONS[kind]
    # Each kind draws for itself, so that adding one leaves the others as they are.
    rng = np.random.default_rng([seed, zlib.crc32(kind.encode())])
    pixels = images.astype(np.float32) / np.float32(255)
    corrupted = corruption.apply(pixels, corruption.amounts[severity - 1], rng)
    return np.clip(corrupted, 0, 1).astype(np.float32, copy=False)


class CorruptionKind(NamedTuple):
    """One kind of corruption as a figure shows it.

    Attributes:
        unit: What its amounts count, in words.
        amounts: Those of the five severities.
        examples: float32 array of shape (5, 28, 28) in [0, 1], from mild to severe.
        seen: Up to which severity training has shown it, 0 to 5; `None` if that is unknown.
    """

    unit: str
    amounts: tuple
    examples: np.ndarray
    seen: int | None


def describe_corruptions(
    image: np.ndarray, parameters: Mapping | None
) -> dict[str, CorruptionKind]:
    """Describes all kinds of corruption by one image.

    Args:
        image: uint8 array of shape (28, 28).
        parameters: As for `severities_seen_in_training`; `None` if they are unknown.
    """
    return {
        kind: CorruptionKind(
            corruption.unit,
            corruption.amounts,
            np.concatenate([corrupt(image[None], kind, severity) for severity in SEVERITIES]),
            None if parameters is None else severities_seen_in_training(kind, parameters),
        )
        for kind, corruption in CORRUPTIONS.items()
    }


def choose_images(total: int, count: int) -> np.ndarray:
    """Chooses images to corrupt: always the same ones, so that runs are compared on them.

    Args:
        total: How many there are.
        count: How many to choose, at most.

    Returns:
        Integer array of indices, in order.
    """
    return np.sort(np.random.default_rng(0).permutation(total)[:count])


def measure_robustness(
    predictors: Mapping[str, Callable],
    images: np.ndarray,
    labels: np.ndarray,
    kinds: Iterable[str] = tuple(CORRUPTIONS),
    seed: int = 0,
) -> dict[str, dict[str, list[float]]]:
    """Measures accuracy at every severity of every corruption, on the same images for all models.

    Args:
        predictors: Name of a model to a function from float32 images (n, 28, 28) in [0, 1] to
            probabilities (n, 10), such as an `inference.Predictor`.
        images: uint8 array of shape (n, 28, 28).
        labels: Integer array of shape (n,).
        kinds: Keys of `CORRUPTIONS`.
        seed: Of the corruptions.

    Returns:
        For each model, for each corruption, the accuracies at severities 1 to 5.
    """
    curves: dict[str, dict[str, list[float]]] = {
        name: {kind: [] for kind in kinds} for name in predictors
    }
    for kind in kinds:
        for severity in SEVERITIES:
            corrupted = corrupt(images, kind, severity, seed)
            for name, predict in predictors.items():
                correct = predict(corrupted).argmax(axis=1) == labels
                curves[name][kind].append(float(correct.mean()))
    return curves


def group_mean(curves: Curves, group: str) -> float:
    """Averages a model's accuracies over all severities of the corruptions in a group.

    Args:
        curves: One model's part of what `measure_robustness` returns.
        group: "geometric" or "photometric".
    """
    chosen = [curves[kind] for kind in curves if CORRUPTIONS[kind].group == group]
    if not chosen:
        raise ValueError(f"No corruption measured here is in a group called {group!r}.")
    return float(np.mean(chosen))


def severities_seen_in_training(kind: str, parameters: Mapping) -> int:
    """Returns up to which severity of a corruption training has shown the network images.

    Args:
        kind: One of `CORRUPTIONS`.
        parameters: Those of the training, as `metrics.json` records them; empty for clean images.

    Returns:
        0 (nothing of the kind) to 5.
    """
    if not parameters.get("AUGMENTED_SHARE", 1):
        return 0
    ranges = {transform_name(name): parameters.get(name.upper(), 0) for name in TRANSFORMS}
    if parameters.get("AUGMENTATION") == "robust":
        ranges |= TRAINING_RANGES
    if kind not in ranges:
        return 0
    amounts = np.array(CORRUPTIONS[kind].amounts)
    # Contrast and resolution are given as what is left of them, so their amounts fall.
    inside = amounts <= ranges[kind] if amounts[0] < amounts[-1] else amounts >= ranges[kind]
    return int(inside.sum())
