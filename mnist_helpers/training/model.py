"""The convolutional network of the series."""

import keras
from keras import layers

from mnist_helpers.training.layers import FusedBatchNormalization


def build_cnn(
    seed: int = 0,
    widths: tuple[int, ...] = (16, 32, 64, 96, 128),
) -> keras.Model:
    """Builds the digit classifier: convolutions, then global max pooling.

    Most of the work lies where maps are large. So the first convolution has
    few channels, three go without padding, as MNIST's borders are empty, and
    pooling comes before normalisation and activation, which then run on a
    quarter of the values: max pooling and ReLU commute.

    Args:
        seed: Seed of the initial weights.
        widths: Channels of each convolution; five at most.

    Returns:
        An uncompiled model: float32 (n, 28, 28, 1) in [0, 1] to class
        probabilities (n, 10).
    """
    keras.utils.set_random_seed(seed)
    image = x = keras.Input((28, 28, 1), name="image")
    # The side of the filters, the padding, and whether to pool.
    kinds = [(5, "valid", True), (3, "valid", False), (3, "same", True),
             (3, "valid", False), (3, "same", False)]  # fmt: skip
    for n, (width, kind) in enumerate(zip(widths, kinds, strict=False), 1):
        side, padding, pool = kind
        x = layers.Conv2D(width, side, padding=padding, use_bias=False,
                          name=f"conv{n}")(x)  # fmt: skip
        if pool:
            x = layers.MaxPooling2D(name=f"pool{n}")(x)
        x = FusedBatchNormalization(momentum=0.95, name=f"norm{n}")(x)
        x = layers.ReLU(name=f"relu{n}")(x)
    x = layers.GlobalMaxPooling2D(name="strongest")(x)
    # Probabilities stay float32: 16 bits would round a confident 0.9999 to 1.
    digit = layers.Dense(10, "softmax", dtype="float32", name="digit")(x)
    return keras.Model(image, digit, name="mnist_cnn")
