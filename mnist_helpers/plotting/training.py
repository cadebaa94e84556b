"""Figure of training: its learning curves."""

import math

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from mnist_helpers.plotting.style import CLEAN, CONTEXT, HYBRID, title_figure


def plot_learning_curves(history: list[dict], title: str, boundary: int | None = None) -> Figure:
    """Draws loss and error rate on training and validation images over the epochs.

    Args:
        history: One dict per epoch with `epoch`, `loss`, `accuracy`, `val_loss`, `val_accuracy`.
        title: What was trained on which data.
        boundary: Last epoch of the clean phase, marked by a line; `None` for one phase alone.

    Returns:
        A figure with two panels.
    """
    epochs = [row["epoch"] for row in history]
    figure, (losses, errors) = plt.subplots(1, 2, figsize=(7.5, 3.5))
    title_figure(figure, title)
    for name, label, colour in (("", "training", CONTEXT), ("val_", "validation", CLEAN)):
        losses.plot(epochs, [row[f"{name}loss"] for row in history], "o-", ms=3, color=colour)
        # 0 has no place on a logarithmic axis; drawn, it would be a line straight down.
        wrong = [100 * (1 - row[f"{name}accuracy"]) or math.nan for row in history]
        errors.plot(epochs, wrong, "o-", ms=3, color=colour, label=label)
    losses.set(xlabel="epoch", title="Loss (cross-entropy)", yscale="log")
    errors.set(xlabel="epoch", title="Error rate (%)", yscale="log")
    for axes in (losses, errors):
        axes.xaxis.get_major_locator().set_params(integer=True)
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
