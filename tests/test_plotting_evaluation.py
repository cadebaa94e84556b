import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt

from mnist_helpers.plotting import evaluation as plots
from mnist_helpers.plotting.style import CLEAN, HYBRID

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_confusion_colours_mistakes_only_and_writes_every_count():
    counts = 900 * np.eye(10, dtype=int)
    counts[4, 9], counts[7, 2] = 6, 3
    left, right = plots.plot_confusion(counts, counts / 1000, "Answers").axes
    for axes, written in ((left, ["900", "6", "3"]), (right, ["90.0", "0.6", "0.3"])):
        colours = axes.collections[0].get_array().reshape(10, 10)
        assert np.ma.getmaskarray(colours).tolist() == np.eye(10, dtype=bool).tolist()
        assert axes.collections[0].get_clim() == pytest.approx((0, float(written[1])))
        places = {text.get_position(): text.get_text() for text in axes.texts if text.get_text()}
        assert places.pop((9.5, 4.5)) == written[1]  # column 9, row 4
        assert places.pop((2.5, 7.5)) == written[2]
        assert places == {(digit + 0.5, digit + 0.5): written[0] for digit in range(10)}


def test_confusion_without_a_mistake_can_be_drawn(tmp_path):
    counts = 5 * np.eye(10, dtype=int)
    plots.plot_confusion(counts, np.eye(10), "Perfect").savefig(tmp_path / "perfect.png")


def test_precision_and_recall_keep_apart():
    precision, recall = np.linspace(0.9, 1, 10), np.full(10, 0.95)
    axes = plots.plot_per_class(precision, recall, "Digits").axes[0]
    drawn = {line.get_label(): line.get_ydata() for line in axes.lines}
    assert drawn == {
        "precision": pytest.approx(100 * precision),
        "recall": pytest.approx(100 * recall),
    }


@pytest.mark.parametrize(("count", "panels"), [(0, 4), (1, 4), (8, 8), (9, 12)])
def test_gallery_shows_each_mistake_once_with_its_caption(count, panels):
    images = np.arange(count)[:, None, None] * np.ones((1, 28, 28))
    captions = [f"mistake {number}" for number in range(count)]
    axes = plots.plot_captioned(images, captions, "Mistakes").axes
    assert len(axes) == panels
    assert [panel.get_title() for panel in axes[:count]] == captions
    assert [panel.images[0].get_array()[0, 0] for panel in axes[:count]] == list(range(count))
    assert not any(panel.images for panel in axes[count:])


def test_accuracies_are_drawn_with_their_intervals_in_the_colour_of_their_phase():
    accuracies = {"clean phase": (0.99, 0.98, 0.995), "hybrid": (0.993, 0.985, 0.997)}
    axes = plots.plot_accuracies(accuracies, "Accuracy").axes[0]
    assert [line.get_color() for line in axes.lines] == [CLEAN, CLEAN, HYBRID, HYBRID]
    ends = [line.get_xdata() for line in axes.lines[::2]]
    assert ends == [pytest.approx([98, 99.5]), pytest.approx([98.5, 99.7])]
    assert [text.get_text() for text in axes.texts] == ["99.00", "99.30"]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(accuracies)
