"""Draws what the reader misreads with the most confidence: `python benchmarks/reader_failures.py`.

The digits are those of drawn numbers, of MNIST's validation images, cut out by their boxes; test
images play no part. What each would need stands in the template of reader.md.
"""

from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
from common import RESULTS
from drawn_strips import cut_to_box, draw_strip

from mnist_helpers import data
from mnist_helpers.evaluation.reader import Reader
from mnist_helpers.plotting.style import use_style
from mnist_helpers.preprocessing.image_io import PictureError
from mnist_helpers.preprocessing.mnist_format import to_mnist

STRIPS, SHOWN, COLUMNS = 400, 12, 4


def main() -> None:
    """Draws and saves the figure."""
    reader, (images, labels) = Reader(), data.load_training("mnist")[1]
    rng, found = np.random.default_rng(23), []
    for _ in range(STRIPS):
        picture, truth = draw_strip(images, labels, rng)
        for label, mask in truth:
            part = cut_to_box(picture, mask)
            with suppress(PictureError):  # a refusal is no misreading
                found.append((part, to_mnist(part), label))
    pictures, digits, truth = zip(*found, strict=True)
    probabilities, scores = reader(np.stack(digits))
    read, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero((read != truth) & (scores >= reader.least_score))
    print(f"{len(wrong)} of {len(truth)} digits are misread and not doubted")
    use_style()
    figure, axes = plt.subplots(
        SHOWN // COLUMNS, 2 * COLUMNS, figsize=(9, 4.8), layout="constrained"
    )
    worst = wrong[np.argsort(-sure[wrong])][:SHOWN]
    for number, (one, pair) in enumerate(zip(worst, axes.reshape(-1, 2), strict=True), 1):
        for place, image in zip(pair, (pictures[one], digits[one][..., 0]), strict=True):
            place.imshow(image, cmap="gray")
            place.set(xticks=[], yticks=[])
        pair[0].set_title(f"{number}. label {truth[one]}", fontsize="small")
        pair[1].set_title(f"read as {read[one]}, {sure[one]:.0%}", fontsize="small")
    figure.savefig(RESULTS / "reader_failures.png", dpi=100)


if __name__ == "__main__":
    main()
