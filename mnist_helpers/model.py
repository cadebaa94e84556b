"""The convolutional network of the series, and copies of a network in another precision."""

import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable("mnist_helpers")
class FusedBatchNormalization(layers.BatchNormalization):
    """Keras's batch normalisation of images, computed by TensorFlow's fused kernel.

    Keras spells the computation out in a dozen operations in float32; as one kernel, in the layer's
    own precision, a training step of this network takes a quarter less time. Weights and settings
    are those of `keras.layers.BatchNormalization`, and models are saved as that plain layer. While
    training, the moving variance takes the batch's unbiased estimate (n / (n - 1) of Keras's).
    """

    def call(self, inputs, training=None, mask=None):
        """Normalises float (n, height, width, channels) over all but the channels; no masks."""
        learning = bool(training) and self.trainable
        output, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            self.gamma,
            self.beta,
            mean=None if learning else self.moving_mean,
            variance=None if learning else self.moving_variance,
            epsilon=self.epsilon,
            is_training=learning,
        )[:3]
        if learning:
            for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return output


def build_cnn(seed: int = 0, widths: tuple[int, ...] = (32, 64, 128)) -> keras.Model:
    """Builds the digit classifier: three blocks of two convolutions, then a vote over positions.

    Each block halves height and width and widens the features. The pooling comes right after the
    first convolution of a block, before normalisation and activation, which then run on a quarter
    of the values: max pooling and ReLU commute, so only the time changes. The very first
    convolution does without padding: MNIST's borders are empty, and 13 x 13 places are a seventh
    less work than 14 x 14 in what follows.

    Args:
        seed: Seed of the initial weights.
        widths: Channels of each block.

    Returns:
        An uncompiled model: float32 (n, 28, 28, 1) in [0, 1] to class probabilities (n, 10).
    """
    keras.utils.set_random_seed(seed)
    image = keras.Input((28, 28, 1), name="image")
    x = image
    for number, width in enumerate(widths, start=1):
        padding = "valid" if number == 1 else "same"
        x = layers.Conv2D(width, 3, padding=padding, use_bias=False, name=f"block{number}_conv1")(x)
        x = layers.MaxPooling2D(name=f"block{number}_pool")(x)
        x = FusedBatchNormalization(momentum=0.95, name=f"block{number}_norm1")(x)
        x = layers.ReLU(name=f"block{number}_relu1")(x)
        x = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"block{number}_conv2")(x)
        x = FusedBatchNormalization(momentum=0.95, name=f"block{number}_norm2")(x)
        x = layers.ReLU(name=f"block{number}_relu2")(x)
    x = layers.GlobalMaxPooling2D(name="strongest")(x)
    # Probabilities stay float32: 16 bits would round a confident 0.9999 to 1.
    digit = layers.Dense(10, activation="softmax", dtype="float32", name="digit")(x)
    return keras.Model(image, digit, name="mnist_cnn")


def with_precision(model: keras.Model, dtype_policy: str, fused: bool = True) -> keras.Model:
    """Returns an uncompiled copy of `model`, same weights, whose layers compute in `dtype_policy`.

    The input and the last layer stay float32 (see `build_cnn`).

    Args:
        model: A functional model.
        dtype_policy: What the layers compute in, as from `training.native_precision`.
        fused: Whether batch normalisation runs as one kernel or is Keras's own layer, which
            anybody's Keras can load.
    """

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        kind = type(layer)
        if issubclass(kind, keras.layers.BatchNormalization):
            suits = fused and _suits_fused_kernel(layer)
            kind = FusedBatchNormalization if suits else keras.layers.BatchNormalization
        precision = "float32" if layer is model.layers[-1] else dtype_policy
        return kind.from_config({**layer.get_config(), "dtype": precision})

    # Keras compiles the copy of a compiled model, so it is given the bare graph.
    graph = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    clone = keras.models.clone_model(graph, clone_function=copy)
    clone.set_weights(model.get_weights())
    return clone


def _suits_fused_kernel(layer: keras.layers.BatchNormalization) -> bool:
    """Says whether it normalises channels of images, as not every network of others does."""
    return len(layer.input.shape) == 4 and layer.axis in (-1, 3) and layer.center and layer.scale
