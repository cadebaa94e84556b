"""What the strategy study shows, for docs/study.md: a table, words and a figure.

`python benchmarks/strategy_report.py` draws the figure, docs/study.png, from the result files.
"""

import pandas as pd
from common import from_template, markdown_table

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
    rows = [["20 epochs", *titles]]
    for setting in intervals["test_accuracy"].index:
        rows.append([setting])
        for name, (_, scale, form) in COLUMNS.items():
            row = intervals[name].loc[setting]
            half = (row["high"] - row["low"]) / 2
            differs = setting != OURS and tests[name].loc[setting, "p_corrected"] < 0.05
            mark = "\\*" if differs else ""
            rows[-1].append(form.format(scale * row["mean"], scale * half) + mark)
    return markdown_table(*rows)


def summary() -> str:
    """Returns the table and what stands under it: where it is from, and which pairs differ."""
    runs, _ = sweeps.read_sweep(FOLDER)
    return from_template(
        "study.md",
        table=table(runs),
        n=sweeps.mean_intervals(runs, "test_accuracy")["n"],
        facts=read_json(FOLDER / "environment.json"),
        differences=against_ours(runs, "test_accuracy"),
        tests=sweeps.paired_tests(runs, "test_accuracy"),
    )


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
