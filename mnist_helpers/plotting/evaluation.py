"""Figures of the evaluation: which digits are confused, and two phases compared."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from mnist_helpers.plotting.style import CLEAN, CONTEXT, HYBRID, label_classes, title_figure


def plot_confusion(
    counts: np.ndarray, shares: np.ndarray, title: str, names: Sequence = range(10)
) -> Figure:
    """Draws a confusion matrix as counts and as shares of each true digit.

    Colour shows mistakes only: the correct predictions on the diagonal are hundreds of times more
    and would leave every mistake equally pale.

    Args:
        counts: Integer array of shape (10, 10), rows are true digits and columns predictions.
        shares: Float array of shape (10, 10), the same with each row divided by its sum.
        title: Figure title.
        names: What the ten classes are called.

    Returns:
        A figure with two panels; cells without images stay empty.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.7))
    title_figure(figure, title)
    _heatmap(left, counts, "{:.0f}", "Number of images")
    _heatmap(right, 100 * shares, "{:.1f}", "Percent of each true digit")
    for axis in (left.xaxis, left.yaxis, right.xaxis, right.yaxis):
        label_classes(axis, np.arange(10) + 0.5, names)
    return figure


def _heatmap(axes: Axes, values: np.ndarray, form: str, title: str) -> None:
    written = np.array([[form.format(value) if value else "" for value in row] for row in values])
    diagonal = np.eye(10, dtype=bool)
    sns.heatmap(
        values, mask=diagonal | (values == 0), annot=written, fmt="", ax=axes,
        annot_kws={"fontsize": 8.5, "color": "black"}, cmap="Oranges", vmin=0,
        vmax=1.6 * (values[~diagonal].max() or 1), square=True, linewidths=0.5,
        linecolor="#e6e6e6", cbar=False,
    )  # fmt: skip
    for place, text in enumerate(written[diagonal]):
        centre = place + 0.5
        axes.text(centre, centre, text, ha="center", va="center", fontsize=8.5, color=CONTEXT)
    axes.set(xlabel="predicted digit", ylabel="true digit")
    axes.set_title(title, fontsize="medium")
    axes.tick_params(axis="y", rotation=0)
    axes.grid(False)


def plot_per_class(
    precision: ArrayLike, recall: ArrayLike, title: str, names: Sequence = range(10)
) -> Figure:
    """Draws precision and recall of each digit as two dots.

    Args:
        precision: Float array of shape (10,), fractions; NaN leaves the dot out.
        recall: Float array of shape (10,), fractions; NaN leaves the dot out.
        title: Figure title.
        names: What the ten classes are called.

    Returns:
        A figure whose axis begins below the lowest value, as dots, unlike bars, may.
    """
    figure, axes = plt.subplots(figsize=(7, 3.4))
    digits, precision, recall = np.arange(10), 100 * np.array(precision), 100 * np.array(recall)
    axes.vlines(digits, precision, recall, color=CONTEXT, linewidth=1, zorder=1)
    # The small dot fits into the hollow diamond, so that both show where they are equal.
    axes.plot(digits, recall, "D", color="white", markeredgecolor="black", markersize=9,
              label="recall")  # fmt: skip
    axes.plot(digits, precision, "o", color="black", markersize=4, label="precision")
    axes.set(xlabel="digit", ylabel="precision, recall (%)", title=title)
    label_classes(axes.xaxis, digits, names)
    axes.grid(axis="x", visible=False)
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def plot_accuracies(accuracies: Mapping[str, tuple[float, float, float]], title: str) -> Figure:
    """Draws the accuracy of each phase with its interval.

    Args:
        accuracies: Name to accuracy, lower and upper end, as fractions; the clean phase first.
        title: Figure title.

    Returns:
        A figure with one dot and one line for each phase.
    """
    figure, axes = plt.subplots(figsize=(7, 0.55 * len(accuracies) + 1.1))
    for place, (values, colour) in enumerate(
        zip(accuracies.values(), (CLEAN, HYBRID), strict=False)
    ):
        accuracy, low, high = (100 * value for value in values)
        axes.plot([low, high], [place, place], color=colour, linewidth=3, alpha=0.5)
        axes.plot(accuracy, place, "o", color=colour, markersize=9)
        axes.annotate(f"{accuracy:.2f}", (accuracy, place), (0, 8), color=colour,
                      textcoords="offset points", ha="center")  # fmt: skip
    axes.set_yticks(range(len(accuracies)), list(accuracies))
    axes.set(xlabel="accuracy (%)", ylim=(len(accuracies) - 0.5, -0.7), title=title)
    axes.grid(axis="y", visible=False)
    return figure
