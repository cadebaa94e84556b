import numpy as np
import pytest
import tensorflow as tf

from mnist_helpers.training.augmentation import Augmentation
from mnist_helpers.training.robust_augmentation import (
    _CORRUPTIONS,
    RobustAugmentation,
    make_augmentation,
)

SEED = (3, 4)


@pytest.fixture(scope="module")
def digits():
    images = np.zeros((400, 28, 28, 1), np.uint8)
    images[:, 6:22, 11:17] = 200
    return images


def test_the_parameter_names_the_augmentation():
    assert type(make_augmentation("standard")) is Augmentation
    robust = make_augmentation("robust", rotation_degrees=20, zoom_fraction=0.3)
    assert robust == RobustAugmentation(20, 0.1, 0.3)
    with pytest.raises(ValueError, match='"standard" or "robust"; got \'bold\''):
        make_augmentation("bold")


def test_the_same_seed_gives_the_same_images(digits):
    augmentation = RobustAugmentation()
    first = augmentation(digits, SEED).numpy()
    np.testing.assert_array_equal(first, augmentation(digits, SEED).numpy())
    assert not np.array_equal(first, augmentation(digits, (3, 5)).numpy())
    assert first.shape == digits.shape and first.min() >= 0 and first.max() <= 1


def test_the_other_images_are_those_of_the_standard_augmentation(digits):
    augmentation = RobustAugmentation(corruption_probability=0.6)
    standard = Augmentation()(digits, SEED).numpy()
    changed = (augmentation(digits, SEED).numpy() != standard).any(axis=(1, 2, 3))
    # 400 coin tosses of 0.6, 4 standard deviations of 0.025; a few of the selected look the same.
    assert 0.5 < changed.mean() < 0.7
    none = RobustAugmentation(corruption_probability=0.0)
    np.testing.assert_array_equal(none(digits, SEED), standard)


def test_each_kind_changes_images_each_by_a_draw_of_its_own_and_takes_none():
    drawn = np.random.default_rng(0).random((400, 28, 28), np.float32)
    pixels, seed = tf.constant(drawn), tf.constant(SEED)
    for kind in _CORRUPTIONS:
        worse = kind(pixels, seed).numpy()
        assert np.isfinite(worse).all(), kind
        changed = (worse != pixels.numpy()).any(axis=(1, 2))
        assert changed.mean() > 0.95, kind
        assert len(np.unique(worse.reshape(400, -1), axis=0)) > 300, kind
        assert kind(pixels[:0], seed).shape == (0, 28, 28), kind


def test_every_corruption_is_selected_about_as_often_as_it_should():
    augmentation = RobustAugmentation(corruption_probability=1.0, further_probability=0.08)
    selected = augmentation._select(8000, SEED).numpy()
    shares = selected.mean(axis=0)
    # 1/8 as the first kind, else 0.08: 0.125 + 0.875 · 0.08 = 0.195.
    assert shares == pytest.approx(np.full(len(_CORRUPTIONS), 0.195), abs=0.02)
    assert selected.any(axis=1).all()
