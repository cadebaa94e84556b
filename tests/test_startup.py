"""What `import mnist_helpers` arranges, in fresh processes."""

import os
import subprocess
import sys

import pytest

import mnist_helpers
from mnist_helpers.paths import PROJECT
from mnist_helpers.startup import notes_to_log

pytestmark = pytest.mark.slow


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={k: v for k, v in os.environ.items() if k not in ("KERAS_HOME", "OMP_WAIT_POLICY")}
        | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_keras_may_be_imported_before():
    done = run(
        "import keras, mnist_helpers\n"
        "from mnist_helpers import paths\n"
        "print(paths.datasets_dir())\n"
        "from mnist_helpers import load_mnist\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(PROJECT / "data" / "datasets")


@pytest.mark.parametrize(
    "given, policy", [({}, "passive"), ({"OMP_WAIT_POLICY": "active"}, "active")]
)
def test_waiting_threads_leave_the_processor_to_others(given, policy):
    done = run("import mnist_helpers, os; print(os.environ['OMP_WAIT_POLICY'])", **given)
    assert done.stdout.strip() == policy


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


def test_the_package_imports_nothing_heavy_and_names_what_it_has():
    done = run(
        "import sys, mnist_helpers; print({'tensorflow', 'keras', 'numpy'} & {*sys.modules})"
    )
    assert done.stdout.strip() == "set()"
    names = {"load_mnist", "build_cnn", "Augmentation", "training_dataset", "load_model"}
    assert names | {"to_mnist", "predict"} <= {*dir(mnist_helpers)}
    for name in names:
        assert callable(getattr(mnist_helpers, name))
