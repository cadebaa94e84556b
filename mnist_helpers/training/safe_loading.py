"""Opens a `.keras` file that may come from anybody: everything is looked at before Keras loads it.

Keras's safe mode refuses Lambda layers and much else that could run code. That is one wall; here is
another before it, made of a list of what a digit classifier may consist of, and of limits on memory
and time.
"""

import copy
import itertools
import math
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from mnist_helpers.files import read_zip_members
from mnist_helpers.training.config_check import ModelFileError, read_config
from mnist_helpers.training.weights_check import check_weights
from mnist_helpers.validation import CLASSES

IMAGE_SHAPE = (28, 28, 1)
INPUT_SHAPES = [(None, 28, 28, 1), (None, 28, 28), (None, 784)]
MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# The project's own network takes 1.2 MB, and 3.6 MB with the optimiser's state.
MAX_BYTES = 64 * 2**20  # of the file, and of what it unpacks to
MAX_PARAMETERS = 16_000_000
MAX_LAYER_VALUES = 2**17  # one layer's output for one image: 28 x 28 x 167
MAX_NETWORK_VALUES = 600_000  # of all layers together; 500 images at once then take up to 1.9 GB
MAX_MULTIPLICATIONS = 2**29  # for one image; the project's own network takes 12 million
TOLERANCE = 1e-3  # of the sum of an image's probabilities


def open_model(path: str | Path, outputs: int = CLASSES) -> keras.Model:
    """Loads a digit classifier; nothing in the file can run code, read other files or fill memory.

    Networks that take images of shape (28, 28) or (784,) get a `Reshape` before them; those that
    end in a linear layer (logits) get a `Softmax` behind them.

    Args:
        path: A `.keras` file.
        outputs: How many values it gives for an image: ten, or one for a score in [0, 1].

    Returns:
        The network, not compiled: float (n, 28, 28, 1) to probabilities (n, outputs).

    Raises:
        FileNotFoundError: There is no such file.
        OSError: The file cannot be read, or there is no room for a temporary copy of its weights.
        ModelFileError: The file is not a whole `.keras` archive of plain layers, is too large, or
            its network is no digit classifier: wrong shapes, or predictions that are no
            probabilities.
    """
    path = Path(path)
    if not path.is_file():  # also a folder, a pipe or a device
        raise FileNotFoundError(f"There is no model at {path}.")
    with path.open("rb") as file, tempfile.TemporaryDirectory() as folder:
        content = file.read(MAX_BYTES + 1)
        with _sentences(path.name):
            members = _read_members(path.name, content)
            config = read_config(members["config.json"])
            _check_sketch(_build_sketch(config), config, outputs)
        weights = Path(folder) / "model.weights.h5"
        weights.write_bytes(members["model.weights.h5"])
        with _sentences(path.name):
            check_weights(weights)
            network = _adapt(_load_network(config, weights))
            _check_predictions(network, outputs)
    return network


@contextmanager
def _sentences(name: str) -> Iterator[None]:
    """Says in a sentence what zipfile, JSON, HDF5, Keras or TensorFlow stumbled over."""
    try:
        yield
    except ModelFileError as error:
        raise ModelFileError(f"{name} {error}") from error
    except Exception as error:
        reason = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        raise ModelFileError(
            f"{name} is no whole .keras file of a digit classifier: {reason}"
        ) from error


def _read_members(name: str, content: bytes) -> dict[str, bytes]:
    """Returns the archive's three files; refuses any other name, damage and absurd sizes."""
    if name.endswith((".h5", ".hdf5")) or content.startswith(HDF5_SIGNATURE):
        converted = f"{Path(name).stem}.keras" if name.endswith("5") else f"new_{name}"
        raise ModelFileError(
            "has the older HDF5 format, which can run code and is not opened. If you trust its "
            f"source, convert it: model = keras.saving.load_model({name!r}, compile=False) and "
            f"then model.save({converted!r})."
        )
    if not name.endswith(".keras"):
        raise ModelFileError("is no .keras file; pickles and other formats can run code and are "
                             "not opened.")  # fmt: skip
    if len(content) > MAX_BYTES:
        raise ModelFileError(f"is larger than {MAX_BYTES:,} bytes: no digit classifier is.")
    members = read_zip_members(content, MAX_BYTES)
    if members.keys() != MEMBERS:
        found, expected = (_listed(map(repr, sorted(names))) for names in (members, MEMBERS))
        raise ModelFileError(f"holds {found}; a model holds {expected} and nothing else.")
    return members


def _listed(things: Iterable) -> str:
    return ", ".join(str(thing)[:60] for thing in itertools.islice(things, 5)) or "nothing"


