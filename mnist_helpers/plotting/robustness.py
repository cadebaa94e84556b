"""Figures of damaged digits, and of where the network's last layer sees digits."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from mnist_helpers.plotting.style import CLEAN, DIGITS, HYBRID
from mnist_helpers.plotting.training import mosaic


def plot_robustness(
    curves: dict, levels: dict, examples: dict, met: dict, title: str, columns: int = 4
) -> Figure:
    """Draws accuracy against level for each kind of damage, under a digit at each level.

    Args:
        curves: Name of a model to, for each kind, five accuracies as fractions.
        levels: Kind to its unit in words and its five levels.
        examples: Kind to float array of shape (5, 28, 28) in [0, 1], one digit at each level.
        met: Kind to the number of levels that lie inside the training range.
        title: Figure title.
        columns: Panels in a row.

    Returns:
        A figure with one panel for each kind; what training has shown is shaded.
    """
    rows = -(-len(levels) // columns)
    spaced = ConstrainedLayoutEngine(h_pad=0.1)  # inches, or a unit touches the panel below
    figure, panels = plt.subplots(
        rows, columns, figsize=(2.4 * columns, 2.5 * rows + 0.5), layout=spaced
    )
    for axes in panels.flat[len(levels) :]:
        axes.axis("off")
    for place, (axes, (kind, (unit, values))) in enumerate(
        zip(panels.flat, levels.items(), strict=False)
    ):
        places = np.arange(len(values))
        lines = zip(curves.items(), (CLEAN, HYBRID), "os", strict=False)
        for (name, kinds), colour, marker in lines:
            axes.plot(places, 100 * np.array(kinds[kind]), color=colour, marker=marker,
                      markersize=4, label=name)  # fmt: skip
        if met[kind]:
            axes.axvspan(-0.5, met[kind] - 0.5, color=HYBRID, alpha=0.1, linewidth=0,
                         label="met in training")  # fmt: skip
        strip = axes.inset_axes((0, 1.0, 1, 0.34))
        strip.imshow(mosaic(examples[kind], len(values), gap=2), cmap=DIGITS, vmin=0, vmax=1)
        strip.axis("off")
        axes.set(xlim=(-0.5, len(values) - 0.5), ylim=(0, 104), yticks=(0, 50, 100))
        axes.set_xticks(places, [f"{value:g}" for value in values], fontsize="small")
        axes.set_xlabel(unit, fontsize="small", labelpad=1)
        axes.tick_params(labelsize="small", pad=2)
        axes.set_title(kind, fontsize="medium", y=1.32)
        axes.grid(axis="x", visible=False)
        if place % columns == 0:
            axes.set_ylabel("right (%)", fontsize="small")
    entries: dict[str, Artist] = {}
    for axes in panels.flat:
        handles, names = axes.get_legend_handles_labels()
        entries |= dict(zip(names, handles, strict=True))
    figure.legend(
        list(entries.values()), list(entries), loc="outside upper right", ncols=3, fontsize="small"
    )
    figure.suptitle(title, fontsize="medium", x=0.01, ha="left")
    return figure


def plot_feature_embedding(
    points: np.ndarray, labels: np.ndarray, wrong: np.ndarray, title: str
) -> Figure:
    """Draws each image as its digit, at its place in the plane, with mistakes ringed.

    Args:
        points: Float array of shape (n, 2).
        labels: Integer array of shape (n,), values 0 to 9.
        wrong: Boolean array of shape (n,), true where the answer is wrong.
        title: Figure title.

    Returns:
        A figure that can be read without colours.
    """
    figure, axes = plt.subplots(figsize=(7, 5.8))
    for digit, colour in enumerate(sns.color_palette("colorblind", 10)):
        x, y = points[labels == digit].T
        colour = np.multiply(colour, 0.75)  # the palette's pale colours vanish on white
        axes.scatter(x, y, s=22, marker=f"${digit}$", color=colour, linewidths=0.3)
    x, y = points[np.asarray(wrong, bool)].T
    axes.scatter(x, y, s=150, facecolors="none", edgecolors="black", linewidths=1.4,
                 label="read wrongly")  # fmt: skip
    axes.set(xticks=[], yticks=[], title=title)
    axes.legend(fontsize="small", loc="best")
    return figure
