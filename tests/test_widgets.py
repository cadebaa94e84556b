import datetime
import gc
import re

import ipywidgets
import numpy as np
import pytest

from mnist_helpers import widgets
from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.paths import SHIPPED_DIR
from mnist_helpers.preprocessing.mnist_format import PictureError, to_mnist
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.augmentation import Augmentation
from mnist_helpers.training.metrics import read_metrics
from mnist_helpers.training.model import build_cnn
from mnist_helpers.training.transforms import transform_name
from mnist_helpers.widgets import (
    error_handling,
    explorer,
    feature_maps,
    html,
    misclassified,
    pad,
    upload,
)


@pytest.fixture(autouse=True)
def no_callback_failed():
    error_handling.failures.clear()
    yield
    assert not error_handling.failures


@pytest.fixture(scope="module")
def shipped():
    file_name = read_metrics(SHIPPED_DIR)["phases"]["hybrid"]["model"]
    return load_model(SHIPPED_DIR / file_name)


@pytest.fixture(scope="module")
def predictor(shipped):
    return Predictor(shipped)


@pytest.fixture(scope="module")
def digits():
    """Forty drawn images and their labels."""
    labels = np.arange(40, dtype=np.uint8) % 10
    drawn = [to_mnist(pad.draw_strokes(pad.EXAMPLES[label])) for label in labels]
    return np.rint(255 * np.stack(drawn)[..., 0]).astype(np.uint8), labels


# -- failures


def test_a_bad_picture_shows_as_a_sentence_and_nothing_else_happens():
    line = error_handling.message_line()

    @error_handling.handle_errors(line)
    def refuse(text):
        raise PictureError(text)

    refuse("Too <small>.")
    assert "Too &lt;small&gt;." in line.value


@pytest.mark.parametrize("kind", [ValueError, KeyError, RuntimeError])
def test_any_other_error_is_shown_kept_and_raised(kind):
    line = error_handling.message_line()

    @error_handling.handle_errors(line)
    def fail():
        raise kind("oh")

    with pytest.raises(kind):
        fail()
    assert "mnist-failure" in line.value and kind.__name__ in line.value
    assert [type(error) for error in error_handling.failures] == [kind]
    error_handling.failures.clear()


def test_a_call_that_goes_well_takes_the_message_away():
    line = ipywidgets.HTML("old")
    error_handling.handle_errors(line)(lambda: None)()
    assert line.value == ""


# -- pictures


def test_the_answer_in_words_names_a_doubt():
    sure = np.full(10, 0.001)
    sure[3] = 0.991
    assert html.answer_in_words(sure) == "This is a 3, the network says, 99.1% sure."
    torn = np.zeros(10)
    torn[[4, 9]] = 0.6, 0.4
    assert html.answer_in_words(torn).endswith("it could also be a 9 (40.0%).")


def test_bars_show_ten_shares_and_say_them():
    page = html.bars_html(np.arange(10) / 45)
    widths = [float(width) for width in re.findall(r"width: ([\d.]+)%", page)]
    assert len(widths) == 10 and widths[-1] == 20.0 and widths[5] == 11.1
    assert page.count("#D55E00") == 1 and "9: 20.0%" in page


def test_a_picture_says_what_it_shows():
    page = html.image_html(np.zeros((4, 6)), 'a "black" box')
    assert "image/png" in page and 'alt="a &quot;black&quot; box"' in page and "width: 6px" in page


# -- augmentation explorer


def test_the_explorer_shows_what_training_computes(digits):
    images, _ = digits
    pixels = explorer.augmentation_picture(images, Augmentation(), 7)
    assert pixels.shape == (4 * 28, 12 * 32 - 4)
    np.testing.assert_allclose(255 - pixels[:28, :28], images[0], atol=1)
    three_rows = np.tile(images[:12, ..., None], (3, 1, 1, 1))
    first_draw = np.asarray(Augmentation()(three_rows, [7, 0]))[..., 0]
    np.testing.assert_allclose(255 - pixels[28:56, 32:60], 255 * first_draw[1], atol=1)


@pytest.fixture
def explore(digits):
    return widgets.AugmentationExplorer(*digits, Augmentation(), seed=3)


@pytest.mark.parametrize(
    "name, value",
    [("rotation", 60), ("shift", 0.3), ("zoom", 0.5), ("seed", 8), ("digit", "4")],
)
def test_each_control_changes_the_picture(explore, name, value):
    before = explore.picture.value
    controls = {transform_name(field): slider for field, slider in explore.sliders.items()}
    controls.get(name, getattr(explore, name, None)).value = value
    assert explore.picture.value != before


def test_resample_draws_anew_and_the_same_seed_again_the_same(explore):
    before = explore.picture.value
    explore.resample.click()
    assert explore.seed.value == 4 and explore.picture.value != before
    explore.seed.value = 3
    assert explore.picture.value == before


def test_settings_are_handed_over_only_when_asked(explore):
    explore.sliders["rotation_degrees"].value = 40
    assert explore.augmentation == Augmentation()
    explore.use.click()
    assert explore.augmentation == Augmentation(rotation_degrees=40)
    assert "Run the cells below" in explore.message.value


