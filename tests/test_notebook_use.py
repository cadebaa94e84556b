"""Notebooks as people use them: interrupted, run twice, out of order, in a read-only folder.

One kernel is driven cell by cell, on scikit-learn's digits.
"""

import os
import re
import shutil
import subprocess
import sys

import nbformat
import numpy as np
import pytest
from jupyter_client.manager import KernelManager

from mnist_helpers.paths import NOTEBOOKS_DIR, PROJECT
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.metrics import read_metrics
from tests.browser.lab import prepare_models
from tests.stress import VARIABLE
from tests.test_recipes import solutions

pytestmark = [pytest.mark.promise(7), pytest.mark.slow]
AT_LENGTH = pytest.mark.skipif(VARIABLE not in os.environ, reason="only in `make stress`")
SMALL = {"DATASET": "digits", "EPOCHS": 4, "MAX_TRAINING_IMAGES": 800, "BATCH_SIZE": 32}
LONG = 300  # seconds; far more than a cell takes


def code_cells(name, **values):
    """Returns the sources of a notebook's code cells, with other parameters."""
    notebook = nbformat.read(NOTEBOOKS_DIR / f"{name}.ipynb", as_version=4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    place = next(i for i, source in enumerate(cells) if "_DIR: str" in source)
    for parameter, value in values.items():
        pattern = rf"^({parameter}: \w+ = )\S+"
        cells[place] = re.sub(pattern, rf"\g<1>{value!r}", cells[place], flags=re.MULTILINE)
    return cells


class Session:
    """A notebook in a kernel of its own."""

    def __init__(self, name, **values):
        self.cells = code_cells(name, **values)
        self.kernel = KernelManager(kernel_name="python3", transport_encryption="auto")
        # This interpreter's own kernel, whatever kernels the user has installed.
        self.kernel.kernel_spec.argv[0] = sys.executable
        self.kernel.start_kernel(cwd=str(NOTEBOOKS_DIR))
        self.client = self.kernel.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=LONG)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.stop_channels()
        self.kernel.shutdown_kernel(now=True)

    def cell(self, part):
        """Returns the number of the cell that contains `part`."""
        return next(i for i, source in enumerate(self.cells) if part in source)

    def run(self, source, interrupt_at=None):
        """Runs code; returns what it printed, and its error's name and words, or None."""
        wanted, printed, error = self.client.execute(source), "", None
        while True:
            message = self.client.get_iopub_msg(timeout=LONG)
            if message["parent_header"].get("msg_id") != wanted:
                continue
            content = message["content"]
            if message["msg_type"] == "stream":
                printed += content["text"]
                if interrupt_at and interrupt_at in printed:
                    self.kernel.interrupt_kernel()
                    interrupt_at = None
            elif message["msg_type"] == "error":
                error = f"{content['ename']}: {content['evalue']}"
                self.traceback = content["traceback"]
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                return printed, error

    def run_cells(self, first=0, last=None):
        """Runs cells one after another, each without an error; returns what they printed."""
        printed = ""
        for source in self.cells[first:last]:
            said, error = self.run(source)
            assert error is None, f"{error}\n{source}"
            printed += said
        return printed


