"""What a network computes in: float32, or 16 bits where the machine is quick with them."""

import math
from pathlib import Path

import keras
import tensorflow as tf

from mnist_helpers.training.layers import FusedBatchNormalization


def default_dtype_policy() -> str:
    """Returns the fastest dtype policy that this machine computes natively.

    "mixed_bfloat16" on a GPU and on processors with bfloat16 instructions (Intel from Cooper Lake,
    AMD from Zen 4), "float32" elsewhere, where 16 bits would be emulated and slower.
    """
    if tf.config.list_physical_devices("GPU"):
        return "mixed_bfloat16"
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    return "mixed_bfloat16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


def with_dtype_policy(model: keras.Model, dtype_policy: str, fused: bool = True) -> keras.Model:
    """Returns an uncompiled copy of `model`, same weights, whose layers compute in `dtype_policy`.

    The input and the last layer stay float32 (see `build_cnn`).

    Args:
        model: A functional model.
        dtype_policy: What the layers compute in, as from `training.default_dtype_policy`.
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
    for layer in clone.layers:
        if isinstance(layer, FusedBatchNormalization):
            # A plain layer comes from a file: its statistics are those of a whole training.
            layer.steps.assign(getattr(model.get_layer(layer.name), "steps", math.inf))
    return clone


def _suits_fused_kernel(layer: keras.layers.BatchNormalization) -> bool:
    """Says whether it normalises channels of images, as not every network of others does."""
    return len(layer.input.shape) == 4 and layer.axis in (-1, 3) and layer.center and layer.scale
