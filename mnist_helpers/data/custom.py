"""Data sets of the user's own in MNIST's form, such as Fashion-MNIST: four arrays and ten names."""

from pathlib import Path

import numpy as np

from mnist_helpers import files, paths
from mnist_helpers.data import mnist
from mnist_helpers.data.mnist import DataError, Split
from mnist_helpers.validation import CLASSES, check_images, check_labels

NAMES_FILE = "class_names.txt"
# The split keeps each class's share, so a twelfth of the images must hold every class.
LEAST_IMAGES = 12


def load(dataset: str) -> tuple[Split, Split]:
    """Loads a data set in MNIST's form; nothing in it is run or unpickled.

    Args:
        dataset: An .npz file with the arrays `x_train`, `y_train`, `x_test` and `y_test`, or a
            folder with the four IDX files, gzipped or not; a relative path counts from the project.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape (n, 28, 28) and uint8 labels
        of shape (n,).

    Raises:
        FileNotFoundError: There is nothing, or a file is missing.
        DataError: The arrays have another form, or a class has too few training images.
    """
    path = _find(dataset)
    arrays = mnist.read_arrays(path)
    missing = [name for name in mnist.MNIST if name not in arrays]
    if missing:
        raise DataError(f"{path} has no array {missing[0]}.")
    splits = []
    for part in ("train", "test"):
        try:
            images = check_images(arrays[f"x_{part}"])
            labels = check_labels(arrays[f"y_{part}"], len(images)).astype(np.uint8)
        except ValueError as error:
            raise DataError(f"{path}, {part}: {error}") from error
        splits.append((images, labels))
    least = np.bincount(splits[0][1], minlength=CLASSES).min()
    if least < LEAST_IMAGES or not len(splits[1][1]):
        raise DataError(
            f"{path} has a class with {least} training images and {len(splits[1][1])} test images; "
            f"there must be {LEAST_IMAGES} of each of the {CLASSES} classes, and some to test."
        )
    return splits[0], splits[1]


def class_names(dataset: str) -> list[str]:
    """Returns what the ten classes are called, as far as the data set says.

    Args:
        dataset: As for `load`. The names are the array `class_names` of the .npz file, or the lines
            of `class_names.txt` in the folder; without them they are "0" to "9".

    Raises:
        FileNotFoundError: There is nothing.
        DataError: There are not ten different names.
    """
    path = _find(dataset)
    if path.is_dir():
        file = path / NAMES_FILE
        names = file.read_text(encoding="utf-8").splitlines() if file.exists() else None
    else:
        try:
            with np.load(path, allow_pickle=False) as file:
                names = file["class_names"].tolist() if "class_names" in file else None
        except files.UNREADABLE as error:
            raise DataError(f"{path} holds no class names that can be read: {error}.") from error
    if names is None:
        return [str(number) for number in range(CLASSES)]
    if len(set(map(str, names))) != CLASSES or len(names) != CLASSES:
        raise DataError(f"{path} names {len(names)} classes; it must be {CLASSES} different names.")
    return [str(name) for name in names]


def _find(dataset: str) -> Path:
    path = paths.PROJECT / Path(dataset).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"DATASET names {path}, and there is nothing there.")
    return path
