"""Files of many digits of 28 × 28 pixels, read as untrusted input: Kaggle's CSV, IDX and .mat."""

import struct
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnist_helpers.data import formats
from mnist_helpers.files import DataError
from mnist_helpers.validation import SIDE, check_images, check_labels

SUFFIXES = (".csv", ".mat")
PIXELS = SIDE * SIDE
# Of a file, packed and unpacked; MNIST's training images as CSV take 110 MB.
MAX_BYTES = 128 * 2**20
# Of MATLAB's format: elements that matter, and what NumPy calls the numbers of each type.
MATRIX, COMPRESSED, MAX_ELEMENTS = 14, 15, 1000
NUMBERS = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
NUMERIC_CLASSES = range(6, 16)


class Digits(NamedTuple):
    """What a file holds: uint8 images (n, 28, 28), and uint8 labels (n,) or `None`."""

    images: np.ndarray
    labels: np.ndarray | None


def suffix_of(name: str | Path) -> str:
    """Returns the ending that says what a file holds: ".csv" also of "TRAIN.CSV.GZ"."""
    return Path(str(name).lower().removesuffix(".gz")).suffix


def parse(content: bytes, name: str, origin: str) -> Digits | None:
    """Reads the digits in the bytes of a CSV, IDX or .mat file, gzipped or not.

    A CSV has 784 columns of pixels, row by row, and perhaps one of labels: the first, or the one
    that its header calls `label` or `class`. A .mat file (MATLAB 5 to 7) has one column, or one
    row, of 784 pixels for each image in its largest array, and perhaps an array of labels.

    Args:
        content: The whole file.
        name: The file's name; its ending says what should be in there.
        origin: What messages call the file.

    Returns:
        The digits; `None` if it is another kind of file, such as a picture.

    Raises:
        DataError: It is damaged, too large, or holds other than digits of 28 × 28 pixels.
    """
    suffix = suffix_of(name)
    if content[:2] == b"\x1f\x8b":
        content = formats.unpack(content, origin, MAX_BYTES)
    if content[:3] == b"\0\0\x08":
        images, labels = formats.parse_idx(content, origin), None
    elif suffix == ".mat" or content.startswith(b"MATLAB 5.0"):
        images, labels = _parse_mat(content, origin)
    elif suffix == ".csv" or _looks_like_csv(content[:20_000].partition(b"\n")[0]):
        images, labels = _parse_csv(content, origin)
    else:
        return None
    if len(images) == 0:
        raise DataError(f"{origin} holds no images.")
    try:
        images = check_images(images)
        return Digits(images, None if labels is None else check_labels(labels, len(images)))
    except ValueError as error:
        raise DataError(f"{origin}: {error}") from error


def _looks_like_csv(line: bytes) -> bool:
    # In a picture without compression, grey values of 44 are commas as well.
    return line.count(b",") >= PIXELS - 1 and b"\0" not in line


def _parse_csv(content: bytes, origin: str) -> tuple[np.ndarray, np.ndarray | None]:
    content = content.removeprefix(b"\xef\xbb\xbf").strip()
    if len(content) > MAX_BYTES:
        raise DataError(f"{origin} is larger than {MAX_BYTES:,} bytes.")
    first = content.partition(b"\n")[0]
    fields = first.count(b",") + 1
    if fields not in (PIXELS, PIXELS + 1):
        raise DataError(
            f"{origin} must have {PIXELS} columns of pixels and perhaps one of labels; it has "
            f"{fields} in its first line."
        )
    names = [field.strip(b' "\r').lower() for field in first.split(b",")]
    header = int(not _is_number(names[0]))
    if content.count(b"\n") < header:
        raise DataError(f"{origin} holds no images.")
    for number, line in enumerate(BytesIO(content), 1):  # before one costs more than it should
        if line.count(b",") != fields - 1 or len(line) > 32 * fields:
            raise DataError(f"{origin}, line {number}: there must be {fields} short values.")
    try:
        rows = np.loadtxt(
            BytesIO(content), np.float32, comments=None, delimiter=",", skiprows=header, ndmin=2
        )
    except ValueError as error:  # NumPy quotes the value, whatever it is
        raise DataError(f"{origin} holds a value that is no number.") from error
    values = _whole(rows, origin)
    if fields == PIXELS:
        return values.reshape(-1, SIDE, SIDE), None
    place = next((i for i, name in enumerate(names) if name in (b"label", b"class")), 0)
    return np.delete(values, place, axis=1).reshape(-1, SIDE, SIDE), values[:, place]


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _whole(values: np.ndarray, origin: str) -> np.ndarray:
    """Returns rows of numbers as uint8, which must change nothing."""
    with np.errstate(invalid="ignore"):
        whole = values.astype(np.uint8)
    wrong = whole != values
    if wrong.any():
        row, column = np.unravel_index(wrong.argmax(), wrong.shape)
        raise DataError(
            f"{origin} must hold integers from 0 to 255, not {values[row, column]:g} as number "
            f"{column + 1} of row {row + 1:,}."
        )
    return whole


