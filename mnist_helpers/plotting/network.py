"""Figures of a network: its layers as boxes, and what they make of one digit."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from mnist_helpers.plotting.style import title_figure

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
    figure, panels = plt.subplots(
        len(maps), columns, figsize=(0.85 * columns + 0.6, 0.9 * len(maps) + 0.4), squeeze=False
    )
    title_figure(figure, title)
    for row, (name, values) in zip(panels, maps.items(), strict=True):
        for axes in row:
            axes.axis("off")
        for axes, single in zip(row, np.moveaxis(values, 2, 0), strict=False):
            axes.imshow(single, cmap="viridis")
        row[0].set_title(f"{name}, {values.shape[0]} × {values.shape[1]}", fontsize="small")
    return figure
