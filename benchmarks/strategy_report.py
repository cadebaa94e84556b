"""What the strategy study shows, for docs/study.md: a table, words and a figure.

`python benchmarks/strategy_report.py` draws the figure, docs/study.png, from the result files.
"""

import pandas as pd

from mnist_helpers.evaluation import sweeps
from mnist_helpers.files import read_json
from mnist_helpers.paths import PROJECT
from mnist_helpers.plotting.style import use_style
from mnist_helpers.plotting.sweeps import plot_runs

FOLDER = PROJECT / "sweeps" / "results" / "strategy"
OURS = "clean → mixed (hybrid)"
# Metric to its title, what it is multiplied by, and how its mean and half interval are written.
COLUMNS = {
    "test_accuracy": ("test accuracy (%)", 100, "{:.3f} ± {:.3f}"),
    "ece": ("calibration error (%)", 100, "{:.2f} ± {:.2f}"),
    "geometric_robustness": ("rotated, shifted, scaled, sheared (%)", 100, "{:.2f} ± {:.2f}"),
    "photometric_robustness": ("noise, grey, lines and the like (%)", 100, "{:.1f} ± {:.1f}"),
    "digits8x8_accuracy": ("8×8 digits (%)", 100, "{:.2f} ± {:.2f}"),
    "training_cpu_seconds": ("training (processor minutes)", 1 / 60, "{:.1f} ± {:.1f}"),
}


def against_ours(runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Returns how each other setting differs from ours, seed by seed.

    Returns:
        By setting `n`, `difference` (ours minus the other) with `low` and `high`, and
        `p_corrected`, for the number of all pairs.
    """
    tests = sweeps.paired_tests(runs, metric)
    first = tests["first"] == OURS
    ours = tests[first | (tests["second"] == OURS)].copy()
    turned = ours["second"] == OURS
    ends = -ours.loc[turned, ["difference", "high", "low"]].to_numpy()
    ours.loc[turned, ["difference", "low", "high"]] = ends
    ours.index = pd.Index(ours["second"].where(~turned, ours["first"]))
    return ours[["n", "difference", "low", "high", "p_corrected"]]


def table(runs: pd.DataFrame) -> str:
    """Returns each setting's means with the half width of Student's 95% interval, in Markdown."""
    titles = [title for title, _, _ in COLUMNS.values()]
    intervals = {name: sweeps.mean_intervals(runs, name) for name in COLUMNS}
    tests = {name: against_ours(runs, name) for name in COLUMNS}
    lines = [f"| 20 epochs | {' | '.join(titles)} |", "|---" * (1 + len(titles)) + "|"]
    for setting in intervals["test_accuracy"].index:
        cells = []
        for name, (_, scale, form) in COLUMNS.items():
            row = intervals[name].loc[setting]
            half = (row["high"] - row["low"]) / 2
            differs = setting != OURS and tests[name].loc[setting, "p_corrected"] < 0.05
            mark = "\\*" if differs else ""
            cells.append(form.format(scale * row["mean"], scale * half) + mark)
        lines.append(f"| {setting} | {' | '.join(cells)} |")
    return "\n".join(lines)


def accuracies(runs: pd.DataFrame) -> str:
    """Says by how much the test accuracy of ours differs from each other, and which pairs do."""
    parts = [
        f"{setting} {_points(row)}"
        for setting, row in against_ours(runs, "test_accuracy").iterrows()
    ]
    tests = sweeps.paired_tests(runs, "test_accuracy")
    certain = [
        f"{row['first']} minus {row['second']}, {_points(row)}"
        for _, row in tests[tests["p_corrected"] < 0.05].iterrows()
    ]
    return (
        "Test accuracy of the hybrid minus that of each other, in points, with its 95% interval "
        f"and corrected p: {'; '.join(parts)}. Significant among all {len(tests)} pairs: "
        f"{'; '.join(certain) or 'none'}."
    )


def _points(row: pd.Series) -> str:
    return (
        f"{100 * row['difference']:+.3f} ({100 * row['low']:+.3f} to {100 * row['high']:+.3f}, "
        f"p {row['p_corrected']:.2g})"
    )


def caption(runs: pd.DataFrame) -> str:
    """Says what the numbers are, and where and when they were measured."""
    n = sweeps.mean_intervals(runs, "test_accuracy")["n"]
    count = f"{n.min()}" if n.min() == n.max() else f"{n.min()} to {n.max()}"
    facts = read_json(FOLDER / "environment.json")
    return (
        f"Means over n = {count} seeds ± half of Student's 95% interval. \\*: differs "
        "significantly from the hybrid (paired by seed, Holm's correction for all pairs, "
        "p < 0.05). All share the network, the number of updates, and each seed's first weights. "
        "Calibration error of the models as saved; corrupted digits over all severities of the "
        f"types in notebook 05. {facts['date']}, {facts['processor']}, {facts['precision']}, "
        f"threads of a run: {facts['cores']}; Python {facts['python']}, TensorFlow "
        f"{facts['tensorflow']}, Keras {facts['keras']}."
    )


def summary() -> str:
    """Returns the table and what stands under it."""
    runs, _ = sweeps.read_sweep(FOLDER)
    return "\n\n".join([table(runs), caption(runs), accuracies(runs)])


def main() -> None:
    """Draws all runs and each setting's mean with its interval, on clean and transformed digits."""
    use_style()
    runs, _ = sweeps.read_sweep(FOLDER)
    metrics = ("test_accuracy", "geometric_robustness")
    intervals = {name: sweeps.mean_intervals(runs, name) for name in metrics}
    figure = plot_runs(runs, intervals, "Six strategies of 20 epochs, five seeds each")
    figure.savefig(PROJECT / "docs" / "study.png", dpi=110, bbox_inches="tight")


if __name__ == "__main__":
    main()
