import gc

import ipywidgets
import numpy as np
import pytest

from mnist_helpers import widgets
from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.paths import SHIPPED_DIR
from mnist_helpers.preprocessing.mnist_format import PictureError, to_mnist
from mnist_helpers.runner.page.notebook_page import WIDGET
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.augmentation import Augmentation
from mnist_helpers.training.model import build_cnn
from mnist_helpers.training.model_choice import find_model
from mnist_helpers.widgets import base, explorer, feature_maps, html, misclassified, pad


@pytest.fixture(autouse=True)
def no_callback_failed():
    base.failures.clear()
    yield
    assert not base.failures


@pytest.fixture(scope="module")
def shipped():
    return load_model(find_model(SHIPPED_DIR))


@pytest.fixture(scope="module")
def digits():
    """Forty drawn images and their labels."""
    labels = np.arange(40, dtype=np.uint8) % 10
    drawn = [to_mnist(pad.draw_strokes(pad.EXAMPLES[label])) for label in labels]
    return np.rint(255 * np.stack(drawn)[..., 0]).astype(np.uint8), labels


# -- failures


def test_a_bad_picture_shows_as_a_sentence_and_any_other_error_is_kept_and_raised():
    line = ipywidgets.HTML()

    @base.handle_errors(line)
    def callback(error=None):
        if error:
            raise error("Too <small>.")

    callback(PictureError)
    assert line.value == '<b role="alert">Too &lt;small&gt;.</b>'
    callback()
    assert line.value == ""
    with pytest.raises(KeyError):
        callback(KeyError)
    assert "mnist-failure" in line.value and "KeyError" in line.value
    assert "Too &lt;small&gt;." in line.value
    assert [type(kept) for kept in base.failures] == [KeyError]
    base.failures.clear()
    callback()
    assert line.value == ""


# -- pictures


@pytest.mark.parametrize(("confidence", "words"), [
    (0.9999, "This is an 8, with > 99.9% confidence."),
    (0.96, "This is an 8, with 96.0% confidence."),
    (0.8, "Probably an 8, with 80.0% confidence; second choice: 3 (20.0%)."),
    (0.6, "I cannot tell: 8 (60.0%) or 3 (40.0%)."),
])  # fmt: skip
def test_the_words_follow_the_confidence(confidence, words):
    probabilities = np.zeros(10)
    probabilities[[8, 3]] = confidence, 1 - confidence
    assert html.answer_in_words(probabilities) == words


def ask(widget, **question):
    """Asks as the browser does, and returns the reply."""
    number = widget.question["number"] + 1
    widget.question = {"number": number, **question}
    assert widget.reply["number"] == number
    return widget.reply["html"]


def test_one_output_is_live_with_a_kernel_and_a_still_picture_without(reader, digits):
    made = [
        widgets.DigitPad(reader),
        widgets.PictureUpload(reader),
        widgets.MisclassifiedBrowser(*digits, {"clean": np.eye(10)[digits[1]]}),
        widgets.LayerView(build_cnn(widths=(4, 4)), *digits),
        widgets.AugmentationExplorer(*digits, Augmentation()),
    ]
    for widget in made:
        data, _ = widget._repr_mimebundle_()
        assert data[WIDGET]["model_id"] == widget.model_id
        assert data["text/html"] == widget.still
        assert type(widget).__name__ not in data["text/plain"]


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


def test_each_control_changes_the_picture_and_the_same_seed_again_gives_the_same(explore):
    pictures = [explore.picture.value]
    for control, value in (
        *((slider, 0.5) for slider in explore.sliders.values()), (explore.digit, "4"),
    ):  # fmt: skip
        before, control.value = control.value, value
        pictures.append(explore.picture.value)
        control.value = before
        assert explore.picture.value == pictures[0]
    explore.resample.click()
    assert explore.seed.value == 4
    pictures.append(explore.picture.value)
    explore.seed.value = 3
    assert explore.picture.value == pictures[0]
    assert len({*pictures}) == len(pictures) >= 6


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


# -- pad


def test_every_example_is_classified_correctly_by_a_network_traced_once(shipped):
    predictor = Predictor(shipped)
    for digit, strokes in pad.EXAMPLES.items():
        assert predictor(to_mnist(pad.draw_strokes(strokes))[None]).argmax() == digit
    assert predictor.step.experimental_get_tracing_count() == 1


