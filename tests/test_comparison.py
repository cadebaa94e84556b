import csv

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from mnist_helpers.evaluation import sweeps
from mnist_helpers.plotting import sweeps as plots


@pytest.fixture
def folder(tmp_path):
    """A sweep of three settings: b is better than a by 1, 2 and 3, c has other seeds and a failure.

    Returns its folder.
    """
    header = ["run", "variant", "SHARE", "SEED", "state", "test_accuracy", "ece", "error"]
    rows = [
        ["1", "a", 0.5, 0, "done", 5, 0.3, ""],
        ["2", "a", 0.5, 1, "done", 6, 0.3, ""],
        ["3", "a", 0.5, 2, "done", 7, 0.3, ""],
        ["4", "b", 0.5, 0, "done", 6, 0.2, ""],
        ["5", "b", 0.5, 1, "done", 8, 0.2, ""],
        ["6", "b", 0.5, 2, "done", 10, 0.2, ""],
        ["7", "b", 1.0, 2, "done", 4, 0.1, ""],
        ["8", "b", 1.0, 3, "failed", "", "", "disk on fire"],
    ]
    with (tmp_path / "results.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    with (tmp_path / "epochs.csv").open("w", newline="") as file:
        epochs = [[row[0], row[1], "hybrid", n, row[3] + n] for row in rows for n in (1, 2)]
        csv.writer(file).writerows([["run", "variant", "phase", "epoch", "val_accuracy"], *epochs])
    return tmp_path


@pytest.fixture
def sweep(folder):
    return sweeps.read_sweep(folder)


def test_settings_are_what_varies_beside_the_seed_and_failed_runs_are_left_out(sweep):
    runs, epochs = sweep
    assert list(runs["setting"]) == ["a, SHARE 0.5"] * 3 + ["b, SHARE 0.5"] * 3 + ["b, SHARE 1"]
    assert sweeps.metrics_of(runs) == ["test_accuracy", "ece"]
    assert set(epochs["run"]) == {1, 2, 3, 4, 5, 6, 7}
    assert set(runs["dataset_title"]) == {"not recorded"}


def test_student_intervals_computed_by_hand(sweep):
    runs, _ = sweep
    intervals = sweeps.mean_intervals(runs, "test_accuracy")
    row = intervals.loc["a, SHARE 0.5"]
    # Of 5, 6, 7: deviation 1, standard error 1/√3, and t(0.975; 2) is 4.3027.
    assert (row["n"], row["mean"], row["deviation"]) == (3, 6, 1)
    assert row["low"] == pytest.approx(6 - 4.302653 / 3**0.5)
    assert row["high"] == pytest.approx(6 + 4.302653 / 3**0.5)
    alone = intervals.loc["b, SHARE 1"]
    assert alone["mean"] == 4 and np.isnan(alone["low"])


def test_paired_tests_computed_by_hand(sweep):
    runs, _ = sweep
    tests = sweeps.paired_tests(runs, "test_accuracy")
    assert len(tests) == 1  # the third setting has one seed in common with the others
    row = tests.iloc[0]
    # Differences -1, -2, -3: t = -2√3, and with 2 degrees of freedom p = 1 - t/√(2 + t²) = 0.0742.
    assert (row["n"], row["difference"]) == (3, -2)
    assert row["p"] == pytest.approx(1 - 12**0.5 / 14**0.5)
    assert row["p_corrected"] == row["p"]
    equal = sweeps.paired_tests(runs, "ece").iloc[0]
    assert equal["difference"] == pytest.approx(0.1) and equal["p"] == 1


@pytest.mark.parametrize(
    ("p_values", "corrected"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.02], [0.02]),
        ([], []),
    ],
)
def test_holms_correction_computed_by_hand(p_values, corrected):
    assert sweeps.holm(p_values) == pytest.approx(corrected)


def test_bands_go_from_the_worst_to_the_best_run(sweep):
    _, epochs = sweep
    band = sweeps.curve_bands(epochs, "val_accuracy")["a, SHARE 0.5"]
    assert list(band["epoch"]) == [1, 2]
    assert band[["mean", "low", "high"]].to_numpy().tolist() == [[2, 1, 3], [3, 2, 4]]


def test_the_verdict_names_the_best_and_what_is_not_certain(sweep):
    runs, _ = sweep
    intervals = sweeps.mean_intervals(runs, "test_accuracy")
    tests = sweeps.paired_tests(runs, "test_accuracy")
    text = sweeps.verdict(intervals, tests, "test_accuracy")
    assert text.startswith("**b, SHARE 0.5** has the highest mean test_accuracy, 8 (n = 3, 95 %")
    assert "cannot tell it from *a, SHARE 0.5* or *b, SHARE 1*." in text
    sure = sweeps.verdict(intervals, tests.assign(p_corrected=0.01), "test_accuracy")
    assert "significantly better than *a, SHARE 0.5*. These runs cannot tell it from *b," in sure
    lowest = sweeps.mean_intervals(runs, "ece")
    text = sweeps.verdict(lowest, sweeps.paired_tests(runs, "ece"), "ece")
    assert text.startswith("**b, SHARE 1** has the lowest mean ece, 0.1 (n = 1).")
    best = sweeps.best_by_metric(runs)["best"]
    assert list(best) == ["b, SHARE 0.5", "b, SHARE 1"]


