"""Figures of training: learning curves and what the augmentations do."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from mnist_helpers.plotting.style import CLEAN, CONTEXT, DIGITS, HYBRID


def plot_learning_curves(history: list[dict], title: str, boundary: int | None = None) -> Figure:
    """Draws loss and error rate of training and validation over the epochs.

    Args:
        history: One dict per epoch with `epoch`, `loss`, `accuracy`, `val_loss`, `val_accuracy`.
        title: What was trained on which data.
        boundary: Last epoch of the clean phase, marked by a line; `None` for one phase alone.

    Returns:
        A figure with two panels.
    """
    epochs = [row["epoch"] for row in history]
    figure, (losses, errors) = plt.subplots(1, 2, figsize=(7.5, 3.5))
    figure.suptitle(title, fontsize="medium", x=0.01, ha="left")
    for name, label, colour in (("", "training", CONTEXT), ("val_", "validation", CLEAN)):
        losses.plot(epochs, [row[f"{name}loss"] for row in history], "o-", ms=3, color=colour)
        wrong = [100 * (1 - row[f"{name}accuracy"]) for row in history]
        errors.plot(epochs, wrong, "o-", ms=3, color=colour, label=label)
    losses.set(xlabel="epoch", title="Loss (cross-entropy)", yscale="log")
    errors.set(xlabel="epoch", title="Wrong answers (%)", yscale="log")
    for axes in (losses, errors):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.yaxis.set_major_formatter("{x:g}")
        low, high = axes.get_ylim()
        # Over a decade or less the powers of ten alone would leave the axis nearly without labels.
        axes.yaxis.set_minor_formatter("{x:g}" if high / low < 12 else "")
        axes.tick_params(which="both", labelsize="small")
        if boundary:
            axes.axvline(boundary + 0.5, color=HYBRID, linestyle="--")
            axes.axvspan(boundary + 0.5, epochs[-1] + 0.5, color=HYBRID, alpha=0.07)
    if boundary:
        errors.plot([], [], color=HYBRID, linestyle="--", label="augmentation begins")
    # Inside a panel it would cover points: the curves fall from one corner to the other.
    figure.legend(fontsize="small", loc="outside lower center", ncols=3)
    return figure


def mosaic(images: ArrayLike, columns: int, gap: int = 2) -> np.ndarray:
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
    if images.dtype.kind not in "buif":
        raise ValueError(f"A mosaic needs images of numbers, not of {images.dtype}.")
    images = images.astype(np.float32)
    flat = images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 1)
    if not flat or images.size == 0 or columns < 1 or gap < 0:
        raise ValueError(
            f"A mosaic needs images of shape (n, height, width) and at least 1 column; these have "
            f"shape {images.shape}, for {columns} columns and a gap of {gap}."
        )
    images = images.reshape(images.shape[:3])
    images = np.pad(images, ((0, -len(images) % columns), (0, gap), (0, gap)))
    height, width = images.shape[1:]
    rows = images.reshape(-1, columns, height, width).swapaxes(1, 2)
    whole = rows.reshape(-1, columns * width)
    return whole[: len(whole) - gap, : whole.shape[1] - gap]


def plot_rows_of_digits(rows: dict, title: str) -> Figure:
    """Draws one labelled row of digits for each entry.

    Args:
        rows: Label to float array of shape (n, 28, 28) or (n, 28, 28, 1) in [0, 1].
        title: Figure title.

    Returns:
        A figure with one picture and a tick label for each row.
    """
    columns = len(next(iter(rows.values())))
    images = np.concatenate([np.asarray(row).reshape(-1, 28, 28) for row in rows.values()])
    figure, axes = plt.subplots(figsize=(0.62 * columns + 1.5, 0.66 * len(rows) + 0.5))
    axes.imshow(mosaic(images, columns), cmap=DIGITS, vmin=0, vmax=1)
    axes.set(xticks=[], title=title)
    axes.set_yticks(13.5 + 30 * np.arange(len(rows)), list(rows))
    axes.tick_params(left=False)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    return figure
