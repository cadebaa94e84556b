import gc

import nbformat
import numpy as np
import pytest

from mnist_helpers import widgets
from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.paths import SHIPPED_DIR
from mnist_helpers.preprocessing.mnist_format import PictureError, to_mnist
from mnist_helpers.runner.page.notebook_page import WIDGET, without_widget_views, write_page
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
    def fail(text):
        raise PictureError(text)

    fail("Too <small>.")
    assert "Too &lt;small&gt;." in line.value


def test_any_other_error_is_shown_kept_and_raised():
    line = error_handling.message_line()

    @error_handling.handle_errors(line)
    def fail():
        raise KeyError("oh")

    with pytest.raises(KeyError):
        fail()
    assert "mnist-failure" in line.value and "KeyError" in line.value
    assert [type(error) for error in error_handling.failures] == [KeyError]
    error_handling.failures.clear()


# -- pictures


@pytest.mark.parametrize(
    ("confidence", "words"),
    [
        (0.9999, "This is an 8, with > 99.9 % confidence."),
        (0.96, "This is an 8, with 96.0 % confidence."),
        (0.8, "Probably an 8, with 80.0 % confidence; second choice: 3 (20.0 %)."),
        (0.6, "I cannot tell: 8 (60.0 %) or 3 (40.0 %)."),
    ],
)
def test_the_words_follow_the_confidence(confidence, words):
    probabilities = np.zeros(10)
    probabilities[[8, 3]] = confidence, 1 - confidence
    assert html.answer_in_words(probabilities) == words


def test_a_picture_says_what_it_shows():
    page = html.image_html(np.zeros((4, 6)), 'a "black" box')
    assert "image/png" in page and 'alt="a &quot;black&quot; box"' in page and "width: 6px" in page


def ask(widget, **question):
    """Asks as the browser does, and returns the reply."""
    number = widget.question["number"] + 1
    widget.question = {"number": number, **question}
    assert widget.reply["number"] == number
    return widget.reply["html"]


def test_one_output_is_live_with_a_kernel_and_a_still_picture_without(predictor, digits):
    made = [
        widgets.DigitPad(predictor),
        widgets.PictureUpload(predictor),
        widgets.MisclassifiedBrowser(*digits, {"clean": np.eye(10)[digits[1]]}),
        widgets.LayerView(build_cnn(widths=(4, 4)), *digits),
        widgets.AugmentationExplorer(*digits, Augmentation()),
    ]
    for widget in made:
        data, _ = widget._repr_mimebundle_()
        assert data[WIDGET]["model_id"] == widget.model_id
        assert data["text/html"] == widget.still
        assert type(widget).__name__ not in data["text/plain"]


def test_a_static_page_shows_the_still_picture_alone(tmp_path, predictor):
    data, _ = widgets.DigitPad(predictor)._repr_mimebundle_()
    output = nbformat.v4.new_output("execute_result", data)
    cell = nbformat.v4.new_code_cell("pad", outputs=[output])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "a.ipynb")
    write_page(tmp_path / "a.ipynb")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert page.count('alt="A 7, drawn as with a pen."') == 1
    assert "A still picture. The notebook has no parameter" in page  # that names its network
    assert "widget-view" not in page and "DigitPad" not in page
    (shown,) = without_widget_views([output])
    assert "text/html" in shown.data and WIDGET not in shown.data


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
def explore(digits, monkeypatch):
    monkeypatch.setattr(explorer, "_choices", {})
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


def test_settings_are_handed_over_only_when_asked_and_the_status_says_which(explore):
    given, turned = Augmentation(), Augmentation(rotation_degrees=25)
    for words in (given.description, "as in the parameters"):
        assert words in explore.status.value
    explore.sliders["rotation_degrees"].value = 25
    assert explore.augmentation == given
    assert f"the sliders show: {turned.description}" in explore.status.value
    explore.use.click()
    assert explore.augmentation == turned
    assert "ROTATION_DEGREES: float = 25.0\nSHIFT_FRACTION: float = 0.1" in explore.status.value
    explore.sliders["rotation_degrees"].value = 40
    assert f"Training uses: {turned.description}; the sliders show" in explore.status.value
    explore.reset.click()
    assert explore.augmentation == explore.shown == given


