"""Figures of confidence: is it deserved, and what is gained by answering only when confident?"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mnist_helpers.plotting.style import CLEAN, CONTEXT, HYBRID, panel_grid


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
