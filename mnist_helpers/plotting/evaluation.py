"""Figures of the evaluation: which digits are mixed up, the mistakes, and two phases compared."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from mnist_helpers.plotting.style import CLEAN, CONTEXT, DIGITS, HYBRID, label_classes


def plot_confusion(
    counts: np.ndarray, shares: np.ndarray, title: str, names: Sequence = range(10)
) -> Figure:
    """Draws a confusion matrix as counts and as shares of each true digit.

    Colour shows mistakes only: the right answers on the diagonal are hundreds of times more and
    would leave every mistake equally pale.

    Args:
        counts: Integer array of shape (10, 10), rows are true digits and columns answers.
        shares: Float array of shape (10, 10), the same with each row divided by its sum.
        title: Figure title.
        names: What the ten classes are called.

    Returns:
        A figure with two panels; cells without images stay empty.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.7))
    figure.suptitle(title, fontsize="medium", x=0.01, ha="left")
    for axes, values, places in ((left, counts, "{:.0f}"), (right, 100 * shares, "{:.1f}")):
        written = [[places.format(value) if value else "" for value in row] for row in values]
        sns.heatmap(
            values,
            mask=np.eye(10, dtype=bool),
            annot=np.array(written),
            fmt="",
            ax=axes,
            cmap="Oranges",
            vmin=0,
            square=True,
            linewidths=0.5,
            linecolor="#e6e6e6",
            cbar=False,
            annot_kws={"fontsize": 8.5},
        )
        for digit in range(10):
            axes.text(
                digit + 0.5,
                digit + 0.5,
                written[digit][digit],
                ha="center",
                va="center",
                fontsize=8.5,
                color=CONTEXT,
            )
        axes.set(xlabel="answer", ylabel="true digit")
        for axis in (axes.xaxis, axes.yaxis):
            label_classes(axis, np.arange(10) + 0.5, names)
        axes.tick_params(axis="y", rotation=0)
        axes.grid(False)
    left.set_title("Number of images", fontsize="medium")
    right.set_title("Percent of each true digit", fontsize="medium")
    return figure


def plot_per_class(
    precision: np.ndarray, recall: np.ndarray, title: str, names: Sequence = range(10)
) -> Figure:
    """Draws precision and recall of each digit as two dots.

    Args:
        precision: Float array of shape (10,), fractions.
        recall: Float array of shape (10,), fractions.
        title: Figure title.
        names: What the ten classes are called.

    Returns:
        A figure whose axis begins below the lowest value, as dots, unlike bars, may.
    """
    figure, axes = plt.subplots(figsize=(7, 3.4))
    digits = np.arange(10)
    axes.vlines(digits, 100 * precision, 100 * recall, color=CONTEXT, linewidth=1, zorder=1)
    # The small dot fits into the hollow diamond, so that both show where they are equal.
    axes.plot(
        digits,
        100 * recall,
        "D",
        color="white",
        markeredgecolor="black",
        markersize=9,
        label="recall",
    )
    axes.plot(digits, 100 * precision, "o", color="black", markersize=4, label="precision")
    axes.set(xlabel="digit", ylabel="%", title=title)
    label_classes(axes.xaxis, digits, names)
    axes.grid(axis="x", visible=False)
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def plot_captioned(images: np.ndarray, captions: list[str], title: str, columns: int = 4) -> Figure:
    """Draws images with a caption under each.

    Args:
        images: Array of shape (n, 28, 28), 0 is background.
        captions: One for each image.
        title: Figure title.
        columns: Images in a row.

    Returns:
        A figure with one small panel for each image; none for none.
    """
    rows = max(1, -(-len(images) // columns))
    figure, panels = plt.subplots(rows, columns, figsize=(1.7 * columns, 2.15 * rows + 0.3))
    figure.suptitle(title, fontsize="medium", x=0.01, ha="left")
    for axes in panels.flat:
        axes.axis("off")
    for axes, image, caption in zip(panels.flat, images, captions, strict=False):
        axes.imshow(image, cmap=DIGITS)
        axes.set_title(caption, y=-0.06, va="top", loc="center", fontsize="medium")
    return figure


def plot_accuracies(accuracies: dict[str, tuple[float, float, float]], title: str) -> Figure:
    """Draws the accuracy of each phase with its interval.

    Args:
        accuracies: Name to accuracy, lower and upper end, as fractions; the clean phase first.
        title: Figure title.

    Returns:
        A figure with one dot and one line for each phase.
    """
    figure, axes = plt.subplots(figsize=(7, 0.55 * len(accuracies) + 1.1))
    colours = (CLEAN, HYBRID)
    for place, (values, colour) in enumerate(zip(accuracies.values(), colours, strict=False)):
        accuracy, low, high = (100 * value for value in values)
        axes.plot([low, high], [place, place], color=colour, linewidth=3, alpha=0.5)
        axes.plot(accuracy, place, "o", color=colour, markersize=9)
        axes.annotate(
            f"{accuracy:.2f}",
            (accuracy, place),
            (0, 8),
            textcoords="offset points",
            ha="center",
            color=colour,
        )
    axes.set_yticks(range(len(accuracies)), list(accuracies))
    axes.set(xlabel="right answers (%)", ylim=(len(accuracies) - 0.5, -0.7), title=title)
    axes.grid(axis="y", visible=False)
    return figure
