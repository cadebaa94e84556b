"""tf.data pipelines: training batches, clean or partly augmented, and validation batches."""

import numpy as np
import tensorflow as tf

from mnist_helpers import validation
from mnist_helpers.training.augmentation import Augmentation

# Rewritten pipelines hold a copy of the images and are no faster.
OPTIONS = tf.data.Options()
OPTIONS.experimental_optimization.apply_default_optimizations = False


def to_input(images) -> np.ndarray:
    """Brings raw images to the form the network takes.

    Args:
        images: uint8 array of shape (n, 28, 28), values 0–255.

    Returns:
        float32 array of shape (n, 28, 28, 1), values in [0, 1].

    Raises:
        ValueError: The images have another type or shape.
    """
    return validation.check_images(images).astype(np.float32)[..., None] / np.float32(255)


def training_dataset(
    images,
    labels,
    *,
    epochs: int,
    first_epoch: int = 0,
    batch_size: int = 256,
    seed: int = 0,
    augmentation: Augmentation | tuple[float, float, float] | None = None,
    augmented_share: float = 0.5,
) -> tf.data.Dataset:
    """Batches of all epochs in a row, each epoch shuffled anew.

    Everything random depends on `seed` and the epoch's number alone. A training that stopped after
    epoch 7 therefore continues with `first_epoch=7` and sees the very batches it would have seen.

    In each batch the first `augmented_share` of the images are augmented and the rest stay clean.
    Because every epoch is shuffled anew, each image takes both parts over time.

    Args:
        images: uint8 array of shape (n, 28, 28).
        labels: uint8 array of shape (n,), values 0–9.
        epochs: Number of the epoch to stop before, as in `fit`.
        first_epoch: Number of the first epoch, as `initial_epoch` in `fit`.
        batch_size: Images in a batch. The n % batch_size images left over are skipped, others in
            each epoch, because a smaller last batch would be traced as a second graph.
        seed: Non-negative integer.
        augmentation: What to do to the augmented part, or the three amounts of an `Augmentation`;
            `None` leaves all images clean.
        augmented_share: Part of each batch that is augmented, in [0, 1].

    Returns:
        A dataset of (float32 (batch_size, 28, 28, 1) in [0, 1], float32 one-hot (batch_size, 10)).

    Raises:
        ValueError: A value is impossible, or there are fewer images than fill a batch.
    """
    validation.check_integer("epochs", epochs, 1)
    validation.check_integer("first_epoch", first_epoch, 0, epochs)
    validation.check_integer("batch_size", batch_size, 1)
    validation.check_integer("seed", seed, 0, validation.MAX_SEED)
    validation.check_real("augmented_share", augmented_share, 0, 1)
    images = validation.check_images(images)
    labels = validation.check_labels(labels, len(images))
    steps = len(images) // batch_size
    if steps == 0:
        raise ValueError(
            f"{len(images)} training images do not fill one batch of {batch_size}; "
            "take a smaller batch_size or more images."
        )
    if isinstance(augmentation, tuple):
        augmentation = Augmentation(*augmentation)
    augmented = round(batch_size * augmented_share) if augmentation else 0
    if augmentation and augmented_share and not augmented:
        raise ValueError(
            f"{augmented_share:g} of a batch of {batch_size} is no whole image to augment; take a "
            "larger batch_size or augmented_share."
        )
    images = tf.constant(images[..., None])
    labels = tf.constant(labels.astype(np.uint8))

    def shuffled_batches(epoch):
        order = tf.random.experimental.stateless_shuffle(tf.range(len(images)), seed=[seed, epoch])
        batches = tf.reshape(order[: steps * batch_size], [steps, batch_size])
        numbers = epoch * steps + tf.range(steps, dtype=tf.int64)
        return tf.data.Dataset.from_tensor_slices((numbers, batches))

    def load(number, chosen):
        batch = tf.gather(images, chosen)
        inputs = tf.cast(batch[augmented:], tf.float32) / 255.0
        if augmentation and augmented:
            changed = augmentation(batch[:augmented], seed=[seed, number])
            inputs = tf.concat([changed, inputs], axis=0)
        return inputs, tf.one_hot(tf.gather(labels, chosen), validation.CLASSES)

    return (
        tf.data.Dataset.range(first_epoch, epochs)
        .flat_map(shuffled_batches)
        .map(load, num_parallel_calls=tf.data.AUTOTUNE)
        .apply(tf.data.experimental.assert_cardinality((epochs - first_epoch) * steps))
        .prefetch(tf.data.AUTOTUNE)
        .with_options(OPTIONS)
    )


def validation_dataset(images, labels, *, batch_size: int = 250) -> tf.data.Dataset:
    """Batches of clean images in their order, the last one smaller.

    Args:
        images: uint8 array of shape (n, 28, 28).
        labels: uint8 array of shape (n,), values 0–9.
        batch_size: Images in a batch; larger ones take more memory and are no faster.

    Returns:
        A dataset of (float32 (b, 28, 28, 1) in [0, 1], float32 one-hot (b, 10)).

    Raises:
        ValueError: The arrays do not fit each other, or `batch_size` is less than 1.
    """
    validation.check_integer("batch_size", batch_size, 1)
    images = validation.check_images(images)
    labels = validation.check_labels(labels, len(images))

    def load(batch, numbers):
        return tf.cast(batch, tf.float32) / 255.0, tf.one_hot(numbers, validation.CLASSES)

    source = tf.data.Dataset.from_tensor_slices((images[..., None], labels.astype(np.uint8)))
    return source.batch(batch_size).map(load).with_options(OPTIONS)
