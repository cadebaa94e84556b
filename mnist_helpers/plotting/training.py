"""Figures of a network and its training: layers, feature maps, and learning curves."""

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from matplotlib.ticker import LogLocator

from mnist_helpers.plotting.style import CLEAN, CONTEXT, HYBRID, panel_grid

DEPTH = 0.35  # how far the far side of a box is drawn to the right and up, as part of its depth


def plot_architecture(shapes: Mapping[str, Sequence[int]], title: str) -> Figure:
    """Draws the layers of a network as boxes in a row.

    Args:
        shapes: Name of a layer to its output shape without the batch: (height, width, channels),
            or (channels,).
        title: Figure title.

    Returns:
        A figure in which a box is as high as its feature maps and as deep as their number (on a
        square-root scale).
    """
    figure, axes = plt.subplots(figsize=(7.5, 3.2))
    x, highest = 0.0, 0.0
    for name, shape in shapes.items():
        height = float(shape[0]) if len(shape) == 3 else 1.0
        width, back = 1.6, DEPTH * 3 * np.sqrt(shape[-1])
        low, high, right = -height / 2, height / 2, x + width
        far, top = right + back, high + back
        front = [(x, low), (right, low), (right, high), (x, high)]
        above = [(x, high), (right, high), (far, top), (x + back, top)]
        side = [(right, low), (right, high), (far, top), (far, low + back)]
        for corners, colour in ((front, "#0072B2"), (above, "#66AAD4"), (side, "#3D8FC4")):
            axes.add_patch(Polygon(corners, facecolor=colour, edgecolor="white", linewidth=0.8))
        label = f"{name}, {' × '.join(map(str, shape))}"
        axes.text(right, -16, label, ha="right", va="top", fontsize="x-small", rotation=40,
                  rotation_mode="anchor")  # fmt: skip
        highest = max(highest, top)
        x = far + 3.2
    axes.set(xlim=(-15, x - 1), ylim=(-32, highest + 1), title=title, aspect="equal")
    axes.axis("off")
    return figure


def plot_feature_maps(maps: Mapping[str, np.ndarray], title: str, columns: int = 8) -> Figure:
    """Draws the first feature maps of each layer, one row a layer.

    Args:
        maps: Name of a layer to float array of shape (height, width, channels).
        title: Figure title.
        columns: Maps in a row.

    Returns:
        A figure in which each map goes from its lowest value (dark) to its highest.
    """
    size = (0.85 * columns + 0.6, 0.9, 0.4)
    figure, panels = panel_grid(len(maps) * columns, columns, size, title)
    for axes in panels:
        axes.axis("off")
    for number, (name, values) in enumerate(maps.items()):
        row = panels[columns * number : columns * (number + 1)]
        for axes, single in zip(row, np.moveaxis(values, 2, 0), strict=False):
            axes.imshow(single, cmap="viridis")
        row[0].set_title(f"{name}, {values.shape[0]} × {values.shape[1]}", fontsize="small")
    return figure


def plot_learning_curves(history: list[dict], title: str, boundary: int | None = None) -> Figure:
    """Draws loss and error rate on training and validation images over the epochs.

    Args:
        history: One dict per epoch with `epoch`, `loss`, `accuracy`, `val_loss`, `val_accuracy`.
        title: What was trained on which data.
        boundary: Last epoch of the clean phase, marked by a line; `None` for one phase alone.
    """
    epochs = [row["epoch"] for row in history]
    figure, (losses, errors) = panel_grid(2, 2, (7.5, 3.5, 0), title)
    for name, label, colour in (("", "training", CONTEXT), ("val_", "validation", CLEAN)):
        losses.plot(epochs, [row[f"{name}loss"] for row in history], "o-", ms=3, color=colour)
        # 0 has no place on a logarithmic axis; drawn, it would be a line straight down.
        wrong = [100 * (1 - row[f"{name}accuracy"]) or math.nan for row in history]
        errors.plot(epochs, wrong, "o-", ms=3, color=colour, label=label)
    losses.set(xlabel="epoch", title="Loss (cross-entropy)", yscale="log")
    errors.set(xlabel="epoch", title="Error rate (%)", yscale="log")
    for axes in (losses, errors):
        axes.locator_params(axis="x", integer=True)
        if len(epochs) == 1:  # around one point the axis would be labelled in hundredths
            axes.set_xticks(epochs)
        axes.yaxis.set_major_formatter("{x:g}")
        low, high = axes.get_ylim()
        # Over a decade or less the powers of ten alone would leave the axis nearly without labels.
        axes.yaxis.set_minor_formatter("{x:g}" if high / low < 12 else "")
        if 12 <= high / low < 100:
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.tick_params(which="both", labelsize="small")
        if boundary:
            axes.axvline(boundary + 0.5, color=HYBRID, linestyle="--")
            axes.axvspan(boundary + 0.5, epochs[-1] + 0.5, color=HYBRID, alpha=0.07)
    if boundary:
        errors.plot([], [], color=HYBRID, linestyle="--", label="second phase begins")
    # Inside a panel it would cover points: the curves fall from one corner to the other.
    figure.legend(fontsize="small", loc="outside lower center", ncols=3)
    return figure
