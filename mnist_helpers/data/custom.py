"""Data sets of the user's own in MNIST's form, such as Fashion-MNIST: four arrays and ten names."""

from pathlib import Path

import numpy as np

from mnist_helpers.data import digit_files, formats
from mnist_helpers.data.mnist import Split
from mnist_helpers.files import DataError, read_bytes
from mnist_helpers.validation import CLASSES, check_images, check_labels, plain_text

NAMES_FILE = "class_names.txt"
# The split keeps each class's share, so a twelfth of the images must hold every class.
MIN_IMAGES = 12
LONGEST_NAME = 100  # letters
MAX_NAMES_BYTES = 10_000  # of ten of the longest names
TEST_SHARE = 7  # one image in so many is for testing where a file does not say: MNIST's own share
NUMBERS = [str(number) for number in range(CLASSES)]


def load(dataset: str) -> tuple[Split, Split]:
    """Loads a data set in MNIST's form; nothing in it is run or unpickled.

    Args:
        dataset: An .npz file with the arrays `x_train`, `y_train`, `x_test` and `y_test`; a folder
            with the four IDX files, gzipped or not, or with `train.csv` and `test.csv` (or
            `mnist_train.csv`, and so on); or a .csv or .mat file as `digit_files.parse` reads it. A
            path, which counts from the project if relative, or a `file://` URL. Of a single file,
            or where `test.csv` has no labels, every seventh image of a class is for testing; of
            70,000 images the last 10,000, as those of MNIST are.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape (n, 28, 28) and uint8 labels
        of shape (n,).

    Raises:
        FileNotFoundError: There is nothing, or a file is missing.
        DataError: The arrays have another form, or a class has too few training images.
    """
    path = formats.find(dataset, "DATASET")
    arrays = _read_arrays(path)
    missing = [name for name in formats.IDX_FILES if name not in arrays]
    if missing:
        raise DataError(f"{path} has no array {missing[0]}.")
    train, test = (_checked(arrays, part, path) for part in ("train", "test"))
    fewest = np.bincount(train[1], minlength=CLASSES).min()
    if fewest < MIN_IMAGES or len(test[1]) < CLASSES:
        raise DataError(
            f"{path} has a class with {fewest} training images and {len(test[1])} test images; "
            f"there must be {MIN_IMAGES} of each of the {CLASSES} classes, and {CLASSES} to test."
        )
    return train, test


def _read_arrays(path: Path) -> formats.Arrays:
    tables = sorted(path.glob("*train.csv"))
    if not tables and digit_files.suffix_of(path) not in digit_files.SUFFIXES:
        return formats.read_arrays(path)
    train = tables[0] if tables else path
    images, labels = _labelled(train)
    if labels is None:
        raise DataError(f"{train} has no labels; MNIST's form needs one for each image.")
    beside = train.with_name(train.name.replace("train.csv", "test.csv"))
    test = _labelled(beside) if tables and beside.exists() else None
    if test is None or test.labels is None:
        held_out = _held_out(labels)
        parts = images[~held_out], labels[~held_out], images[held_out], labels[held_out]
    else:
        parts = images, labels, test.images, test.labels
    return dict(zip(formats.IDX_FILES, parts, strict=True))


def _labelled(path: Path) -> digit_files.Digits:
    content = read_bytes(path, digit_files.MAX_BYTES)
    digits = digit_files.parse(content, path.name, str(path))
    assert digits is not None  # by the file's name
    return digits


def _held_out(labels: np.ndarray) -> np.ndarray:
    """Returns which images are for testing, as a boolean array: the same share of each class."""
    if len(labels) == 70_000:
        return np.arange(70_000) >= 60_000
    held_out = np.zeros(len(labels), bool)
    held_out[np.argsort(labels, kind="stable")[TEST_SHARE - 1 :: TEST_SHARE]] = True
    return held_out


def _checked(arrays: formats.Arrays, part: str, path: Path) -> Split:
    try:
        images = check_images(arrays[f"x_{part}"])
        labels = check_labels(arrays[f"y_{part}"], len(images)).astype(np.uint8)
    except ValueError as error:
        raise DataError(f"{path}, {part}: {error}") from error
    return images, labels


def class_names(dataset: str) -> list[str]:
    """Returns what the ten classes are called, as far as the data set says.

    Names go into headings, tables and figures, so markup in them is replaced by what looks alike.

    Args:
        dataset: As for `load`. The names are the array `class_names` of the .npz file, or the lines
            of `class_names.txt` in the folder; without them they are "0" to "9".

    Raises:
        FileNotFoundError: There is nothing.
        DataError: There are not ten different names.
    """
    path = formats.find(dataset, "DATASET")
    if path.is_dir():
        path = path / NAMES_FILE
        names = _names_in_text(path) if path.exists() else NUMBERS
    elif digit_files.suffix_of(path) in digit_files.SUFFIXES:
        names = NUMBERS
    else:
        names = _names_in_npz(path)
    if max(map(len, names), default=0) > LONGEST_NAME:
        raise DataError(f"{path} has a class name of more than {LONGEST_NAME} letters.")
    names = [plain_text(name).strip() for name in names]
    if len(set(names) - {""}) != CLASSES or len(names) != CLASSES:
        raise DataError(f"{path} names {len(names)} classes; it must be {CLASSES} different names.")
    return names


def _names_in_text(path: Path) -> list[str]:
    try:
        return read_bytes(path, MAX_NAMES_BYTES).decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} must be a text file in UTF-8: {error}.") from error


def _names_in_npz(path: Path) -> list[str]:
    content = read_bytes(path, formats.MAX_BYTES)
    arrays = formats.parse_npz(content, str(path), ["class_names"])
    if not arrays:
        return NUMBERS
    array = arrays["class_names"]
    if array.dtype.kind != "U" or array.shape != (CLASSES,):
        raise DataError(
            f"{path}: class_names must be an array of {CLASSES} strings, not {array.dtype} of "
            f"shape {array.shape}."
        )
    try:  # a file can hold code points that are no characters
        return [name.encode("utf-8").decode("utf-8") for name in array.tolist()]
    except (ValueError, SystemError) as error:  # NumPy raises the latter
        raise DataError(f"{path}: class_names holds no valid text: {error}.") from error
