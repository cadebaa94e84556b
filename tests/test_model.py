import inspect

import keras
import numpy as np
import pytest

from mnist_helpers.training.artifacts import load_model, save_model
from mnist_helpers.training.layers import FusedBatchNormalization
from mnist_helpers.training.model import build_cnn
from mnist_helpers.training.precision import with_dtype_policy


def test_the_network_gives_probabilities_and_has_the_size_that_is_told():
    network = build_cnn(seed=0)
    answers = network.predict(np.random.default_rng(0).random((3, 28, 28, 1)), verbose=0)
    assert answers.shape == (3, 10) and answers.dtype == np.float32
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)
    assert network.count_params() == 191_962
    places = [layer.output.shape[1] for layer in network.layers if "conv" in layer.name]
    assert places == [24, 10, 10, 3, 3]


def test_the_seed_decides_the_first_weights():
    first, same, other = (build_cnn(seed).get_weights()[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.fixture
def pair():
    """The fused layer, trained for long, and Keras's own, with the same weights and images."""
    layers = [
        kind(momentum=0.9) for kind in (FusedBatchNormalization, keras.layers.BatchNormalization)
    ]
    random = np.random.default_rng(0)
    for layer in layers:
        layer.build((None, 5, 5, 3))
    weights = [random.uniform(0.5, 2, 3).astype(np.float32) for _ in range(4)]
    for layer in layers:
        layer.set_weights(weights)
    layers[0].steps.assign(1000)
    return *layers, random.normal(2, 3, (64, 5, 5, 3)).astype(np.float32)


@pytest.mark.parametrize("training", [True, False])
def test_fused_normalisation_gives_what_keras_gives(pair, training):
    fused, plain, images = pair
    np.testing.assert_allclose(
        fused(images, training=training), plain(images, training=training), atol=2e-5
    )
    n = 64 * 5 * 5
    gamma, beta, mean, variance = fused.get_weights()
    expected = plain.get_weights()
    np.testing.assert_allclose(mean, expected[2], rtol=1e-5)
    np.testing.assert_allclose(variance, expected[3], rtol=1 / n)


def normalise(batches):
    layer = FusedBatchNormalization(momentum=0.95)
    layer.build((None, 2, 2, 1))
    for batch in batches:
        layer(np.full((4, 2, 2, 1), batch, np.float32), training=True)
    return layer


def test_moving_statistics_hold_only_what_the_batches_held():
    # Shares of a batch: 9/9, 9/10, 9/11; so 1, then 0.1 + 0.9 x 2, then 2/11 x 1.9 + 9/11 x 3.
    for batches, mean in (([1], 1), ([1, 2], 1.9), ([1, 2, 3], (2 * 1.9 + 9 * 3) / 11)):
        layer = normalise(batches)
        np.testing.assert_allclose(layer.moving_mean, [mean], rtol=1e-6)
        np.testing.assert_allclose(layer.moving_variance, [0], atol=1e-6)


def test_after_many_steps_and_after_loading_the_momentum_is_keras_own(tmp_path):
    layer = normalise([0] * 172)
    layer(np.ones((4, 2, 2, 1), np.float32), training=True)
    np.testing.assert_allclose(layer.moving_mean, [0.05], rtol=1e-6)

    network = build_cnn(0, widths=(2, 2, 4))
    save_model(network, tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras").get_layer("norm1")
    before = loaded.moving_mean.numpy()
    loaded(np.ones((4, 12, 12, 2), np.float32), training=True)
    np.testing.assert_allclose(loaded.moving_mean, 0.95 * before + 0.05, rtol=1e-6)


def test_a_copy_in_another_precision_keeps_the_count_of_steps():
    network = build_cnn(0, widths=(2, 2, 4))
    network.get_layer("norm1").steps.assign(7)
    copy = with_dtype_policy(network, "float32")
    assert copy.get_layer("norm1").steps == 7


def test_its_source_fits_the_page_that_prints_it():
    assert max(map(len, inspect.getsource(build_cnn).splitlines())) <= 79
