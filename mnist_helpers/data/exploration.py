"""What can be learnt about labelled digits before any training."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from mnist_helpers import validation

COMPONENTS = 30  # of a class's half; at most half as many as it has images
# The matrices are small, so a second thread gains little; and while another program keeps the
# processor busy, the threads of NumPy's OpenBLAS spin for each other, thirty times as long.
one_thread = threadpool_limits.wrap(limits=1, user_api="blas")


@one_thread
def outliers(images: np.ndarray, labels: np.ndarray, count: int = 10) -> np.ndarray:
    """Finds the images that the principal components of their own class describe worst.

    The components that describe one half of a class come from its other half, so that an image
    cannot be odd enough to draw a component to itself.

    Args:
        images: uint8 array of shape (n, 28, 28).
        labels: Integer array of shape (n,), values 0 to 9.
        count: Images to find in each class.

    Returns:
        int64 array of shape (10, count): indices into `images`, the most unusual first.

    Raises:
        ValueError: A digit has fewer than `count` images, or images and labels have another form.
    """
    images = validation.check_images(images)
    labels = validation.check_labels(labels, len(images))
    validation.check_integer("count", count, 1)

    rows = []
    least = max(count, 2)  # so that there are two halves
    for digit in range(validation.CLASSES):
        members = np.flatnonzero(labels == digit)
        if len(members) < least:
            raise ValueError(
                f"too few images of digit {digit}: {len(members)} instead of at least {least}; "
                "take more training images"
            )
        pixels = images[members].reshape(len(members), -1) / np.float32(255)
        errors = np.empty(len(members))
        errors[::2] = _reconstruction_errors(pixels[::2], pixels[1::2])
        errors[1::2] = _reconstruction_errors(pixels[1::2], pixels[::2])
        rows.append(members[np.argsort(-errors, kind="stable")[:count]])
    return np.stack(rows)


def _reconstruction_errors(pixels: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Returns the squared error of each image restored from the reference's components."""
    restored = reference[0]
    if (reference != restored).any():  # else there is nothing to take components from
        # Each of the two is the quick one where the other is slow.
        solver = "covariance_eigh" if len(reference) > reference.shape[1] else "full"
        components = min(COMPONENTS, (len(reference) + 1) // 2)
        pca = PCA(components, svd_solver=solver).fit(reference)
        restored = pca.inverse_transform(pca.transform(pixels))
    return np.square(pixels - restored).sum(axis=1)


@one_thread
def tsne_embedding(vectors: np.ndarray, seed: int) -> np.ndarray:
    """Places vectors in the plane so that similar ones lie close together: PCA, then t-SNE.

    Args:
        vectors: Array of shape (n, ...), n at least 10: features, or images in [0, 1], which are
            flattened. 2,000 images take about 3 s.
        seed: Integer; the same one gives the same embedding.

    Returns:
        float32 array of shape (n, 2). Only neighbourhoods mean something; the axes do not.

    Raises:
        ValueError: Fewer than 10 vectors, all of them equal or not finite, or an impossible seed.
    """
    validation.check_integer("seed", seed, 0, validation.MAX_SEED)
    vectors = validation.check_array("Vectors", vectors, "real numbers")
    if vectors.ndim < 2 or len(vectors) < 10 or vectors[0].size == 0:
        raise ValueError(
            f"t-SNE needs at least 10 vectors, an array of shape (n, ...), not {vectors.shape}."
        )
    vectors = vectors.reshape(len(vectors), -1)
    if not (np.abs(vectors) < 1e15).all() or (vectors == vectors[0]).all():
        raise ValueError("t-SNE needs finite values below 1e15 that are not all the same.")
    vectors = vectors.astype(np.float32)
    components = min(50, *vectors.shape)
    reduced = PCA(components, random_state=seed).fit_transform(vectors)
    # 30 neighbours is scikit-learn's default; t-SNE wants clearly fewer than there are images. Its
    # 1,000 steps take twice as long; of 2,000 digits 90% have their like as neighbour either way.
    tsne = TSNE(perplexity=min(30, len(vectors) / 4), max_iter=500, random_state=seed)
    return tsne.fit_transform(reduced)
