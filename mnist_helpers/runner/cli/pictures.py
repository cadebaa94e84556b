"""What `predict` is given: files, folders, patterns, URLs, standard input, files of many digits."""

import glob
import os
import sys
from collections.abc import Iterable, Iterator

import numpy as np

from mnist_helpers import files
from mnist_helpers.data import digit_files
from mnist_helpers.data.download import DownloadError, download
from mnist_helpers.data.formats import check_no_web_page
from mnist_helpers.preprocessing import image_io

STANDARD_INPUT = "-"


def find_pictures(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Finds what paths, folders and patterns name, each once and in order; opens nothing.

    Args:
        names: Files, folders (searched, with their subfolders, for pictures), patterns such as
            `scans/*.png`, URLs and `-`. A file that is named is taken whatever its name.

    Returns:
        What is to be read, in which a name that stands for nothing and a folder without pictures
        stay, to be reported; and what the folders hold besides.

    Raises:
        ValueError: A name is empty.
    """
    found, left_out = [], []
    for name in names:
        if not name:
            raise ValueError("A picture's name is empty; name a file, a folder, a URL or -.")
        known = os.path.lexists(name) or is_url(name)
        for path in [name] if known else sorted(glob.glob(name, recursive=True)) or [name]:
            pictures, others = _search(path) if os.path.isdir(path) else ([path], [])
            found += pictures or [path]
            left_out += others
    return list(dict.fromkeys(found)), list(dict.fromkeys(left_out))


def _search(folder: str) -> tuple[list[str], list[str]]:
    """Returns the pictures in a folder and its subfolders, and everything else there."""
    pictures: list[str] = []
    others: list[str] = []
    errors: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=errors.append):
        inside = (os.path.join(place, name) for name in folders)
        others += filter(os.path.islink, inside)  # they may lead in circles
        for path in (os.path.join(place, name) for name in names):
            known = os.path.splitext(path)[1].lower() in image_io.IMAGE_SUFFIXES
            (pictures if known else others).append(path)
    others += [error.filename for error in errors]
    return sorted(pictures), sorted(others)


def is_url(name: str) -> bool:
    """Says whether a picture is to be downloaded."""
    return name.lower().startswith(("http://", "https://"))


def read_pictures(names: Iterable[str]) -> Iterator[tuple[str, bytes | np.ndarray | Exception]]:
    """Opens what `find_pictures` found, one after the other.

    Yields:
        For each its name, and its content or why there is none. A file of many digits in MNIST's
        form gives each of them as a float32 image (28, 28, 1) in [0, 1], counted from 1.
    """
    from mnist_helpers.training.pipeline import to_input  # imports TensorFlow

    for name in names:
        try:
            content = _read(name)
            digits = digit_files.parse(content, name, "The file")
        except (ValueError, OSError) as error:
            yield name, error
            continue
        if digits is None:
            yield name, content
            continue
        for number, image in enumerate(digits.images, 1):
            blank = image.min() == image.max()
            digit = ValueError("The image is blank.") if blank else to_input(image[None])[0]
            yield f"{name}, image {number}", digit


def _read(name: str) -> bytes:
    """Returns the whole content that a name stands for, within a limit of size."""
    if name == STANDARD_INPUT:
        content = sys.stdin.buffer.read(image_io.LARGEST_FILE + 1)
        if len(content) > image_io.LARGEST_FILE:
            raise ValueError(f"Standard input holds more than {image_io.LARGEST_FILE:,} bytes.")
        return content
    if is_url(name):
        try:
            content = download(name, image_io.LARGEST_FILE, progress=False)
        except (DownloadError, files.DataError) as error:
            cause = str(error).removeprefix(name).strip(" ():.")
            raise ValueError(f"It could not be downloaded: {cause}.") from error
        check_no_web_page(content, "It")
        return content
    if os.path.isdir(name):
        raise ValueError("There are no pictures in this folder.")
    return files.read_bytes(name, image_io.LARGEST_FILE)
