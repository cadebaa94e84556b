"""One digit at a time through the network, fast enough for a callback."""

import keras
import numpy as np
import tensorflow as tf


class DigitReader:
    """A network traced once, for single images.

    `model.predict` sets up a loop for every call, which takes far longer than this graph's reading.

    Args:
        model: float32 (n, 28, 28, 1) in [0, 1] to probabilities (n, 10).
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self._function = tf.function(
            lambda image: model(image, training=False),
            input_signature=[tf.TensorSpec((1, 28, 28, 1), tf.float32)],
        )
        self(np.zeros((28, 28, 1), np.float32))  # trace now, not at the reader's first stroke

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Reads one image.

        Args:
            image: float32 array of shape (28, 28, 1), values in [0, 1].

        Returns:
            float32 array of shape (10,), the probabilities.
        """
        return self._function(tf.constant(image[None], tf.float32)).numpy()[0]

    @property
    def traces(self) -> int:
        """How often the network was traced; one is right."""
        return self._function.experimental_get_tracing_count()
