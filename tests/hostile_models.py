"""Model files that are small and would take much memory or time, and files that are damaged."""

import copy
import hashlib
import io
import json
import random
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import keras
import numpy as np
from keras import layers

from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.config_check import LAYERS
from mnist_helpers.training.safe_loading import ModelFileError

CONFIG, WEIGHTS = "config.json", "model.weights.h5"


def open_and_predict(path: str, images: int = 8) -> str:
    """Opens a model and, if it opens, lets it read images.

    Returns:
        "opened" and a checksum of its weights, or the sentence that says why not.
    """
    try:
        predictor = Predictor(load_model(path))
    except ModelFileError as error:
        assert Path(path).name in str(error) and "\n" not in str(error) and len(str(error)) < 600
        return str(error)
    pictures = np.random.default_rng(0).random((images, 28, 28, 1), np.float32)
    probabilities = predictor(pictures)
    assert probabilities.shape == (images, 10) and np.isfinite(probabilities).all()
    weights = b"".join(weights.tobytes() for weights in predictor.model.get_weights())
    return f"opened {hashlib.sha256(weights).hexdigest()}"


def open_and_predict_500(path: str) -> str:
    """Reads as many images at once as `Predictor` does."""
    return open_and_predict(path, 500)


# Archives


def members_of(network: keras.Model, path: Path) -> dict[str, bytes]:
    """Returns the three files of a network's archive."""
    network.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as content:
        for name, member in members.items():
            content.writestr(name, member)
    return file.getvalue()


def lying(content: bytes, size: int, declared: int) -> bytes:
    """Declares another unpacked size of a member, in both of its headers."""
    return content.replace(struct.pack("<I", size), struct.pack("<I", declared))


def small(shape=(28, 28, 1), activation="softmax", **entry) -> keras.Model:
    return keras.Sequential(
        [keras.Input(shape, **entry), layers.Flatten(), layers.Dense(10, activation=activation)]
    )


def network(*middle, flatten=layers.Flatten) -> keras.Model:
    """A network with layers, or functions of a tensor, between the image and the answer."""
    x = image = keras.Input((28, 28, 1))
    for layer in middle:
        x = layer(x)
    return keras.Model(image, layers.Dense(10, activation="softmax")(flatten()(x)))


def config_of(built: keras.Model) -> dict:
    return json.loads(json.dumps(keras.saving.serialize_keras_object(built)))


# Configs, none of which is ever built here


def unbuilt(built: keras.Model, name: str, **changes) -> dict:
    """Returns a config in which the first layer of a class has other settings."""
    config = config_of(built)
    layer = next(x for x in config["config"]["layers"] if x["class_name"] == name)
    layer["config"] |= changes
    return config


def stray_layer() -> dict:
    config = config_of(network(layers.ReLU()))
    stray = config_of(network(layers.Dense(1)))["config"]["layers"][1]
    stray["config"] |= {"units": 100_000, "name": "stray"}
    stray |= {"name": "stray", "inbound_nodes": [], "build_config": {"input_shape": [1, 57_000]}}
    config["config"]["layers"].append(stray)
    return config


def build_config() -> dict:
    config = unbuilt(network(layers.Dense(1)), "Dense", units=400_000)
    config["config"]["layers"][1]["build_config"] = {"input_shape": [None, 400_000]}
    return config


def chain(length: int, name: str = "ReLU") -> dict:
    """A chain of layers, written without building it."""
    config = config_of(network(getattr(layers, name)(name="x0")))
    image, first, flatten, dense = config["config"]["layers"]
    links = [first]
    for number in range(1, length):
        link = json.dumps(first).replace('"x0"', f'"x{number}"')
        links.append(json.loads(link.replace(f'"{image["name"]}"', f'"x{number - 1}"')))
    flatten = json.loads(json.dumps(flatten).replace('"x0"', f'"x{length - 1}"'))
    config["config"]["layers"] = [image, *links, flatten, dense]
    return config


def branches(count: int, make) -> dict:
    """Branches side by side."""
    return config_of(network(lambda x: layers.Add()([make()(x) for _ in range(count)])))


def called_often(times: int) -> dict:
    config = config_of(network(layers.ReLU()))
    config["config"]["layers"][1]["inbound_nodes"] *= times
    return config


