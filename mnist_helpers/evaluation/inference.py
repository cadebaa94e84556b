"""Letting a trained model classify images in MNIST's form."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from mnist_helpers.evaluation.geometry import X, Y, resampling

Predict = Callable[[np.ndarray], np.ndarray]


class Predictor:
    """A network traced once, for many predictions in a row: one image or ten thousand.

    `model.predict` sets up a loop for every call, which for one image takes far longer than the
    network itself.

    Args:
        model: Takes float32 (n, 28, 28, 1) in [0, 1].
        batch_size: Images in one step.
    """

    def __init__(self, model: keras.Model, batch_size: int = 500) -> None:
        """Traces the network, so that the first prediction need not."""
        self.model, self.batch_size = model, batch_size
        self.step = tf.function(
            lambda images: tf.cast(model(images, training=False), tf.float32),
            input_signature=[tf.TensorSpec((None, 28, 28, 1))],
            jit_compile=False,
        )
        self(np.zeros((1, 28, 28, 1), np.float32))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Predicts.

        Args:
            images: float32 array of shape (n, 28, 28) or (n, 28, 28, 1) in [0, 1]; n may be 0.

        Returns:
            float32 array of what the model gives; of a classifier probabilities of shape (n, 10).
        """
        images = np.asarray(images, np.float32).reshape(-1, 28, 28, 1)
        if len(images) == 0:  # not every layer takes an empty batch
            return self(np.zeros((1, 28, 28, 1), np.float32))[:0]
        starts = range(0, len(images), self.batch_size)
        return np.concatenate(
            [self.step(images[start : start + self.batch_size]).numpy() for start in starts]
        )


def feature_extractor(model: keras.Model) -> Predictor:
    """Returns a predictor of the values that a classifier's last layer decides by.

    Args:
        model: A digit classifier whose last layer is dense.

    Returns:
        A function from float32 (n, 28, 28) in [0, 1] to float32 (n, features).
    """
    return Predictor(keras.Model(model.inputs, model.layers[-1].input))


def test_time_augmentation(predict: Predict, images: np.ndarray) -> np.ndarray:
    """Averages what a model predicts for nine slightly transformed views of each image.

    The views were chosen before anything was measured: the image itself, rotated by 7.5 degrees
    either way, a tenth larger and smaller, and shifted by 1 pixel in four directions.

    Args:
        predict: Such as a `Predictor`.
        images: float32 array of shape (n, 28, 28) in [0, 1].

    Returns:
        float32 array of shape (n, 10), the mean of the probabilities.
    """
    cosine, sine = np.cos(np.radians(7.5)), np.sin(np.radians(7.5))
    places = [(X, Y)]
    places += [(cosine * X - s * Y, s * X + cosine * Y) for s in (sine, -sine)]
    places += [(X / factor, Y / factor) for factor in (1.1, 0.9)]
    places += [(X - 1, Y), (X + 1, Y), (X, Y - 1), (X, Y + 1)]
    views = [resampling(x, y) for x, y in places]
    pixels = np.asarray(images, np.float32).reshape(-1, 28 * 28).T
    return np.mean([predict((view @ pixels).T) for view in views], axis=0)
