"""CSV, IDX and .mat files of digits that are damaged, or say more than they hold."""

import functools
import gzip
import io
import random
import struct
import zlib

import numpy as np
import scipy.io

from mnist_helpers.data import digit_files
from mnist_helpers.data.formats import DataError

PIXELS = 784


def csv(images: np.ndarray, labels: np.ndarray | None = None) -> bytes:
    """Returns a file as Kaggle's train.csv, or without labels its test.csv."""
    rows = (
        images.reshape(-1, PIXELS) if labels is None else np.c_[labels, images.reshape(-1, PIXELS)]
    )
    header = ["label"] * (labels is not None) + [f"pixel{number}" for number in range(PIXELS)]
    return "\n".join(",".join(map(str, line)) for line in [header, *rows.tolist()]).encode()


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def mat(images: np.ndarray, labels: np.ndarray, dtype: str = "u1", **options) -> bytes:
    """Returns a file as mnist-original.mat, with variables of other types beside."""
    file = io.BytesIO()
    extra = {"text": "mldata", "empty": np.zeros((0, 0)), "cells": np.array(["a", 1], object)}
    content = {"data": images.reshape(-1, PIXELS).T.astype(dtype), "label": labels[None] * 1.0}
    scipy.io.savemat(file, extra | content, **options)
    return file.getvalue()


@functools.cache
def whole() -> dict[str, bytes]:
    """Returns an undamaged file of each kind by its name."""
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (3, 28, 28), np.uint8), np.arange(3, dtype=np.uint8)
    return {
        "train.csv": csv(images, labels), "test.csv": csv(images), "images": idx(images),
        "images.gz": gzip.compress(idx(images)), "plain.mat": mat(images, labels),
        "packed.mat": mat(images, labels, "f8", do_compression=True),
    }  # fmt: skip


def _element(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def _matrix(shape: tuple[int, int], values: bytes, kind: int = 2) -> bytes:
    head = _element(6, struct.pack("<II", 9, 0)) + _element(5, struct.pack("<II", *shape))
    return _element(14, head + _element(1, b"data") + _element(kind, values))


def _mat(*elements: bytes) -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + b"".join(elements)


# Name of the file, its content, and what must be said of it.
ROW = b"0," * (PIXELS - 1) + b"0\n"
HOSTILE = {
    "empty": ("a.csv", lambda: b"", "784 columns"),
    "no rows": ("a.csv", lambda: whole()["test.csv"].splitlines()[0], "no images"),
    "cut off": ("a.csv", lambda: whole()["train.csv"][:-3000], "line 3: there must be 785"),
    "wide": ("a.csv", lambda: b"0," + b"0," + ROW, "784 columns .* it has 786"),
    "IDX of 255 dimensions": (
        "a", lambda: b"\0\0\x08\xff" + bytes(range(1, 256)) * 4 + b"0", "has 255 dimensions",
    ),
    "not a number": ("a.csv", lambda: ROW + b"nan," + ROW[2:], "not nan as number 1 of row 2"),
    "above 255": ("a.csv", lambda: ROW + b"256," + ROW[2:], "not 256 as number 1 of row 2"),
    "negative": ("a.csv", lambda: b"-1," + ROW[2:], "not -1"),
    "words": ("a.csv", lambda: ROW + b"zero," + ROW[2:], "no number"),
    "long value": ("a.csv", lambda: ROW + b"0" * 30_000 + ROW, "line 2"),
    "label 11": ("a.csv", lambda: b"11," + ROW, "Labels must be 0 to 9"),
    "no .mat": ("a.mat", lambda: b"\x89HDF\r\n\x1a\n", "save it with -v7"),
    "cut off .mat": ("a.mat", lambda: whole()["plain.mat"][:-9], "damaged"),
    # These two end the process in SciPy's reader.
    "unknown type": ("a.mat", lambda: _mat(_matrix((PIXELS, 1), bytes(PIXELS), 200)), "784 × n"),
    "nested cells": (
        "a.mat",
        lambda: _mat(functools.reduce(lambda inner, _: _element(14, inner), range(2000), b"")),
        "784 × n",
    ),
    "too many rows": ("a.mat", lambda: _mat(_matrix((PIXELS, 2**32 - 1), bytes(9))), "damaged"),
    "NaN": ("a.mat", lambda: _mat(_matrix((PIXELS, 1), b"\xff" * 8 * PIXELS, 9)), "not nan"),
    "many variables": ("a.mat", lambda: _mat(*[_matrix((0, 0), b"")] * 1001), "1,000 variables"),
    "bombs": ("a.mat", lambda: _mat(*[_element(15, zlib.compress(bytes(70 << 20)))] * 2), "more"),
    "lying header": ("a", lambda: b"\0\0\x08\x03" + b"\xff" * 12, "promises"),
    "labels": ("a", lambda: idx(np.zeros(3, np.uint8)), "not uint8 of shape"),
}  # fmt: skip
HUGE = {
    "one line": ("a.csv", lambda: b"0," * 60_000_000, "784 columns"),
    "short lines": ("a.csv", lambda: ROW + b"1\n" * 60_000_000, "line 2"),
    "one long line": ("a.csv", lambda: ROW + b"0," * 60_000_000 + b"1\n" * 90_000, "line 2"),
    "much": ("a.csv", lambda: ROW * 80_000 + b"nan," + ROW[2:], "row 80,001"),
    "all -1": ("a.mat", lambda: _mat(_matrix((PIXELS, 150_000), b"\xff" * 117_600_000, 1)), "-1"),
}  # fmt: skip


def read(given: int | str) -> str:
    """Reads a hostile file by its name, or a mutated one by its seed; returns what was said."""
    name, content = _mutated(given) if isinstance(given, int) else _named(given)
    try:
        digits = digit_files.parse(content, name, "The file")
    except DataError as error:
        said = str(error)
        assert said.endswith(".") and "\n" not in said and len(said) < 300, said
        return said
    assert digits is None or digits.images.dtype == np.uint8
    return "read"


def _named(name: str) -> tuple[str, bytes]:
    file, content, _ = (HOSTILE | HUGE)[name]
    return file, content()


def _mutated(seed: int) -> tuple[str, bytes]:
    chance = random.Random(seed)
    name, original = chance.choice(list(whole().items()))
    content = bytearray(original)
    for _ in range(chance.choice([1, 1, 2, 10])):
        end = min(chance.choice([40, 400, len(content)]), len(content))
        place = chance.randrange(end)
        if chance.random() < 0.7:
            content[place] = chance.choice([0, 255, 128, chance.randrange(256)])
        else:
            content[place : place + chance.choice([0, 1, 4])] = chance.randbytes(
                chance.choice([0, 1, 4])
            )
    return name, bytes(content[: chance.choice([*[None] * 9, len(content) // 2])])
