"""Draws the README's figure, docs/digits.png: `python benchmarks/readme_figure.py`.

One validation image of each digit: clean, augmented as in training, and corrupted; below each what
the shipped network reads. Test images play no part.
"""

import matplotlib.pyplot as plt
import numpy as np

from mnist_helpers import data
from mnist_helpers.evaluation import inference, robustness
from mnist_helpers.paths import PROJECT, SHIPPED_DIR
from mnist_helpers.plotting.style import use_style
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.augmentation import Augmentation
from mnist_helpers.training.model_choice import find_model


def rows(images: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the rows of the figure by title, each float32 (n, 28, 28) in [0, 1]."""
    augmented = np.asarray(Augmentation()(images[..., None], [0, 1]))[..., 0]
    return {
        "clean": images / np.float32(255),
        "augmented": augmented,
        "thicker or\nthinner strokes": robustness.corrupt(images, "stroke thickness", 5),
        "noise": robustness.corrupt(images, "noise", 3),
    }


def main() -> None:
    """Draws and saves the figure."""
    _, (images, labels) = data.load_training("mnist")
    chosen = images[[np.flatnonzero(labels == digit)[0] for digit in range(10)]]
    predictor = inference.Predictor(load_model(find_model(SHIPPED_DIR)))
    use_style()
    figure, axes = plt.subplots(4, 10, figsize=(9, 4.6), layout="constrained")
    for line, (title, pictures) in zip(axes, rows(chosen).items(), strict=True):
        line[0].set_ylabel(title, rotation=0, ha="right", va="center")
        read = predictor(pictures).argmax(axis=1)
        for digit, (place, picture) in enumerate(zip(line, pictures, strict=True)):
            place.imshow(picture, cmap="gray_r", vmin=0, vmax=1)
            place.set(xticks=[], yticks=[])
            colour = "black" if read[digit] == digit else "firebrick"
            place.set_xlabel(f"read as {read[digit]}", fontsize="small", color=colour)
    figure.savefig(PROJECT / "docs" / "digits.png", dpi=100)


if __name__ == "__main__":
    main()
