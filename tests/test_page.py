"""The network and the preprocessing of the exported page, in Node.js."""

import base64
import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image
from scipy import ndimage

from mnist_helpers.data import load_test
from mnist_helpers.evaluation import reader
from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.evaluation.reader import IS_DIGIT_MODEL
from mnist_helpers.paths import SHIPPED_DIR
from mnist_helpers.preprocessing import PictureError, to_mnist
from mnist_helpers.runner.export_formats import ExportError
from mnist_helpers.runner.page import digit_page as export_page
from mnist_helpers.runner.page.digit_network import describe_network
from mnist_helpers.runner.page.live_widgets import IN_JAVASCRIPT, enliven, pad_with_reader
from mnist_helpers.runner.page.render import javascript
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.augmentation import Augmentation
from mnist_helpers.training.layers import FusedBatchNormalization
from mnist_helpers.training.model_choice import find_model
from mnist_helpers.training.pipeline import to_input
from mnist_helpers.widgets.feature_maps import LayerInspector
from mnist_helpers.widgets.html import answer_in_words, live_marker
from mnist_helpers.widgets.pad import EXAMPLES, draw_strokes
from tests import test_preprocessing

IMAGES = np.random.default_rng(0).random((8, 28, 28, 1), np.float32)
CONSTANTS = f"const CONSTANTS = {json.dumps(export_page.constants())};"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js")


def network(*middle):
    """A small network with random weights, also those that begin as zeros or ones."""
    inputs = keras.Input((28, 28, 1))
    x = layers.Conv2D(4, 5, strides=3, activation="tanh")(inputs)
    for layer in middle:
        x = layer(x)
    if len(x.shape) == 4:
        x = layers.Flatten()(x)
    model = keras.Model(inputs, layers.Dense(10, activation="softmax")(x))
    random = np.random.default_rng(1)
    for variable in model.variables:
        values = random.normal(0, 0.3, variable.shape)
        variable.assign(np.abs(values) + 0.5 if "variance" in variable.path else values)
    return model


def check_equal(model):
    """Checks the page's network on answers that are neither all alike nor all certain."""
    expected = Predictor(model)(IMAGES)
    assert expected.max() > 0.12 and np.median(expected.max(axis=1)) < 0.999
    network = export_page.packed_network(model)
    assert export_page.compare_in_node(network, model, IMAGES) < 5e-3


def merged(merge):
    """Returns a part of a network: its input, merged with what another layer makes of it."""
    return lambda x: merge([x, layers.Conv2D(x.shape[-1], 1, activation="sigmoid")(x)])


MERGES = (
    layers.Add, layers.Subtract, layers.Multiply, layers.Maximum, layers.Average,
    layers.Concatenate,
)  # fmt: skip
TWICE = layers.Conv2D(4, 3, padding="same", activation="relu")
ODD = {
    "called twice": [TWICE, layers.ReLU(), TWICE],
    "same": [layers.Conv2D(3, 4, strides=2, padding="same", activation="elu")],
    "dilation": [layers.Conv2D(3, 3, dilation_rate=2, padding="same", use_bias=False)],
    "depthwise": [layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2, padding="same")],
    "separable": [layers.SeparableConv2D(5, 3, depth_multiplier=2, activation="silu")],
    "maximum": [layers.MaxPooling2D(3, 2, padding="same")],
    "average": [layers.AveragePooling2D(3, 2, padding="same")],
    "global maximum": [layers.GlobalMaxPooling2D(keepdims=True)],
    "global average": [layers.GlobalAveragePooling2D()],
    "normalised": [layers.BatchNormalization(), layers.ReLU(6), layers.Dropout(0.5)],
    "fused": [FusedBatchNormalization()],
    "shapes": [layers.ZeroPadding2D(((1, 2), (0, 3))), layers.Cropping2D(2), layers.Reshape((-1,))],
    "activations": [layers.LeakyReLU(0.3), layers.ELU(0.7), layers.Activation("softplus")],
    "selu": [layers.Activation("selu"), layers.Activation("softsign"), layers.Softmax()],
    "rescaled": [layers.Rescaling(2.0, -1.0), layers.Dense(3, activation="leaky_relu")],
    **{merge.__name__: [merged(merge())] for merge in MERGES},
}


