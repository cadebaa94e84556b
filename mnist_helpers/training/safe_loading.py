"""Opens a `.keras` file that may come from anybody: everything is looked at before Keras loads it.

Keras's safe mode refuses Lambda layers and much else that could run code. That is one wall; here is
another before it, made of a list of what a digit classifier may consist of.
"""

import io
import json
import math
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import tensorflow as tf

INPUT_SHAPE = (None, 28, 28, 1)
OUTPUT_SHAPE = (None, 10)
# The project's own network takes 1.2 MB, and 3.6 MB with the optimiser's state.
MAX_BYTES = 64 * 2**20  # of the file, and of what it unpacks to
MAX_CONFIG_BYTES = 2**20
MAX_PARAMETERS = 16_000_000
MAX_LAYER_VALUES = 2**19  # one layer's output for one image
MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
# The whole grammar of a config: classes by the module that they come from. None of them runs code
# from the file, opens other files, or calls a function by name.
LAYERS = {
    "InputLayer", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense", "ZeroPadding2D",
    "Cropping2D", "Flatten", "Reshape", "MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D",
    "GlobalAveragePooling2D", "UpSampling2D", "BatchNormalization", "LayerNormalization",
    "GroupNormalization", "Rescaling", "ReLU", "LeakyReLU", "PReLU", "ELU", "Activation",
    "Softmax", "Dropout", "SpatialDropout2D", "GaussianNoise", "Add", "Subtract", "Multiply",
    "Average", "Maximum", "Concatenate",
}  # fmt: skip
NETWORKS = {"Functional", "Sequential"}
HARMLESS = ("keras.initializers", "keras.regularizers", "keras.constraints")
GRAMMAR = {"DTypePolicy", "__keras_tensor__", "__tuple__"}


class ModelFileError(ValueError):
    """A model file is damaged, hostile, or holds something other than a digit classifier."""


def open_model(path: str | Path) -> keras.Model:
    """Loads a digit classifier; nothing in the file can run code, read other files or fill memory.

    Args:
        path: A `.keras` file.

    Returns:
        The network, not compiled: (n, 28, 28, 1) to (n, 10).

    Raises:
        FileNotFoundError: There is no such file.
        ModelFileError: The file is not a whole `.keras` archive of plain layers, is too large, or
            the network's input or output has another shape.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no model at {path}.")
    try:
        members = _read_members(path)
        config = _read_config(members["config.json"], path.name)
        _check_sketch(_sketch(config), path.name)
        _check_weights(members["model.weights.h5"], path.name)
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except ModelFileError:
        raise
    except Exception as error:  # whatever zipfile, JSON, HDF5 or Keras stumbles over in the file
        reason = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        raise ModelFileError(
            f"{path.name} is no whole .keras file of a digit classifier: {reason}"
        ) from error


def _read_members(path: Path) -> dict[str, bytes]:
    """Returns the archive's three files; refuses any other name, damage and absurd sizes."""
    name = path.name
    if path.suffix != ".keras":
        raise ModelFileError(
            f"{name} is no .keras file; older formats such as .h5 and pickles can run code and are "
            "not opened."
        )
    if path.stat().st_size > MAX_BYTES:
        raise ModelFileError(f"{name} is larger than {MAX_BYTES:,} bytes: no digit classifier is.")
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        names = [info.filename for info in infos]
        if sorted(names) != sorted(MEMBERS):
            raise ModelFileError(
                f"{name} holds {_listed(names)}; a model holds {_listed(MEMBERS)} and nothing else."
            )
        unpacked = sum(info.file_size for info in infos)
        if unpacked > MAX_BYTES:
            raise ModelFileError(f"{name} unpacks to {unpacked:,} bytes: no digit classifier does.")
        return {info.filename: archive.read(info) for info in infos}  # verifies checksums


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name[:60]) for name in sorted(names)[:5]) or "nothing"


