"""Figures, by what a reader sees in them; each is drawn in full."""

import base64
import io

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from mnist_helpers import plotting
from mnist_helpers.evaluation import robustness
from mnist_helpers.evaluation.robustness import CORRUPTIONS
from mnist_helpers.plotting import style
from mnist_helpers.plotting.style import HYBRID

matplotlib.use("Agg")
pytestmark = pytest.mark.usefixtures("project_style")
HISTORY = [
    {"epoch": epoch, "loss": 1 / epoch, "accuracy": 1 - 0.1 / epoch,
     "val_loss": 2 / epoch, "val_accuracy": 1 - 0.2 / epoch}
    for epoch in range(1, 5)
]  # fmt: skip
BINS = pd.DataFrame({"confidence": [0.55, 0.99], "accuracy": [0.5, 1], "low": [0.3, 0.9],
                     "high": [0.7, 1], "images": [20, 900]})  # fmt: skip
CURVES = {name: {kind: [1, 0.9, 0.8, 0.7, 0.6] for kind in CORRUPTIONS} for name in "ab"}
SHOWN = robustness.describe_corruptions(np.zeros((28, 28), np.uint8), {"ROTATION_DEGREES": 15.0})
COUNTS = 900 * np.eye(10, dtype=int)
COUNTS[4, 9], COUNTS[7, 2] = 6, 3
FIGURES = {
    "class balance": lambda t: plotting.plot_class_balance(
        {"training": np.full(10, 7), "test": np.arange(1, 11)}, t),
    "pixel values": lambda t: plotting.plot_pixel_values(np.full((1, 28, 28), 255, np.uint8), t),
    "embedding": lambda t: plotting.plot_embedding(np.zeros((10, 2)), np.arange(10), t),
    "rows": lambda t: plotting.plot_rows_of_digits({"row": np.zeros((3, 28, 28))}, t),
    "captioned": lambda t: plotting.plot_captioned(np.zeros((5, 28, 28)), ["c"] * 5, t),
    "none captioned": lambda t: plotting.plot_captioned(np.zeros((0, 28, 28)), [], t),
    "confusion": lambda t: plotting.plot_confusion(COUNTS, COUNTS / 1000, t),
    "no confusion": lambda t: plotting.plot_confusion(5 * np.eye(10, dtype=int), np.eye(10), t),
    "accuracies": lambda t: plotting.plot_accuracies({"clean": (0.99, 0.98, 0.995)}, t),
    "per class": lambda t: plotting.plot_per_class(np.full(10, np.nan), np.ones(10), t),
    "coverage": lambda t: plotting.plot_accuracy_coverage(
        {"clean": (np.array([0.95, 1.0]), np.array([1.0, 0.9]))}, 0.999, t),
    "reliability": lambda t: plotting.plot_reliability({"clean": BINS}, t),
    "robustness": lambda t: plotting.plot_robustness(CURVES, SHOWN, t),
    "learning": lambda t: plotting.plot_learning_curves(HISTORY, t, 2),
}  # fmt: skip


def test_a_map_of_classes_with_names_says_which_numeral_is_which():
    points, labels = np.zeros((10, 2)), np.arange(10)
    plain = plotting.plot_embedding(points, labels, "t", names=[str(n) for n in range(10)])
    assert plain.axes[0].get_legend() is None
    named = plotting.plot_embedding(points, labels, "t", labels == 3, [f"kind {n}" for n in labels])
    texts = [text.get_text() for text in named.axes[0].get_legend().get_texts()]
    assert texts == [*(f"kind {n}" for n in labels), "misclassified"]


def test_digits_stay_beside_their_label_where_rows_differ_in_length():
    (axes,) = plotting.plot_rows_of_digits(
        {"three": np.ones((3, 28, 28)), "two": np.ones((2, 28, 28)), "one": np.ones((1, 28, 28))},
        "Rows",
    ).axes  # fmt: skip
    drawn = axes.images[0].get_array()
    widths = [(drawn[14 + 30 * row] > 0).sum() for row in range(3)]
    assert widths == [3 * 28, 2 * 28, 28]


def test_long_captions_are_broken_and_get_room():
    names = "label Ankle boot\nPullover: 95, Sneaker: 5, Ankle boot: 0"
    short, long = (
        plotting.plot_captioned(np.zeros((4, 28, 28)), 4 * [text], "T")
        for text in ("label 9\n4: 100, 9: 0, 0: 0", names)
    )
    lines = long.axes[0].get_title().split("\n")
    assert len(lines) == 4 and max(map(len, lines)) <= 21
    assert long.get_size_inches()[1] > short.get_size_inches()[1]
    assert short.axes[0].get_title().count("\n") == 1


def test_the_panels_that_the_last_row_has_too_many_are_empty():
    figure, panels = style.panel_grid(5, 3, (3, 1, 0.4), "Five")
    assert panels == figure.axes[:5] and tuple(figure.get_size_inches()) == (3, 2.4)
    assert [axes.axison for axes in figure.axes] == 5 * [True] + [False]


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_every_figure_can_be_drawn_and_carries_its_title(draw):
    figure = draw("scikit-learn digits: a title")
    figure.draw_without_rendering()
    titles = [axes.get_title(loc=where) for axes in figure.axes for where in ("left", "center")]
    assert "scikit-learn digits: a title" in [figure.get_suptitle(), *titles]


def test_show_displays_a_png_with_alternative_text_and_a_caption_below(monkeypatch):
    shown = []
    monkeypatch.setattr(style, "display", shown.append)
    figure, axes = plt.subplots(figsize=(4, 2))
    axes.plot([1, 2], color=HYBRID)
    plotting.show(figure, 'a "small" line', "one & only")
    picture, caption = shown
    data, metadata = picture._repr_mimebundle_()
    assert metadata["image/png"]["alt"] == 'a "small" line'
    assert caption.data == "one & only" and not plt.get_fignums()
    with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as png:
        assert png.width // style.SHARPNESS == metadata["image/png"]["width"]
        pixels = np.array(png.convert("RGBA")).reshape(-1, 4)
    assert (pixels[:, 3] == 255).all()  # legible on a dark page
    colours = {tuple(colour[:3]) for colour in pixels}
    assert tuple(bytes.fromhex(HYBRID[1:])) in colours  # fewer colours, but not others


def test_the_legend_names_what_any_panel_shows():
    (legend,) = plotting.plot_robustness(CURVES, SHOWN, "T").legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b", "seen in training"]


def test_of_a_confusion_matrix_the_mistakes_alone_are_coloured():
    for axes in plotting.plot_confusion(COUNTS, COUNTS / 1000, "T").axes:
        (mesh,) = axes.collections
        coloured = ~np.ma.getmaskarray(mesh.get_array()).reshape(10, 10)
        assert np.argwhere(coloured).tolist() == [[4, 9], [7, 2]]


def test_an_epoch_without_errors_has_no_point_on_the_logarithmic_axis():
    perfect = [row | {"val_accuracy": 1.0} for row in HISTORY[:2]]
    errors = plotting.plot_learning_curves(perfect + HISTORY[2:], "T").axes[1]
    assert np.isnan(errors.lines[1].get_ydata()).tolist() == [True, True, False, False]
    all_perfect = [row | {"accuracy": 1.0} for row in perfect]
    plotting.plot_learning_curves(all_perfect, "T")  # and no warning
