"""A trained network as `network.js` runs it: operations in order, and their weights."""

from collections.abc import Callable, Iterable

import keras
import numpy as np

ACTIVATIONS = {
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "sigmoid", "silu", "tanh", "softplus",
    "softsign", "softmax",
}  # fmt: skip
INACTIVE = ("Dropout", "SpatialDropout2D", "GaussianNoise", "Random")  # while predicting
MERGES = {
    "Add": "add", "Subtract": "subtract", "Multiply": "multiply", "Maximum": "maximum",
    "Average": "average", "Concatenate": "concatenate",
}  # fmt: skip
# An operation's settings and its weights.
Entry = tuple[dict, dict]


class PageExportError(ValueError):
    """The page cannot express the network, or predicts something else."""


def describe_network(model: keras.Model) -> tuple[list[dict], np.ndarray]:
    """Describes a network for the page.

    Args:
        model: A digit classifier of Keras's own layers.

    Returns:
        One dict for each operation, with places in the weights, and all weights as one float32
        array. Batch normalisation has become a factor and an offset for each channel.

    Raises:
        PageExportError: A layer or setting that the page does not have.
    """
    graph = keras.Model(model.inputs[0], model.outputs[0])
    numbers = {id(model.inputs[0]): 0}
    layers: list[dict] = []
    values = [np.empty(0, np.float32)]
    total = 0
    # Nodes, not layers: a layer may be called twice, and stand in other networks as well.
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if node.is_input:
                continue
            inputs = [numbers[id(tensor)] for tensor in node.input_tensors]
            (output,) = node.output_tensors
            for entry, weights in _entries(node.operation, node.input_tensors, output):
                places = {}
                for name, weight in weights.items():
                    array = np.asarray(weight, np.float32).ravel()
                    places[name] = (total, array.size)
                    values.append(array)
                    total += array.size
                entry = {"name": node.operation.name, **entry}
                layers.append({**entry, "inputs": inputs, "weights": places})
                inputs = [len(layers)]
            numbers[id(output)] = len(layers)
    return layers, np.concatenate(values)


def _entries(
    layer: keras.layers.Layer, inputs: list[keras.KerasTensor], output: keras.KerasTensor
) -> Iterable[Entry]:
    """Yields one or two operations of the page for a layer, each with its weights."""
    kind = type(layer).__name__
    _require(layer, getattr(layer, "data_format", None) in (None, "channels_last"), "channels last")
    if kind.startswith(INACTIVE):
        yield {"op": "identity"}, {}
    elif kind in MERGES:
        if kind == "Concatenate":
            last = layer.axis in (-1, len(output.shape) - 1)
            _require(layer, last, "concatenation along the last axis")
        else:
            same = len({tuple(tensor.shape) for tensor in inputs}) == 1
            _require(layer, same, "merged shapes that are the same")
        yield {"op": MERGES[kind]}, {}
    elif kind in ("Flatten", "Reshape"):
        yield {"op": "reshape", "shape": output.shape[1:]}, {}
    elif kind in GLOBAL_POOLS:
        yield {"op": GLOBAL_POOLS[kind]}, {}
        if layer.keepdims:
            yield {"op": "reshape", "shape": output.shape[1:]}, {}
    elif kind in MAKERS:
        yield from MAKERS[kind](layer)
    else:
        raise PageExportError(f"{layer.name}: the page has no {kind} layers.")


def _require(layer: keras.layers.Layer, fulfilled: bool, what: str) -> None:
    if not fulfilled:
        raise PageExportError(f"{layer.name}: the page needs {what}.")


def _activation(layer: keras.layers.Layer) -> dict:
    name = keras.activations.serialize(layer.activation)
    if name not in ACTIVATIONS:
        raise PageExportError(f"{layer.name}: the page has no activation {name}.")
    return {"activation": name}


def _weights(layer: keras.layers.Layer, kernel: str = "kernel") -> dict:
    weights = {"kernel": getattr(layer, kernel)}
    return weights | ({"bias": layer.bias} if layer.use_bias else {})


def _windows(layer: keras.layers.Layer) -> dict:
    return {
        "size": layer.kernel_size, "strides": layer.strides, "dilation": layer.dilation_rate,
        "padding": layer.padding,
    }  # fmt: skip


def _conv(layer: keras.layers.Conv2D) -> Iterable[Entry]:
    _require(layer, layer.groups == 1, "convolutions in one group")
    entry = {"op": "conv", "filters": layer.filters}
    yield entry | _windows(layer) | _activation(layer), _weights(layer)