@needs_node
@pytest.mark.parametrize("name", ODD)
def test_the_page_computes_what_keras_computes(name):
    check_equal(network(*ODD[name]))


@pytest.mark.parametrize("layer, message", [
    (layers.UpSampling2D(), "no UpSampling2D"), (layers.Conv2D(4, 3, groups=2), "in one group"),
    (layers.Activation("gelu"), "no activation gelu"), (layers.ReLU(max_value=3), "plain ReLU"),
    (layers.Softmax(axis=1), "last axis"), (layers.BatchNormalization(axis=1), "last axis"),
])  # fmt: skip
def test_what_the_page_cannot_express_is_an_error_and_no_page(layer, message, tmp_path):
    with pytest.raises(ExportError, match=message):
        export_page.write_digit_page(network(layer), tmp_path / "page.html", IMAGES, {})
    assert not list(tmp_path.iterdir())


def test_weights_that_16_bits_cannot_hold_are_an_error():
    model = network()
    model.set_weights([1e6 * weights for weights in model.get_weights()])
    with pytest.raises(ExportError, match="16 bits"):
        export_page.packed_network(model)


@needs_node
def test_other_answers_leave_no_page(tmp_path, monkeypatch):
    monkeypatch.setattr(export_page, "NETWORK", export_page.NETWORK.replace("x > 0", "x > 9"))
    model = network(layers.Conv2D(4, 3), layers.ReLU())
    with pytest.raises(ExportError, match="nothing was written"):
        export_page.write_digit_page(model, tmp_path / "page.html", IMAGES, {})
    assert not list(tmp_path.iterdir())


@needs_node
@pytest.mark.parametrize(("file", "why"), [
    ("odd.keras", "the page has no UpSampling2D layers"), ("none.keras", "There is no model"),
])  # fmt: skip
def test_a_reader_that_a_page_cannot_have_leaves_a_still_picture(file, why, tmp_path, monkeypatch):
    network(layers.UpSampling2D()).save(tmp_path / "odd.keras")
    monkeypatch.setattr(reader, "READER_MODEL", tmp_path / file)
    shown = {"text/html": f"<img>{live_marker('pad')}"}
    enliven({"cells": [{"outputs": [{"data": shown}]}]}, pad_with_reader)
    assert shown["text/html"].startswith("<img><p>A still picture.") and why in shown["text/html"]


def test_another_answer_is_an_error_however_close_the_probabilities():
    model = network()
    kernel, bias = model.layers[-1].weights
    kernel.assign(np.zeros(kernel.shape))
    bias.assign(1 + 1e-4 * (np.arange(10) == 3))  # 16 bits round it to 1
    with pytest.raises(ExportError, match="other answers to 8 of 8"):
        export_page.compare_in_node(export_page.packed_network(model), model, IMAGES)


@pytest.mark.slow
@needs_node
def test_the_page_answers_as_keras_does_on_mnists_test_images(dataset):
    if dataset != "mnist":
        pytest.skip("no MNIST on this machine")
    model = load_model(find_model(SHIPPED_DIR))
    network = export_page.packed_network(model)
    images = to_input(load_test("mnist")[0])[:100]
    difference = export_page.compare_in_node(network, model, images)  # raises on another answer
    print(f"largest difference of two probabilities on {len(images):,} images: {difference:.2g}")
    assert len(export_page.render(network, {}).encode()) < 1.5e6


def every_kind_of_slope():
    """A network with what the shipped one has not, and with more than one way through it."""
    inputs = keras.Input((28, 28, 1))
    first = layers.Conv2D(4, 5, 2, "same", activation="tanh", bias_initializer="ones")
    x = layers.MaxPooling2D(2, 1)(first(inputs))  # equal values where nothing is drawn
    one = layers.Conv2D(4, 3, padding="same", activation="leaky_relu")(x)
    two = layers.Conv2D(4, 3, dilation_rate=2, padding="same", activation="sigmoid")(x)
    x = layers.AveragePooling2D(3, 2, padding="same")(layers.Add()([one, two]))
    x = layers.ReLU(6)(layers.MaxPooling2D(3, 2)(layers.ELU(0.7)(x)))
    x = layers.Dense(5)(layers.GlobalAveragePooling2D()(layers.Dense(4, "elu")(x)))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


