"""A model file may come from anybody: nothing in it runs, and each bad one ends in a sentence."""

import json
import os
import pickle
import re
import time
import zipfile

import keras
import numpy as np
import pytest
from keras import layers

from mnist_helpers.files import read_zip_members
from mnist_helpers.paths import PROJECT
from mnist_helpers.training import safe_loading
from mnist_helpers.training.artifacts import load_model, save_model
from mnist_helpers.training.config_check import LAYERS, ModelFileError
from mnist_helpers.training.model import build_cnn
from tests import hostile_models
from tests.hostile_models import CONFIG, archive, network, open_and_predict, small
from tests.limits import conclude, measure, needs_linux, needs_posix
from tests.stress import VARIABLE, often

pytestmark = pytest.mark.promise(5)
IMAGES = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The three files in a good model's archive, by name."""
    path = tmp_path_factory.mktemp("good") / "good.keras"
    save_model(build_cnn(seed=1, widths=(2, 2, 2)), path)
    return read_zip_members(path.read_bytes(), 2**20)


@pytest.fixture
def write(tmp_path):
    """Writes an archive of the given files and returns its path."""

    def write(members):
        path = tmp_path / "model.keras"
        path.write_bytes(archive(members))
        return path

    return write


def refused(path, message):
    with pytest.raises(ModelFileError, match=message) as caught:
        load_model(path)
    text = str(caught.value)
    assert path.name in text and "\n" not in text and len(text) < 600, text


# Whatever it holds: limits of memory and time


@pytest.mark.slow
@needs_linux
def test_hostile_files_stay_within_memory_and_time(tmp_path, record_property):
    specimens, expected = [], []
    thorough = bool(often(0, 1))
    for name, content, message in hostile_models.hostile_files(tmp_path, thorough):
        path = tmp_path / f"{len(specimens)}.keras"
        path.write_bytes(content)
        specimens.append((name, str(path)))
        expected.append(message)
    measured = measure(hostile_models.open_and_predict_500, specimens)
    conclude(record_property, "hostile model files", measured)
    for message, found in zip(expected, measured, strict=True):
        assert re.search(message, found.outcome), found


@pytest.mark.slow
@needs_linux
def test_damaged_files_are_refused_or_predict(tmp_path, record_property):
    seed = int(os.environ.get(VARIABLE, 1))
    specimens = []
    for name, content in hostile_models.damaged_files(tmp_path, often(30, 3100), seed):
        path = tmp_path / f"{len(specimens)}.keras"
        path.write_bytes(content)
        specimens.append((f"{name} in {path.name} of seed {seed}", str(path)))
    measured = measure(open_and_predict, specimens, children=often(1, 2))
    conclude(record_property, "mutated model files", measured)
    whole = {}
    for found in measured:
        kind, which = found.specimen.split()[:2]
        if kind == "whole":
            assert found.outcome.startswith("opened"), found
            whole[which] = found.outcome
        elif kind == "archive" and found.outcome.startswith("opened"):
            assert found.outcome == whole[which], "the checksums of an archive were not verified"


# Files of another kind


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("name", ["model.pkl", "model.h5", "model.keras", "model.weights.h5"])
def test_a_pickle_is_not_opened_whatever_its_name(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(pickle.dumps(Evil(tmp_path / "executed")))
    refused(path, "is no .keras file|is no whole .keras file|HDF5 format")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("name", ["model.h5", "model.keras"])
def test_an_h5_model_is_not_opened_but_converted_by_the_lines_in_the_error(
    tmp_path, monkeypatch, name
):
    theirs = small()
    theirs.save(tmp_path / "model.h5")
    path = (tmp_path / "model.h5").rename(tmp_path / name)
    refused(path, "the older HDF5 format")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelFileError) as caught:
        load_model(name)
    lines = re.search(r"convert it: (.*) and then (.*)\.$", str(caught.value)).groups()
    path.rename("model.h5")  # Keras goes by the ending too
    scope = {"keras": keras}
    exec(lines[0].replace("model.keras", "model.h5"), scope)
    exec(lines[1], scope)
    (converted,) = tmp_path.glob("*.keras")
    np.testing.assert_array_equal(load_model(converted)(IMAGES), theirs(IMAGES))


def test_an_empty_and_a_truncated_file(write, good):
    path = write(good)
    for length in (0, 10, 1000, path.stat().st_size - 1):
        path.write_bytes(path.read_bytes()[:length])
        refused(path, "is no whole .keras file")