def _parse_mat(content: bytes, origin: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Reads MATLAB's format, for `scipy.io` crashes on damaged files and knows no limit."""
    if not content.startswith(b"MATLAB 5.0"):
        raise DataError(f"{origin} is no .mat file of MATLAB 5 to 7; save it with -v7.")
    try:
        arrays = list(_arrays(memoryview(content), origin))
    except (ValueError, IndexError, struct.error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{origin} is a damaged .mat file.") from error
    data = max(arrays, key=np.size, default=np.empty(0))
    if data.ndim != 2 or PIXELS not in data.shape:
        raise DataError(
            f"{origin} must hold an array of {PIXELS} × n pixels, as mnist-original.mat does; its "
            f"largest has shape {data.shape}."
        )
    images = data.T if data.shape[0] == PIXELS else data
    labels = [array for array in arrays if array is not data and array.size == len(images)]
    return (
        _whole(images, origin).reshape(-1, SIDE, SIDE),
        _whole(labels[0].reshape(1, -1), origin)[0] if labels else None,
    )


def _arrays(content: memoryview, origin: str) -> Iterator[np.ndarray]:
    """Yields the arrays of real numbers in a .mat file."""
    order, left = "<" if content[126:128] == b"IM" else ">", MAX_BYTES
    for number, (kind, element) in enumerate(_elements(content[128:], order)):
        if number == MAX_ELEMENTS:
            raise DataError(f"{origin} holds more than {MAX_ELEMENTS:,} variables.")
        if kind == COMPRESSED:
            unpacked = formats.unpack(element, origin, MAX_BYTES, wbits=15)
            left -= len(unpacked)
            if left < 0:
                raise DataError(f"{origin} unpacks to more than {MAX_BYTES:,} bytes.")
            kind, element = next(_elements(memoryview(unpacked), order), (0, element))
        parts = list(islice(_elements(element, order), 4)) if kind == MATRIX else []
        if len(parts) == 4:
            (_, flags), (_, shape), _, (kind, values) = parts
            if flags[0 if order == "<" else 3] in NUMERIC_CLASSES and kind in NUMBERS:
                array = np.frombuffer(values, order + NUMBERS[kind])
                yield array.reshape(np.frombuffer(shape, order + "u4"), order="F")


def _elements(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Yields type and content of the elements that make up a .mat file or one of its elements.

    Each has its type and size as 32 bits each, then the content, filled up to eight bytes unless it
    is compressed. Up to four bytes of content stand in place of the size, and the size above the
    type.
    """
    place = 0
    while place < len(content):
        kind, size = struct.unpack_from(order + "II", content, place)
        start, end = place + 8, place + 8 + size
        place = end if kind == COMPRESSED else end + -size % 8
        if kind >> 16:
            kind, start, end = kind & 0xFFFF, start - 4, start - 4 + (kind >> 16)
            place = start + 4
        if end > len(content):
            raise ValueError("it breaks off")
        yield kind, content[start:end]