def _depthwise(layer: keras.layers.DepthwiseConv2D) -> Iterable[Entry]:
    entry = {"op": "depthwise", "multiplier": layer.depth_multiplier}
    yield entry | _windows(layer) | _activation(layer), _weights(layer)


def _separable(layer: keras.layers.SeparableConv2D) -> Iterable[Entry]:
    entry = {"op": "depthwise", "multiplier": layer.depth_multiplier}
    yield entry | _windows(layer), {"kernel": layer.depthwise_kernel}
    one = {"size": (1, 1), "strides": (1, 1), "dilation": (1, 1), "padding": "valid"}
    entry = {"op": "conv", "filters": layer.filters}
    yield entry | one | _activation(layer), _weights(layer, "pointwise_kernel")


def _dense(layer: keras.layers.Dense) -> Iterable[Entry]:
    yield {"op": "dense", "units": layer.units, **_activation(layer)}, _weights(layer)


def _pool(operation: str) -> Callable[[keras.layers.Layer], Iterable[Entry]]:
    def make(layer: keras.layers.Layer) -> Iterable[Entry]:
        windows = {"size": layer.pool_size, "strides": layer.strides, "padding": layer.padding}
        yield {"op": operation, **windows}, {}

    return make


def _batch_norm(layer: keras.layers.BatchNormalization) -> Iterable[Entry]:
    _require(layer, layer.axis in (-1, layer.input_spec.ndim - 1), "normalisation of the last axis")
    scale = 1 / np.sqrt(np.asarray(layer.moving_variance) + layer.epsilon)
    if layer.scale:
        scale = scale * np.asarray(layer.gamma)
    offset = -np.asarray(layer.moving_mean) * scale
    if layer.center:
        offset = offset + np.asarray(layer.beta)
    yield {"op": "affine"}, {"scale": scale, "offset": offset}


def _rescaling(layer: keras.layers.Rescaling) -> Iterable[Entry]:
    scale, offset = np.broadcast_arrays(np.atleast_1d(layer.scale), np.atleast_1d(layer.offset))
    yield {"op": "affine"}, {"scale": scale, "offset": offset}


def _relu(layer: keras.layers.ReLU) -> Iterable[Entry]:
    plain = (layer.max_value, layer.negative_slope, layer.threshold) in ((None, 0, 0), (6, 0, 0))
    _require(layer, plain, "plain ReLU, or one cut off at 6")
    yield {"op": "identity", "activation": "relu6" if layer.max_value else "relu"}, {}


def _leaky_relu(layer: keras.layers.LeakyReLU) -> Iterable[Entry]:
    yield {"op": "identity", "activation": "leaky_relu", "option": layer.negative_slope}, {}


def _elu(layer: keras.layers.ELU) -> Iterable[Entry]:
    yield {"op": "identity", "activation": "elu", "option": float(layer.alpha)}, {}


def _softmax(layer: keras.layers.Softmax) -> Iterable[Entry]:
    _require(layer, layer.axis == -1, "softmax along the last axis")
    yield {"op": "identity", "activation": "softmax"}, {}


def _activation_layer(layer: keras.layers.Activation) -> Iterable[Entry]:
    yield {"op": "identity", **_activation(layer)}, {}


def _zero_padding(layer: keras.layers.ZeroPadding2D) -> Iterable[Entry]:
    yield {"op": "pad", "padding": layer.padding}, {}


def _cropping(layer: keras.layers.Cropping2D) -> Iterable[Entry]:
    yield {"op": "crop", "cropping": layer.cropping}, {}


GLOBAL_POOLS = {"GlobalMaxPooling2D": "global_max", "GlobalAveragePooling2D": "global_average"}
MAKERS = {
    "Conv2D": _conv, "DepthwiseConv2D": _depthwise, "SeparableConv2D": _separable, "Dense": _dense,
    "MaxPooling2D": _pool("max_pool"), "AveragePooling2D": _pool("average_pool"),
    "BatchNormalization": _batch_norm, "FusedBatchNormalization": _batch_norm,
    "Rescaling": _rescaling, "ReLU": _relu, "LeakyReLU": _leaky_relu, "ELU": _elu,
    "Softmax": _softmax, "Activation": _activation_layer, "ZeroPadding2D": _zero_padding,
    "Cropping2D": _cropping,
}  # fmt: skip
