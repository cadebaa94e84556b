"""MNIST from a cache, a file, a folder or the web; what counts is the arrays' checksums."""

import hashlib
import os
import warnings
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
from filelock import FileLock

from mnist_helpers import files, paths
from mnist_helpers.data import formats
from mnist_helpers.data.download import MAX_SECONDS, DownloadError, download
from mnist_helpers.data.formats import IDX_FILES, Arrays
from mnist_helpers.files import DataError

Split = tuple[np.ndarray, np.ndarray]

# Shape, and sha256 of the C-order bytes, of each canonical array. The arrays are verified and not
# the file, because the same arrays come in several containers (npz, IDX, gzipped IDX).
MNIST = {
    "x_train": (
        (60000, 28, 28),
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    ),
    "y_train": ((60000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    "x_test": ((10000, 28, 28), "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"),
    "y_test": ((10000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
}
MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)


class MnistUnavailableError(OSError):
    """MNIST is neither on this machine nor could it be downloaded."""


def load_mnist() -> tuple[Split, Split]:
    """Loads MNIST and verifies every array by its checksum.

    The sources, in this order: `mnist.npz` in `paths.datasets_dir()`; what the environment variable
    `MNIST_SOURCE` names (an .npz file, a folder with the four IDX files, gzipped or not, as
    torchvision lays them out or side by side, or the URL of either); the URL that Keras uses; a
    second public mirror. A `MNIST_SOURCE` that does not work is an error, and no other source is
    tried in its place. What was fetched is kept as `mnist.npz`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape (60000, 28, 28) and
        (10000, 28, 28), values 0 to 255, and uint8 labels of shape (60000,) and (10000,).

    Raises:
        MnistUnavailableError: No source could be reached.
        FileNotFoundError: There is nothing where `MNIST_SOURCE` points.
        DataError: `MNIST_SOURCE` holds something other than MNIST, or names nothing possible.
    """
    cache = paths.datasets_dir() / "mnist.npz"
    try:
        arrays = _read_cache(cache)
    except (OSError, DataError):
        arrays = _refill(cache)
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def array_checksums(arrays: Arrays) -> dict[str, str]:
    """Returns the sha256 of each array's C-order bytes, in hexadecimal, by the array's name."""
    return {
        name: hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
        for name, array in arrays.items()
    }


def _read_cache(cache: Path) -> Arrays:
    content = files.read_bytes(cache, formats.MAX_BYTES)
    return verify(formats.parse_npz(content, str(cache)), str(cache))


def _refill(cache: Path) -> Arrays:
    """Fetches MNIST into the cache; of several processes one fetches and the others wait."""
    with ExitStack() as locked:
        with suppress(OSError):  # where nothing can be written no one races for it
            cache.parent.mkdir(parents=True, exist_ok=True)
            locked.enter_context(FileLock(f"{cache}.lock", timeout=4 * MAX_SECONDS))
            files.remove_leftovers(cache.parent)
        try:
            return _read_cache(cache)  # another process was faster
        except OSError:  # there is none, or this process may not read it
            pass
        except DataError as error:
            _set_aside(cache, error)
        arrays = _fetch()
        try:
            with files.atomic_write(cache) as temporary:
                np.savez(temporary, allow_pickle=False, **arrays)
        except OSError as error:
            warnings.warn(f"MNIST was loaded, but not kept at {cache}: {error}.", stacklevel=3)
        return arrays


def _set_aside(cache: Path, error: DataError) -> None:
    aside = cache.with_name(cache.name + ".damaged")
    try:
        os.replace(cache, aside)
    except OSError as failure:
        outcome = f"It could not be set aside ({failure.strerror})."
    else:
        outcome = f"It was set aside as {aside.name}."
    warnings.warn(f"{error} {outcome}", stacklevel=4)


def _fetch() -> Arrays:
    """Returns the arrays of the first source that works."""
    source = os.environ.get("MNIST_SOURCE", "").strip()
    if source and not source.lower().startswith(("http://", "https://")):
        path = formats.find(source, "MNIST_SOURCE")
        return verify(formats.read_arrays(path), str(path))
    failures = []
    for url in [source] if source else MIRRORS:
        try:
            return _read_url(url)
        except (DataError, DownloadError) as error:
            if source and isinstance(error, DataError):
                raise
            failures.append(str(error))
    raise MnistUnavailableError(
        "MNIST is not on this machine and could not be downloaded. Either set MNIST_SOURCE to an "
        ".npz file or to a folder with the four IDX files; or put mnist.npz at "
        f'{paths.datasets_dir() / "mnist.npz"}; or set DATASET = "digits" for the small digits of '
        "scikit-learn. What was tried: " + "; ".join(failures)
    )


def _read_url(url: str) -> Arrays:
    if url.partition("?")[0].endswith(".npz"):
        return verify(formats.parse_npz(download(url, formats.MAX_BYTES), url), url)
    arrays = {}
    for name, file in IDX_FILES.items():
        address = f"{url.rstrip('/')}/{file}.gz"
        arrays[name] = formats.parse_idx(download(address, formats.MAX_BYTES), address)
    return verify(arrays, url)


def verify(arrays: Arrays, origin: str) -> Arrays:
    """Returns `arrays` if they are the canonical MNIST arrays; messages call the file `origin`.

    Raises:
        DataError: An array is missing, or has another type, shape or content.
    """
    for name, (shape, _) in MNIST.items():
        if name not in arrays:
            raise DataError(f"{origin} has no array {name}, so it is not MNIST.")
        found = arrays[name]
        if found.shape != shape or found.dtype != np.uint8:
            raise DataError(
                f"{origin}: {name} is {found.dtype} of shape {found.shape}; MNIST's is uint8 of "
                f"shape {shape}."
            )
    checksums = array_checksums({name: arrays[name] for name in MNIST})
    wrong = [name for name, (_, checksum) in MNIST.items() if checksums[name] != checksum]
    if wrong:
        raise DataError(
            f"{origin}: {' and '.join(wrong)} differ from MNIST's by checksum; "
            "the file is damaged or was altered."
        )
    return arrays
