"""Looks through a weights file before Keras reads it."""

import math
from collections.abc import Iterator
from pathlib import Path

import h5py

from mnist_helpers.training.config_check import ModelFileError

MAX_WEIGHT_BYTES = 64 * 2**20
MAX_OBJECTS = 3_000  # groups and arrays
MAX_GROUPS_DEEP = 10


def check_weights(path: Path) -> None:
    """Refuses weights that are not plain arrays in the file itself, of modest size.

    Args:
        path: `model.weights.h5` of a `.keras` file.

    Raises:
        ModelFileError: They lie elsewhere, are compressed, too large or too deeply nested.
        OSError: The file is damaged.
    """
    total = 0
    with h5py.File(path, "r") as file:
        for name, found in _objects(file):
            if not isinstance(found, h5py.Dataset):
                continue
            if found.external or found.is_virtual:
                raise ModelFileError(f"has weights {name[:60]!r} that lie elsewhere, not in it.")
            # A compressed chunk unpacks to any size, whatever it declares.
            if found.chunks or found.dtype.kind not in "fiubV":
                raise ModelFileError(f"has weights {name[:60]!r} that are no plain array.")
            total += math.prod(found.shape or (0,)) * found.dtype.itemsize
    if total > MAX_WEIGHT_BYTES:
        raise ModelFileError(f"has weights that declare {total:,} bytes: too many.")


def _objects(file: h5py.File) -> Iterator[tuple[str, object]]:
    """Yields the groups and arrays of a file by their paths; refuses endless ones."""
    waiting, seen = [file], 0
    while waiting:
        group = waiting.pop()
        seen += len(group)
        if seen > MAX_OBJECTS or group.name.count("/") > MAX_GROUPS_DEEP:
            raise ModelFileError("has weights in too many or too deeply nested groups.")
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ModelFileError(f"has weights {name[:60]!r} that lie elsewhere, not in it.")
            found = group[name]
            yield f"{group.name}/{name}", found
            if isinstance(found, h5py.Group):
                waiting.append(found)