def nested(depth: int) -> bytes:
    lists = b"[" * depth + b"]" * depth
    return json.dumps(config_of(small())).encode()[:-1] + b', "x": ' + lists + b"}"


def large_matrix() -> dict:
    matrix = layers.Dense(4, kernel_initializer="orthogonal")
    config = unbuilt(network(layers.Flatten(), layers.Dense(3), matrix), "Dense", units=3900)
    config["config"]["layers"][3]["config"]["units"] = 3200
    return config


FITS_OR_NOT = "opened|weights that do not fit its layers"
CONFIGS = {
    "a layer outside the graph": (stray_layer, "'stray' that its output does not need"),
    "a layer built ahead of its call": (build_config, "parameters: too many"),
    "1,000 ReLU layers": (lambda: chain(1000), "has 1,003 layers|more than 20,000 values"),
    "97 normalisations": (lambda: chain(97, "BatchNormalization"), FITS_OR_NOT),
    "90 branches": (lambda: branches(90, layers.ReLU), FITS_OR_NOT),
    "20 wide branches": (
        lambda: branches(20, lambda: layers.Conv2D(160, 1)), "values for one image"
    ),
    "a layer called 2,000 times": (lambda: called_often(2000), "more than|more than once"),
    "a config nested 100,000 deep": (lambda: nested(100_000), "is no whole .keras file"),
    "300,000 values": (
        lambda: {**config_of(small()), "x": [[]] * 300_000}, "more than 20,000 values|larger than"
    ),
    "units by the billion": (
        lambda: unbuilt(network(layers.Dense(3)), "Dense", units=2 * 10**9), "numbers there go up"
    ),
    "a kernel as large as a town": (
        lambda: unbuilt(network(layers.Conv2D(3, 3)), "Conv2D", kernel_size=[9000, 9000]),
        "numbers there go up to 28",
    ),
    "a number that is none": (
        lambda: unbuilt(network(layers.ReLU()), "ReLU", negative_slope=float("nan")),
        "has nan for 'negative_slope'",
    ),
    "a convolution inside a convolution": (
        lambda: config_of(network(layers.SeparableConv2D(1, 1, depth_multiplier=2000))),
        "values for one image",
    ),
    "multiplications by the billion": (
        lambda: config_of(network(layers.Conv2D(160, 1), layers.Conv2D(160, 28, padding="same"))),
        "multiplications for one image|parameters",
    ),
    "32 million parameters": (
        lambda: unbuilt(network(layers.Flatten(), layers.Dense(3)), "Dense", units=40_000),
        "parameters: too many",
    ),
    "a large orthogonal matrix": (large_matrix, "weights that do not fit its layers"),
    "an orthogonal regulariser": (
        lambda: unbuilt(
            network(layers.Conv2D(160, 1)), "Conv2D",
            activity_regularizer={
                "module": "keras.regularizers", "class_name": "OrthogonalRegularizer",
                "config": {"factor": 0.01, "mode": "columns"}, "registered_name": None,
            },
        ),
        "contains 'OrthogonalRegularizer'",
    ),
    "an initialiser by its name": (
        lambda: unbuilt(network(layers.Dense(3)), "Dense", kernel_initializer="orthogonal"),
        "no object of Keras",
    ),
}  # fmt: skip


# Weights


def h5(fill) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as content:
        fill(content)
    return file.getvalue()


def nested_groups(file):
    for _ in range(3000):
        file = file.create_group("g")


def many_groups(file):
    for number in range(20_000):
        file.create_group(f"layers/{number}")


def circle(file):
    group = file.create_group("layers")
    for number in range(50):
        group[str(number)] = group


def large_chunk(file):
    shape = (2**18, 2**10)
    data = file.create_dataset(
        "layers/a", (10, 10), "f4", maxshape=(None, None), chunks=shape, compression="gzip"
    )
    data[:] = 1


def packed_twice(file):
    """A chunk that unpacks to far more than it declares."""
    import zlib

    data = file.create_dataset("layers/a", (1000,), "f4", chunks=(1000,), compression="gzip")
    data.id.write_direct_chunk((0,), zlib.compress(bytes(2**30), 9))


def shape_bomb(file):
    file.create_dataset("layers/a", (2**20, 2**20), "f4", chunks=(1, 1024), compression="gzip")


