"""Notebook 07 on a sweep of real notebooks, apart from the series for another core to run it."""

import re
import subprocess
import sys

import nbformat
import papermill
import pytest

from mnist_helpers.paths import PROJECT
from mnist_helpers.runner.cli import SERIES
from tests.test_notebooks import COMPARISON, code_cells


@pytest.mark.slow
def test_the_comparison_reads_a_sweep_that_has_just_been_run(tmp_path):
    """One strategy of two phases and one of one phase, of one epoch each."""
    file = tmp_path / "short.yaml"
    file.write_text(
        "notebooks: [02_clean_phase, 03_augmented_phase, 04_evaluation]\n"
        "fixed: {DATASET: digits, BATCH_SIZE: 32, EPOCHS: 1, MAX_TRAINING_IMAGES: 500}\n"
        "seeds: 1\n"
        "variants:\n"
        "- name: ours\n"
        "- {name: one phase, notebooks: [02_clean_phase], AUGMENTED_SHARE: 0.5}\n"
    )
    command = [sys.executable, "-m", "mnist_helpers", "sweep", str(file), "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "2 of 2 runs done" in done.stdout
    for start, series in (("ours", SERIES[1:4]), ("one-phase", SERIES[1:2])):
        (folder,) = (tmp_path / "short").glob(f"{start}*")
        for name in series:
            assert (folder / f"{name}.html").exists() and (folder / f"{name}.ipynb").exists()
            assert (folder / f"{name}.thumbnail.png").stat().st_size > 0
            executed = nbformat.read(folder / f"{name}.ipynb", as_version=4)
            said = str([cell.outputs for cell in code_cells(executed)])
            assert not re.findall(r".{,40}\b1 (?:epoch|image|digit|run)s\b", said)
    values = {"SWEEP_DIR": str(tmp_path / "short"), "METRIC": "validation_accuracy"}
    out = tmp_path / "07.ipynb"
    papermill.execute_notebook(COMPARISON, out, values, progress_bar=False, kernel_name="python3")
    assert "has the highest mean validation_accuracy" in out.read_text()
