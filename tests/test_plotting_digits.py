import base64
import io
import re

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from mnist_helpers.plotting import digits, style

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_class_balance_draws_shares_of_each_set():
    even, uneven = np.full(10, 7), np.arange(1, 11)
    axes = digits.plot_class_balance({"training": even, "test": uneven}, "Data").axes[0]
    training, test = axes.containers
    assert [bar.get_height() for bar in training] == pytest.approx([10] * 10)
    assert [bar.get_height() for bar in test] == pytest.approx(100 * uneven / 55)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "equal shares",
        "training",
        "test",
    ]
    assert [text.get_text() for text in axes.get_xticklabels()] == list("0123456789")


def test_bars_of_one_digit_stand_beside_each_other_around_its_tick():
    sets = {name: np.full(10, 1) for name in ("training", "validation", "test")}
    axes = digits.plot_class_balance(sets, "Data").axes[0]
    left, middle, right = (bars[4] for bars in axes.containers)
    assert middle.get_x() + middle.get_width() / 2 == pytest.approx(4)
    assert left.get_x() + left.get_width() == pytest.approx(middle.get_x())
    assert middle.get_x() + middle.get_width() == pytest.approx(right.get_x())


def test_pixel_values_add_up_and_ink_is_where_it_was_put():
    images = np.zeros((4, 28, 28), np.uint8)
    images[:2, 3, 5] = 255
    histogram, ink = digits.plot_pixel_values(images, "Data").axes[:2]
    heights = [bar.get_height() for bar in histogram.patches]
    assert sum(heights) == pytest.approx(100)
    assert heights[-1] == pytest.approx(100 * 2 / images.size)
    shown = ink.images[0].get_array()
    assert shown[3, 5] == 50 and shown.sum() == 50


def test_map_draws_every_digit_at_its_place():
    points = np.random.default_rng(0).normal(size=(40, 2))
    labels = np.tile(np.arange(10), 4)
    axes = digits.plot_embedding(points, labels, "Data").axes[0]
    assert len(axes.collections) == 10
    for digit, drawn in enumerate(axes.collections):
        np.testing.assert_array_equal(drawn.get_offsets(), points[labels == digit])


@pytest.mark.parametrize(
    "draw",
    [
        lambda title: digits.plot_class_balance({"training": np.full(10, 1)}, title),
        lambda title: digits.plot_pixel_values(np.zeros((1, 28, 28), np.uint8), title),
        lambda title: digits.plot_embedding(np.zeros((10, 2)), np.arange(10), title),
    ],
)
def test_every_figure_carries_its_title(draw):
    figure = draw("scikit-learn digits: a title")
    titles = [axes.get_title(loc=where) for axes in figure.axes for where in ("left", "center")]
    assert "scikit-learn digits: a title" in [figure.get_suptitle(), *titles]


def test_show_displays_a_picture_with_alt_text_and_closes_it(monkeypatch):
    shown = []
    monkeypatch.setattr(style, "display", shown.append)
    figure, axes = plt.subplots(figsize=(1, 1))
    style.show(figure, 'a "small" square', "one & only")
    page = shown[0].data
    assert "<figcaption>one &amp; only</figcaption>" in page
    assert re.search(r'src="data:image/png;base64,iVBOR', page)
    assert 'alt="a &quot;small&quot; square"' in page
    assert not plt.get_fignums()


def test_a_picture_is_shown_at_its_size_and_holds_more_pixels_for_magnifying():
    figure, axes = plt.subplots(figsize=(4, 2))
    axes.plot([1, 2], color=style.HYBRID)
    found = re.search(r'base64,([^"]+)".* width="(\d+)"', style.picture_html(figure, "a line"))
    with Image.open(io.BytesIO(base64.b64decode(found[1]))) as picture:
        assert picture.width // style.SHARPNESS == int(found[2])
        colours = {tuple(colour) for colour in np.array(picture.convert("RGB")).reshape(-1, 3)}
    assert tuple(bytes.fromhex(style.HYBRID[1:])) in colours  # fewer colours, but not others