def test_running_the_cell_again_keeps_the_choice_and_other_parameters_drop_it(digits, explore):
    explore.sliders["rotation_degrees"].value = 25
    explore.use.click()
    again = widgets.AugmentationExplorer(*digits, Augmentation())
    assert again.augmentation == again.shown == Augmentation(rotation_degrees=25)
    other = widgets.AugmentationExplorer(*digits, Augmentation(zoom_fraction=0.2))
    assert other.augmentation == Augmentation(zoom_fraction=0.2)


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
def test_every_example_is_classified_correctly(predictor, digit):
    assert predictor(to_mnist(pad.draw_strokes(pad.EXAMPLES[digit]))[None]).argmax() == digit


def test_the_network_is_traced_once(predictor):
    for digit in range(10):
        predictor(to_mnist(pad.draw_strokes(pad.EXAMPLES[digit]))[None])
    assert predictor.traces == 1


def test_strokes_are_black_and_soft_on_white():
    drawing = pad.draw_strokes([[(0.5, 0.2), (0.5, 0.8)]])
    assert drawing.shape == (140, 140) and drawing.dtype == np.uint8
    assert drawing[0, 0] == 255 and drawing[70, 70] == 0
    assert ((drawing > 20) & (drawing < 235)).sum() > 100
    assert (pad.draw_strokes([[(0.5, 0.5)]]) < 128).sum() > 50  # a dot
    assert pad.draw_strokes([]).min() == 255


def test_the_pad_starts_with_an_example_and_reads_each_drawing(predictor):
    drawing = widgets.DigitPad(predictor, example=4)
    assert drawing.question["example"] and drawing.question["strokes"] == pad.EXAMPLES[4]
    assert "This is a 4" in drawing.reply["html"] and "This is a 4" in drawing.still
    assert "This is a 1" in ask(drawing, strokes=pad.EXAMPLES[1])
    assert "Draw a digit." in ask(drawing, strokes=[])
    assert "mnist-failure" not in ask(drawing, strokes=[[(0.5, 0.5)]])  # a dot


def test_an_error_of_the_network_does_not_vanish(predictor):
    drawing = widgets.DigitPad(predictor)
    drawing.predictor = lambda image: 1 / 0
    with pytest.raises(ZeroDivisionError):
        ask(drawing, strokes=pad.EXAMPLES[1])
    assert "ZeroDivisionError" in drawing.reply["html"]
    error_handling.failures.clear()
    drawing.predictor = predictor
    assert "This is a 1" in ask(drawing, strokes=pad.EXAMPLES[1])


# -- upload


def test_an_upload_shows_four_steps_and_an_error_clears_them(predictor):
    picture = widgets.PictureUpload(predictor)  # with its example, a photo
    assert "This is a 3" in picture.still
    two = html.png(pad.draw_strokes(pad.EXAMPLES[2]))
    reply = ask(picture, content=memoryview(two))
    assert "This is a 2" in reply and reply.count("<img") == 4
    reply = ask(picture, content=memoryview(b"no picture"))
    assert "cannot be read as a picture" in reply and "This is" not in reply
    assert "This is a 2" in ask(picture, content=memoryview(two))


def test_what_is_shown_is_what_to_mnist_makes():
    seen = []

    def remember(image):
        seen.append(image)
        return np.eye(10)[[6]]

    drawing = pad.draw_strokes(pad.EXAMPLES[6])
    assert "This is a 6" in upload.picture_html(drawing, remember)
    np.testing.assert_array_equal(seen[0], to_mnist(drawing)[None])


# -- misclassified


