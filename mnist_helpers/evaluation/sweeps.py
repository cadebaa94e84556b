"""Compares the settings of a sweep: intervals, paired tests, and what can be said in words."""

from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

CONFIDENCE = 0.95
LOWER_IS_BETTER = ("ece", "nll", "brier", "loss", "seconds")  # endings of such metrics' names


def read_sweep(folder: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reads what a sweep left.

    Args:
        folder: Has `results.csv` and `epochs.csv`.

    Returns:
        The finished runs, one a row, and their epochs, one a row; both with a column `setting`,
        which names what a run varies beside the seed, and a column `seed`. The runs' column
        `dataset_title` says what they learnt from.

    Raises:
        FileNotFoundError: There is no such sweep.
        ValueError: No run of it is finished.
    """
    path = Path(folder) / "results.csv"
    if not path.exists():
        raise FileNotFoundError(f"There is no results.csv in {folder}: run a sweep first.")
    runs = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"variant": str})
    varied = list(runs.columns[runs.columns.get_loc("variant") + 1 : runs.columns.get_loc("state")])
    runs = runs[runs["state"] == "done"].dropna(axis="columns", how="all").reset_index(drop=True)
    if runs.empty:
        raise ValueError(f"No run in {path} is finished.")
    runs["setting"] = [_setting(run, varied) for _, run in runs.iterrows()]
    runs["seed"] = runs.get("SEED", 0)
    runs["dataset_title"] = runs.get("dataset_title", "not recorded")
    epochs = pd.read_csv(Path(folder) / "epochs.csv", dtype={"variant": str})
    named = runs[["run", "setting", "seed"]]
    return runs, epochs.merge(named, on="run")


def _setting(run: pd.Series, varied: list[str]) -> str:
    parts = [run["variant"]] if isinstance(run.get("variant"), str) else []
    parts += [f"{name} {run[name]:g}" if isinstance(run[name], float) else f"{name} {run[name]}"
              for name in varied if name in run and name != "SEED"]  # fmt: skip
    return ", ".join(parts) or "the default"


def metrics_of(runs: pd.DataFrame) -> list[str]:
    """Returns the columns that were measured, in the table's order."""
    measured = runs.columns[runs.columns.get_loc("state") + 1 :]
    numbers = runs[measured].select_dtypes("number").columns
    return [name for name in numbers if name not in ("seed", "epochs")]


def mean_intervals(runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Estimates each setting's mean over seeds.

    The interval is Student's: where the mean of endlessly many seeds is likely to lie, if seeds
    scatter normally. It needs two runs and is honest, that is wide, for few.

    Args:
        runs: As from `read_sweep`.
        metric: A column of numbers.

    Returns:
        One row a setting, in the order of the sweep: `n`, `mean`, `deviation` (of the runs),
        `low` and `high`.

    Raises:
        ValueError: There is no such column.
    """
    _check_metric(runs, metric)
    rows = {}
    for setting, group in runs.groupby("setting", sort=False):
        values = group[metric].dropna().to_numpy()
        mean, low, high = _interval(values)
        deviation = values.std(ddof=1) if len(values) > 1 else np.nan
        rows[setting] = {
            "n": len(values), "mean": mean, "deviation": deviation, "low": low, "high": high,
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index")


def _check_metric(runs: pd.DataFrame, metric: str) -> None:
    if metric not in metrics_of(runs):
        known = ", ".join(metrics_of(runs))
        raise ValueError(f"The sweep has not measured {metric}; it has measured {known}.")


def _interval(values: np.ndarray) -> tuple[float, float, float]:
    """Returns the mean with Student's interval; without one for less than two values."""
    if len(values) == 0:
        return np.nan, np.nan, np.nan
    mean = float(values.mean())
    if len(values) == 1:
        return mean, np.nan, np.nan
    margin = stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * stats.sem(values)
    return mean, float(mean - margin), float(mean + margin)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Corrects p values for their number, so that one false alarm among all stays as rare as one.

    Holm, "A simple sequentially rejective multiple test procedure", 1979: the smallest of m is
    multiplied by m, the next by m - 1, and so on; none falls below the one before it, or passes 1.

    Args:
        p_values: Array of shape (m,).

    Returns:
        The corrected p values, in the same order.
    """
    p_values = np.asarray(p_values, float)
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty_like(p_values)
    corrected[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1)
    return corrected


def paired_tests(runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Compares every two settings, seed by seed.

    Runs of the same seed begin with the same weights and see the same order of images, so their
    difference scatters less than either. The test is Student's paired one.

    Args:
        runs: As from `read_sweep`.
        metric: A column of numbers.

    Returns:
        One row a pair that has at least two seeds in common: `first`, `second`, `n`, `difference`
        (first minus second) with `low` and `high`, `p` and `p_corrected`.
    """
    _check_metric(runs, metric)
    table = runs.pivot_table(index="seed", columns="setting", values=metric, sort=False)
    rows = []
    for first, second in combinations(runs["setting"].unique(), 2):
        if first not in table or second not in table:
            continue
        differences = (table[first] - table[second]).dropna().to_numpy()
        if len(differences) < 2:
            continue
        mean, low, high = _interval(differences)
        rows.append(
            {
                "first": first, "second": second, "n": len(differences),
                "difference": mean, "low": low, "high": high, "p": _p_value(differences),
            }
        )  # fmt: skip
    names = ["first", "second", "n", "difference", "low", "high", "p"]
    tests = pd.DataFrame(rows, columns=names)
    return tests.assign(p_corrected=holm(tests["p"]))


def _p_value(differences: np.ndarray) -> float:
    # A few differences that happen to be equal say nothing about how differences scatter, and
    # Student's formula would divide by zero.
    if np.ptp(differences) == 0:
        return 1.0
    return float(stats.ttest_1samp(differences, 0).pvalue)


def curve_bands(epochs: pd.DataFrame, column: str) -> dict[str, pd.DataFrame]:
    """Summarises each setting's curves over its seeds.

    Args:
        epochs: As from `read_sweep`.
        column: Such as "val_accuracy".

    Returns:
        By setting: one row an epoch with `epoch`, `mean`, and the lowest and highest run as `low`
        and `high`.
    """
    grouped = epochs.groupby(["setting", "epoch"], sort=False)[column]
    bands = grouped.agg(["mean", "min", "max"]).rename(columns={"min": "low", "max": "high"})
    return {
        setting: band.reset_index("epoch").sort_values("epoch")
        for setting, band in bands.groupby("setting", sort=False)
        for band in [band.droplevel("setting")]
    }


def best_by_metric(runs: pd.DataFrame) -> pd.DataFrame:
    """Finds the setting with the best mean of each metric.

    Returns:
        One row a metric: `best`, and its `n`, `mean`, `low` and `high`.
    """
    rows = {}
    for metric in metrics_of(runs):
        intervals = mean_intervals(runs, metric)
        best = _best(intervals, metric)
        rows[metric] = {"best": best, **intervals.loc[best, ["n", "mean", "low", "high"]]}
    return pd.DataFrame.from_dict(rows, orient="index").astype({"n": int})


def _best(intervals: pd.DataFrame, metric: str) -> str:
    means = intervals["mean"]
    return means.idxmin() if lower_is_better(metric) else means.idxmax()


def lower_is_better(metric: str) -> bool:
    """Tells whether a small value of a metric is a good one."""
    return metric.endswith(LOWER_IS_BETTER)


def verdict(intervals: pd.DataFrame, tests: pd.DataFrame, metric: str) -> str:
    """Says in words which setting came out best, and against which others that is certain.

    Args:
        intervals: As from `mean_intervals`.
        tests: As from `paired_tests`.
        metric: What was compared.

    Returns:
        Markdown of one or more sentences.
    """
    best = _best(intervals, metric)
    row = intervals.loc[best]
    extreme = "lowest" if lower_is_better(metric) else "highest"
    text = f"**{best}** has the {extreme} mean {metric}, {row['mean']:.5g} (n = {row['n']:.0f}"
    if row["n"] > 1:
        text += f", 95 % interval {row['low']:.5g} to {row['high']:.5g}"
    sentences = [text + ")."]
    own = tests[(tests["first"] == best) | (tests["second"] == best)]
    others = np.where(own["first"] == best, own["second"], own["first"])
    certain = others[own["p_corrected"] < 1 - CONFIDENCE]
    open_ = [name for name in intervals.index if name != best and name not in certain]
    if len(certain):
        sentences.append(f"It is significantly better than {_listed(certain)}.")
    if open_:
        sentences.append(f"These runs cannot tell it from {_listed(open_)}.")
    return " ".join(sentences)


def _listed(names: Iterable[str]) -> str:
    quoted = [f"*{name}*" for name in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " or " + quoted[-1]