def test_strokes_are_black_and_soft_on_white():
    drawing = pad.draw_strokes([[(0.5, 0.2), (0.5, 0.8)]])
    assert drawing.shape == (140, 140) and drawing.dtype == np.uint8
    assert drawing[0, 0] == 255 and drawing[70, 70] == 0
    assert ((drawing > 20) & (drawing < 235)).sum() > 100
    assert (pad.draw_strokes([[(0.5, 0.5)]]) < 128).sum() > 50  # a dot
    assert pad.draw_strokes([]).min() == 255


def test_the_pad_starts_with_an_example_and_reads_each_drawing(reader):
    drawing = widgets.DigitPad(reader, example=4)
    assert drawing.question["example"] and drawing.question["strokes"] == pad.EXAMPLES[4]
    assert "This is a 4" in drawing.reply["html"] and "This is a 4" in drawing.still
    assert "This is a 1" in ask(drawing, strokes=pad.EXAMPLES[1])
    assert "Draw a digit." in ask(drawing, strokes=[])
    assert "mnist-failure" not in ask(drawing, strokes=[[(0.5, 0.5)]])  # a dot


def test_an_error_of_the_network_does_not_vanish(reader, monkeypatch):
    drawing = widgets.DigitPad(reader)
    monkeypatch.setattr(reader, "predictor", lambda image: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ask(drawing, strokes=pad.EXAMPLES[1])
    assert "ZeroDivisionError" in drawing.reply["html"]
    base.failures.clear()
    monkeypatch.undo()
    assert "This is a 1" in ask(drawing, strokes=pad.EXAMPLES[1])


# -- upload


def test_an_upload_shows_four_steps_and_an_error_clears_them(reader):
    picture = widgets.PictureUpload(reader)  # with its example, a photo
    assert "This is a 3" in picture.still
    two = html.png(pad.draw_strokes(pad.EXAMPLES[2]))
    reply = ask(picture, content=memoryview(two))
    assert "This is a 2" in reply and reply.count("<img") == 4
    reply = ask(picture, content=memoryview(b"no picture"))
    assert "cannot be read as a picture" in reply and "This is" not in reply
    assert "This is a 2" in ask(picture, content=memoryview(two))


# -- misclassified


LABELS = np.array([4, 4, 4, 9, 9])
HYBRID = np.full((5, 10), 0.01)
HYBRID[[0, 1, 2, 3, 4], [9, 9, 4, 9, 9]] = 0.6, 0.9, 0.8, 0.7, 0.5
CLEAN = np.eye(10)[[4, 9, 4, 9, 7]]


def test_a_cell_lists_errors_most_confident_first_and_correct_digits_least_confident_first():
    assert misclassified.digits_of_cell(LABELS, HYBRID, 4, 9).tolist() == [1, 0]
    assert misclassified.digits_of_cell(LABELS, HYBRID, 9, 9).tolist() == [4, 3]
    assert misclassified.digits_of_cell(LABELS, HYBRID, 0, 1).tolist() == []
    images = np.zeros((30, 28, 28), np.uint8)
    page = misclassified.cell_html(images[:5], LABELS, HYBRID, 4, 9)
    assert page.count("<img") == 2 and "4 read as 9: 2 images, most confident first" in page
    assert page.index("#1") < page.index("#0") and "9: 90.0%" in page
    many = misclassified.cell_html(images, np.full(30, 4), np.tile(HYBRID[2], (30, 1)), 4, 4)
    assert many.count("<img") == 24 and "4 read as 4: 30 images" in many
    assert "(the first 24)" in many


CLOTHES = [f"<i>{n}" for n in range(10)]


def test_classes_with_names_are_called_by_them_and_names_are_text(digits):
    page = misclassified.cell_html(np.zeros((5, 28, 28)), LABELS, HYBRID, 4, 9, "h", CLOTHES)
    assert "&lt;i&gt;4 read as &lt;i&gt;9 by h: 2 images" in page and "<i>" not in page
    assert "&lt;i&gt;9: 90.0%" in page
    # Once, in the pictures' texts as well.
    assert 'alt="A handwritten &lt;i&gt;4, read as &lt;i&gt;9."' in page and "&amp;" not in page
    shown = widgets.MisclassifiedBrowser(np.zeros((5, 28, 28)), LABELS, {"h": HYBRID}, CLOTHES)
    assert "&lt;i&gt;9 read as &lt;i&gt;9" in ask(shown, digit=9, prediction=9)
    assert shown.matrix["names"] == CLOTHES
    images, labels = digits
    view = widgets.LayerView(build_cnn(widths=(4, 4)), images, labels, CLOTHES)
    answer = view.inspector(images[labels == 8][0][..., None] / np.float32(255))[2]
    assert view.picture.value.count(f" speaks for “&lt;i&gt;{answer}”") == 2
    assert ("<i>8", 8) in view.digit.options
    explorer = widgets.AugmentationExplorer(images, labels, Augmentation(), 0, CLOTHES)
    there = [CLOTHES[label] for label in np.unique(labels)]
    assert explorer.digit.options == ("all", *there)
    # The whole class is not kept for the few that are shown.
    assert all(explorer._first[name].base is None for name in there)


@pytest.fixture
def browser():
    images = np.zeros((5, 28, 28), np.uint8)
    return widgets.MisclassifiedBrowser(images, LABELS, {"clean phase": CLEAN, "hybrid": HYBRID})


def test_the_browser_begins_with_the_fullest_error_and_follows_the_choice(browser):
    assert (browser.question["digit"], browser.question["prediction"]) == (4, 9)
    assert "4 read as 9 by hybrid: 2 images" in browser.still
    counts, other_counts = browser.matrix["counts"], browser.matrix["otherCounts"]
    assert counts[4][9] == 2 and other_counts[4][9] == 1
    assert "9 read as 9 by hybrid: 2 images" in ask(browser, digit=9, prediction=9)
    # A cell that only the other model fills shows whose digits they are.
    assert counts[9][7] == 0 and other_counts[9][7] == 1
    reply = ask(browser, digit=9, prediction=7)
    assert "9 read as 7 by hybrid: 0 images" in reply
    assert "9 read as 7 by clean phase: 1 image" in reply and reply.count("<img") == 1


# -- layers


@pytest.fixture(scope="module")
def inspector(shipped):
    return widgets.feature_maps.LayerInspector(shipped)


def test_the_shares_of_the_last_layer_add_up_to_the_answers_logit(inspector, shipped):
    image = to_mnist(pad.draw_strokes(pad.EXAMPLES[5]))
    maps, shares, answer = inspector(image)
    assert answer == 5
    strongest = maps[inspector.names[-1]].max(axis=(0, 1))
    logits = strongest @ shipped.layers[-1].kernel.numpy()
    assert shares[inspector.names[-1]].sum() == pytest.approx(logits[5], rel=1e-4)


def test_every_layer_is_shown_with_one_trace(inspector):
    image = to_mnist(pad.draw_strokes(pad.EXAMPLES[5]))
    for name in inspector.names:
        page = feature_maps.layer_html(inspector, image, name)
        assert page.count("<img") == 2 and name in page
    assert inspector.function.experimental_get_tracing_count() == 1


def test_the_overlay_is_orange_where_a_place_speaks_for_the_answer_and_blue_against():
    shares = np.zeros((4, 4))
    shares[0, 0], shares[3, 3] = 1, -1
    pixels = feature_maps.overlay(np.zeros((28, 28, 1)), shares).astype(int)
    assert pixels[0, 0, 0] > pixels[0, 0, 2] and pixels[-1, -1, 2] > pixels[-1, -1, 0]
    assert pixels[0, -1].tolist() == [255, 255, 255]


def test_only_digits_that_there_are_can_be_chosen(digits):
    images, labels = (array[digits[1] < 5] for array in digits)
    view = widgets.LayerView(build_cnn(widths=(4, 4)), images, labels)
    assert view.digit.options == tuple((str(n), n) for n in range(5))
    assert "<img" in view.picture.value
    explorer = widgets.AugmentationExplorer(images, labels, Augmentation())
    assert explorer.digit.options == ("all", "0", "1", "2", "3", "4")


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
