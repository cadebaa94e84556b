"""One quick run of the series, which many tests look at.

They are all in one file, which xdist gives to a single worker, so that the run is made once.
"""

import subprocess
import sys

import pytest

from mnist_helpers.data.mnist import MnistUnavailableError, load_mnist
from mnist_helpers.paths import PROJECT


@pytest.fixture(scope="session")
def dataset():
    """Names MNIST, or the digits of scikit-learn where it cannot be had."""
    try:
        load_mnist()
    except MnistUnavailableError:
        return "digits"
    return "mnist"


@pytest.fixture(scope="session")
def quick_run(tmp_path_factory, dataset):
    """Runs the whole series quickly by the command that users call; its folder and its output."""
    folder = tmp_path_factory.mktemp("runs")
    command = [sys.executable, "-m", "mnist_helpers", "run", "--quick", "--dataset", dataset]
    done = subprocess.run(
        [*command, "--output", str(folder), "--name", "quick"],
        cwd=PROJECT, capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return folder / "quick", done.stdout