def _read_config(content: bytes, name: str) -> dict:
    """Returns the network's config if every class in it is on the lists."""
    if len(content) > MAX_CONFIG_BYTES:
        raise ModelFileError(f"{name}: its config is larger than {MAX_CONFIG_BYTES:,} bytes.")
    config = json.loads(content)
    if not isinstance(config, dict) or config.get("class_name") not in NETWORKS:
        raise ModelFileError(f"{name}: its config is no Functional or Sequential network.")
    # How it was trained plays no part, since it is loaded without being compiled.
    config.pop("compile_config", None)
    foreign = [entry for entry in _named_objects(config["config"]) if not _is_plain(entry)]
    if foreign or not _comes_from_keras(config):
        raise ModelFileError(
            f"{name} contains {_title([*foreign, config][0])}, which is not among the plain layers "
            "that are loaded; Lambda layers and custom code are never run."
        )
    return config


def _named_objects(value: Any) -> Iterator[dict]:
    """Yields every object in a config that says which class it is."""
    if isinstance(value, dict):
        if {"class_name", "module", "registered_name"} & value.keys():
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _named_objects(part)


def _is_plain(entry: dict) -> bool:
    class_name, module = entry.get("class_name"), entry.get("module")
    if module is None:
        return class_name in GRAMMAR and entry.get("registered_name") is None
    return (class_name in LAYERS | GRAMMAR or module in HARMLESS) and _comes_from_keras(entry)


def _comes_from_keras(entry: dict) -> bool:
    # Custom classes are registered under a name of their own, such as "Package>Name".
    known = entry.get("registered_name") in (None, entry.get("class_name"))
    return known and str(entry.get("module")).split(".")[0] == "keras"


def _title(entry: dict) -> str:
    return f"{str(entry.get('class_name'))[:60]!r} of {str(entry.get('module'))[:60]!r}"


def _sketch(config: dict) -> keras.Model:
    """Builds the network in a graph that never runs, so that no size in the config takes memory."""
    with tf.Graph().as_default():
        return keras.saving.deserialize_keras_object(config, safe_mode=True)


def _check_sketch(sketch: keras.Model, name: str) -> None:
    """Refuses a network of another shape, or one that is absurdly large."""
    shapes = sketch.input_shape, sketch.output_shape
    if shapes != (INPUT_SHAPE, OUTPUT_SHAPE):
        raise ModelFileError(
            f"{name} takes {shapes[0]} and gives {shapes[1]}; a digit classifier here takes "
            f"{INPUT_SHAPE} and gives {OUTPUT_SHAPE}."
        )
    if sketch.count_params() > MAX_PARAMETERS:
        raise ModelFileError(f"{name} has {sketch.count_params():,} parameters: too many.")
    largest = max(math.prod(layer.output.shape[1:]) for layer in sketch.layers)
    if largest > MAX_LAYER_VALUES:
        raise ModelFileError(f"{name}: a layer gives {largest:,} values for one image: too many.")


def _check_weights(content: bytes, name: str) -> None:
    """Refuses weights that lie elsewhere, or whose declared size is not what a classifier has."""
    elsewhere, sizes = [], []

    def look(path: str, link: object) -> None:
        if not isinstance(link, h5py.HardLink):
            elsewhere.append(path)

    def measure(path: str, found: object) -> None:
        if isinstance(found, h5py.Dataset):
            if found.external or found.is_virtual:
                elsewhere.append(path)
            sizes.append(math.prod(found.shape or (0,)) * found.dtype.itemsize)

    with h5py.File(io.BytesIO(content), "r") as file:
        file.visititems_links(look)
        file.visititems(measure)
    if elsewhere:
        raise ModelFileError(f"{name}: its weights {elsewhere[0]!r} lie elsewhere, not in it.")
    if sum(sizes) > MAX_BYTES:
        raise ModelFileError(f"{name}: its weights declare {sum(sizes):,} bytes: too many.")