@pytest.mark.slow
def test_a_hundred_moves_keep_nothing(explore):
    def alive():
        gc.collect()
        return len(gc.get_objects())

    rotation = explore.sliders["rotation_degrees"]
    rotation.value = 1
    before = alive()
    for degrees in np.linspace(0, 180, 100):
        rotation.value = degrees
    assert alive() - before < 50


# -- pad


@pytest.mark.parametrize("digit", range(10))
def test_every_example_is_read_rightly(predictor, digit):
    assert predictor(to_mnist(pad.draw_strokes(pad.EXAMPLES[digit]))[None]).argmax() == digit


def test_the_network_is_traced_once(predictor):
    for digit in range(10):
        predictor(to_mnist(pad.draw_strokes(pad.EXAMPLES[digit]))[None])
    assert predictor.traces == 1


def test_the_reader_answers_as_the_model_does(predictor, shipped):
    image = to_mnist(pad.draw_strokes(pad.EXAMPLES[5]))
    np.testing.assert_allclose(predictor(image[None])[0], shipped(image[None])[0], atol=1e-5)


def test_strokes_are_black_and_soft_on_white():
    drawing = pad.draw_strokes([[(0.5, 0.2), (0.5, 0.8)]])
    assert drawing.shape == (140, 140) and drawing.dtype == np.uint8
    assert drawing[0, 0] == 255 and drawing[70, 70] == 0
    assert ((drawing > 20) & (drawing < 235)).sum() > 100
    assert (pad.draw_strokes([[(0.5, 0.5)]]) < 128).sum() > 50  # a dot
    assert pad.draw_strokes([]).min() == 255


def test_the_pad_reads_each_stroke_and_undoes_and_clears(predictor):
    drawing = widgets.DigitPad(predictor, example=4)
    assert "This is a 4" in drawing.answer.value and "This is a 4" in drawing.still.data
    drawing.canvas.strokes = pad.EXAMPLES[1]
    assert "This is a 1" in drawing.answer.value
    drawing.canvas.strokes = [*pad.EXAMPLES[1], [(0.2, 0.2), (0.2, 0.3)]]
    drawing.undo.click()
    assert len(drawing.canvas.strokes) == 1 and "This is a 1" in drawing.answer.value
    drawing.clear.click()
    assert drawing.canvas.strokes == [] and drawing.answer.value == ""
    assert drawing.message.value == "Draw a digit."
    drawing.clear.click()
    drawing.undo.click()
    assert drawing.message.value == "Draw a digit."
    drawing.example.value = 8
    assert "This is a 8" in drawing.answer.value and drawing.example.value == ""


def test_a_dot_on_the_pad_is_answered_with_a_sentence(predictor):
    drawing = widgets.DigitPad(predictor)
    drawing.canvas.strokes = [[(0.5, 0.5)]]
    assert drawing.answer.value != "" or "small" in drawing.message.value


def test_an_error_of_the_network_does_not_vanish(predictor):
    drawing = widgets.DigitPad(predictor)
    drawing.predict = lambda image: 1 / 0
    with pytest.raises(ZeroDivisionError):
        drawing.canvas.strokes = pad.EXAMPLES[1]
    assert "ZeroDivisionError" in drawing.message.value
    error_handling.failures.clear()


# -- upload


def uploaded(content):
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    facts = {"name": "x.png", "type": "image/png", "size": len(content), "last_modified": now}
    return (facts | {"content": memoryview(content)},)


def test_an_upload_shows_four_steps_and_the_answer(predictor):
    picture = widgets.PictureUpload(predictor)  # with its example, a photo
    assert "This is a 3" in picture.still.data
    picture.upload.value = uploaded(html.png(pad.draw_strokes(pad.EXAMPLES[2])))
    assert "This is a 2" in picture.result.value
    assert picture.result.value.count("<img") == 4


def test_a_file_that_is_no_picture_is_answered_with_a_sentence(predictor):
    picture = widgets.PictureUpload(predictor, pad.draw_strokes(pad.EXAMPLES[3]))
    picture.upload.value = uploaded(b"no picture")
    assert "cannot be read as a picture" in picture.message.value and picture.result.value == ""
    picture.upload.value = uploaded(html.png(pad.draw_strokes(pad.EXAMPLES[2])))
    assert picture.message.value == "" and "This is a 2" in picture.result.value


def test_what_is_shown_is_what_to_mnist_makes():
    seen = []

    def remember(image):
        seen.append(image)
        return np.eye(10)[6]

    drawing = pad.draw_strokes(pad.EXAMPLES[6])
    assert "This is a 6" in upload.picture_html(drawing, remember)
    np.testing.assert_array_equal(seen[0], to_mnist(drawing))


# -- mistakes


LABELS = np.array([4, 4, 4, 9, 9])
HYBRID = np.full((5, 10), 0.01)
HYBRID[[0, 1, 2, 3, 4], [9, 9, 4, 9, 9]] = 0.6, 0.9, 0.8, 0.7, 0.5
CLEAN = np.eye(10)[[4, 9, 4, 9, 9]]