def plain_bomb(file):
    file.create_dataset("layers/a", (2**15, 2**15), "f4")


def external(file):
    file.create_dataset("layers/a", (10,), "u1", external=[("/etc/passwd", 0, 10)])


def virtual(file):
    layout = h5py.VirtualLayout((10,), "u1")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (10,))
    file.create_virtual_dataset("layers/a", layout)


def soft(file):
    file["layers"] = h5py.SoftLink("/elsewhere")


def other_file(file):
    file["layers"] = h5py.ExternalLink("/etc/other.h5", "/")


def texts(file):
    file.create_dataset("layers/a", (10,), h5py.string_dtype())


WEIGHT_FILES = {
    "3,000 nested groups": (nested_groups, "too deeply nested groups"),
    "20,000 groups": (many_groups, "in too many"),
    "groups that hold themselves": (circle, "in too many"),
    "a chunk larger than its array": (large_chunk, "'/layers/a' that are no plain array"),
    "a chunk that unpacks to a gigabyte": (packed_twice, "that are no plain array"),
    "a compressed array of 4 TB": (shape_bomb, "that are no plain array"),
    "an array of 4 GB": (plain_bomb, "declare 4,294,967,296 bytes"),
    "an array in another file": (external, "'/layers/a' that lie elsewhere"),
    "a virtual array": (virtual, "'/layers/a' that lie elsewhere"),
    "a soft link": (soft, "'layers' that lie elsewhere"),
    "a link to another file": (other_file, "'layers' that lie elsewhere"),
    "texts": (texts, "that are no plain array"),
    "nothing": (lambda file: None, "do not fit its layers"),
}


def with_weights(value: float) -> keras.Model:
    built = small()
    built.set_weights([np.full_like(weights, value) for weights in built.get_weights()])
    return built


NETWORKS = {
    "weights that are NaN": (lambda: with_weights(np.nan), "weights that are NaN or infinite"),
    "weights that are infinite": (lambda: with_weights(np.inf), "weights that are NaN or infinite"),
    "weights that overflow": (lambda: with_weights(3e38), "opened|gives no probabilities"),
    "ten sigmoids": (lambda: small(activation="sigmoid"), "gives no probabilities"),
    "an input of bytes": (lambda: small(dtype="uint8"), "takes uint8"),
    "dropout that is never off": (
        lambda: network(lambda x: layers.Dropout(0.5)(x, training=True)), "opened"
    ),
}  # fmt: skip
LARGE = {
    "15 million parameters": (
        lambda: network(layers.Flatten(), layers.Dense(12_000), layers.Dense(480)), "opened"
    ),
    "as many values as are allowed": (
        lambda: network(
            layers.Conv2D(94, 1),
            lambda x: layers.Add()([layers.LayerNormalization()(x) for _ in range(5)]),
        ),
        "opened",
    ),
    "as many multiplications as are allowed": (
        lambda: network(layers.Conv2D(26, 1), layers.Conv2D(26, 28, padding="same")), "opened"
    ),
}  # fmt: skip


def hostile_files(folder: Path, thorough: bool) -> Iterator[tuple[str, bytes, str]]:
    """Yields the name and content of each file, and what is to be said of it.

    Args:
        folder: For temporary files.
        thorough: Whether also those are wanted that take seconds and gigabytes to make.
    """
    good = members_of(small(), folder / "good.keras")
    for name, (config, message) in CONFIGS.items():
        content = config()
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        yield name, archive({**good, CONFIG: content}), message
    for name, (fill, message) in WEIGHT_FILES.items():
        yield name, archive({**good, WEIGHTS: h5(fill)}), message
    for name, (build, message) in (NETWORKS | (LARGE if thorough else {})).items():
        yield name, archive(members_of(build(), folder / "good.keras")), message
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        deflated = method == zipfile.ZIP_DEFLATED
        size = 2**31 - 1 if thorough else 2**26 + 1 if deflated else 2**20
        packed = archive({**good, WEIGHTS: bytes(size)}, method)
        said = f"unpacks to [0-9,]+ bytes, above {2**26:,}" if deflated else "neither stored nor"
        yield f"an archive that unpacks to {size} bytes by method {method}", packed, said
        packed = lying(packed, size, 1000)
        said = "damaged|another size than it declares" if deflated else said
        yield f"the same that declares 1 kB, by method {method}", packed, said
    yield (
        "an archive of 100,000 files",
        archive({str(number): b"" for number in range(100_000)}),
        "more than 1,000 members",
    )


