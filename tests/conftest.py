"""What tests of several files need."""

import pytest

from mnist_helpers.data.mnist import MnistUnavailableError, load_mnist


@pytest.fixture(scope="session")
def dataset():
    """Names MNIST, or the digits of scikit-learn where it cannot be had."""
    try:
        load_mnist()
    except MnistUnavailableError:
        return "digits"
    return "mnist"
