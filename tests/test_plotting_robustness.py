import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt

from mnist_helpers.plotting import calibration
from mnist_helpers.plotting import robustness as plots
from mnist_helpers.plotting.style import CLEAN, HYBRID, use_style

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def figures_in_the_project_s_style():
    with plt.rc_context():  # whatever another test has left
        use_style()
        yield
    plt.close("all")


def test_every_kind_has_its_panel_with_both_models_and_what_training_met():
    curves = {
        "clean phase": {"noise": [1, 0.9, 0.8, 0.7, 0.6], "blur": [0.5] * 5},
        "hybrid": {"noise": [1, 1, 1, 0.9, 0.8], "blur": [0.6] * 5},
    }
    levels = {"noise": ("deviation", (1, 2, 3, 4, 5)), "blur": ("pixels", (1, 2, 3, 4, 5))}
    examples = {kind: np.zeros((5, 28, 28)) for kind in levels}
    figure = plots.plot_robustness(curves, levels, examples, {"noise": 2, "blur": 0}, "Damage")
    noise, blur = figure.axes[:2]
    assert [axes.get_title("left") for axes in (noise, blur)] == ["noise", "blur"]
    assert [line.get_color() for line in noise.lines] == [CLEAN, HYBRID]
    assert noise.lines[0].get_ydata() == pytest.approx([100, 90, 80, 70, 60])
    (shaded,) = noise.patches
    assert shaded.get_x() + shaded.get_width() == pytest.approx(1.5)  # between levels 2 and 3
    assert not blur.patches
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["clean phase", "hybrid", "met in training"]


def test_mistakes_on_the_map_are_ringed():
    points, labels = np.arange(24.0).reshape(12, 2), np.arange(12) % 10
    wrong = np.arange(12) == 4
    axes = plots.plot_feature_embedding(points, labels, wrong, "Map").axes[0]
    *digits, rings = axes.collections
    assert len(digits) == 10 and rings.get_offsets().tolist() == [[8, 9]]
    assert digits[0].get_offsets().tolist() == [[0, 1], [20, 21]]


def test_reliability_draws_confidence_against_share_right():
    rows = [(0.55, 0.5, 0.3, 0.7, 20), (0.99, 1.0, 0.9, 1.0, 900)]
    figure = calibration.plot_reliability({"clean phase": rows, "hybrid": rows[1:]}, "Reliability")
    first, second = figure.axes
    assert np.array(first.collections[1].get_offsets()) == pytest.approx(
        np.array([[55, 50], [99, 100]])
    )
    small, large = first.collections[1].get_sizes()
    assert small < large
    np.testing.assert_allclose(second.collections[1].get_offsets(), [[99, 100]])


def test_declining_draws_mistakes_against_what_is_left_unanswered():
    curves = {"clean phase": (np.array([0.05, 0.5, 1.0]), np.array([1.0, 0.9, 0.8]))}
    axes = calibration.plot_accuracy_coverage(curves, 0.999, "Declining").axes[0]
    assert axes.lines[0].get_xdata() == pytest.approx([50, 0])
    assert axes.lines[0].get_ydata() == pytest.approx([10, 20])
    assert axes.lines[1].get_ydata()[0] == pytest.approx(0.1)  # the line of 99.9 %
