"""Figures of a sweep: its runs, their curves, and the differences between settings."""

from mnist_helpers.plotting.style import CLEAN, CONTEXT

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

MARKERS = "os^Dv<>PX*"


def plot_strips(runs: pd.DataFrame, intervals: pd.DataFrame, metric: str, title: str) -> Figure:
    """Draws every run as a dot, and each setting's mean with its interval.

    Args:
        runs: With the columns `setting` and the metric's.
        intervals: By setting, `mean`, `low` and `high`.
        metric: A column of `runs`.
        title: Of the figure.

    Returns:
        A figure with one row for each setting.
    """
    figure, axes = plt.subplots(figsize=(7, 0.55 * len(intervals) + 1.2))
    for place, (setting, row) in enumerate(intervals.iterrows()):
        values = runs.loc[runs["setting"] == setting, metric]
        # Dots of equal value lie side by side instead of on each other.
        heights = place + 0.22 + 0.05 * np.arange(len(values)) % 0.2
        axes.scatter(values, heights, s=18, color=CONTEXT, alpha=0.8, zorder=2)
        axes.plot([row["low"], row["high"]], [place, place], color=CLEAN, lw=2)
        axes.plot(row["mean"], place, "D", color=CLEAN, ms=6)
    axes.set_yticks(range(len(intervals)), list(intervals.index))
    axes.set(title=title, xlabel=metric.replace("_", " "), ylim=(len(intervals) - 0.4, -0.6))
    if metric.endswith("accuracy"):
        # Few runs make an interval that reaches beyond what an accuracy can be.
        low, high = axes.get_xlim()
        axes.set_xlim(low, min(high, 1 + 0.02 * (1 - low)))
    return figure


def plot_curves(bands: dict[str, pd.DataFrame], label: str, title: str) -> Figure:
    """Draws the mean of each setting's curves over the epochs, and the band that they fill.

    The vertical axis is logarithmic, and linear below the smallest mean, so that zero has a place.

    Args:
        bands: By setting, one row an epoch with `epoch`, `mean`, `low` and `high`.
        label: Of the vertical axis.
        title: Of the figure.

    Returns:
        A figure with one line for each setting, told apart by colour and marker.
    """
    figure, axes = plt.subplots(figsize=(7, 4.2))
    colours = sns.color_palette("colorblind", len(bands))
    for number, (setting, band) in enumerate(bands.items()):
        marker = MARKERS[number % len(MARKERS)]
        axes.fill_between(
            band["epoch"], band["low"], band["high"], color=colours[number], alpha=0.15
        )
        axes.plot(
            band["epoch"], band["mean"], marker=marker, ms=4, color=colours[number], label=setting
        )
    means = pd.concat([band["mean"] for band in bands.values()])
    axes.set_yscale("symlog", linthresh=means[means > 0].min() if (means > 0).any() else 1)
    axes.set(title=title, xlabel="epoch", ylabel=label, ylim=(0, None))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    axes.legend(fontsize="small")
    return figure


def plot_differences(tests: pd.DataFrame, metric: str, title: str) -> Figure:
    """Draws each pair's difference with its interval, filled where it is significant.

    Args:
        tests: One row a pair with `first`, `second`, `difference`, `low`, `high`, `p_corrected`.
        metric: What was compared.
        title: Of the figure.

    Returns:
        A figure with one row for each pair and a line at no difference.
    """
    figure, axes = plt.subplots(figsize=(7, 0.55 * len(tests) + 1.2))
    axes.axvline(0, color=CONTEXT, lw=1)
    for place, row in enumerate(tests.itertuples()):
        face = CLEAN if row.p_corrected < 0.05 else "white"
        axes.plot([row.low, row.high], [place, place], color=CLEAN)
        axes.plot(row.difference, place, "D", color=CLEAN, mfc=face, ms=6)
    names = [f"{row.first}\nminus {row.second}" for row in tests.itertuples()]
    axes.set_yticks(range(len(tests)), names, fontsize="small")
    axes.locator_params(axis="x", nbins=6)
    axes.set(title=title, xlabel=f"difference in {metric.replace('_', ' ')}")
    axes.set_ylim(max(len(tests), 1) - 0.5, -0.5)
    return figure
