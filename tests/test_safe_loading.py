"""A model file may come from anybody: nothing in it runs, and each bad one is refused."""

import io
import json
import os
import pickle
import random
import re
import zipfile

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from mnist_helpers.paths import PROJECT
from mnist_helpers.training import safe_loading
from mnist_helpers.training.artifacts import load_model, save_model
from mnist_helpers.training.model import build_cnn
from mnist_helpers.training.safe_loading import ModelFileError
from tests.stress import often

pytestmark = pytest.mark.promise(5)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The three files in a good model's archive, by name."""
    path = tmp_path_factory.mktemp("good") / "good.keras"
    save_model(build_cnn(seed=1, widths=(2, 2, 2)), path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def write(tmp_path):
    """Writes an archive of the given files and returns its path."""

    def write(members, compression=zipfile.ZIP_STORED):
        path = tmp_path / "model.keras"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path

    return write


def refused(path, message):
    with pytest.raises(ModelFileError, match=message) as caught:
        load_model(path)
    text = str(caught.value)
    assert path.name in text and "\n" not in text and len(text) < 500, text


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


# Files of another kind


@pytest.mark.parametrize("name", ["model.pkl", "model.h5", "model.keras", "model.weights.h5"])
def test_a_pickle_is_not_opened_whatever_its_name(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(pickle.dumps(Evil(tmp_path / "executed")))
    refused(path, "is no .keras file|is no whole .keras file")
    assert not (tmp_path / "executed").exists()


def test_an_h5_model_is_not_opened_whatever_its_name(tmp_path):
    build_cnn(widths=(2, 2, 2)).save(tmp_path / "model.h5")
    refused(tmp_path / "model.h5", "older formats such as .h5")
    refused((tmp_path / "model.h5").rename(tmp_path / "model.keras"), "is no whole .keras file")


def test_an_empty_and_a_truncated_file(tmp_path, write, good):
    path = write(good)
    for length in (0, 10, 1000, path.stat().st_size - 1):
        path.write_bytes(path.read_bytes()[:length])
        refused(path, "is no whole .keras file")


def test_a_folder_is_no_model(tmp_path):
    (tmp_path / "model.keras").mkdir()
    with pytest.raises(FileNotFoundError, match="There is no model at"):
        load_model(tmp_path / "model.keras")


def test_files_with_flipped_bytes_are_refused_or_are_the_same_model(write, good, record_property):
    path = write(good)
    whole, expected = path.read_bytes(), load_model(path).get_weights()
    chance = random.Random(os.environ.get("MNIST_STRESS", 1))
    tries = often(40, 1000)
    for _ in range(tries):
        damaged = bytearray(whole)
        for _ in range(chance.choice([1, 1, 3, 20])):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            loaded = load_model(path).get_weights()
        except ModelFileError:
            continue
        for a, b in zip(expected, loaded, strict=True):
            np.testing.assert_array_equal(a, b)
    record_property("cases", tries)


def test_a_config_with_anything_in_any_place(write, good, record_property):
    """The archive is whole; what stands in its config is not."""
    chance = random.Random(os.environ.get("MNIST_STRESS", 1))
    odd = [None, -1, 0, 10**12, 1.5, True, "", "x", "exec", [], {}, [[3]], {"class_name": "Dense"}]
    tries = often(5, 100)
    for _ in range(tries):
        config = json.loads(good["config.json"])
        place = config
        while True:
            key = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if not isinstance(place[key], (dict, list)) or not place[key] or chance.random() < 0.1:
                break
            place = place[key]
        place[key] = chance.choice(odd)
        try:
            network = load_model(write({**good, "config.json": json.dumps(config)}))
        except ModelFileError:
            continue
        assert network.output_shape == (None, 10) and network.count_params() < 10_000
    record_property("cases", tries)


@pytest.mark.slow
def test_weights_with_flipped_bytes_in_a_whole_archive(write, good, record_property):
    chance = random.Random(os.environ.get("MNIST_STRESS", 1))
    tries = often(5, 100)
    for _ in range(tries):
        damaged = bytearray(good["model.weights.h5"])
        for _ in range(chance.choice([1, 5, 50])):
            # The first bytes are the file's structure, where damage does most.
            damaged[chance.randrange(chance.choice([100, 5000, len(damaged)]))] = chance.randrange(
                256
            )
        try:
            network = load_model(write({**good, "model.weights.h5": bytes(damaged)}))
        except ModelFileError:
            continue
        assert network.output_shape == (None, 10)
    record_property("cases", tries)


# Archives


@pytest.mark.parametrize(
    "name", ["../../evil.py", "/etc/evil", "C:\\evil", "assets/vocabulary.txt", "code.pkl"]
)
def test_an_archive_with_other_files_is_not_unpacked(write, good, name):
    refused(write({**good, name: b"evil"}), "and nothing else")


def test_an_archive_that_lacks_a_file(write, good):
    refused(write({"config.json": good["config.json"]}), "a model holds 'config.json'")
    refused(write({}), "holds nothing")


# zipfile warns of what this test is about to write.
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_with_two_configs(write, good, tmp_path):
    path = write(good)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", b"{}")
    refused(path, "and nothing else")


def test_a_zip_bomb_is_not_unpacked(write, good):
    bomb = bytes(safe_loading.MAX_BYTES + 1)
    path = write({**good, "model.weights.h5": bomb}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 200_000
    refused(path, "unpacks to 67")


def test_a_file_too_large_is_not_read(tmp_path):
    path = tmp_path / "model.keras"
    with path.open("wb") as file:
        file.truncate(safe_loading.MAX_BYTES + 1)
    refused(path, "is larger than")


# Configs


def with_layers(*added):
    """A network whose config is right but for the layers given."""
    image = keras.Input((28, 28, 1))
    x = layers.Flatten()(image)
    for layer in added:
        x = layer(x)
    return keras.Model(image, layers.Dense(10)(x))


@keras.saving.register_keras_serializable("theirs")
class Custom(layers.Layer):
    """A layer of somebody's own."""

    def call(self, x):
        return x


@pytest.mark.parametrize(
    "layer, named",
    [
        (lambda: layers.Lambda(lambda x: x), "'Lambda'"),
        (Custom, "'Custom'"),
        (lambda: layers.Dense(4, activation=keras.ops.erf), "'function'|'erf'"),
        (lambda: layers.Hashing(3), "'Hashing'"),
        (lambda: keras.Sequential([keras.Input((784,)), layers.ReLU()]), "'Sequential'"),
    ],
)
def test_lambda_and_custom_layers_are_named_and_not_built(write, good, layer, named):
    config = keras.saving.serialize_keras_object(with_layers(layer()))
    refused(write({**good, "config.json": json.dumps(config)}), f"contains {named}")


def test_a_lambda_does_not_run_though_its_code_is_in_the_file(tmp_path):
    folder = str(tmp_path / "executed")
    image = keras.Input((28, 28, 1))
    evil = layers.Lambda(lambda x, os=os: (os.mkdir(folder), x)[1], output_shape=(28, 28, 1))
    network = keras.Model(image, layers.Dense(10)(layers.Flatten()(evil(image))))
    assert not os.path.exists(folder)
    network.save(tmp_path / "model.keras")
    refused(tmp_path / "model.keras", "'Lambda'")
    assert not os.path.exists(folder)


FOREIGN = {
    "a module of Python's": {"module": "os", "class_name": "system", "registered_name": None},
    "a module of Keras that calls": {
        "module": "keras.utils",
        "class_name": "get_file",
        "registered_name": None,
    },
    "a custom name": {
        "module": "keras.layers",
        "class_name": "Dense",
        "registered_name": "theirs>Custom",
    },
    "a function": {"module": "builtins", "class_name": "function", "config": "exec"},
    "a pickled lambda": {"class_name": "__lambda__", "config": {"code": "gASVAAAA"}},
    "no module": {"class_name": "Lambda"},
    "no class": {"module": "keras.layers"},
    "another package": {"module": "tensorflow.keras.layers", "class_name": "Dense"},
}


@pytest.mark.parametrize("what", FOREIGN)
def test_whatever_is_not_a_plain_layer_is_refused(write, good, what):
    for place in ("layer", "argument"):
        config = json.loads(good["config.json"])
        layer = config["config"]["layers"][1]
        if place == "layer":
            config["config"]["layers"][1] = {"config": layer["config"], **FOREIGN[what]}
        else:
            layer["config"]["kernel_initializer"] = FOREIGN[what]
        path = write({**good, "config.json": json.dumps(config)})
        refused(path, "not among the plain layers")
    refused(
        write({**good, "config.json": json.dumps(FOREIGN[what])}), "no Functional or Sequential"
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"class_name": "Functional"}'],
)
def test_a_config_that_is_none(write, good, content):
    refused(write({**good, "config.json": content}), "is no whole .keras file|is no Functional")


def test_a_config_of_a_million_layers_is_not_read(write, good):
    content = b" " * (safe_loading.MAX_CONFIG_BYTES + 1)
    refused(write({**good, "config.json": content}), "its config is larger")


@pytest.mark.parametrize(
    "change, message",
    [
        ({"filters": 2_000_000_000}, "values for one image|parameters"),
        ({"filters": 100_000}, "values for one image|parameters"),
        ({"kernel_size": [9_000, 9_000], "padding": "same"}, "parameters: too many"),
        ({"filters": -3}, "is no whole .keras file"),
        ({"filters": None}, "is no whole .keras file"),
        ({"padding": "nonsense"}, "is no whole .keras file"),
        ({"strides": [10**9, 1]}, "is no whole .keras file|takes"),
        ({"unknown": 1}, "is no whole .keras file"),
    ],
)
def test_absurd_sizes_take_no_memory(write, good, change, message):
    config = json.loads(good["config.json"])
    for layer in config["config"]["layers"]:
        layer.pop("build_config", None)
    config["config"]["layers"][1]["config"] |= change
    refused(write({**good, "config.json": json.dumps(config)}), message)


@pytest.mark.parametrize("shape, answers", [((14, 14, 1), 10), ((28, 28, 3), 10), ((28, 28, 1), 9)])
def test_a_network_of_another_shape_is_refused(tmp_path, shape, answers):
    image = keras.Input(shape)
    keras.Model(image, layers.Dense(answers)(layers.Flatten()(image))).save(tmp_path / "m.keras")
    refused(tmp_path / "m.keras", r"a digit classifier here takes \(None, 28, 28, 1\) and gives")


def test_plain_networks_of_others_are_loaded(tmp_path):
    theirs = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.SeparableConv2D(4, 3, activation="gelu", pointwise_regularizer="l2"),
            layers.BatchNormalization(scale=False),
            layers.BatchNormalization(axis=1),
            layers.LayerNormalization(),
            layers.Dropout(0.1),
            layers.Flatten(),
            layers.BatchNormalization(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    theirs.compile("adam", "categorical_crossentropy")
    theirs.save(tmp_path / "theirs.keras")
    loaded = load_model(tmp_path / "theirs.keras")
    images = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    np.testing.assert_array_equal(
        theirs.predict(images, verbose=0), loaded.predict(images, verbose=0)
    )


# Weights


def weights(change):
    file = io.BytesIO()
    with h5py.File(file, "w") as content:
        change(content)
    return file.getvalue()


def shape_bomb(file):
    file.create_dataset("layers/a", (2**20, 2**20), "f4", chunks=(1, 1024), compression="gzip")


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


@pytest.mark.parametrize(
    "change, message",
    [
        (shape_bomb, "declare 4,398,046,511,104 bytes"),
        (external, "lie elsewhere"),
        (virtual, "lie elsewhere"),
        (soft, "'layers' lie elsewhere"),
        (other_file, "'layers' lie elsewhere"),
        (lambda file: None, "is no whole .keras file"),
    ],
)
def test_weights_that_lie_elsewhere_or_are_huge(write, good, change, message):
    refused(write({**good, "model.weights.h5": weights(change)}), message)


def test_weights_that_are_no_h5(write, good):
    refused(write({**good, "model.weights.h5": pickle.dumps({"a": 1})}), "is no whole .keras file")


# The project itself


def test_nothing_in_the_project_leads_around_the_checks():
    unsafe = re.compile(r"safe_mode=False|unsafe_deserialization|pickle\.|allow_pickle=True|joblib")
    loads = re.compile(r"(models|saving)\.load_model|load_weights")
    for folder in ("mnist_helpers", "benchmarks", "notebooks"):
        for path in [*(PROJECT / folder).rglob("*.py"), *(PROJECT / folder).glob("*.ipynb")]:
            text = path.read_text(encoding="utf-8")
            assert not unsafe.search(text), path
            assert path.name == "model_files.py" or not loads.search(text), path
