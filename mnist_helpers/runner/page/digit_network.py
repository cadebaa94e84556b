"""A trained network as `network.js` runs it: operations in order, and their weights."""

from collections.abc import Iterable

import keras
import numpy as np

from mnist_helpers.runner.export_formats import ExportError

ACTIVATIONS = {
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "sigmoid", "silu", "tanh", "softplus",
    "softsign", "softmax",
}  # fmt: skip
INACTIVE = ("Dropout", "SpatialDropout2D", "GaussianNoise", "Random")  # while predicting


def describe_network(model: keras.Model) -> list[dict]:
    """Describes a network for the page.

    Args:
        model: A digit classifier of Keras's own layers.

    Returns:
        One dict for each operation, with its weights as flat float32 arrays by their names. Batch
        normalisation has become a factor and an offset for each channel.

    Raises:
        ExportError: A layer or setting that the page does not have.
    """
    graph = keras.Model(model.inputs[0], model.outputs[0])
    numbers = {id(model.inputs[0]): 0}
    layers: list[dict] = []
    # Nodes, not layers: a layer may be called twice, and stand in other networks as well.
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if node.is_input:
                continue
            inputs = [numbers[id(tensor)] for tensor in node.input_tensors]
            (output,) = node.output_tensors
            for entry, weights in _entries(node.operation, node.input_tensors, output):
                arrays = {n: np.asarray(w, np.float32).ravel() for n, w in weights.items()}
                layer = {"name": node.operation.name, **entry, "inputs": inputs, "weights": arrays}
                layers.append(layer)
                inputs = [len(layers)]
            numbers[id(output)] = len(layers)
    return layers


def _entries(
    layer: keras.layers.Layer, inputs: list[keras.KerasTensor], output: keras.KerasTensor
) -> Iterable[tuple[dict, dict]]:
    """Yields one or two operations of the page for a layer: settings, and weights."""
    kind = type(layer).__name__
    _require(layer, getattr(layer, "data_format", None) in (None, "channels_last"), "channels last")
    match kind:
        case _ if kind.startswith(INACTIVE):
            yield {"op": "identity"}, {}
        case "Concatenate":
            last = layer.axis in (-1, len(output.shape) - 1)
            _require(layer, last, "concatenation along the last axis")
            yield {"op": "concatenate"}, {}
        case "Add" | "Subtract" | "Multiply" | "Maximum" | "Average":
            same = len({tuple(tensor.shape) for tensor in inputs}) == 1
            _require(layer, same, "merged shapes that are the same")
            yield {"op": kind.lower()}, {}
        case "Flatten" | "Reshape":
            yield {"op": "reshape", "shape": output.shape[1:]}, {}
        case "GlobalMaxPooling2D" | "GlobalAveragePooling2D":
            yield {"op": "global_max" if "Max" in kind else "global_average"}, {}
            if layer.keepdims:
                yield {"op": "reshape", "shape": output.shape[1:]}, {}
        case "MaxPooling2D" | "AveragePooling2D":
            windows = {"size": layer.pool_size, "strides": layer.strides, "padding": layer.padding}
            yield {"op": "max_pool" if "Max" in kind else "average_pool", **windows}, {}
        case "Conv2D":
            _require(layer, layer.groups == 1, "convolutions in one group")
            entry = {"op": "conv", "filters": layer.filters}
            yield entry | _windows(layer) | _activation(layer), _weights(layer)
        case "DepthwiseConv2D":
            entry = {"op": "depthwise", "multiplier": layer.depth_multiplier}
            yield entry | _windows(layer) | _activation(layer), _weights(layer)
        case "SeparableConv2D":
            entry = {"op": "depthwise", "multiplier": layer.depth_multiplier}
            yield entry | _windows(layer), {"kernel": layer.depthwise_kernel}
            one = {"size": (1, 1), "strides": (1, 1), "dilation": (1, 1), "padding": "valid"}
            entry = {"op": "conv", "filters": layer.filters}
            yield entry | one | _activation(layer), _weights(layer, "pointwise_kernel")
        case "Dense":
            yield {"op": "dense", "units": layer.units, **_activation(layer)}, _weights(layer)
        case "BatchNormalization" | "FusedBatchNormalization":
            last = layer.axis in (-1, layer.input_spec.ndim - 1)
            _require(layer, last, "normalisation of the last axis")
            yield {"op": "affine"}, _normalisation(layer)
        case "Rescaling":
            scale, offset = np.broadcast_arrays(np.atleast_1d(layer.scale), layer.offset)
            yield {"op": "affine"}, {"scale": scale, "offset": offset}
        case "Activation":
            yield {"op": "identity", **_activation(layer)}, {}
        case "ReLU":
            bends = layer.max_value, layer.negative_slope, layer.threshold
            plain = bends in ((None, 0, 0), (6, 0, 0))
            _require(layer, plain, "plain ReLU, or one cut off at 6")
            yield {"op": "identity", "activation": "relu6" if layer.max_value else "relu"}, {}
        case "LeakyReLU":
            yield {"op": "identity", "activation": "leaky_relu", "option": layer.negative_slope}, {}
        case "ELU":
            yield {"op": "identity", "activation": "elu", "option": float(layer.alpha)}, {}
        case "Softmax":
            _require(layer, layer.axis == -1, "softmax along the last axis")
            yield {"op": "identity", "activation": "softmax"}, {}
        case "ZeroPadding2D":
            yield {"op": "pad", "padding": layer.padding}, {}
        case "Cropping2D":
            yield {"op": "pad", "padding": (-np.array(layer.cropping)).tolist()}, {}
        case _:
            raise ExportError(f"{layer.name}: the page has no {kind} layers.")


def _require(layer: keras.layers.Layer, fulfilled: bool, what: str) -> None:
    if not fulfilled:
        raise ExportError(f"{layer.name}: the page needs {what}.")


def _activation(layer: keras.layers.Layer) -> dict:
    name = keras.activations.serialize(layer.activation)
    if name not in ACTIVATIONS:
        raise ExportError(f"{layer.name}: the page has no activation {name}.")
    return {"activation": name}


def _weights(layer: keras.layers.Layer, kernel: str = "kernel") -> dict:
    weights = {"kernel": getattr(layer, kernel)}
    return weights | ({"bias": layer.bias} if layer.use_bias else {})


def _windows(layer: keras.layers.Layer) -> dict:
    return {
        "size": layer.kernel_size, "strides": layer.strides, "dilation": layer.dilation_rate,
        "padding": layer.padding,
    }  # fmt: skip


def _normalisation(layer: keras.layers.BatchNormalization) -> dict:
    """Returns factor and offset of each channel."""
    scale = 1 / np.sqrt(np.asarray(layer.moving_variance) + layer.epsilon)
    if layer.scale:
        scale = scale * np.asarray(layer.gamma)
    offset = -np.asarray(layer.moving_mean) * scale
    if layer.center:
        offset = offset + np.asarray(layer.beta)
    return {"scale": scale, "offset": offset}