def test_what_cannot_be_compared_is_refused(sweep, folder, tmp_path):
    with pytest.raises(ValueError, match="not measured f1; it has measured test_accuracy, ece"):
        sweeps.mean_intervals(sweep[0], "f1")
    with pytest.raises(FileNotFoundError, match="run a sweep first"):
        sweeps.read_sweep(tmp_path / "none")
    text = (folder / "results.csv").read_text()
    (folder / "results.csv").write_text(text.replace("done", "waiting"))
    with pytest.raises(ValueError, match="No run in .* is finished"):
        sweeps.read_sweep(folder)


def test_the_figures_show_every_run_setting_and_pair(sweep):
    runs, epochs = sweep
    intervals = sweeps.mean_intervals(runs, "test_accuracy")
    (axes,) = plots.plot_runs(runs, {"test_accuracy": intervals}, "T").axes
    dots = np.concatenate([dots.get_offsets()[:, 0] for dots in axes.collections])
    assert sorted(dots) == [4, 5, 6, 6, 7, 8, 10]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(intervals.index)
    bands = sweeps.curve_bands(epochs, "val_accuracy")
    with plt.rc_context({"figure.constrained_layout.use": True}):  # as in the notebooks
        figure = plots.plot_curves(bands, "val", "T")
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == list(bands)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert legend.get_window_extent().y1 <= axes.get_tightbbox().y0  # not over its labels either
    tests = sweeps.paired_tests(runs, "test_accuracy")
    (axes,) = plots.plot_differences(tests, "test_accuracy", "T").axes
    assert axes.get_yticklabels()[0].get_text() == "a, SHARE 0.5\nminus b, SHARE 0.5"
    plots.plot_differences(
        tests[:0], "test_accuracy", "no pair has seeds in common"
    ).draw_without_rendering()
    plt.close("all")


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (2, 2), (3, 4)])
def test_each_measure_has_a_panel_with_the_same_rows(sweep, count, shown):
    runs = sweep[0].assign(nll=[9, 9, 9, 8, 8, 8, 7])
    metrics = ["test_accuracy", "ece", "nll"][:count]
    intervals = {name: sweeps.mean_intervals(runs, name) for name in metrics}
    panels = plots.plot_runs(runs, intervals, "T").axes
    assert len(panels) == shown and sum(axes.axison for axes in panels) == count
    for axes, name in zip(panels, metrics, strict=False):
        dots = np.concatenate([dots.get_offsets()[:, 0] for dots in axes.collections])
        assert sorted(dots) == sorted(runs[name]) and axes.get_xlabel() == name.replace("_", " ")
    names = [label.get_text() for label in panels[0].get_yticklabels()]
    assert names == list(intervals["test_accuracy"].index)
    assert panels[-1].get_ylim() == panels[0].get_ylim()
    plt.close("all")


def test_runs_of_equal_value_are_all_seen():
    runs = pd.DataFrame({"setting": ["one"] * 12, "ece": [0.5] * 12})
    intervals = {"ece": pd.DataFrame({"mean": [0.5], "low": [0.5], "high": [0.5]}, index=["one"])}
    (axes,) = plots.plot_runs(runs, intervals, "T").axes
    heights = axes.collections[0].get_offsets()[:, 1]
    assert len(set(heights)) == 12 and min(heights) > 0 and max(heights) < 0.5
    plt.close("all")


def test_curves_show_a_mean_of_zero_and_strips_no_accuracy_beyond_one():
    band = {"epoch": [1, 2], "mean": [1.0, 0.0], "low": [0.5, 0.0], "high": [2.0, 0.0]}
    (axes,) = plots.plot_curves({"one": pd.DataFrame(band)}, "wrong (%)", "T").axes
    assert list(axes.lines[0].get_ydata()) == [1, 0]
    assert axes.get_yscale() == "symlog" and axes.get_ylim()[0] == 0
    runs = pd.DataFrame({"setting": ["one"] * 2, "test_accuracy": [0.99, 1.0]})
    intervals = pd.DataFrame({"mean": [0.995], "low": [0.93], "high": [1.06]}, index=["one"])
    (axes,) = plots.plot_runs(runs, {"test_accuracy": intervals}, "T").axes
    low, high = axes.get_xlim()
    assert low < 0.93 and 1 <= high < 1.01
