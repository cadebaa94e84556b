"""Looks through a network's config before Keras builds anything from it."""

import json
from collections.abc import Iterator
from typing import Any

MAX_CONFIG_BYTES = 2**20
MAX_VALUES = 20_000  # in the whole config; a hundred layers have about 7,000
MAX_NESTING = 20
MAX_LAYERS = 100
MAX_NUMBER = 2**19  # of units, channels, sizes
MAX_WINDOW = 28  # of kernels, pools, strides: as large as the image
# The whole grammar of a config: classes by the module that they come from. None of them runs code
# from the file, opens other files, or calls a function by name.
LAYERS = {
    "InputLayer", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense", "ZeroPadding2D",
    "Cropping2D", "Flatten", "Reshape", "MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D",
    "GlobalAveragePooling2D", "UpSampling2D", "BatchNormalization", "LayerNormalization",
    "GroupNormalization", "Rescaling", "ReLU", "LeakyReLU", "PReLU", "ELU", "Activation",
    "Softmax", "Dropout", "SpatialDropout2D", "GaussianNoise", "Add", "Subtract", "Multiply",
    "Average", "Maximum", "Concatenate",
    # Augmentation, which does nothing while predicting
    "RandomBrightness", "RandomContrast", "RandomElasticTransform", "RandomErasing", "RandomFlip",
    "RandomGaussianBlur", "RandomInvert", "RandomPerspective", "RandomRotation", "RandomSharpness",
    "RandomTranslation", "RandomZoom",
}  # fmt: skip
PARTS = {
    "keras.initializers": {
        "Zeros", "Ones", "Constant", "RandomNormal", "RandomUniform", "TruncatedNormal",
        "VarianceScaling", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform",
        "LecunNormal", "LecunUniform", "Orthogonal", "OrthogonalInitializer",
    },
    # An orthogonal regulariser of activations would take the square of their number.
    "keras.regularizers": {"L1", "L2", "L1L2"},
    "keras.constraints": {"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"},
}  # fmt: skip
ROLES = ("_initializer", "_regularizer", "_constraint")
NETWORKS = {"Functional", "Sequential"}
GRAMMAR = {"DTypePolicy", "__keras_tensor__", "__tuple__"}
# How it was trained, shapes to build a layer for ahead of its call, and which objects were shared.
NO_PART = ("compile_config", "build_config", "shared_object_id")
WINDOWS = {"kernel_size", "pool_size", "strides", "size", "dilation_rate", "padding", "cropping"}


class ModelFileError(ValueError):
    """A model file is damaged, hostile, or holds something other than a digit classifier."""


def read_config(content: bytes) -> dict:
    """Returns a network's config if it is made of plain layers of modest size.

    Args:
        content: `config.json` of a `.keras` file.

    Returns:
        The config without what plays no part in predicting.

    Raises:
        ModelFileError: Something in it is not on the lists, or is too large.
    """
    if len(content) > MAX_CONFIG_BYTES:
        raise ModelFileError(f"has a config larger than {MAX_CONFIG_BYTES:,} bytes.")
    config = json.loads(content)
    if not isinstance(config, dict) or config.get("class_name") not in NETWORKS:
        raise ModelFileError("has a config that is no Functional or Sequential network.")
    if ".engine" in str(config.get("module")):
        raise ModelFileError(
            "was saved by Keras 2. Convert it: there, model.save('model.h5'); here, model = "
            "keras.saving.load_model('model.h5', compile=False) and then model.save('model.keras')."
        )
    for count, (key, value) in enumerate(_walk(config)):
        if count > MAX_VALUES:
            raise ModelFileError(f"has a config of more than {MAX_VALUES:,} values.")
        _check_value(key, value)
        if isinstance(value, dict):
            _check_object(value, network=value is config)
            for name in NO_PART:
                value.pop(name, None)
    _check_layers(config["config"]["layers"])
    return config


def _walk(value: Any, key: str = "", nesting: int = 0) -> Iterator[tuple[str, Any]]:
    """Yields every value in a config with the key that it stands under."""
    if nesting > MAX_NESTING:
        raise ModelFileError(f"has a config nested more than {MAX_NESTING} deep.")
    yield key, value
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _walk(part, name, nesting + 1)
    elif isinstance(value, list):
        for part in value:
            yield from _walk(part, key, nesting + 1)


def _check_value(key: str, value: Any) -> None:
    """Refuses absurd numbers, and parts of a layer that are given by name alone."""
    given = f"{str(value)[:20]} for {key[:40]!r}"
    limit = MAX_WINDOW if key in WINDOWS else MAX_NUMBER
    if isinstance(value, int | float) and key != "seed" and not abs(value) <= limit:
        raise ModelFileError(f"has {given}; numbers there go up to {limit:,}.")
    if key.endswith(ROLES) and not (value is None or isinstance(value, dict)):
        raise ModelFileError(f"has {given}, which is no object of Keras.")


def _check_object(entry: dict, network: bool) -> None:
    """Refuses an object whose class is not on the lists."""
    described = {"class_name", "module", "registered_name"} & entry.keys()
    if not (_comes_from_keras(entry) if network else not described or _is_plain(entry)):
        title = f"{str(entry.get('class_name'))[:60]!r} of {str(entry.get('module'))[:60]!r}"
        raise ModelFileError(
            f"contains {title}, which is not among the plain layers that are loaded; Lambda layers "
            "and custom code are never run."
        )
    if str(entry.get("class_name")).startswith("Orthogonal"):
        # How weights began is past, and this decomposition of a large matrix takes a minute.
        entry |= {"class_name": "GlorotUniform", "config": {"seed": None}}


def _is_plain(entry: dict) -> bool:
    class_name, module = entry.get("class_name"), entry.get("module")
    if module is None:
        return class_name in GRAMMAR and entry.get("registered_name") is None
    return class_name in PARTS.get(module, LAYERS | GRAMMAR) and _comes_from_keras(entry)


def _comes_from_keras(entry: dict) -> bool:
    # Custom classes are registered under a name of their own, such as "Package>Name".
    known = entry.get("registered_name") in (None, entry.get("class_name"))
    return known and str(entry.get("module")).split(".")[0] == "keras"


def _check_layers(layers: list[dict]) -> None:
    """Refuses more layers than load in a moment, and layers that are called more than once."""
    if len(layers) > MAX_LAYERS:
        raise ModelFileError(f"has {len(layers):,} layers; at most {MAX_LAYERS} are loaded.")
    for layer in layers:
        if len(layer.get("inbound_nodes", [])) > 1:
            raise ModelFileError(f"uses the layer {str(layer.get('name'))[:40]!r} more than once.")
