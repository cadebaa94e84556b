"""Figure of how accuracy falls as images get worse."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from mnist_helpers.plotting.digits import image_grid
from mnist_helpers.plotting.style import CLEAN, DIGITS, HYBRID, panel_grid


def plot_robustness(
    curves: Mapping[str, Mapping[str, list[float]]], corruptions: Mapping[str, Any], title: str
) -> Figure:
    """Draws accuracy against severity for each corruption, under a digit at each severity.

    Args:
        curves: By model and corruption, accuracies at the five severities as fractions.
        corruptions: By name, what has a `unit` in words, five `amounts`, `examples` as a float
            array of shape (5, 28, 28) in [0, 1], and `seen`, up to which severity in training.
        title: Figure title.

    Returns:
        A figure with one panel for each corruption; what training has shown is shaded.
    """
    spaced = ConstrainedLayoutEngine(h_pad=0.1)  # inches, or a unit touches the panel below
    figure, panels = panel_grid(len(corruptions), 4, (9.6, 2.5, 0.5), title, layout=spaced)
    for axes, (kind, corruption) in zip(panels, corruptions.items(), strict=True):
        for (name, kinds), colour, marker in zip(
            curves.items(), (CLEAN, HYBRID), "os", strict=False
        ):
            axes.plot(100 * np.array(kinds[kind]), color=colour, marker=marker, ms=4, label=name)
        if corruption.seen:
            axes.axvspan(-0.5, corruption.seen - 0.5, color=HYBRID, alpha=0.1, linewidth=0,
                         label="seen in training")  # fmt: skip
        _decorate(axes, kind, corruption)
    for axes in panels[::4]:
        axes.set_ylabel("accuracy (%)", fontsize="small")
    # A panel that training has seen a part of has one entry more.
    fullest = max(panels, key=lambda axes: len(axes.get_legend_handles_labels()[1]))
    entries = fullest.get_legend_handles_labels()
    figure.legend(*entries, loc="outside upper right", ncols=3, fontsize="small")
    return figure


def _decorate(axes: Axes, kind: str, corruption: Any) -> None:
    count = len(corruption.amounts)
    strip = axes.inset_axes((0, 1.0, 1, 0.34))
    strip.imshow(image_grid(corruption.examples, count), cmap=DIGITS, vmin=0, vmax=1)
    strip.axis("off")
    axes.set(xlim=(-0.5, count - 0.5), ylim=(0, 104), yticks=(0, 50, 100))
    axes.set_xticks(range(count), [f"{amount:g}" for amount in corruption.amounts])
    axes.set_xlabel(corruption.unit, fontsize="small", labelpad=1)
    axes.tick_params(labelsize="small", pad=2)
    axes.set_title(kind, fontsize="medium", y=1.32)
    axes.grid(axis="x", visible=False)