@pytest.mark.parametrize(
    "make", ["mkdir", *(pytest.param(name, marks=needs_posix) for name in ("mkfifo", "device"))]
)
def test_what_is_no_regular_file_is_no_model(tmp_path, make):
    path = tmp_path / "model.keras"
    if make == "device":
        path.symlink_to("/dev/zero")
    else:
        getattr(os, make)(path)
    with pytest.raises(FileNotFoundError, match="There is no model at"):
        load_model(path)


def test_a_file_too_large_is_not_read(tmp_path):
    path = tmp_path / "model.keras"
    with path.open("wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    begin = time.perf_counter()
    refused(path, "is larger than")
    assert time.perf_counter() - begin < 5


# Archives


# zipfile warns of what this test is about to write.
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_with_other_files_or_lacking_some_is_not_unpacked(write, good):
    for name in ("../../evil.py", "/etc/evil", "C:\\evil", "assets/vocabulary.txt", "code.pkl"):
        refused(write({**good, name: b"evil"}), "and nothing else")
    refused(write({CONFIG: good[CONFIG]}), "a model holds 'config.json'")
    refused(write({}), "holds nothing")
    path = write(good)
    with zipfile.ZipFile(path, "a") as content:
        content.writestr(CONFIG, b"{}")
    refused(path, "several members of the same name")


# Configs


@keras.saving.register_keras_serializable("theirs")
class Custom(layers.Layer):
    """A layer of somebody's own."""

    def call(self, x):
        return x


@pytest.mark.parametrize("layer, named", [
    (lambda: layers.Lambda(lambda x: x), "'Lambda'"),
    (Custom, "'Custom'"),
    (lambda: layers.Dense(4, activation=keras.ops.erf), "'function'|'erf'"),
    (lambda: layers.Hashing(3), "'Hashing'"),
    (lambda: keras.Sequential([keras.Input((28, 28, 1)), layers.ReLU()]), "'Sequential'"),
])  # fmt: skip
def test_lambda_and_custom_layers_are_named_and_not_built(write, good, layer, named):
    config = hostile_models.config_of(network(layer()))
    refused(write({**good, CONFIG: json.dumps(config)}), f"contains {named}")


def test_a_lambda_does_not_run_though_its_code_is_in_the_file(tmp_path):
    folder = str(tmp_path / "executed")
    evil = layers.Lambda(lambda x, os=os: (os.mkdir(folder), x)[1], output_shape=(28, 28, 1))
    theirs = network(evil)
    assert not os.path.exists(folder)
    theirs.save(tmp_path / "model.keras")
    refused(tmp_path / "model.keras", "'Lambda'")
    assert not os.path.exists(folder)


FOREIGN = [
    {"module": "os", "class_name": "system", "registered_name": None},
    {"module": "keras.utils", "class_name": "get_file", "registered_name": None},
    {"module": "keras.initializers", "class_name": "get"},
    {"module": "keras.layers", "class_name": "Dense", "registered_name": "theirs>Custom"},
    {"module": "builtins", "class_name": "function", "config": "exec"},
    {"class_name": "__lambda__", "config": {"code": "gASVAAAA"}},
    {"class_name": "Lambda"},
    {"module": "keras.layers"},
    {"module": "tensorflow.keras.layers", "class_name": "Dense"},
]


@pytest.mark.parametrize("foreign", FOREIGN, ids=str)
def test_whatever_is_not_a_plain_layer_is_refused(write, good, foreign):
    for place in ("layer", "argument"):
        config = json.loads(good[CONFIG])
        layer = config["config"]["layers"][1]
        if place == "layer":
            config["config"]["layers"][1] = {"config": layer["config"], **foreign}
        else:
            layer["config"]["kernel_initializer"] = foreign
        refused(write({**good, CONFIG: json.dumps(config)}), "not among the plain layers")
    refused(write({**good, CONFIG: json.dumps(foreign)}), "no Functional or Sequential")


def test_a_config_that_is_none_or_has_settings_that_cannot_be(write, good):
    for content in (b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"class_name": "Functional"}'):
        said = "is no whole .keras file|contains|no Functional"
        refused(write({**good, CONFIG: content}), said)
    for change in (
        {"filters": -3}, {"filters": None}, {"padding": "nonsense"}, {"strides": 0}, {"unknown": 1},
    ):  # fmt: skip
        config = json.loads(good[CONFIG])
        config["config"]["layers"][1]["config"] |= change
        refused(write({**good, CONFIG: json.dumps(config)}), "is no whole .keras file")
    config = {**json.loads(good[CONFIG]), "module": "keras.src.engine.functional"}
    refused(write({**good, CONFIG: json.dumps(config)}), r"by Keras 2\. Convert it: there, model")


# What networks take and give


@pytest.mark.parametrize("shape, answers", [((14, 14, 1), 10), ((28, 28, 3), 10), ((28, 28, 1), 9)])
def test_a_network_of_another_shape_is_refused_with_its_shape(tmp_path, shape, answers):
    image = keras.Input(shape)
    keras.Model(image, layers.Dense(answers)(layers.Flatten()(image))).save(tmp_path / "m.keras")
    batch = (None, *shape)
    refused(tmp_path / "m.keras", re.escape(f"takes {batch} and gives (None, {answers}); a digit"))


@pytest.mark.parametrize(
    "shape, activation", [((28, 28, 1), None), ((28, 28), "softmax"), ((784,), None)]
)
def test_other_forms_of_images_and_logits_are_adapted(tmp_path, shape, activation):
    theirs = small(shape, activation)
    theirs.save(tmp_path / "theirs.keras")
    expected = theirs(IMAGES.reshape(-1, *shape)).numpy()
    if activation is None:
        expected = np.exp(expected) / np.exp(expected).sum(axis=1, keepdims=True)
    loaded = load_model(tmp_path / "theirs.keras")
    assert loaded.input_shape == (None, 28, 28, 1)
    np.testing.assert_allclose(loaded(IMAGES), expected, rtol=1e-5)
    save_model(loaded, tmp_path / "ours.keras")
    np.testing.assert_allclose(load_model(tmp_path / "ours.keras")(IMAGES), expected, rtol=1e-5)


def test_plain_networks_of_others_are_loaded(tmp_path):
    theirs = keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.SeparableConv2D(4, 3, activation="gelu", pointwise_regularizer="l2"),
        layers.BatchNormalization(scale=False), layers.BatchNormalization(axis=1),
        layers.LayerNormalization(), layers.Dropout(0.1), layers.Flatten(),
        layers.BatchNormalization(),
        layers.Dense(10, activation="softmax", kernel_initializer="orthogonal"),
    ])  # fmt: skip
    theirs.compile("adam", "categorical_crossentropy")
    theirs.save(tmp_path / "theirs.keras")
    loaded = load_model(tmp_path / "theirs.keras")
    np.testing.assert_array_equal(*(each.predict(IMAGES, verbose=0) for each in (theirs, loaded)))


