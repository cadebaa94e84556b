"""The data sets, and how they are split."""

from collections import Counter

import numpy as np
import pytest
from scipy.ndimage import center_of_mass

from mnist_helpers import data
from mnist_helpers.data import datasets

# Splits


def numbered(n):
    """Images whose first pixels spell their own index, so that rows can be told apart."""
    images = np.zeros((n, 28, 28), np.uint8)
    images[:, 0, :4] = np.arange(n, dtype=">u4").view(np.uint8).reshape(n, 4)
    return images


def rows(images):
    return set(np.ascontiguousarray(images[:, 0, :4]).view(">u4").ravel().tolist())


@pytest.fixture
def numbered_dataset(monkeypatch):
    """A data set of 6,000 numbered training images, and test images numbered from 6,000 on."""
    images, labels = numbered(7000), (np.arange(7000) ** 2 % 37 % 10).astype(np.uint8)
    loaded = (images[:6000], labels[:6000]), (images[6000:], labels[6000:])
    monkeypatch.setattr(datasets, "load_mnist", lambda: loaded)
    return loaded


@pytest.mark.parametrize("most", [10, 500, 5495, 5500, 55_000])
def test_no_test_image_in_training_or_validation(numbered_dataset, most):
    (x_train, y_train), (x_val, y_val) = data.load_training("mnist", most)
    training, validation = rows(x_train), rows(x_val)
    assert len(training) == len(x_train) == len(y_train) <= most
    assert len(validation) == len(x_val) == len(y_val) == 500
    assert not training & validation
    assert training | validation <= set(range(6000))
    assert rows(data.load_test("mnist")[0]) == set(range(6000, 7000))


def test_labels_stay_with_their_images_and_the_split_is_stratified(numbered_dataset):
    (_, labels), _ = numbered_dataset
    assert len(data.load_training("mnist")[0][0]) == 5500
    parts = data.load_training("mnist", 600)
    # A smaller choice keeps the validation images.
    np.testing.assert_array_equal(parts[1][0], data.load_training("mnist")[1][0])
    share = np.bincount(labels, minlength=10) / len(labels)
    for x, y in parts:
        np.testing.assert_array_equal(y, labels[x[:, 0, :4].copy().view(">u4").ravel()])
        assert np.abs(np.bincount(y, minlength=10) - share * len(y)).max() <= 1


def test_the_split_is_the_same_whatever_the_global_seed():
    x, y = np.arange(6000), np.arange(6000) % 10
    np.random.seed(1)
    first = data.split_validation(x, y)
    np.random.seed(2)
    second = data.split_validation(x, y)
    np.testing.assert_array_equal(first[1][0], second[1][0])
    # Written down, because a new split would make old runs incomparable.
    assert first[1][0][:5].tolist() == [2304, 907, 764, 459, 3411]


@pytest.mark.parametrize("images", [9, 100.5])
def test_fewer_than_one_image_of_each_digit_is_an_error(images):
    with pytest.raises(ValueError, match="max_training_images must be an integer of at least 10"):
        data.load_training("digits", images)


def test_an_unknown_data_set_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match='"mnist" or "digits", not \'cifar\''):
        data.load_dataset("cifar")


# The data sets themselves


def test_the_digits_have_the_form_of_mnist():
    (x_train, y_train), (x_test, y_test) = data.load_digits_as_mnist()
    assert x_train.shape == (1437, 28, 28) and x_test.shape == (360, 28, 28)
    assert all(array.dtype == np.uint8 for array in (x_train, y_train, x_test, y_test))
    assert np.bincount(y_test).min() >= 35
    images = np.concatenate([x_train, x_test]).astype(float)
    assert (images.max(axis=(1, 2)) >= 200).all()
    centres = np.array([center_of_mass(image) for image in images])
    assert np.abs(centres - 14).max() <= 0.5


def test_the_digits_are_the_right_way_up():
    from sklearn.datasets import load_digits

    (x_train, y_train), _ = data.load_digits_as_mnist()
    original = load_digits()
    ours = x_train[y_train == 7].mean(axis=0)[4:24, 4:24]
    theirs = np.kron(original.images[original.target == 7].mean(axis=0), np.ones((5, 5)))[::2, ::2]
    turned = [np.corrcoef(np.rot90(ours, k).ravel(), theirs.ravel())[0, 1] for k in range(4)]
    mirrored = [np.corrcoef(np.rot90(ours.T, k).ravel(), theirs.ravel())[0, 1] for k in range(4)]
    assert turned[0] > max(*turned[1:], *mirrored) + 0.1


@pytest.mark.slow
def test_no_digit_of_the_test_set_is_among_the_training_digits():
    parts = [*data.load_training("digits"), data.load_test("digits")]
    seen = [{image.tobytes() for image in images} for images, _ in parts]
    assert not seen[0] & seen[1] and not seen[2] & (seen[0] | seen[1])


def test_mnist_is_split_into_55000_and_5000(dataset):
    if dataset != "mnist":
        pytest.skip("MNIST is not on this machine; set MNIST_SOURCE to test with it")
    (images, labels), _ = data.load_mnist()
    (x_train, _), (x_val, y_val) = data.load_training("mnist")
    assert len(x_train) == 55_000 and len(x_val) == 5_000
    assert np.abs(np.bincount(y_val) - np.bincount(labels) / 12).max() <= 1
    # Each of MNIST's training images is used exactly once, so none comes from the test set.
    ours = Counter(image.tobytes() for image in np.concatenate([x_train, x_val]))
    assert ours == Counter(image.tobytes() for image in images)