def same_weights(first, second):
    for a, b in zip(load_model(first).get_weights(), load_model(second).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_interrupted_continued_run_again_and_out_of_order_in_one_kernel(tmp_path, record_property):
    values = {"OUTPUT_DIR": str(tmp_path), "AUGMENTED_SHARE": 0.5, **SMALL}
    with Session("02_clean_phase", **values) as notebook:
        resume, fit = notebook.cell(".resume(network)"), notebook.cell("network.fit(")
        save = notebook.cell("save_phase(")
        _, error = notebook.run(notebook.cells[save])
        assert error.startswith("NameError") and len(notebook.traceback) > 1
        notebook.run_cells(0, fit)
        _, error = notebook.run(notebook.cells[save])
        assert "This training has not run to its end: run the cell with resume()" in error
        _, error = notebook.run(notebook.cells[fit], interrupt_at="Epoch 2/4")
        assert "Training was interrupted; epoch 1 is the last complete one" in error
        assert len(notebook.traceback) == 1  # in one line
        _, error = notebook.run(notebook.cells[save])
        assert "This training has not run to its end: run the cell with resume()" in error
        _, error = notebook.run(notebook.cells[fit])
        assert "run the cell with resume() again before this one" in error
        assert not (tmp_path / "clean_phase.keras").exists()
        assert "Continuing an interrupted training after epoch" in notebook.run_cells(resume)
        continued = tmp_path / "continued.keras"
        shutil.copy(tmp_path / "clean_phase.keras", continued)
        metrics = read_metrics(tmp_path)["phases"]
        notebook.run_cells(save, save + 1)  # once more
        same_weights(continued, tmp_path / "clean_phase.keras")
        assert read_metrics(tmp_path)["phases"] == metrics
        _, error = notebook.run(notebook.cells[fit])
        assert "run the cell with resume() again before this one" in error
        _, error = notebook.run(notebook.cells[resume])
        assert "run the notebook again from the cell that makes or loads the network" in error
        notebook.run_cells()  # all of it once more, in the same kernel and undisturbed
        same_weights(continued, tmp_path / "clean_phase.keras")
        (tmp_path / "empty").mkdir()
        for name in ("03_augmented_phase", "04_evaluation"):
            cells = code_cells(name, DATASET="digits", OUTPUT_DIR=str(tmp_path / "empty"))
            error = next(error for _, error in map(notebook.run, cells) if error)
            assert "run 02_clean_phase.ipynb first" in error
    assert not list(tmp_path.glob(".*")) and not list(tmp_path.glob("*.state.npz"))
    record_property("cases", 10)


@AT_LENGTH
def test_two_kernels_do_not_train_into_one_folder(tmp_path):
    values = {**SMALL, "OUTPUT_DIR": str(tmp_path)}
    with (
        Session("02_clean_phase", **values) as first,
        Session("02_clean_phase", **values) as second,
    ):
        resume = first.cell(".resume(network)")
        for notebook in (first, second):
            notebook.run_cells(0, resume)
        first.run_cells(resume, resume + 1)
        _, error = second.run(second.cells[resume])
        pid = first.kernel.provisioner.pid
        assert error.startswith(f"FolderBusyError: Process {pid} is training into"), error
        first.run_cells(resume + 1)
        # 02 is through though its kernel lives, so another one may train on.
        with Session("03_augmented_phase", **values) as third:
            third.run_cells()


def test_the_explorers_settings_train_also_after_all_cells_have_run(tmp_path):
    """What people do: *Run all*, move a slider, press the button, run from the cell below."""
    folder = tmp_path / "models"
    prepare_models(folder, "digits")
    quick = {**SMALL, "EPOCHS": 1, "MAX_TRAINING_IMAGES": 300, "OUTPUT_DIR": str(folder)}
    with Session("03_augmented_phase", **quick) as notebook:
        notebook.run_cells()
        notebook.run("explorer.sliders['rotation_degrees'].value = 45; explorer.use.click()")
        notebook.run_cells(notebook.cell("explorer.augmentation"))
        assert read_metrics(folder)["phases"]["hybrid"]["parameters"]["ROTATION_DEGREES"] == 45
        # The explorer's own cell, run once more, keeps the choice and what the parameters say.
        assert "45°" in notebook.run_cells(notebook.cell("AugmentationExplorer("))
        said, _ = notebook.run("print(explorer.status.value); explorer.reset.click()")
        assert "rotation 45°" in said and "as in the parameters cell" not in said
        said, _ = notebook.run("print(explorer.augmentation.description)")
        assert "rotation 15°" in said


def test_06_and_07_run_with_their_solutions_in_one_kernel(tmp_path):
    folder = tmp_path / "models"
    prepare_models(folder, "digits")
    values = {"DATASET": "digits", "OUTPUT_DIR": str(folder)}
    with Session("06_try_it", **values) as notebook:
        notebook.cells += code_cells("07_compare_runs")
        for name in ("06_try_it", "07_compare_runs"):
            added = solutions(NOTEBOOKS_DIR / f"{name}.ipynb")
            assert added
            notebook.cells += added
        notebook.run_cells()


# A project folder that cannot be written


def in_a_read_only_project(*command, **options):
    """Runs a command that sees the project's folder as read-only; skips where that is barred."""
    folder = f'"{PROJECT}"'
    mount = f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} || exit 77"
    script = f'{mount}; cd "{PROJECT}" && exec "$@"'
    try:
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, "sh", *command],
            capture_output=True, text=True, timeout=600, **options,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("unshare is not on this machine, so no folder can be made read-only for a test")
    if done.returncode == 77 or "unshare failed" in done.stderr:
        pytest.skip("a folder cannot be mounted read-only here")
    return done


def test_a_read_only_project_names_the_parameter_that_helps(tmp_path):
    code = f"""
from mnist_helpers import data, paths
try:
    paths.output_dir("trained_model")
except OSError as error:
    print(error)
print(paths.output_dir({str(tmp_path / "elsewhere")!r}))
print(len(data.load_training("digits")[0][0]))
"""
    done = in_a_read_only_project(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    refusal, folder, images = done.stdout.splitlines()
    assert "set OUTPUT_DIR to a folder that you may write to" in refusal
    assert folder == str(tmp_path / "elsewhere") and int(images) > 1000


@AT_LENGTH
def test_the_whole_series_runs_in_a_read_only_project(tmp_path):
    done = in_a_read_only_project(
        sys.executable, "-m", "mnist_helpers", "run", "--quick", "--dataset", "digits",
        "-p", "EPOCHS", "1", "--output", str(tmp_path), "--name", "elsewhere",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "elsewhere" / "best_model.keras").exists()
