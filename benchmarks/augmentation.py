"""Augmented images per second: our transform against Keras's three layers and the legacy generator.

All turn, move and zoom by the same amounts; batches of 128 from memory. Ours and the layers run in
a parallel `tf.data` map, as a user would have them; the generator is an iterator of its own.
"""

import warnings

import keras
import numpy as np
import tensorflow as tf
from common import interleaved, save_result, seconds_per_call

from mnist_helpers import data
from mnist_helpers.training.augmentation import Augmentation
from mnist_helpers.training.pipeline import training_dataset

BATCH, BATCHES, ROUNDS = 128, 200, 5


def rate(batches, count: int = BATCHES) -> float:
    """Returns images per second over `count` batches, after ten that do not count."""
    iterator = iter(batches)
    return BATCH / seconds_per_call(lambda: next(iterator), count, warm=10)


def ours(images, labels):
    """All images of each batch augmented, by the training pipeline itself."""
    options = {"epochs": 1000, "batch_size": BATCH, "augmented_share": 1.0}
    return lambda: rate(training_dataset(images, labels, augmentation=Augmentation(), **options))


def keras_layers(images, labels):
    """Keras's three layers with the background as fill, mapped over batches."""
    fill = {"fill_mode": "constant", "fill_value": 0.0}
    layers = keras.Sequential(
        [
            keras.layers.RandomRotation(15 / 360, **fill),
            keras.layers.RandomTranslation(0.1, 0.1, **fill),
            keras.layers.RandomZoom((-0.15, 0.15), **fill),
        ]
    )
    source = tf.data.Dataset.from_tensor_slices((images[..., None], labels)).repeat()
    batches = source.shuffle(10_000).batch(BATCH, drop_remainder=True)

    def load(x, y):
        return layers(tf.cast(x, tf.float32) / 255, training=True), tf.one_hot(y, 10)

    mapped = batches.map(load, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    return lambda: rate(mapped)


def legacy_generator(images, labels):
    """`ImageDataGenerator`, which transforms image by image in Python."""
    generator = keras.src.legacy.preprocessing.image.ImageDataGenerator(
        rotation_range=15, width_shift_range=0.1, height_shift_range=0.1, zoom_range=0.15,
        fill_mode="constant", rescale=1 / 255,
    )  # fmt: skip
    flow = generator.flow(images[..., None], np.eye(10, dtype=np.float32)[labels], BATCH)
    return lambda: rate(flow, BATCHES // 5)


def main() -> None:
    """Measures all three in turn and writes the result file."""
    # TensorFlow 2.21's variables lack NumPy 2's `copy` argument: a warning for each batch.
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    (images, labels), _ = data.load_training("mnist")
    measures = {
        "ours": ours(images, labels),
        "keras_layers": keras_layers(images, labels),
        "legacy_generator": legacy_generator(images, labels),
    }
    save_result("augmentation", interleaved(measures, ROUNDS))


if __name__ == "__main__":
    main()
