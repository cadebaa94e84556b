"""Figures of the data: how many digits there are, their pixels, and which resemble each other."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from mnist_helpers.plotting.style import CLEAN, CONTEXT, HYBRID, SEQUENTIAL, label_classes


def plot_class_balance(
    counts: dict[str, np.ndarray], title: str, names: Sequence = range(10)
) -> Figure:
    """Draws the share of each digit in several sets as bars side by side.

    Args:
        counts: Name of a set to an integer array of shape (10,).
        title: Figure title.
        names: What the ten classes are called.

    Returns:
        A figure with one group of bars for each digit.
    """
    figure, axes = plt.subplots(figsize=(7, 3.2))
    width = 0.8 / len(counts)
    colours = (CLEAN, HYBRID, CONTEXT)
    for number, ((name, values), colour) in enumerate(zip(counts.items(), colours, strict=False)):
        places = np.arange(10) + (number - (len(counts) - 1) / 2) * width
        axes.bar(places, 100 * values / values.sum(), width, color=colour, label=name)
    axes.axhline(10, color="black", linestyle="--", linewidth=1, label="equal shares")
    axes.set(xlabel="digit", ylabel="share (%)", title=title)
    label_classes(axes.xaxis, range(10), names)
    axes.grid(axis="x", visible=False)
    axes.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.24), ncols=4)
    return figure


def plot_pixel_values(images: np.ndarray, title: str) -> Figure:
    """Draws how often each grey value occurs, and where the ink lies.

    Args:
        images: uint8 array of shape (n, 28, 28).
        title: Figure title.

    Returns:
        A figure with a histogram and a 28 × 28 map of how often a pixel is not background.
    """
    figure, (histogram, ink) = plt.subplots(1, 2, figsize=(7.5, 3.2), width_ratios=(1.6, 1))
    figure.suptitle(title, fontsize="medium", x=0.01, ha="left")
    shares = np.bincount(images.ravel(), minlength=256).reshape(16, 16).sum(axis=1) / images.size
    histogram.bar(np.arange(16) * 16, 100 * shares, 15, align="edge", color=CLEAN)
    histogram.set(
        xlabel="grey value (16 per bar)",
        ylabel="share of all pixels (%, log scale)",
        yscale="log",
        ylim=(0.1, 100),
        yticks=(0.1, 1, 10, 100),
        xticks=(0, 64, 128, 192, 255),
    )
    histogram.yaxis.set_major_formatter("{x:g}")
    used = ink.imshow(100 * (images > 0).mean(axis=0), cmap=SEQUENTIAL, vmin=0)
    ink.set(xticks=(0, 14, 27), yticks=(0, 14, 27))
    ink.grid(False)
    figure.colorbar(used, ax=ink, label="images with ink here (%)")
    return figure


def plot_embedding(points: np.ndarray, labels: np.ndarray, title: str) -> Figure:
    """Draws each image as its own digit, at its place in the plane.

    Args:
        points: Float array of shape (n, 2).
        labels: Integer array of shape (n,), values 0 to 9.
        title: Figure title.

    Returns:
        A figure that can be read without colours, because the markers are the digits.
    """
    figure, axes = plt.subplots(figsize=(7, 5.8))
    for digit, colour in enumerate(sns.color_palette("colorblind", 10)):
        x, y = points[labels == digit].T
        # The palette's yellow and pink are too pale for thin strokes on white.
        colour = np.multiply(colour, 0.75)
        axes.scatter(x, y, s=28, marker=f"${digit}$", color=colour, linewidths=0.3)
    axes.set(xticks=[], yticks=[], title=title)
    return figure
