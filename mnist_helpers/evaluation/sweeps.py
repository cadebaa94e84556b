"""Compares the settings of a sweep: intervals, paired tests, and a summary in words."""

from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from mnist_helpers.validation import plain_text

CONFIDENCE = 0.95
LOWER_IS_BETTER = ("ece", "nll", "brier", "loss", "seconds")  # endings of such metrics' names


def read_sweep(folder: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reads the results of a sweep.

    Args:
        folder: Has `results.csv`, with the columns `run`, `variant`, `params.NAME` for what varies,
            `state` and `metrics.name` for what was measured, and `epochs.csv`.

    Returns:
        The finished runs, one per row, and their epochs, one per row; both with a column `setting`,
        which names what a run varies beside the seed, and a column `seed`. The runs' column
        `dataset_title` says what they were trained on. All these names are plain text, whatever
        the files say.

    Raises:
        FileNotFoundError: There is no such sweep.
        ValueError: None of its runs is finished.
    """
    path = Path(folder) / "results.csv"
    if not path.exists():
        raise FileNotFoundError(f"There is no results.csv in {folder}: run a sweep first.")
    runs = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"variant": str})
    runs = _with_prefixes(runs).rename(columns=plain_text)
    runs = runs[runs["state"] == "done"].dropna(axis="columns", how="all").reset_index(drop=True)
    if runs.empty:
        raise ValueError(f"No run in {path} is finished: continue the sweep first.")
    varied = [name for name in runs if name.startswith("params.") and name != "params.SEED"]
    runs["setting"] = [_setting(run, varied) for _, run in runs.iterrows()]
    runs["seed"] = runs.get("params.SEED", 0)
    titles = runs.get("dataset_title", pd.Series("not recorded", runs.index))
    runs["dataset_title"] = titles.map(plain_text)
    epochs = pd.read_csv(Path(folder) / "epochs.csv", dtype={"variant": str})
    return runs, epochs.merge(runs[["run", "setting", "seed"]], on="run")


def _with_prefixes(runs: pd.DataFrame) -> pd.DataFrame:
    """Renames the columns of an older table, where a column's place said what it holds."""
    if any(name.startswith(("params.", "metrics.")) for name in runs):
        return runs.rename(columns={"metrics.dataset_title": "dataset_title"})
    start, end = (runs.columns.get_loc(name) for name in ("variant", "state"))
    prefixes = dict.fromkeys(runs.columns[start + 1 : end], "params.")
    prefixes |= dict.fromkeys(runs.columns[end + 1 :].difference(["dataset_title", "error"]),
                              "metrics.")  # fmt: skip
    return runs.rename(columns=lambda name: prefixes.get(name, "") + name)


def _setting(run: pd.Series, varied: list[str]) -> str:
    parts = [run["variant"]] if isinstance(run.get("variant"), str) else []
    for name in varied:
        value = f"{run[name]:g}" if isinstance(run[name], float) else run[name]
        parts.append(f"{name.removeprefix('params.')} {value}")
    return plain_text(", ".join(parts)) or "the default"


def metrics_of(runs: pd.DataFrame) -> list[str]:
    """Returns the names of the metrics that were measured, in the table's order."""
    numbers = runs.select_dtypes("number").columns
    names = [name.removeprefix("metrics.") for name in numbers if name.startswith("metrics.")]
    return [name for name in names if name != "epochs"]


def _column(runs: pd.DataFrame, metric: str) -> str:
    if metric not in metrics_of(runs):
        known = ", ".join(metrics_of(runs))
        raise ValueError(f"The sweep has not measured {metric}; it has measured {known}.")
    return f"metrics.{metric}"


def mean_intervals(runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Estimates each setting's mean over seeds, with Student's interval.

    The interval says where the mean of very many seeds is likely to lie, if seeds scatter normally.
    It needs two runs and is honest, that is wide, for few.

    Args:
        runs: As from `read_sweep`.
        metric: One of `metrics_of(runs)`.

    Returns:
        One row per setting, in the order of the sweep: `n`, `mean`, `deviation` (of the runs),
        `low` and `high`.

    Raises:
        ValueError: There is no such metric.
    """
    groups = runs.groupby("setting", sort=False)[_column(runs, metric)]
    table = groups.agg(n="count", mean="mean", deviation="std")
    margin = stats.t.ppf((1 + CONFIDENCE) / 2, table["n"] - 1) * groups.sem()
    return table.assign(low=table["mean"] - margin, high=table["mean"] + margin)


def paired_tests(runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Compares every two settings, seed by seed, with Student's paired test.

    Runs of the same seed begin with the same weights and see the same order of images, so their
    difference scatters less than either.

    Args:
        runs: As from `read_sweep`.
        metric: One of `metrics_of(runs)`.

    Returns:
        One row per pair that has at least two seeds in common: `first`, `second`, `n`, `difference`
        (first minus second) with `low` and `high`, `p`, and `p_corrected` (Holm, "A simple
        sequentially rejective multiple test procedure", 1979).
    """
    table = runs.pivot_table(
        index="seed", columns="setting", values=_column(runs, metric), sort=False
    )
    rows = []
    for first, second in combinations(runs["setting"].unique(), 2):
        pair = table.reindex(columns=[first, second]).dropna()
        if len(pair) > 1:
            rows.append((first, second, len(pair), *_paired_test(pair[first], pair[second])))
    names = ["first", "second", "n", "difference", "low", "high", "p"]
    tests = pd.DataFrame(rows, columns=names)
    corrected = multipletests(tests["p"], method="holm")[1] if rows else tests["p"]
    return tests.assign(p_corrected=corrected)


def _paired_test(first: pd.Series, second: pd.Series) -> tuple[float, float, float, float]:
    """Returns the mean difference, the ends of its interval, and the p value."""
    difference = first - second
    mean = difference.mean()
    # A few differences that happen to be equal say nothing about how differences scatter, and
    # Student's formula would divide by zero, or by a rounding error.
    if np.allclose(difference, mean, rtol=1e-9, atol=1e-12):
        return mean, mean, mean, 1.0
    test = stats.ttest_rel(first, second)
    return mean, *test.confidence_interval(CONFIDENCE), test.pvalue


def curve_bands(epochs: pd.DataFrame, column: str) -> dict[str, pd.DataFrame]:
    """Summarises each setting's learning curves over its seeds.

    Args:
        epochs: As from `read_sweep`.
        column: Such as "val_accuracy".

    Returns:
        By setting: one row per epoch with `epoch`, `mean`, and the lowest and highest run as `low`
        and `high`.
    """
    return {
        setting: group.groupby("epoch")[column]
        .agg(mean="mean", low="min", high="max")
        .reset_index()
        for setting, group in epochs.groupby("setting", sort=False)
    }


def best_by_metric(runs: pd.DataFrame) -> pd.DataFrame:
    """Finds the setting with the best mean of each metric.

    Returns:
        One row per metric: `best`, and its `n`, `mean`, `low` and `high`.
    """
    rows = {}
    # Of temperatures, neither high nor low ones are better.
    for metric in (name for name in metrics_of(runs) if not name.endswith("temperature")):
        intervals = mean_intervals(runs, metric)
        best = _best(intervals, metric)
        rows[metric] = {"best": best, **intervals.loc[best, ["n", "mean", "low", "high"]]}
    return pd.DataFrame.from_dict(rows, orient="index").astype({"n": int})


def _best(intervals: pd.DataFrame, metric: str) -> str:
    means = intervals["mean"]
    return means.idxmin() if metric.endswith(LOWER_IS_BETTER) else means.idxmax()


def summary(intervals: pd.DataFrame, tests: pd.DataFrame, metric: str) -> str:
    """Says in words which setting came out best, and than which others it is significantly better.

    Args:
        intervals: As from `mean_intervals`.
        tests: As from `paired_tests`.
        metric: What was compared.

    Returns:
        Markdown of one or more sentences.
    """
    best = _best(intervals, metric)
    row = intervals.loc[best]
    extreme = "lowest" if metric.endswith(LOWER_IS_BETTER) else "highest"
    interval = f", 95% interval {row['low']:.5g} to {row['high']:.5g}" if row["n"] > 1 else ""
    sentences = [
        f"**{best}** has the {extreme} mean {metric.replace('_', ' ')}, {row['mean']:.5g} "
        f"(n = {row['n']:.0f}{interval})."
    ]
    own = tests[(tests["first"] == best) | (tests["second"] == best)]
    others = np.where(own["first"] == best, own["second"], own["first"])
    beaten = others[own["p_corrected"] < 1 - CONFIDENCE]
    undecided = [name for name in intervals.index if name != best and name not in beaten]
    if len(beaten):
        sentences.append(f"It is significantly better than {_listed(beaten)}.")
    if undecided:
        sentences.append(f"These runs cannot tell it from {_listed(undecided)}.")
    return " ".join(sentences)


def _listed(names: Iterable[str]) -> str:
    quoted = [f"*{name}*" for name in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " or " + quoted[-1]