# Damaged files


def bases() -> list[keras.Model]:
    """Small networks that between them have most kinds of layer."""
    return [
        network(layers.Conv2D(2, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU(),
                layers.MaxPooling2D(), flatten=layers.GlobalMaxPooling2D),
        network(lambda x: layers.Concatenate()([layers.Conv2D(2, 3, padding="same")(x), x]),
                layers.SeparableConv2D(2, 3), layers.PReLU(), layers.Dropout(0.1)),
        small((28, 28), None),
        network(layers.RandomRotation(0.1), layers.Rescaling(2.0), layers.ZeroPadding2D(),
                layers.AveragePooling2D(4), layers.LayerNormalization(), layers.LeakyReLU()),
        network(lambda x: layers.Add()([layers.Dense(2, activation="gelu")(x), x]),
                layers.UpSampling2D(), layers.Cropping2D(4), layers.Reshape((48, 48, 2)),
                layers.DepthwiseConv2D(5, strides=3), layers.GroupNormalization(1)),
    ]  # fmt: skip


ODD = [
    None, -1, 0, 1, 2, 7, 27, 28, 100, 5000, 10**6, 10**12, 0.5, 1.5, -1e30, float("nan"), True,
    False, "", "x", "exec", "relu", "softmax", "linear", "same", "valid", "channels_first", "uint8",
    "int32", "float16", "float64", "bfloat16", "lanczos3", "bilinear", [], {}, [[3]], [2, 2],
    [0, 0], [None, 28, 28, 1], [None, 784], [-1], {"class_name": "Dense"}, {"training": True},
]  # fmt: skip


def damage_config(config: dict, chance: random.Random) -> dict:
    """Changes a config in one to three places, and returns it."""
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        place = config if chance.random() < 0.1 else config.get("config")
        while isinstance(place, dict | list) and place:
            key = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if not isinstance(place[key], dict | list) or not place[key] or chance.random() < 0.1:
                break
            place = place[key]
        if not isinstance(place, dict | list) or not place:
            continue
        kind = chance.random()
        if key == "class_name" and kind < 0.7:
            place[key] = chance.choice(sorted(LAYERS))
        elif kind < 0.1:
            del place[key]
        elif kind < 0.2 and isinstance(place, list):
            place.append(copy.deepcopy(place[key]))
        elif kind < 0.3 and isinstance(place, list):
            chance.shuffle(place)
        elif kind < 0.5 and type(place[key]) in (int, float):
            place[key] = type(place[key])(place[key] * chance.choice([-1, 2, 10, 1000]))
        else:
            # A copy, for a later change may go into it.
            place[key] = copy.deepcopy(chance.choice(ODD))
    return config


def damage_bytes(content: bytes, chance: random.Random) -> bytes:
    """Changes some bytes behind the signature, mostly where a file's structure is."""
    damaged = bytearray(content)
    for _ in range(chance.choice([1, 1, 3, 20])):
        end = min(chance.choice([100, 5000, len(damaged)]), len(damaged))
        damaged[chance.randrange(8, end)] = chance.randrange(256)
    return bytes(damaged)


def damaged_files(folder: Path, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yields kinds and contents: the networks as they are, then three in five with damaged configs.

    The number in a kind tells which network it was.
    """
    chance = random.Random(seed)
    good = [members_of(built, folder / "good.keras") for built in bases()]
    yield from ((f"whole {number}", archive(members)) for number, members in enumerate(good))
    for number in range(count):
        members = good[number % len(good)]
        kind = chance.choice(["config", "config", "config", "weights", "archive"])
        if kind == "config":
            config = json.dumps(damage_config(json.loads(members[CONFIG]), chance)).encode()
            content = archive({**members, CONFIG: config})
        elif kind == "weights":
            content = archive({**members, WEIGHTS: damage_bytes(members[WEIGHTS], chance)})
        else:
            content = damage_bytes(archive(members), chance)
        yield f"{kind} {number % len(good)}", content
