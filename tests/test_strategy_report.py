"""The README's words about the strategy study, on numbers that can be checked by hand."""

import pandas as pd
import pytest

from mnist_helpers.files import write_json

OURS = "clean → mixed (hybrid)"
SCORES = {"first": [0.5, 0.6, 0.7], OURS: [0.6, 0.8, 1.0], "last": [0.9, 0.7, 0.8]}


@pytest.fixture
def report(benchmark, monkeypatch, tmp_path):
    module = benchmark("strategy_report")
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    rows = [
        {"run": f"{name} {seed}", "variant": name, "params.SEED": seed, "state": "done"}
        | {f"metrics.{metric}": score for metric in module.COLUMNS}
        for name, scores in SCORES.items()
        for seed, score in enumerate(scores)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "results.csv", index=False)
    pd.DataFrame({"run": [], "variant": []}).to_csv(tmp_path / "epochs.csv", index=False)
    names = ("date", "processor", "precision", "cores", "python", "tensorflow", "keras")
    write_json(tmp_path / "environment.json", {name: f"the {name}" for name in names})
    return module


@pytest.mark.slow
def test_the_table_has_each_setting_and_marks_what_differs(report, monkeypatch):
    text = report.summary()
    lines = text.splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:5]] == list(SCORES)
    half = 4.302653 * 0.1 / 3**0.5
    assert f"| 60.000 ± {100 * half:.3f} |" in lines[2] and "\\*" not in "".join(lines[:5])
    assert "n = 3 seeds" in text and "first +20.000 (-4.841 to +44.841, p 0.22)" in text
    # Differences -0.3, 0.1 and 0.2: 0 ± t(0.975; 2) · √0.07 / √3.
    assert "; last " in text and "0.000 (-65.724 to +65.724" in text
    assert all(f"the {name}" in text for name in ("date", "processor", "precision", "cores"))
    assert text.endswith("Significant among all 3 pairs: none.")
    tests = report.sweeps.paired_tests
    monkeypatch.setattr(
        report.sweeps, "paired_tests", lambda *given: tests(*given).assign(p_corrected=0.049)
    )
    runs, _ = report.sweeps.read_sweep(report.FOLDER)
    assert f"pairs: first minus {OURS}, -20.000 (-44.841 to +4.841, p 0.049)" in report.summary()
    first, ours, last = report.table(runs).splitlines()[2:5]
    assert first.count("\\*") == last.count("\\*") == len(report.COLUMNS) and "\\*" not in ours
