import matplotlib
import pytest
from matplotlib import pyplot as plt

from mnist_helpers.plotting.training import plot_learning_curves

matplotlib.use("Agg")
HISTORY = [
    {"epoch": epoch, "loss": 1 / epoch, "accuracy": 1 - 0.1 / epoch,
     "val_loss": 2 / epoch, "val_accuracy": 1 - 0.2 / epoch}
    for epoch in range(1, 5)
]  # fmt: skip


@pytest.mark.parametrize("boundary", [None, 2])
def test_learning_curves_show_losses_and_errors_with_the_legend_outside(boundary):
    figure = plot_learning_curves(HISTORY, "T", boundary)
    losses, errors = figure.axes
    assert losses.lines[0].get_ydata() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    assert errors.lines[0].get_ydata() == pytest.approx([10, 5, 10 / 3, 2.5])
    assert errors.lines[1].get_ydata() == pytest.approx([20, 10, 20 / 3, 5])
    assert losses.get_legend() is None and errors.get_legend() is None
    (legend,) = figure.legends
    named = [text.get_text() for text in legend.get_texts()]
    assert named == ["training", "validation"] + ["augmentation begins"] * bool(boundary)
    marked = [line.get_xdata()[0] for line in losses.lines[2:]]
    assert marked == ([2.5] if boundary else [])
    plt.close(figure)
