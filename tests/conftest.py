"""What tests of several files need."""

import functools
import importlib
import os

import pytest

from mnist_helpers.data.mnist import MnistUnavailableError, load_mnist
from mnist_helpers.paths import PROJECT

# They take half of all the time: begun last, one of them would run on alone.
LONG = {"test_notebooks", "test_recipes", "test_notebook_use", "test_sweep", "test_docs", "browser"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Runs three workers on two cores: a fifth of the time, a test waits for what it started."""
    return max(2, 3 * (os.cpu_count() or 1) // 2)


def pytest_collection_modifyitems(items):
    """Puts the files that take long first; within a file the order stays."""
    items.sort(key=lambda item: not {item.path.stem, item.path.parent.name} & LONG)


@pytest.fixture
def benchmark(monkeypatch):
    """Imports a program of benchmarks/ by its name."""
    monkeypatch.syspath_prepend(PROJECT / "benchmarks")
    return importlib.import_module


@pytest.fixture
def said(capsys):
    """Runs a command, which must end with a status; returns what it says."""
    from mnist_helpers.runner.cli import main

    def said(status, *arguments, notebooks=None):
        capsys.readouterr()
        assert main([str(argument) for argument in arguments], notebooks) == status
        return "".join(capsys.readouterr())

    return said


@pytest.fixture(scope="session")
def dataset():
    """Names MNIST, or the digits of scikit-learn where it cannot be had."""
    try:
        load_mnist()
    except MnistUnavailableError:
        return "digits"
    return "mnist"


@pytest.fixture(scope="session")
def model_file(tmp_path_factory):
    """A small network with random weights, as a file."""
    from keras import Input, Model, layers, utils

    from mnist_helpers.training.artifacts import save_model

    utils.set_random_seed(0)  # others might leave two digits equally probable to the last bits
    inputs = Input((28, 28, 1))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3)(inputs)))
    x = layers.GlobalMaxPooling2D()(x)
    x = layers.Dense(10, activation="softmax", kernel_initializer="random_normal")(x)
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    save_model(Model(inputs, x), path)
    return path


@pytest.fixture(scope="session")
def network(model_file):
    """The same, loaded."""
    from mnist_helpers.training.artifacts import load_model

    return load_model(model_file)


@pytest.fixture
def project_style():
    """Figures look as in the notebooks, whatever another test has left, and are closed."""
    from matplotlib import pyplot as plt

    from mnist_helpers import plotting

    with plt.rc_context():
        plotting.use_style()
        yield
    plt.close("all")


@pytest.fixture(scope="session")
def load_reader():
    """`Reader`, which loads the networks of each model once for all tests."""
    from mnist_helpers.evaluation.reader import Reader

    return functools.cache(Reader)


@pytest.fixture(scope="session")
def reader(load_reader):
    """The shipped networks that read any picture."""
    return load_reader(None)


@pytest.fixture
def readers_are_loaded_once(load_reader, monkeypatch):
    """Commands take the reader that another test has loaded, which saves two seconds each."""
    monkeypatch.setattr("mnist_helpers.evaluation.reader.Reader", load_reader)
