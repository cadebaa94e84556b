"""What can be learnt about labelled digits before any training."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from mnist_helpers.validation import CLASSES, MAX_SEED, check_images, check_integer, check_labels


def class_counts(labels: np.ndarray) -> np.ndarray:
    """Counts how often each digit occurs.

    Args:
        labels: Integer array of shape (n,), values 0 to 9.

    Returns:
        int64 array of shape (10,).

    Raises:
        ValueError: The labels are no digits.
    """
    return np.bincount(check_labels(labels), minlength=CLASSES)


def class_means_and_stds(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Averages the images of each digit, and says how much each pixel varies around that average.

    Args:
        images: uint8 array of shape (n, 28, 28).
        labels: Integer array of shape (n,), values 0 to 9.

    Returns:
        Means and standard deviations, two float32 arrays of shape (10, 28, 28) in [0, 1].

    Raises:
        ValueError: A digit has no image, or images and labels have another form.
    """
    images = check_images(images)
    labels = check_labels(labels, len(images))
    groups = [images[members] / np.float32(255) for members in _members(labels)]
    return np.stack([g.mean(axis=0) for g in groups]), np.stack([g.std(axis=0) for g in groups])


def pixel_statistics(images: np.ndarray) -> dict[str, float]:
    """Summarises the grey values of all pixels.

    Args:
        images: uint8 array of shape (n, 28, 28).

    Returns:
        `smallest`, `largest`, `mean` and `standard deviation` in grey levels of 0 to 255;
        `background share`, the fraction of all pixels that are 0; and `unused positions`, how many
        of the 784 positions are 0 in every image.

    Raises:
        ValueError: There is no image, or the images have another form.
    """
    images = check_images(images)
    if len(images) == 0:
        raise ValueError("There are no images to describe.")
    return {
        "smallest": int(images.min()),
        "largest": int(images.max()),
        "mean": float(images.mean()),
        "standard deviation": float(images.std()),
        "background share": float((images == 0).mean()),
        "unused positions": int((images.max(axis=0) == 0).sum()),
    }


def outliers(
    images: np.ndarray, labels: np.ndarray, count: int = 10, components: int = 30
) -> np.ndarray:
    """Finds the images that the principal components of their own class describe worst.

    The components that describe one half of a class come from its other half, so that an image
    cannot be odd enough to draw a component to itself.

    Args:
        images: uint8 array of shape (n, 28, 28).
        labels: Integer array of shape (n,), values 0 to 9.
        count: Images to find in each class.
        components: Principal components of each half; at most half as many as it has images.

    Returns:
        int64 array of shape (10, count): indices into `images`, the most unusual first.

    Raises:
        ValueError: A digit has fewer than `count` images, or images and labels have another form.
    """
    images = check_images(images)
    labels = check_labels(labels, len(images))
    if count < 1 or components < 1:
        raise ValueError(f"count and components begin at 1, not {count} and {components}.")
    rows = []
    for members in _members(labels, max(count, 2)):
        pixels = images[members].reshape(len(members), -1) / np.float32(255)
        errors = np.empty(len(members))
        for measured in (slice(0, None, 2), slice(1, None, 2)):
            others = pixels[1 - measured.start :: 2]
            if (others == others[0]).all():  # there is nothing to take components from
                errors[measured] = np.square(pixels[measured] - others[0]).sum(axis=1)
                continue
            # Each of the two is the quick one where the other is slow.
            solver = "covariance_eigh" if len(others) > pixels.shape[1] else "full"
            pca = PCA(min(components, (len(others) + 1) // 2), svd_solver=solver)
            pca.fit(others)
            restored = pca.inverse_transform(pca.transform(pixels[measured]))
            errors[measured] = np.square(pixels[measured] - restored).sum(axis=1)
        rows.append(members[np.argsort(-errors, kind="stable")[:count]])
    return np.stack(rows)


def tsne_embedding_of_images(images: np.ndarray, seed: int) -> np.ndarray:
    """Places images in the plane so that similar ones lie close together: PCA, then t-SNE.

    Args:
        images: uint8 array of shape (n, 28, 28), n at least 10. 2,000 images take about 5 s.
        seed: Whole number; the same one gives the same map.

    Returns:
        float32 array of shape (n, 2). Only neighbourhoods mean something; the axes do not.

    Raises:
        ValueError: Fewer than 10 images, images of another form, or an impossible seed.
    """
    images = check_images(images)
    return tsne_embedding(images.reshape(len(images), -1) / np.float32(255), seed)


def tsne_embedding(vectors: np.ndarray, seed: int) -> np.ndarray:
    """Places vectors in the plane so that similar ones lie close together: PCA, then t-SNE.

    Args:
        vectors: Float array of shape (n, length), n at least 10.
        seed: Whole number; the same one gives the same map.

    Returns:
        float32 array of shape (n, 2). Only neighbourhoods mean something; the axes do not.

    Raises:
        ValueError: Fewer than 10 vectors, all of them equal or not finite, or an impossible seed.
    """
    check_integer("seed", seed, 0, MAX_SEED)
    if len(vectors) < 10:
        raise ValueError(f"a map needs at least 10 images, not {len(vectors)}")
    if not np.isfinite(vectors).all() or (vectors == vectors[0]).all():
        raise ValueError("a map needs finite values that are not all the same")
    components = min(50, *vectors.shape)
    reduced = PCA(components, random_state=seed).fit_transform(vectors)
    # 30 neighbours is scikit-learn's default; t-SNE wants clearly fewer than there are images.
    return TSNE(perplexity=min(30, len(vectors) / 4), random_state=seed).fit_transform(reduced)


def _members(labels: np.ndarray, least: int = 1) -> list[np.ndarray]:
    """Returns the indices of each digit's images; ValueError where there are fewer than `least`."""
    for digit, count in enumerate(class_counts(labels)):
        if count < least:
            raise ValueError(
                f"there are {count} images of digit {digit} and at least {least} are needed; "
                "take more training images"
            )
    return [np.flatnonzero(labels == digit) for digit in range(CLASSES)]
