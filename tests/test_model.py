from mnist_helpers.model import build_cnn

import numpy as np


def test_the_network_gives_probabilities_and_stays_small():
    network = build_cnn(seed=0)
    answers = network.predict(np.random.default_rng(0).random((3, 28, 28, 1)), verbose=0)
    assert answers.shape == (3, 10) and answers.dtype == np.float32
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)
    assert network.count_params() <= 500_000


def test_the_seed_decides_the_first_weights():
    first, same, other = (build_cnn(seed).get_weights()[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
