"""Figures of digits: images in grids, how many there are, their pixels, and their neighbours."""

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

from mnist_helpers.plotting.style import (
    CLEAN,
    CONTEXT,
    DIGITS,
    HYBRID,
    SEQUENTIAL,
    label_classes,
    panel_grid,
)

LETTERS = 21  # in a line under an image


def image_grid(images: ArrayLike, columns: int, gap: int = 2) -> np.ndarray:
    """Lays images out in rows as one picture, which draws far faster than many axes.

    Args:
        images: Float array of shape (n, height, width) or (n, height, width, 1), in [0, 1].
        columns: Images in a row; the last row is filled up with background.
        gap: Pixels between images.

    Returns:
        float32 array of shape (rows * (height + gap) - gap, columns * (width + gap) - gap).

    Raises:
        ValueError: There is no image or no column, or the images have another shape.
    """
    images = np.asarray(images)
    flat = images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 1)
    numeric = images.dtype.kind in "buif"
    if not flat or not numeric or images.size == 0 or columns < 1 or gap < 0:
        raise ValueError(
            "Expected images of shape (n, height, width), at least 1 column and a gap of 0 or "
            f"more; got {images.dtype} of shape {images.shape}, {columns} columns, a gap of {gap}."
        )
    images = images.reshape(images.shape[:3]).astype(np.float32)
    images = np.pad(images, ((0, -len(images) % columns), (0, gap), (0, gap)))
    height, width = images.shape[1:]
    rows = images.reshape(-1, columns, height, width).swapaxes(1, 2)
    whole = rows.reshape(-1, columns * width)
    return whole[: len(whole) - gap, : whole.shape[1] - gap]


def plot_rows_of_digits(rows: Mapping[str, ArrayLike], title: str) -> Figure:
    """Draws one labelled row of digits for each entry.

    Args:
        rows: Label to float array of shape (n, 28, 28) or (n, 28, 28, 1) in [0, 1].
        title: Figure title.

    Returns:
        A figure with one picture and a tick label for each row; a short row ends in background.
    """
    digits = [np.asarray(row).reshape(-1, 28, 28) for row in rows.values()]
    columns = max(map(len, digits))
    filled = [np.pad(row, ((0, columns - len(row)), (0, 0), (0, 0))) for row in digits]
    figure, axes = plt.subplots(figsize=(0.62 * columns + 1.5, 0.66 * len(rows) + 0.5))
    axes.imshow(image_grid(np.concatenate(filled), columns), cmap=DIGITS, vmin=0, vmax=1)
    axes.set(xticks=[], title=title)
    axes.set_yticks(13.5 + 30 * np.arange(len(rows)), list(rows))
    axes.tick_params(left=False)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    return figure


def plot_captioned(images: np.ndarray, captions: list[str], title: str, columns: int = 4) -> Figure:
    """Draws images with a caption under each.

    Args:
        images: Array of shape (n, 28, 28), 0 is background.
        captions: One for each image; long lines are broken.
        title: Figure title.
        columns: Images in a row.

    Returns:
        A figure with one small panel for each image; none for none.
    """
    captions = [
        "\n".join(textwrap.fill(line, LETTERS) for line in caption.split("\n"))
        for caption in captions
    ]
    more = max((caption.count("\n") - 1 for caption in captions), default=0)
    height = 2.15 + 0.19 * max(0, more)
    figure, panels = panel_grid(len(images), columns, (1.7 * columns, height, 0.3), title)
    for axes, image, caption in zip(panels, images, captions, strict=False):
        axes.axis("off")
        axes.imshow(image, cmap=DIGITS)
        axes.set_title(caption, y=-0.06, va="top", loc="center", fontsize="medium")
    return figure


