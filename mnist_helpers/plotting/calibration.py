"""Figures of confidence: is it deserved, and what is gained by answering only when sure?"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from mnist_helpers.plotting.style import CLEAN, CONTEXT, HYBRID

COLOURS = (CLEAN, HYBRID)
MARKERS = ("o", "s")


def plot_reliability(groups: dict, title: str) -> Figure:
    """Draws share of right answers against confidence, with an interval for each group.

    Args:
        groups: Name of a model to a list of (confidence, share right, lower end, upper end,
            images), fractions but for the last; `"... at its temperature"` may follow.
        title: Figure title.

    Returns:
        A figure with one panel for each model, two in a row; the size of a dot shows how many
        answers it holds.
    """
    rows = -(-len(groups) // 2)
    figure, panels = plt.subplots(
        rows, 2, figsize=(7, 3 * rows + 0.4), sharex=True, sharey=True, squeeze=False
    )
    for axes in panels.flat[len(groups) :]:
        axes.axis("off")
    figure.suptitle(title, fontsize="medium", x=0.01, ha="left")
    for number, (axes, (name, dots)) in enumerate(zip(panels.flat, groups.items(), strict=False)):
        colour = COLOURS[number * len(COLOURS) // len(groups)]
        confidence, right, low, high, images = (
            np.array(column) for column in zip(*dots, strict=True)
        )
        axes.plot([0, 100], [0, 100], color=CONTEXT, linestyle="--", linewidth=1)
        axes.vlines(100 * confidence, 100 * low, 100 * high, color=colour, alpha=0.5, linewidth=2)
        sizes = 12 + 14 * np.log10(images)
        axes.scatter(100 * confidence, 100 * right, s=sizes, color=colour, zorder=3)
        axes.set(xlim=(0, 103), ylim=(-3, 103))
        axes.set_title(name, fontsize="medium")
    figure.supxlabel("confidence (%)", fontsize="medium")
    figure.supylabel("right (%)", fontsize="medium")
    return figure


def plot_accuracy_coverage(curves: dict, target: float, title: str) -> Figure:
    """Draws how many answers are wrong when the least sure ones are withheld.

    Args:
        curves: Name of a model to shares answered and accuracies, two arrays of fractions.
        target: An accuracy to mark.
        title: Figure title.

    Returns:
        A figure with one line for each model, from a tenth of the images to all.
    """
    figure, axes = plt.subplots(figsize=(7, 3.4))
    lines = zip(curves.items(), COLOURS, ("-", "--"), strict=False)
    for (name, (shares, accuracies)), colour, style in lines:
        seen = shares >= 0.1
        axes.plot(
            100 * (1 - shares[seen]), 100 * (1 - accuracies[seen]), style, color=colour, label=name
        )
    axes.axhline(100 * (1 - target), color="black", linewidth=1, linestyle=":")
    axes.annotate(
        f"{target:.1%} right", (0.99, 100 * (1 - target)), (0, 3),
        xycoords=("axes fraction", "data"), textcoords="offset points", ha="right",
    )  # fmt: skip
    axes.set(
        xlabel="digits left unanswered, the least sure first (%)",
        ylabel="wrong among the answers (%)", xlim=(0, 10), ylim=(0, None), title=title,
    )  # fmt: skip
    axes.legend(fontsize="small")
    return figure