LABELS = np.array([4, 4, 4, 9, 9])
HYBRID = np.full((5, 10), 0.01)
HYBRID[[0, 1, 2, 3, 4], [9, 9, 4, 9, 9]] = 0.6, 0.9, 0.8, 0.7, 0.5
CLEAN = np.eye(10)[[4, 9, 4, 9, 7]]


def test_a_cell_lists_errors_most_confident_first_and_correct_digits_least_confident_first():
    assert misclassified.digits_of_cell(LABELS, HYBRID, 4, 9).tolist() == [1, 0]
    assert misclassified.digits_of_cell(LABELS, HYBRID, 9, 9).tolist() == [4, 3]
    assert misclassified.digits_of_cell(LABELS, HYBRID, 0, 1).tolist() == []


def test_a_cell_shows_its_digits_with_three_classes_each():
    images = np.zeros((5, 28, 28), np.uint8)
    page = misclassified.cell_html(images, LABELS, HYBRID, 4, 9)
    assert page.count("<img") == 2 and "4 read as 9: 2 images, most confident first" in page
    assert page.index("#1") < page.index("#0") and "9: 90.0 %" in page


def test_many_digits_are_cut_off_and_it_says_so():
    many = np.tile(HYBRID[2], (30, 1))
    page = misclassified.cell_html(np.zeros((30, 28, 28), np.uint8), np.full(30, 4), many, 4, 4)
    assert (
        page.count("<img") == 24 and "4 read as 4: 30 images" in page and "(the first 24)" in page
    )


@pytest.fixture
def browser():
    images = np.zeros((5, 28, 28), np.uint8)
    return widgets.MisclassifiedBrowser(images, LABELS, {"clean phase": CLEAN, "hybrid": HYBRID})


def test_the_browser_begins_with_the_fullest_error_and_follows_the_choice(browser):
    assert (browser.question["digit"], browser.question["prediction"]) == (4, 9)
    assert "4 read as 9 by hybrid: 2 images" in browser.still
    assert browser.counts[4][9] == 2 and browser.other_counts[4][9] == 1
    assert "9 read as 9 by hybrid: 2 images" in ask(browser, digit=9, prediction=9)


def test_a_cell_that_only_the_other_model_fills_shows_whose_digits_they_are(browser):
    assert browser.counts[9][7] == 0 and browser.other_counts[9][7] == 1
    reply = ask(browser, digit=9, prediction=7)
    assert "9 read as 7 by hybrid: 0 images" in reply
    assert "9 read as 7 by clean phase: 1 image" in reply and reply.count("<img") == 1


def test_the_browser_shows_a_phase_alone():
    images = np.zeros((5, 28, 28), np.uint8)
    browser = widgets.MisclassifiedBrowser(images, LABELS, {"clean phase": CLEAN})
    assert browser.counts == browser.other_counts and browser.other_name == ""
    assert ask(browser, digit=0, prediction=1).count("0 images") == 1


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


def test_the_overlay_is_orange_where_a_place_speaks_for_the_answer_and_blue_against():
    shares = np.zeros((4, 4))
    shares[0, 0], shares[3, 3] = 1, -1
    pixels = feature_maps.overlay(np.zeros((28, 28, 1)), shares).astype(int)
    assert pixels[0, 0, 0] > pixels[0, 0, 2] and pixels[-1, -1, 2] > pixels[-1, -1, 0]
    assert pixels[0, -1].tolist() == [255, 255, 255]


def test_the_layer_view_follows_its_choices(digits):
    view = widgets.LayerView(build_cnn(widths=(4, 4)), *digits)
    first = view.picture.value
    assert view.still == first
    view.digit.value = 2
    second = view.picture.value
    view.layer.value = view.inspector.names[0]
    assert len({first, second, view.picture.value}) == 3
    view.number.value = 99  # beyond the images there are: begins again
    assert "mnist-failure" not in view.message.value