@needs_node
@pytest.mark.parametrize("make", [lambda: load_model(find_model(SHIPPED_DIR)), every_kind_of_slope])
def test_the_places_that_decided_are_those_of_tensorflows_gradients(make):
    keras.utils.set_random_seed(0)
    model = make()
    inspector = LayerInspector(model)
    image = to_mnist(draw_strokes(EXAMPLES[3]))
    _, expected, _ = inspector(image)
    network = describe_network(model)  # unrounded, for a maximum may go to another place
    for layer in network:
        layer["weights"] = {key: array.tolist() for key, array in layer["weights"].items()}
    found = export_page.run_in_node(
        export_page.NETWORK + export_page.DECIDING,
        "const { network, names } = given;"
        "const values = run(network, given.image);"
        "const last = (name) => network.findLastIndex((layer) => layer.name === name) + 1;"
        "return names.map((name) => placesThatDecided(network, values, last(name)))"
        ".map(({ shape, data }) => ({ shape, data: [...data] }));",
        network=network, names=inspector.names, image=image.ravel().tolist(),
    )  # fmt: skip
    assert len(found) >= 6
    for name, places in zip(inspector.names, found, strict=True):
        largest = np.abs(expected[name]).max()
        difference = np.abs(np.reshape(places["data"], places["shape"]) - expected[name]).max()
        print(f"{name}: {difference:.2g} of {largest:.2g}")
        assert difference < 1e-3 * largest, name


@needs_node
def test_the_sliders_transform_digits_as_training_does():
    augmentation = Augmentation(rotation_degrees=40, shift_fraction=0.2, zoom_fraction=0.3)
    images = np.stack([to_mnist(draw_strokes(EXAMPLES[n % 10])) for n in range(50)])
    expected = np.asarray(augmentation(images, [0, 1]))
    drawn = augmentation._draw_amounts(50, tf.constant([0, 1]), tf.constant([28.0, 28.0]))
    amounts = [{k: np.squeeze(v[:, n]).tolist() for k, v in drawn.items()} for n in range(50)]
    found = export_page.run_in_node(
        javascript("affine"),
        "return given.images.map((image, n) => [...transformImage(image, given.amounts[n])]);",
        images=images.reshape(50, 784).tolist(), amounts=amounts,
    )  # fmt: skip
    difference = np.abs(np.reshape(found, images.shape) - expected)
    print(f"mean {difference.mean():.2g}, largest {difference.max():.2g}")
    assert difference.max() < 1e-3
    assert {*drawn} == IN_JAVASCRIPT


def test_no_string_from_outside_can_become_markup():
    hostile = '</script><!--<script>"&'
    page = export_page.render([{"name": hostile}], {hostile: hostile}, hostile)
    assert hostile not in page
    assert page.count("</script>") == 4
    with pytest.raises(ValueError, match="https"):
        export_page.render([], {}, "javascript:alert(1)")


