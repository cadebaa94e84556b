"""The data sets as arrays, and how they are split. The test images have a function of their own."""

import hashlib
from pathlib import Path

import numpy as np

from mnist_helpers.data import custom
from mnist_helpers.data.formats import IDX_FILES
from mnist_helpers.data.mnist import Split, array_checksums, load_mnist
from mnist_helpers.paths import is_path
from mnist_helpers.validation import CLASSES, check_integer, check_labels, plain_text

DATASET_TITLES = {"mnist": "MNIST", "digits": "scikit-learn digits (not MNIST)"}
# A constant, and not the notebooks' SEED, so that every run is compared on the same images.
SPLIT_SEED = 20
DIGITS_TEST_IMAGES = 360  # a fifth of 1,797

# scikit-learn takes longer to import than MNIST takes to load, so functions import it when called.


def load_digits_as_mnist() -> tuple[Split, Split]:
    """Loads the 1,797 digits of 8 x 8 pixels that scikit-learn carries, in the form of MNIST.

    Each is enlarged to 20 x 20 pixels by cubic splines and set into 28 x 28 with its centre of mass
    in the middle, as MNIST's were (LeCun et al., "Gradient-based learning applied to document
    recognition", 1998, section III.A).

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape (1437, 28, 28) and
        (360, 28, 28), values 0 to 255, and uint8 labels. The split is stratified and always the
        same.
    """
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    enlarged = zoom(digits.images, (1, 2.5, 2.5), order=3, mode="grid-constant", grid_mode=True)
    pixels = np.clip(np.rint(enlarged * (255 / 16)), 0, 255).astype(np.uint8)
    images = np.stack([_centred(image) for image in pixels])
    labels = digits.target.astype(np.uint8)
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels, test_size=DIGITS_TEST_IMAGES, stratify=labels, random_state=SPLIT_SEED
    )
    return (x_train, y_train), (x_test, y_test)


def _centred(image: np.ndarray) -> np.ndarray:
    """Sets a 20 x 20 image into 28 x 28, its centre of mass as near the middle as it goes."""
    from scipy.ndimage import center_of_mass

    middle = image.shape[0] / 2  # becomes row and column 14, where MNIST's own centres lie
    shift = np.clip(np.rint(middle - np.array(center_of_mass(image))), -4, 4).astype(int)
    return np.roll(np.pad(image, 4), shift, axis=(0, 1))


def dataset_title(dataset: str) -> str:
    """Returns what titles call a data set, as by `load_dataset`; all but MNIST say so."""
    if is_path(dataset):
        return f"{plain_text(Path(dataset).stem)} (not MNIST)"
    return DATASET_TITLES[dataset]


def class_names(dataset: str) -> list[str]:
    """Returns what the ten classes of a data set are called: "0" to "9", or names of its own."""
    if is_path(dataset):
        return custom.class_names(dataset)
    return list(custom.NUMBERS)


def load_dataset(name: str) -> tuple[Split, Split]:
    """Loads a data set: `"mnist"`, `"digits"`, or by its path as `custom.load` does.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape (n, 28, 28) and uint8 labels
        of shape (n,).

    Raises:
        ValueError: There is no such data set.
        MnistUnavailableError: MNIST is not on this machine and could not be downloaded.
    """
    if is_path(name):
        return custom.load(name)
    if name not in DATASET_TITLES:
        raise ValueError(
            f'DATASET must be the path of a data set, "mnist" or "digits", not {name!r}.'
        )
    return load_mnist() if name == "mnist" else load_digits_as_mnist()


def split_validation(
    x: np.ndarray, y: np.ndarray, validation_images: int | None = None
) -> tuple[Split, Split]:
    """Holds images out for validation: stratified, and the same ones each time.

    Args:
        x: Images of shape (n, ...).
        y: Labels of shape (n,).
        validation_images: How many to hold out; by default one in twelve, 5,000 of 60,000.

    Returns:
        `(x_train, y_train), (x_val, y_val)`.

    Raises:
        ValueError: Fewer images would be held out, or kept, than there are classes, or the labels
            are no digits, one for each image.
    """
    from sklearn.model_selection import train_test_split

    if validation_images is None:
        validation_images = len(x) // 12
    y = check_labels(y, len(x))
    x_train, x_val, y_train, y_val = train_test_split(
        x, y, test_size=validation_images, stratify=y, random_state=SPLIT_SEED
    )
    return (x_train, y_train), (x_val, y_val)


def load_training(dataset: str, max_training_images: int = 55_000) -> tuple[Split, Split]:
    """Loads what training may see: training and validation images, and no test image.

    Args:
        dataset: As for `load_dataset`.
        max_training_images: At most so many training images, a stratified choice that is the same
            each time. The validation images stay the same.

    Returns:
        `(x_train, y_train), (x_val, y_val)`: uint8 images of shape (n, 28, 28) and uint8 labels of
        shape (n,).

    Raises:
        ValueError: There is no such data set, or fewer than 10 images are asked for.
    """
    # At least one of each class.
    check_integer("max_training_images", max_training_images, CLASSES)
    (x, y), _ = load_dataset(dataset)
    training, validation = split_validation(x, y)
    left_out = len(training[0]) - max_training_images
    if left_out > 0:
        # A stratified choice leaves out at least one image of each class.
        training, _ = split_validation(*training, validation_images=max(left_out, CLASSES))
    return training, validation


def load_test(dataset: str) -> Split:
    """Loads `(x_test, y_test)` as `load_dataset` does, for the evaluation at the very end alone."""
    return load_dataset(dataset)[1]


def load_for_training(
    dataset: str, max_training_images: int = 55_000
) -> tuple[Split, Split, str, list[str]]:
    """Loads what a notebook needs to train: `(x_train, y_train), (x_val, y_val), title, names`.

    See `load_training`, `dataset_title` and `class_names`.
    """
    training, validation = load_training(dataset, max_training_images)
    return training, validation, dataset_title(dataset), class_names(dataset)


def load_for_testing(dataset: str) -> tuple[Split, str, list[str]]:
    """Loads `(x_test, y_test), title, names`; see `load_test` and `load_for_training`."""
    return load_test(dataset), dataset_title(dataset), class_names(dataset)


def dataset_fingerprint(dataset: str) -> str:
    """Returns 12 hexadecimal digits that stand for the exact arrays of a data set.

    They are the start of the sha256 over the arrays' own checksums, in the order `x_train`,
    `y_train`, `x_test`, `y_test`.
    """
    training, test = load_dataset(dataset)
    checksums = array_checksums(dict(zip(IDX_FILES, (*training, *test), strict=True)))
    return hashlib.sha256("".join(checksums.values()).encode()).hexdigest()[:12]