def _build_sketch(config: dict) -> keras.Model:
    """Builds the network in a graph that never runs, so that no size in the config takes memory."""
    with tf.Graph().as_default():  # Keras takes the config that it is given to pieces
        return keras.saving.deserialize_keras_object(copy.deepcopy(config), safe_mode=True)


def _check_sketch(sketch: keras.Model, config: dict, count: int) -> None:
    """Refuses a network of another shape, or one that is absurdly large."""
    inputs, outputs = (
        [tuple(tensor.shape) for tensor in tensors] for tensors in (sketch.inputs, sketch.outputs)
    )
    if len(inputs) > 1 or inputs[0] not in INPUT_SHAPES or outputs != [(None, count)]:
        raise ModelFileError(
            f"takes {_listed(inputs)} and gives {_listed(outputs)}; a digit classifier here takes "
            f"{' or '.join(map(str, INPUT_SHAPES))} and gives {(None, count)}."
        )
    if not sketch.inputs[0].dtype.startswith(("float", "bfloat")):
        raise ModelFileError(f"takes {sketch.inputs[0].dtype}; images here are float in [0, 1].")
    layers = config["config"]["layers"]
    names = {layer["config"]["name"] for layer in layers if layer["class_name"] != "InputLayer"}
    if stray := names - {layer.name for layer in sketch.layers}:
        raise ModelFileError(f"has a layer {min(stray)[:40]!r} that its output does not need.")
    if sketch.count_params() > MAX_PARAMETERS:
        raise ModelFileError(f"has {sketch.count_params():,} parameters: too many.")
    sizes = [_layer_values(layer) for layer in sketch.layers]
    if max(sizes) > MAX_LAYER_VALUES or sum(sizes) > MAX_NETWORK_VALUES:
        raise ModelFileError(
            f"computes {sum(sizes):,} values for one image, {max(sizes):,} of them in one layer: "
            "too many."
        )
    multiplications = sum(
        layer.count_params() * math.prod(layer.output.shape[1:-1]) for layer in sketch.layers
    )
    if multiplications > MAX_MULTIPLICATIONS:
        raise ModelFileError(f"takes {multiplications:,} multiplications for one image: too many.")


def _layer_values(layer: keras.layers.Layer) -> int:
    """Returns how many values a layer computes for one image."""
    values = math.prod(layer.output.shape[1:])
    if isinstance(layer, keras.layers.SeparableConv2D):  # two convolutions in one layer
        channels = math.prod(layer.depthwise_kernel.shape[2:])
        values += math.prod(layer.output.shape[1:-1]) * channels
    return values


def _load_network(config: dict, weights: Path) -> keras.Model:
    """Returns the network as Keras loads it."""
    network = keras.saving.deserialize_keras_object(config, safe_mode=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the parts that make it an error
            network.load_weights(weights)
    except ValueError as error:
        raise ModelFileError("has weights that do not fit its layers.") from error
    return network


def _adapt(network: keras.Model) -> keras.Model:
    """Returns a network of the same layers from images (n, 28, 28, 1) to probabilities."""
    # Keras complains when a network that was made with lists is called without.
    graph = keras.Model(network.inputs[0], network.outputs[0], name=network.name)
    linear = getattr(graph.layers[-1], "activation", None) is keras.activations.linear
    if graph.input_shape[1:] == IMAGE_SHAPE and not linear:
        return graph
    image = keras.Input(IMAGE_SHAPE)
    shaped = keras.layers.Reshape(graph.input_shape[1:])(image)
    # Calling the graph itself would nest it, or put an operation before it that cannot be saved.
    (probabilities,) = keras.tree.flatten(
        graph._run_through_graph(shaped, operation_fn=lambda operation: operation)
    )
    if linear:
        probabilities = keras.layers.Softmax()(probabilities)
    return keras.Model(image, probabilities, name=network.name)


def _check_predictions(network: keras.Model, count: int) -> None:
    """Refuses a network that gives no probabilities for blank, full and random images."""
    if not all(np.isfinite(weights).all() for weights in network.get_weights()):
        raise ModelFileError("has weights that are NaN or infinite.")
    noise = np.random.default_rng(0).random((1, *IMAGE_SHAPE), np.float32)
    images = np.concatenate([np.zeros_like(noise), np.ones_like(noise), noise])
    predicted = keras.ops.convert_to_numpy(network(images, training=False)).astype(np.float64)
    sums = predicted.sum(axis=1)
    right = np.abs(sums - 1) <= TOLERANCE if count > 1 else sums <= 1
    if predicted.shape != (3, count) or not right.all() or predicted.min() < 0:
        raise ModelFileError(
            "gives no probabilities: they should be ten numbers from 0 to 1 whose sum is 1, as a "
            "softmax gives them."
        )