def pictures():
    """Drawings and photos of drawings: shadows, noise, ruled paper, light on dark."""
    random = np.random.default_rng(0)
    for number in range(0, 50, 5):
        strokes = [
            [(x + random.normal(0, 0.012), y + random.normal(0, 0.012)) for x, y in stroke]
            for stroke in EXAMPLES[(number + number // 10) % 10]
        ]
        drawn = draw_strokes(strokes)
        kind = number // 10 % 5
        if kind:
            size = int(random.integers(100, 300)), int(random.integers(100, 300))
            drawn = np.asarray(Image.fromarray(drawn).resize(size))
        height, width = drawn.shape
        paper = np.ones((height, width))
        if kind in (1, 4):
            paper *= np.linspace(0.4, 1, width)
        if kind == 2:
            paper[:, : width // 3] *= 0.7
        if kind >= 3:
            for row in range(height // 8, height, height // 6):
                paper[row : row + 1] *= 0.6
        photo = paper * (0.15 + 0.85 * drawn / 255)
        if kind == 2 and number % 2:  # a sheet on a dark desk
            photo = np.pad(photo, 40, constant_values=0.2)
        photo += random.normal(0, 0.02, photo.shape) if kind else 0
        yield np.uint8(255 * np.clip(1 - photo if number % 7 == 6 else photo, 0, 1))


def disturbed():
    """Digits in frames, at a scan's border, on lines, beside others, and coarse."""
    for number in (2, 4, 7):
        digit = draw_strokes(EXAMPLES[number])
        large = np.asarray(Image.fromarray(digit).resize((168, 168)))
        frame, inset, scan, corner = (large.copy() for _ in range(4))
        frame[:4] = frame[-4:] = frame[:, :4] = frame[:, -4:] = 0
        inset[10:14, 10:-10] = inset[-14:-10, 10:-10] = 0
        inset[10:-10, 10:14] = inset[10:-10, -14:-10] = 0
        scan[:30] = 20
        corner[-14:-6] = corner[-28:-6, 20:34] = 0
        lines = np.where(np.arange(168) % 24 == 0, 90, 255).astype(np.uint8)
        ruled = np.minimum(large, lines[:, None])
        other = np.asarray(Image.fromarray(draw_strokes(EXAMPLES[0])).resize((168, 168)))
        beside = np.hstack([other[:, 100:], large])
        small = np.asarray(Image.fromarray(digit).resize((14, 14), Image.Resampling.BOX))
        thick = Image.fromarray(ndimage.grey_erosion(digit[10:130, 20:120], 11))
        bold = np.asarray(thick.resize((14, 16), Image.Resampling.BOX))
        yield from (frame, inset, scan, corner, ruled, np.minimum(ruled, lines))
        yield from (beside, small, bold)


def cut_out():
    """Digits cut out of a number by their boxes: ruled, striped, bold, small, beside others."""
    random = np.random.default_rng(4)
    for number in range(60):
        side = int(random.integers(20, 90))
        digits = [draw_strokes(EXAMPLES[(number + step) % len(EXAMPLES)]) for step in range(3)]
        row = np.hstack([np.asarray(Image.fromarray(d).resize((side, side))) for d in digits])
        row = ndimage.grey_erosion(row, 1 + number % 5 * side // 24)
        paper = np.full(row.shape, 230.0)
        if number % 3 == 0:
            height = int(random.integers(0, side))
            paper[height : height + 1 + side // 20] = 120
        if number % 4 == 1:
            paper[np.indices(row.shape).sum(axis=0) % 6 < 3] = 170
        photo = np.uint8(np.minimum(paper, np.where(row < 128, 60, 255)))
        second, margin = row[:, side : 2 * side] < 128, number % 4
        rows, columns = (np.flatnonzero(second.any(axis=axis)) for axis in (1, 0))
        cut = photo[max(rows[0] - margin, 0) : rows[-1] + 1 + margin, side - margin :]
        yield cut[:, columns[0] : columns[-1] + 1 + 2 * margin]


def in_javascript(arrays):
    """The page's answer to pictures: 784 values, or its sentence where it finds no digit."""
    sizes = [dict(zip(("height", "width"), array.shape, strict=True)) for array in arrays]
    given = [s | {"data": base64.b64encode(a).decode()} for s, a in zip(sizes, arrays, strict=True)]
    return export_page.run_in_node(
        export_page.FILTERS + CONSTANTS + export_page.TO_MNIST,
        "const read = (picture) => {"
        "const grey = Buffer.from(picture.data, 'base64');"
        "const { width, height } = picture;"
        "const data = Uint8Array.from({ length: 4 * grey.length },"
        " (_, i) => (i % 4 < 3 ? grey[i >> 2] : 255));"
        "try { return [...stepsToMnist(greyOf({ width, height, data })).pop().data]; }"
        "catch (error) { if (error instanceof PictureError) return error.message; throw error; }};"
        "return given.pictures.map(read);",
        pictures=given,
    )


def refused_by_both(given):
    """Checks that the page brings pictures to MNIST's form as Python does, or says what it says.

    Returns the share of those in which neither finds a digit.
    """
    given = [np.ascontiguousarray(picture) for picture in given]
    refused = 0
    for picture, found in zip(given, in_javascript(given), strict=True):
        try:
            expected = to_mnist(picture)[..., 0]
        except PictureError as error:
            assert found == str(error)
            refused += 1
        else:
            assert np.abs(np.reshape(found, (28, 28)) - expected).mean() < 0.002
    return refused / len(given)


@needs_node
def test_the_page_prepares_pictures_as_python_does():
    assert refused_by_both([*pictures(), *disturbed()]) == 0


@needs_node
def test_the_page_cuts_digits_out_of_their_surroundings_as_python_does():
    named = [test_preprocessing.FRAMED, test_preprocessing.striped(8, 150)]
    named += map(test_preprocessing.cut_to_box, test_preprocessing.TOUCHING.values())
    named += [test_preprocessing.sheet(*each) for each in test_preprocessing.AROUND.values()]
    named += (
        test_preprocessing.BOLD,
        test_preprocessing.chalked(),
        test_preprocessing.broken(gap=20),
        np.pad(np.uint8(255 * test_preprocessing.HATCHING), 20),
        np.uint8(255 * test_preprocessing.crossed(sag=3)),
        np.uint8(np.tile(255 * (np.abs(np.arange(80) - 40) <= 2), (60, 1))),
    )
    assert refused_by_both([*named, *cut_out()]) < 0.1


@needs_node
def test_the_page_finds_no_digit_where_python_finds_none():
    random = np.random.default_rng(0)
    spot = np.zeros((60, 60), np.uint8)
    spot[30:32, 30:32] = 255
    two = np.hstack([draw_strokes(EXAMPLES[3])] * 2)
    pale = np.asarray(test_preprocessing.two_digits(ink=100))
    given = [
        np.zeros((50, 50), np.uint8), random.integers(0, 256, (90, 90), np.uint8), spot, two,
        spot[29:32, 29:32], np.zeros((12, 4000), np.uint8), pale,
    ]  # fmt: skip
    assert refused_by_both(given) == 1


@needs_node
def test_the_page_answers_in_the_same_words():
    start = export_page.PAGE.index("function percent")
    script = export_page.PAGE[start : export_page.PAGE.index("// Answers at once")]
    given = [0.9999, 0.97, 0.8, 0.5]
    probabilities = [[0.0] * 3 + [1 - p] + [0.0] * 4 + [p, 0.0] for p in given]
    found = export_page.run_in_node(
        CONSTANTS + script, "return given.p.map((p) => words(p, 1));", p=probabilities
    )
    for values, words in zip(probabilities[:3], found, strict=False):
        assert words == answer_in_words(np.array(values))
    assert found[3].startswith("I cannot tell")


@needs_node
def test_the_network_that_knows_what_is_no_digit_is_in_the_page():
    model = load_model(IS_DIGIT_MODEL, outputs=1)
    drawn = np.stack([to_mnist(draw_strokes(strokes)) for strokes in EXAMPLES.values()])
    network = export_page.packed_network(model)
    assert export_page.compare_in_node(network, model, np.concatenate([drawn, IMAGES])) < 5e-3


@pytest.mark.slow
def test_the_command_writes_a_page(model_file, tmp_path, said):
    arguments = "export", "page", "--dataset", "digits", "-o", tmp_path / "digits.html", "--model"
    assert "tiny.keras" in said(0, *arguments, model_file)
    assert (tmp_path / "digits.html").stat().st_size < 650_000  # most of it tells what is no digit
    assert "there already" in said(2, *arguments, model_file)
    (tmp_path / "odd.keras").write_bytes(b"no model")
    assert "odd.keras" in said(2, "export", "page", "--model", tmp_path / "odd.keras")
