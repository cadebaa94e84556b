import re

import numpy as np
import pandas as pd
import pytest
from nbconvert.filters.markdown import markdown2html

from mnist_helpers.evaluation import sweeps
from mnist_helpers.plotting import sweeps as plots

pytestmark = pytest.mark.usefixtures("project_style")


@pytest.fixture
def folder(tmp_path):
    """A sweep of three settings: b is better than a by 1, 2 and 3, c has other seeds and a failure.

    Returns its folder.
    """
    header = ["run", "variant", "params.SHARE", "params.SEED", "state", "metrics.test_accuracy",
              "metrics.ece", "error"]  # fmt: skip
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
    pd.DataFrame(rows, columns=header).to_csv(tmp_path / "results.csv", index=False)
    names = ["run", "variant", "phase", "epoch", "val_accuracy"]
    epochs = [[row[0], row[1], "hybrid", n, row[3] + n] for row in rows for n in (1, 2)]
    pd.DataFrame(epochs, columns=names).to_csv(tmp_path / "epochs.csv", index=False)
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


def test_names_with_markup_come_out_as_text(folder):
    table = (folder / "results.csv").read_text()
    hostile = "<img src=x onerror=alert(1)>*a* [l](http://x) $\\frac{"
    (folder / "results.csv").write_text(
        table.replace(",a,", f",{hostile},").replace("metrics.ece", "metrics.<script>")
    )
    runs, epochs = sweeps.read_sweep(folder)
    intervals, tests = (
        of(runs, "test_accuracy") for of in (sweeps.mean_intervals, sweeps.paired_tests)
    )
    figure = plots.plot_runs(runs, {"test_accuracy": intervals}, runs["setting"][0])
    figure.canvas.draw()  # a half formula would raise
    assert "alert(1)›" in runs["setting"][0] and set(epochs["setting"]) == set(runs["setting"])
    shown = [frame.style.to_html() for frame in (intervals, tests, sweeps.best_by_metric(runs))]
    for html in [*shown, markdown2html(sweeps.summary(intervals, tests, "test_accuracy"))]:
        assert not re.search("<(img|script|a) |<script>|<em>a</em>", html)
        assert "‹" in html


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


def test_differences_that_are_equal_but_for_rounding_prove_nothing():
    values = [0.9951, 0.9957, 0.9963, 0.9948, 0.9954, 0.9960]
    settings = {"setting": list("aaabbb"), "seed": [0, 1, 2] * 2, "metrics.m": values}
    (row,) = sweeps.paired_tests(pd.DataFrame(settings), "m").to_dict("records")
    assert row["p"] == 1 and row["difference"] == pytest.approx(0.0003)


def test_holms_correction_computed_by_hand():
    # Of 0.0742 (a and b) and two pairs that are told apart: the smallest of three is tripled, the
    # next doubled, and none falls below the one before it.
    seeds = np.tile(np.arange(3), 3)
    values = [5, 6, 7, 6, 8, 10, 0, 1, 2.001]
    runs = pd.DataFrame({"setting": np.repeat(list("abc"), 3), "seed": seeds, "metrics.m": values})
    tests = sweeps.paired_tests(runs, "m").sort_values("p")
    p = tests["p"].to_numpy()
    expected = np.maximum.accumulate([3 * p[0], 2 * p[1], p[2]])
    assert list(tests["p_corrected"]) == pytest.approx(np.minimum(expected, 1))


def test_a_table_whose_columns_have_no_prefixes_is_still_read(sweep, folder):
    path = folder / "results.csv"
    path.write_text(path.read_text().replace("params.", "").replace("metrics.", ""))
    pd.testing.assert_frame_equal(sweeps.read_sweep(folder)[0], sweep[0])


def test_bands_go_from_the_worst_to_the_best_run(sweep):
    _, epochs = sweep
    band = sweeps.curve_bands(epochs, "val_accuracy")["a, SHARE 0.5"]
    assert list(band["epoch"]) == [1, 2]
    assert band[["mean", "low", "high"]].to_numpy().tolist() == [[2, 1, 3], [3, 2, 4]]


def test_the_summary_names_the_best_and_what_is_not_certain(sweep):
    runs, _ = sweep
    intervals = sweeps.mean_intervals(runs, "test_accuracy")
    tests = sweeps.paired_tests(runs, "test_accuracy")
    text = sweeps.summary(intervals, tests, "test_accuracy")
    assert text.startswith("**b, SHARE 0.5** has the highest mean test accuracy, 8 (n = 3, 95%")
    assert "cannot tell it from *a, SHARE 0.5* or *b, SHARE 1*." in text
    sure = sweeps.summary(intervals, tests.assign(p_corrected=0.01), "test_accuracy")
    assert "significantly better than *a, SHARE 0.5*. These runs cannot tell it from *b," in sure
    lowest = sweeps.mean_intervals(runs, "ece")
    text = sweeps.summary(lowest, sweeps.paired_tests(runs, "ece"), "ece")
    assert text.startswith("**b, SHARE 1** has the lowest mean ece, 0.1 (n = 1).")
    warm = {"metrics.temperature": 1.0, "metrics.calibration_temperature": 1.0}
    best = sweeps.best_by_metric(runs.assign(**warm))["best"]  # neither high nor low is better
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


def test_figures_of_curves_and_pairs_name_their_settings(sweep):
    runs, epochs = sweep
    intervals = {name: sweeps.mean_intervals(runs, name) for name in ("test_accuracy", "ece")}
    panels = plots.plot_runs(runs, intervals, "T").axes
    assert [axes.get_xlabel() for axes in panels] == ["test accuracy", "ece"]
    names = [label.get_text() for label in panels[0].get_yticklabels()]
    assert names == list(intervals["test_accuracy"].index)
    bands = sweeps.curve_bands(epochs, "val_accuracy")
    figure = plots.plot_sweep_curves(bands, "val", "T")
    assert [axes.get_title("left") for axes in figure.axes] == list(bands)
    tests = sweeps.paired_tests(runs, "test_accuracy")
    (axes,) = plots.plot_differences(tests, "test_accuracy", "T").axes
    assert axes.get_yticklabels()[0].get_text() == "a, SHARE 0.5\nminus b, SHARE 0.5"
    plots.plot_differences(tests[:0], "test_accuracy", "no pair").draw_without_rendering()


def test_curves_show_a_mean_of_zero_and_runs_no_accuracy_beyond_one():
    band = {"epoch": [1, 2], "mean": [1.0, 0.0], "low": [0.5, 0.0], "high": [2.0, 0.0]}
    (axes,) = plots.plot_sweep_curves({"one": pd.DataFrame(band)}, "wrong (%)", "T").axes
    assert list(axes.lines[-1].get_ydata()) == [1, 0]
    assert axes.get_yscale() == "symlog" and axes.get_ylim()[0] == 0
    runs = pd.DataFrame({"setting": ["one"] * 2, "metrics.test_accuracy": [0.99, 1.0]})
    intervals = pd.DataFrame({"mean": [0.995], "low": [0.93], "high": [1.06]}, index=["one"])
    (axes,) = plots.plot_runs(runs, {"test_accuracy": intervals}, "T").axes
    low, high = axes.get_xlim()
    assert low < 0.93 and 1 <= high < 1.01
