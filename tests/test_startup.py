"""What `import mnist_helpers` arranges, in fresh processes."""

import os
import subprocess
import sys

import pytest

import mnist_helpers
from mnist_helpers.paths import PROJECT
from mnist_helpers.startup import notes_to_log
from tests.tiny import write_training

pytestmark = pytest.mark.slow


def run(code, **environment):
    keep = {k: v for k, v in os.environ.items() if k not in ("KERAS_HOME", "OMP_WAIT_POLICY")}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT, env=keep | environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_keras_may_be_imported_before_and_waiting_threads_leave_the_processor_to_others():
    done = run(
        "import keras, mnist_helpers, os; from mnist_helpers import load_mnist, paths, startup\n"
        "print(paths.datasets_dir(), os.environ['OMP_WAIT_POLICY'], sep='\\n')\n"
        "os.environ['OMP_WAIT_POLICY'] = 'active'; startup.prepare()\n"
        "print(os.environ['OMP_WAIT_POLICY'])"
    )
    expected = [str(PROJECT / "data" / "datasets"), "passive", "active"]
    assert done.stdout.splitlines() == expected, done.stderr


def test_notes_go_to_the_log_and_nothing_to_the_standard_error(tmp_path):
    log = tmp_path / "log"
    done = run(
        f"import logging; logging.basicConfig(level='INFO', filename={str(log)!r})\n"
        "from mnist_helpers.training import build_cnn; build_cnn()"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "INFO:mnist_helpers.tensorflow:" in log.read_text()


def test_a_failed_import_of_tensorflow_shows_its_error_and_its_notes(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        # In two pieces, for the traceback quotes this line.
        "import os; os.write(2, b'no AVX' + b' here'); raise ImportError('cannot load the library')"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = run("from mnist_helpers.training import build_cnn", PYTHONPATH=path)
    assert done.returncode and "no AVX here" in done.stderr
    assert "ImportError: cannot load the library" in done.stderr


def test_python_s_own_errors_are_not_kept_back(capfd):
    with pytest.raises(ValueError, match="wrong"), notes_to_log():
        os.write(2, b"from below")
        raise ValueError("wrong")
    assert "from below" in capfd.readouterr().err


HEAVY = {"tensorflow", "keras", "numpy", "papermill", "nbformat", "tqdm", "distributed"}
# None of it when these are imported, so that figures of numbers answer at once.
LIGHT = "data.exploration", "evaluation.sweeps", "parameters", "plotting.digits"


def test_what_computes_nothing_imports_nothing_heavy(tmp_path):
    write_training(tmp_path / "01_first.ipynb", "clean_phase")
    (tmp_path / "study.yaml").write_text("notebooks: [01_first.ipynb]\nseeds: 3")
    done = run(f"""
import importlib.metadata, sys
importlib.metadata.distributions = None  # nothing looks through all that is installed
from mnist_helpers.runner.cli import main
def loaded(names): return sorted(names & {{*sys.modules}})
assert main(["sweep", {str(tmp_path / "study.yaml")!r}, "--dry-run"]) == 0
assert not loaded({HEAVY | {"rich"}}), loaded({HEAVY | {"rich"}})
assert main(["run", "--help"]) == 0
assert not loaded({HEAVY}), loaded({HEAVY})
assert main(["predict", {str(tmp_path)!r}]) == main(["predict", ""]) == 2
import mnist_helpers.{", mnist_helpers.".join(LIGHT)}
assert not loaded({{"tensorflow", "keras"}}), loaded({HEAVY})
""")
    assert done.returncode == 0, done.stderr
    assert "SEED=2  waiting  01_first" in done.stdout
    assert "Runs: 3. Notebooks: 3 in all, 3 left to do;" in done.stdout
    assert "assuming the stated defaults" in done.stdout
    assert "--quick" in done.stdout and "BATCH_SIZE 128 " in done.stdout
    assert "images in a training step: an integer of at" in done.stdout
    assert "2 files were not read" in done.stderr and "no pictures in" in done.stderr


# What no core installation has: the extras, and what comes with them.
EXTRAS = {
    "ipywidgets", "anywidget", "jupyterlab", "ipykernel", "papermill", "nbformat", "nbconvert",
    "distributed", "dask", "ruamel", "onnx", "onnxruntime", "tf2onnx", "ai_edge_litert",
}  # fmt: skip


def test_the_core_installation_reads_evaluates_and_exports(model_file, tmp_path):
    done = run(f"""
import sys
class Missing:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {EXTRAS}:
            raise ModuleNotFoundError(f"No module named {{name!r}}")
sys.meta_path.insert(0, Missing())
from mnist_helpers.runner.cli import main
model = ["--model", {str(model_file)!r}, "--dataset", "digits"]
assert main(["evaluate", *model, "--robustness-images", "100"]) == 0
assert main(["export", "savedmodel", *model, "--output", {str(tmp_path / "out")!r}]) == 0
assert main(["export", "page", *model, "--output", {str(tmp_path / "page.html")!r}]) == 2
""")
    assert done.returncode == 0, done.stderr
    assert "Error: No module named 'ipywidgets'" in done.stderr


def test_the_package_names_what_it_has():
    names = {"load_mnist", "build_cnn", "Augmentation", "training_dataset", "load_model"}
    assert names | {"to_mnist", "predict"} <= {*dir(mnist_helpers)}
    for name in names:
        assert callable(getattr(mnist_helpers, name))