def plot_class_balance(
    counts: Mapping[str, np.ndarray], title: str, names: Sequence = range(10)
) -> Figure:
    """Draws the share of each digit in several sets as bars side by side.

    Args:
        counts: Name of a set to an integer array of shape (10,).
        title: Figure title.
        names: What the ten classes are called.
    """
    figure, axes = plt.subplots(figsize=(7, 3.2))
    shares = {name: 100 * values / values.sum() for name, values in counts.items()}
    colours = [CLEAN, HYBRID, CONTEXT][: len(counts)]
    sns.barplot(
        x=np.tile(np.arange(10), len(counts)), y=np.concatenate(list(shares.values())),
        hue=np.repeat(list(counts), 10), palette=colours, saturation=1, ax=axes,
    )  # fmt: skip
    axes.axhline(10, color="black", linestyle="--", linewidth=1, label="equal shares")
    axes.set(xlabel="digit", ylabel="share (%)", title=title)
    label_classes(axes.xaxis, range(10), names)
    axes.legend().remove()
    handles = axes.get_legend_handles_labels()
    figure.legend(*handles, fontsize="small", loc="outside lower center", ncols=4)
    return figure


def plot_pixel_values(images: np.ndarray, title: str) -> Figure:
    """Draws how often each grey value occurs, and where the ink lies.

    Args:
        images: uint8 array of shape (n, 28, 28).
        title: Figure title.

    Returns:
        A figure with a histogram and a 28 × 28 map of how often a pixel is not background.
    """
    figure, (histogram, ink) = panel_grid(2, 2, (7.5, 3.2, 0), title, width_ratios=(1.6, 1))
    # NumPy counts ten times as slowly, in eight bytes for each pixel.
    counts = Image.fromarray(images.reshape(-1, images.shape[2])).histogram()
    shares = np.reshape(counts, (16, 16)).sum(axis=1) / images.size
    histogram.bar(np.arange(16) * 16, 100 * shares, 15, align="edge", color=CLEAN)
    histogram.set(
        xlabel="grey value (16 per bar)", ylabel="share of all pixels (%, log scale)",
        yscale="log", ylim=(0.1, 100), yticks=(0.1, 1, 10, 100), xticks=(0, 64, 128, 192, 255),
    )  # fmt: skip
    histogram.yaxis.set_major_formatter("{x:g}")
    used = ink.imshow(100 * (images > 0).mean(axis=0), cmap=SEQUENTIAL, vmin=0)
    ink.set(xticks=(0, 14, 27), yticks=(0, 14, 27), xlabel="column", ylabel="row")
    ink.grid(False)
    figure.colorbar(used, ax=ink, label="images with ink here (%)")
    return figure


def plot_embedding(
    points: np.ndarray,
    labels: np.ndarray,
    title: str,
    misclassified: ArrayLike | None = None,
    names: Sequence = range(10),
) -> Figure:
    """Draws each image as its own digit, at its place in the plane.

    Args:
        points: Float array of shape (n, 2).
        labels: Integer array of shape (n,), values 0 to 9.
        title: Figure title.
        misclassified: Boolean array of shape (n,): which images get a ring.
        names: What the ten classes are called; a legend says it if these are no digits.

    Returns:
        A figure that can be read without colours, because the markers are the digits.
    """
    figure, axes = plt.subplots(figsize=(7, 5.8))
    named = [str(name) for name in names] != [str(digit) for digit in range(10)]
    for digit, colour in enumerate(sns.color_palette("colorblind", 10)):
        x, y = points[labels == digit].T
        # The palette's yellow and pink are too pale for thin strokes on white.
        colour = np.multiply(colour, 0.75)
        label = str(names[digit]) if named else None
        axes.scatter(x, y, s=25, marker=f"${digit}$", color=colour, linewidths=0.3, label=label)
    if misclassified is not None:
        x, y = points[np.asarray(misclassified, bool)].T
        axes.scatter(x, y, s=150, facecolors="none", edgecolors="black", linewidths=1.4,
                     label="misclassified")  # fmt: skip
    if named or misclassified is not None:
        axes.legend(fontsize="small", loc="best")
    axes.set(xticks=[], yticks=[], title=title)
    return figure
