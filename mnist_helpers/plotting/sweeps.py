"""Figures of a sweep: its runs, their curves, and the differences between settings."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, SymmetricalLogLocator

from mnist_helpers.plotting.style import CLEAN, CONTEXT, panel_grid


def plot_runs(runs: pd.DataFrame, intervals: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Draws every run as a dot, and each setting's mean with its interval.

    Args:
        runs: With the columns `setting` and `metrics.NAME`.
        intervals: By metric, one row per setting with `mean`, `low` and `high`; the same settings
            for each metric.
        title: Figure title.

    Returns:
        A figure with one panel for each metric, and in it one row for each setting.
    """
    settings = list(next(iter(intervals.values())).index)
    columns = min(2, len(intervals))
    size = (7, 0.55 * len(settings) / columns**0.5 + 0.8, 0.4)
    figure, panels = panel_grid(len(intervals), columns, size, title, sharey=True)
    for axes, (metric, means) in zip(panels, intervals.items(), strict=True):
        sns.swarmplot(
            runs, x=f"metrics.{metric}", y="setting", order=settings, color=CONTEXT, size=4, ax=axes
        )
        margins = (means["mean"] - means["low"], means["high"] - means["mean"])
        above = [place - 0.3 for place in range(len(settings))]
        axes.errorbar(means["mean"], above, xerr=margins, fmt="D", color=CLEAN, ms=5, lw=2)
        axes.set(xlabel=metric.replace("_", " "), ylabel="")
        axes.locator_params(axis="x", nbins=8 // columns)
        axes.set_ylim(len(settings) - 0.5, -0.6)  # with room for the first diamond
        if metric.endswith("accuracy"):
            # Few runs make an interval that reaches beyond what an accuracy can be.
            low, high = axes.get_xlim()
            axes.set_xlim(low, min(high, 1 + 0.02 * (1 - low)))
    return figure


def plot_sweep_curves(bands: Mapping[str, pd.DataFrame], label: str, title: str) -> Figure:
    """Draws the mean of each setting's learning curves, and the band that its runs fill.

    The vertical axis is logarithmic, and linear below the smallest mean, so that zero has a place.

    Args:
        bands: By setting, one row per epoch with `epoch`, `mean`, `low` and `high`.
        label: Of the vertical axis.
        title: Figure title.

    Returns:
        A figure with one panel for each setting, the other settings' means in grey behind it.
    """
    columns = min(3, len(bands))
    size = (7.5, 2.2 if len(bands) > 1 else 3.5, 0.4)
    figure, panels = panel_grid(len(bands), columns, size, title, sharex=True, sharey=True)
    means = pd.concat([band["mean"] for band in bands.values()])
    smallest = means[means > 0].min() if (means > 0).any() else 1
    for axes, (setting, band) in zip(panels, bands.items(), strict=True):
        for other in bands.values():
            axes.plot(other["epoch"], other["mean"], color=CONTEXT, lw=0.8, alpha=0.4)
        axes.fill_between(band["epoch"], band["low"], band["high"], color=CLEAN, alpha=0.25, lw=0)
        axes.plot(band["epoch"], band["mean"], "o-", color=CLEAN, ms=3)
        axes.set_yscale("symlog", linthresh=smallest, linscale=0.3)
        axes.set_title(setting, fontsize="small")
        axes.yaxis.set_major_locator(SymmetricalLogLocator(axes.yaxis.get_transform(), [1, 2, 5]))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    panels[0].set_ylim(0, None)  # of all, after each has said how far it reaches
    figure.supxlabel("epoch", fontsize="medium")
    figure.supylabel(label, fontsize="medium")
    return figure


def plot_differences(tests: pd.DataFrame, metric: str, title: str) -> Figure:
    """Draws each pair's difference with its interval, filled where it is significant.

    Args:
        tests: One row per pair with `first`, `second`, `difference`, `low`, `high`, `p_corrected`.
        metric: What was compared.
        title: Figure title.
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
