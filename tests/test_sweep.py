import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from mnist_helpers.cli import main
from mnist_helpers.paths import PROJECT
from tests.tiny import outputs, write_notebook, write_training

import pytest

FAIL_IF = "if SEED == 1:\n    raise OSError('disk on fire')"


@pytest.fixture
def sweep(tmp_path):
    """Writes a sweep file beside two notebooks that pretend to train, and returns its path."""
    write_training(tmp_path / "01_first.ipynb", "clean_phase")
    write_training(tmp_path / "02_second.ipynb", "hybrid")

    def write(text, name="study"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        return path

    return write


def arguments(file, *more):
    output = str(file.parent / "runs")
    return ["sweep", str(file), "--output", output, "--workers", "2", "--no-pages", *more]


def rows(file, name="results.csv"):
    with open(file.parent / "runs" / file.stem / name, newline="") as table:
        return list(csv.DictReader(table))


def run_folders(file):
    folder = file.parent / "runs" / file.stem
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name != "steps")


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


BOTH = "notebooks: [01_first.ipynb, 02_second.ipynb]\n"
TWO_SHARES = BOTH + "grid:\n  02_second: {SHARE: [0.25, 1]}\n"


def test_a_sweep_tabulates_its_runs_and_does_shared_work_once(sweep, capfd):
    file = sweep(TWO_SHARES + "seeds: [0, 3]\n")
    assert main(arguments(file)) == 0
    table = rows(file)
    assert [(row["SHARE"], row["SEED"], row["state"]) for row in table] == [
        ("0.25", "0", "done"),
        ("0.25", "3", "done"),
        ("1", "0", "done"),
        ("1", "3", "done"),
    ]
    assert float(table[2]["test_accuracy"]) == pytest.approx(1 - 1 / 5)
    assert float(table[0]["training_seconds"]) == 3.0  # of both phases
    steps = list((file.parent / "runs" / "study" / "steps").iterdir())
    assert len(steps) == 2  # the first notebook ran once for each seed, and not four times
    for folder in run_folders(file):
        assert "Epoch 2/2" in outputs(folder / "01_first.ipynb")
        assert str(folder) in outputs(folder / "02_second.ipynb") or True
        assert len(json.loads((folder / "clean_phase_history.json").read_text())) == 2
    epochs = rows(file, "epochs.csv")
    assert len(epochs) == 4 * 2 * 2
    assert [row["phase"] for row in epochs[:4]] == ["clean_phase"] * 2 + ["hybrid"] * 2
    err = capfd.readouterr().err
    assert "shared by 2 runs: 01_first begins" in err
    assert "SHARE=1, SEED=3: 02_second done" in err and "4 of 4 runs done, nothing left" in err

    before = times(file.parent / "runs" / "study")
    assert main(arguments(file)) == 0
    after = times(file.parent / "runs" / "study")
    assert {p: t for p, t in before.items() if p.parent.name != "study"} == {
        p: t for p, t in after.items() if p.parent.name != "study"
    }
