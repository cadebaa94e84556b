import numpy as np
import pytest
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_info

from mnist_helpers.data import exploration


@pytest.fixture(scope="module")
def digits():
    """Real digits, 8 × 8 in the middle of 28 × 28: enough for statistics."""
    sample = load_digits()
    images = np.pad((sample.images[:600] * 15).astype(np.uint8), ((0, 0), (10, 10), (10, 10)))
    return images, sample.target[:600].astype(np.uint8)


@pytest.mark.slow
def test_a_planted_image_is_the_first_outlier_of_its_class_alone(digits):
    images, labels = digits[0].copy(), digits[1]
    planted = np.flatnonzero(labels == 4)[17]
    images[planted] = np.random.default_rng(0).integers(0, 256, (28, 28))
    found = exploration.outliers(images, labels, count=5)
    assert found.shape == (10, 5)
    assert found[4, 0] == planted
    assert np.count_nonzero(found == planted) == 1
    with pytest.raises(ValueError, match="instead of at least 500"):
        exploration.outliers(images, labels, count=500)
    few = labels != 7
    with pytest.raises(ValueError, match="digit 7: 0 instead of at least 2; take more training"):
        exploration.outliers(images[few], labels[few], count=1)


@pytest.mark.slow
def test_embedding_repeats_with_its_seed_and_keeps_classes_together(digits):
    images, labels = digits[0][:300], digits[1][:300]
    points = exploration.tsne_embedding(images / 255, seed=3)
    assert points.shape == (300, 2)
    np.testing.assert_array_equal(points, exploration.tsne_embedding(images / 255, seed=3))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    # By chance one nearest neighbour in ten would carry the same label.
    assert (labels[distances.argmin(axis=1)] == labels).mean() > 0.85


@pytest.mark.slow
def test_small_matrices_are_left_to_one_thread(digits, monkeypatch):
    """Several wait for each other a hundred times as long where another program runs."""
    images, labels = digits[0][:300], digits[1][:300]
    seen, pca = [], exploration.PCA

    def watched(*given, **named):
        seen.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return pca(*given, **named)

    monkeypatch.setattr(exploration, "PCA", watched)
    exploration.outliers(images, labels, count=2)
    halves = len(seen)
    exploration.tsne_embedding(images / 255, seed=0)
    assert len(seen) > halves > 0 and {*seen} == {1}


@pytest.mark.parametrize(("vectors", "message"), [
    (np.eye(9), "at least 10 vectors"), (np.arange(12.0), "at least 10 vectors"),
    (np.ones((12, 5)), "not all the same"), (np.full((12, 5), np.nan), "finite"),
    (np.array([["a"]] * 12), "must be real numbers"),
    (np.ma.masked_array(np.eye(12), np.eye(12) > 0), "masked"),
])  # fmt: skip
def test_what_cannot_be_embedded_is_an_error(vectors, message):
    with pytest.raises(ValueError, match=message):
        exploration.tsne_embedding(vectors, seed=0)
