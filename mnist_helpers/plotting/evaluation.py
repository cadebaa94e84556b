"""Figures of the evaluation: accuracy, confused digits, and whether confidence is deserved."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from mnist_helpers.plotting.style import CLEAN, CONTEXT, HYBRID, label_classes, panel_grid


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
    figure, (left, right) = panel_grid(2, 2, (9, 4.7, 0), title)
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


def plot_reliability(curves: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Draws accuracy against confidence, with an interval for each bin.

    Args:
        curves: By model, one row per bin with `confidence`, `accuracy`, `low`, `high` (fractions)
            and `images`. Where there are four, the first two share a colour, and the others.
        title: Figure title.

    Returns:
        A figure with one panel for each model, two in a row; the size of a dot shows how many
        predictions it stands for.
    """
    figure, panels = panel_grid(len(curves), 2, (7, 3, 0.4), title, sharex=True, sharey=True)
    for number, (axes, (name, bins)) in enumerate(zip(panels, curves.items(), strict=True)):
        colour = CLEAN if 2 * number < len(curves) else HYBRID
        x = 100 * bins["confidence"]
        axes.axline((0, 0), slope=1, color=CONTEXT, linestyle="--", linewidth=1)
        axes.vlines(x, 100 * bins["low"], 100 * bins["high"], color=colour, alpha=0.5, linewidth=2)
        sizes = 12 + 14 * np.log10(bins["images"])
        axes.scatter(x, 100 * bins["accuracy"], s=sizes, color=colour, zorder=3)
        axes.set(xlim=(0, 103), ylim=(-3, 103))
        axes.set_title(name, fontsize="medium")
    figure.supxlabel("confidence (%)", fontsize="medium")
    figure.supylabel("accuracy (%)", fontsize="medium")
    return figure


def plot_accuracy_coverage(curves: Mapping[str, tuple], target: float, title: str) -> Figure:
    """Draws how many predictions are incorrect when the least confident ones are withheld.

    Args:
        curves: By model, coverage and accuracy, two arrays of fractions.
        target: An accuracy to mark.
        title: Figure title.

    Returns:
        A figure with one line for each model, down to a coverage of 90%.
    """
    figure, axes = plt.subplots(figsize=(7, 3.4))
    lines = zip(curves.items(), (CLEAN, HYBRID), ("-", "--"), strict=False)
    for (name, (coverage, accuracy)), colour, style in lines:
        axes.plot(100 * (1 - coverage), 100 * (1 - accuracy), style, color=colour, label=name)
    axes.axhline(100 * (1 - target), color="black", linewidth=1, linestyle=":")
    axes.annotate(
        f"{target:.1%} correct", (0.99, 100 * (1 - target)), (0, 3),
        xycoords=("axes fraction", "data"), textcoords="offset points", ha="right",
    )  # fmt: skip
    axes.set(
        xlabel="digits passed on, least confident first (%)",
        ylabel="mistakes among the digits kept (%)", xlim=(0, 10), ylim=(0, None), title=title,
    )  # fmt: skip
    axes.legend(fontsize="small")
    return figure
