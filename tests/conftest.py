"""One quick run of the series, which the tests of several files look at.

Under xdist they are one group, so that a single worker makes the run and uses it.
"""

import subprocess
import sys

import pytest

from mnist_helpers.data.mnist import MnistUnavailableError, load_mnist
from mnist_helpers.paths import PROJECT


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in this hook, too
def pytest_collection_modifyitems(items):
    """Groups the tests that share a slow fixture; the others stay with those of their file."""
    for item in items:
        shared = {"quick_run", "recipe_project"} & set(item.fixturenames)
        group = shared.pop() if shared else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))


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