def test_augmentation_layers_are_loaded_and_do_nothing_while_predicting(tmp_path):
    names = sorted(name for name in LAYERS if name.startswith("Random"))
    assert {"RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom"} <= {*names}
    needed = {"RandomTranslation": (0.1, 0.1), "RandomGaussianBlur": (0.5, 3)}
    for name in ("ElasticTransform", "Erasing", "Flip", "Invert", "Perspective"):
        needed[f"Random{name}"] = ()
    augment = [getattr(layers, name)(*needed.get(name, (0.1,))) for name in names]
    end = layers.Dense(10, activation="softmax")
    theirs = keras.Sequential([keras.Input((28, 28, 1)), *augment, layers.Flatten(), end])
    theirs.save(tmp_path / "theirs.keras")
    loaded = load_model(tmp_path / "theirs.keras")
    predicted = loaded.predict(IMAGES, verbose=0)
    np.testing.assert_allclose(predicted, end(IMAGES.reshape(5, 784)), rtol=1e-5)


def test_a_full_disk_is_not_taken_for_a_bad_model(write, good, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    path = write(good)
    monkeypatch.setattr(safe_loading.Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        load_model(path)


# The project itself


def test_nothing_in_the_project_leads_around_the_checks():
    unsafe = re.compile(r"safe_mode=False|unsafe_deserialization|pickle\.|allow_pickle=True|joblib")
    loads = re.compile(r"(models|saving)\.load_model\(|load_weights|deserialize_keras_object")
    for folder in ("mnist_helpers", "benchmarks", "notebooks"):
        for path in [*(PROJECT / folder).rglob("*.py"), *(PROJECT / folder).glob("*.ipynb")]:
            text = path.read_text(encoding="utf-8")
            assert not unsafe.search(text), path
            # The second one only tells how an old file is converted.
            safe = path.name in ("safe_loading.py", "config_check.py")
            assert safe or not loads.search(text), path
