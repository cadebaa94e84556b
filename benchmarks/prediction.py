"""Prediction: one image as a widget asks for it, and many in batches, on the shipped model."""

import numpy as np
import tensorflow as tf
from common import interleaved, save_result, seconds_per_call

from mnist_helpers import data
from mnist_helpers.paths import SHIPPED_DIR
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.metrics import read_metrics
from mnist_helpers.training.pipeline import to_input
from mnist_helpers.training.precision import default_dtype_policy

ROUNDS, IMAGES, BATCH = 5, 10_000, 500


def main() -> None:
    """Measures both and writes the result file."""
    name = read_metrics(SHIPPED_DIR)["phases"]["hybrid"]["model"]
    model = load_model(SHIPPED_DIR / name, default_dtype_policy())
    answer = tf.function(lambda x: model(x, training=False))
    (images, _), _ = data.load_training("mnist")
    pictures = to_input(images[:IMAGES])
    one = pictures[:1]

    def all_in_batches():
        for first in range(0, IMAGES, BATCH):
            np.asarray(answer(pictures[first : first + BATCH]))

    rows = interleaved(
        {
            "single_ms": lambda: 1e3 * seconds_per_call(lambda: np.asarray(answer(one)), 100),
            "batch_images_per_second": lambda: IMAGES / seconds_per_call(all_in_batches, 1, warm=1),
        },
        ROUNDS,
    )
    save_result("prediction", rows)


if __name__ == "__main__":
    main()