def test_a_cell_lists_mistakes_the_surest_first_and_right_answers_the_least_sure_first():
    assert misclassified.digits_of_cell(LABELS, HYBRID, 4, 9).tolist() == [1, 0]
    assert misclassified.digits_of_cell(LABELS, HYBRID, 9, 9).tolist() == [4, 3]
    assert misclassified.digits_of_cell(LABELS, HYBRID, 0, 1).tolist() == []


def test_a_cell_shows_its_digits_with_three_answers_each():
    images = np.zeros((5, 28, 28), np.uint8)
    page = misclassified.cell_html(images, LABELS, HYBRID, 4, 9)
    assert page.count("<img") == 2 and "4 read as 9: 2 images, surest first" in page
    assert page.index("#1") < page.index("#0") and "9: 90.0%" in page


def test_many_digits_are_cut_off_and_it_says_so():
    many = np.tile(HYBRID[2], (30, 1))
    page = misclassified.cell_html(np.zeros((30, 28, 28), np.uint8), np.full(30, 4), many, 4, 4)
    assert (
        page.count("<img") == 24 and "4 read as 4: 30 images" in page and "(the first 24)" in page
    )


def test_the_browser_begins_with_the_fullest_mistake_and_follows_the_choice():
    images = np.zeros((5, 28, 28), np.uint8)
    browser = widgets.MisclassifiedBrowser(images, LABELS, {"clean phase": CLEAN, "hybrid": HYBRID})
    assert browser.matrix.selected == [4, 9] and "4 read as 9: 2 images" in browser.still.data
    assert browser.matrix.counts[4][9] == 2 and browser.matrix.other_counts[4][9] == 1
    browser.matrix.selected = [9, 9]
    assert "9 read as 9: 2 images" in browser.digits.value


def test_the_browser_shows_a_phase_alone():
    images = np.zeros((5, 28, 28), np.uint8)
    browser = widgets.MisclassifiedBrowser(images, LABELS, {"clean phase": CLEAN})
    assert browser.matrix.counts == browser.matrix.other_counts
    assert not any("Dashed" in str(getattr(part, "value", "")) for part in browser.children)


# -- layers


@pytest.fixture(scope="module")
def inspector(shipped):
    return widgets.feature_maps.LayerInspector(shipped)


def test_the_shares_of_the_last_layer_add_up_to_the_answers_logit(inspector, shipped):
    image = to_mnist(pad.draw_strokes(pad.EXAMPLES[5]))
    maps, shares, answer = inspector(image)
    assert answer == 5
    dense = shipped.layers[-1]
    others = np.log(shipped(image[None])[0].numpy() + 1e-30)
    features = maps[inspector.names[-1]].max(axis=(0, 1))
    logits = features @ dense.kernel.numpy() + dense.bias.numpy()
    if np.allclose(logits - logits[5], others - others[5], atol=1e-2):  # global max pooling
        assert shares[inspector.names[-1]].sum() == pytest.approx(
            logits[5] - dense.bias.numpy()[5], rel=1e-4
        )
    else:
        mean = maps[inspector.names[-1]].mean(axis=(0, 1)) @ dense.kernel.numpy()
        assert shares[inspector.names[-1]].sum() == pytest.approx(mean[5], rel=1e-3)


def test_every_layer_is_shown_with_one_trace(inspector):
    image = to_mnist(pad.draw_strokes(pad.EXAMPLES[5]))
    for name in inspector.names:
        page = feature_maps.layer_html(inspector, image, name)
        assert page.count("<img") == 2 and name in page
    assert inspector.traces == 1


def test_feature_maps_are_laid_out_in_one_picture():
    maps = np.zeros((3, 3, 8))
    maps[..., 5] = 1
    pixels = feature_maps.feature_mosaic(maps)
    assert pixels.shape == (7, 15, 3)
    assert pixels[4, 5].tolist() == pixels[6, 6].tolist() != pixels[0, 0].tolist()


def test_the_overlay_is_orange_where_a_place_speaks_for_the_answer_and_blue_against():
    shares = np.zeros((4, 4))
    shares[0, 0], shares[3, 3] = 1, -1
    pixels = feature_maps.overlay(np.zeros((28, 28, 1)), shares).astype(int)
    assert pixels[0, 0, 0] > pixels[0, 0, 2] and pixels[-1, -1, 2] > pixels[-1, -1, 0]
    assert pixels[0, -1].tolist() == [255, 255, 255]


def test_the_layer_view_follows_its_choices(digits):
    view = widgets.LayerView(build_cnn(widths=(4, 4)), *digits)
    first = view.picture.value
    assert view.still.data == first
    view.digit.value = 2
    second = view.picture.value
    view.layer.value = view.inspector.names[0]
    assert len({first, second, view.picture.value}) == 3
    view.number.value = 99  # beyond the images there are: begins again
    assert "mnist-failure" not in view.message.value
