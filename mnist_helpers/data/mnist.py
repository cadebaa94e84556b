"""Fetches the MNIST arrays from a cache, a file, a folder or the web, and trusts checksums only."""

import hashlib
import os
import time
import warnings
import zipfile
import zlib
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from pathlib import Path

import numpy as np
import requests
from filelock import FileLock
from requests.adapters import HTTPAdapter
from tqdm import tqdm
from urllib3.util import Retry

from mnist_helpers import files, paths

Arrays = dict[str, np.ndarray]
Split = tuple[np.ndarray, np.ndarray]

# Shape, and sha256 of the C-order bytes, of each canonical array. The arrays are verified and not
# the file, because the same arrays come in several containers (npz, IDX, gzipped IDX).
MNIST = {
    "x_train": (
        (60000, 28, 28),
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    ),
    "y_train": ((60000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    "x_test": (
        (10000, 28, 28),
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    ),
    "y_test": ((10000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
}
IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
MAX_BYTES = 64 * 2**20  # MNIST takes 55 MB unpacked; whatever is larger is something else
TIMEOUT = (3.0, 10.0)  # seconds to connect, seconds without a byte
MAX_SECONDS = 600.0  # for one file, so that a server that drips bytes cannot hold a run for ever
# A refused connection or an unknown host is final: without internet, the answer comes at once.
RETRIES = Retry(
    total=2,
    connect=0,
    backoff_factor=0.5,
    status_forcelist=(429, 500, 502, 503, 504),
    respect_retry_after_header=False,
)
BROKEN = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


class DataError(ValueError):
    """A file is not what it should be: damaged, altered, or another data set."""


class MnistUnavailableError(OSError):
    """MNIST is neither on this machine nor could it be downloaded."""


def load_mnist() -> tuple[Split, Split]:
    """Loads MNIST and verifies every array by its checksum.

    The sources, in this order: `mnist.npz` in `paths.datasets_dir()`; what the environment variable
    `MNIST_SOURCE` names (an .npz file, a folder with the four IDX files, gzipped or not, or the URL
    of either); the URL that Keras uses; a second public mirror. A `MNIST_SOURCE` that does not work
    is an error, and no other source is tried in its place. What was fetched is kept as `mnist.npz`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape (60000, 28, 28) and
        (10000, 28, 28), values 0 to 255, and uint8 labels of shape (60000,) and (10000,).

    Raises:
        MnistUnavailableError: No source could be reached.
        DataError: `MNIST_SOURCE` holds something other than MNIST.
    """
    cache = paths.datasets_dir() / "mnist.npz"
    try:
        arrays = _read_file(cache)
    except (FileNotFoundError, DataError):
        arrays = _refill(cache)
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def array_checksums(arrays: Arrays) -> dict[str, str]:
    """Returns the sha256 of each array's C-order bytes, in hexadecimal, by the array's name."""
    return {
        name: hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
        for name, array in arrays.items()
    }


def _refill(cache: Path) -> Arrays:
    """Fetches MNIST into the cache; of several processes one fetches and the others wait."""
    with _lock(cache) as held:
        if held:
            files.remove_leftovers(cache)
        try:
            return _read_file(cache)  # another process was faster
        except FileNotFoundError:
            pass
        except DataError as error:
            aside = cache.with_name(cache.name + ".damaged")
            os.replace(cache, aside)
            warnings.warn(f"{error} It was set aside as {aside.name}.", stacklevel=3)
        arrays = _fetch()
        try:
            with files.atomic_write(cache) as temporary:
                np.savez(temporary, allow_pickle=False, **arrays)
        except OSError as error:
            warnings.warn(f"MNIST was loaded, but not kept at {cache}: {error}.", stacklevel=3)
        return arrays


def _lock(cache: Path) -> AbstractContextManager:
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return nullcontext()
    # Where nothing can be written there is nothing to race for.
    writable = os.access(cache.parent, os.W_OK)
    return FileLock(f"{cache}.lock", timeout=4 * MAX_SECONDS) if writable else nullcontext()


def _fetch() -> Arrays:
    """Returns the arrays of the first source that works."""
    source = os.environ.get("MNIST_SOURCE")
    if source and not _is_url(source):
        path = paths.PROJECT / Path(source).expanduser()
        if not path.exists():
            raise FileNotFoundError(f"MNIST_SOURCE names {path}, and there is nothing there.")
        return verify(read_arrays(path), str(path))
    failures = []
    for url in [source] if source else MIRRORS:
        try:
            return _read_url(url)
        except (DataError, requests.RequestException) as error:
            if source and isinstance(error, DataError):
                raise
            broken = isinstance(error, BROKEN)  # their own words are about sockets
            failures.append(f"{url} (no connection, or it broke off)" if broken else str(error))
    raise MnistUnavailableError(
        "MNIST is not on this machine and could not be downloaded. Either set MNIST_SOURCE to an "
        ".npz file or to a folder with the four IDX files; or put mnist.npz at "
        f'{paths.datasets_dir() / "mnist.npz"}; or set DATASET = "digits" for the small digits of '
        "scikit-learn. What was tried: " + "; ".join(failures)
    )


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def read_arrays(path: Path) -> Arrays:
    """Reads the four arrays of an .npz file, or of a folder with the four IDX files; any content.

    Raises:
        FileNotFoundError: A file of the four is missing.
        DataError: A file is damaged or too large.
    """
    if not path.is_dir():
        return parse_npz(_read_bytes(path), str(path))
    arrays = {}
    for name, file in IDX_FILES.items():
        found = [p for p in (path / file, path / f"{file}.gz") if p.exists()]
        if not found:
            raise FileNotFoundError(f"The folder {path} has neither {file} nor {file}.gz.")
        arrays[name] = parse_idx(_read_bytes(found[0]), str(found[0]))
    return arrays


def _read_file(path: Path) -> Arrays:
    return verify(read_arrays(path), str(path))


def _read_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise DataError(f"{path} is larger than {MAX_BYTES:,} bytes, so it is not MNIST.")
    return content


def _read_url(url: str) -> Arrays:
    if url.endswith(".npz"):
        return verify(parse_npz(download(url), url), url)
    base = url.rstrip("/")
    files = {name: f"{base}/{file}.gz" for name, file in IDX_FILES.items()}
    return verify({name: parse_idx(download(file), file) for name, file in files.items()}, url)


def download(url: str) -> bytes:
    """Downloads one file into memory, with a progress bar, timeouts, retries and a size limit.

    Raises:
        requests.RequestException: The server could not be reached, refused, or broke off.
        DataError: The file is larger than `MAX_BYTES`.
    """
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=RETRIES))
        response = _get(session, url)
        try:
            return _receive(response)
        except requests.RequestException:  # `Retry` does not watch over the body: once more
            return _receive(_get(session, url))


def _get(session: requests.Session, url: str) -> requests.Response:
    # "identity": a server that packs the file once more would hide its size.
    headers = {"Accept-Encoding": "identity"}
    response = session.get(url, stream=True, timeout=TIMEOUT, headers=headers)
    response.raise_for_status()
    return response


def _receive(response: requests.Response) -> bytes:
    content = bytearray()
    deadline = time.monotonic() + MAX_SECONDS
    name = response.url.rsplit("/", 1)[-1]
    total = response.raw.length_remaining
    with response, tqdm(total=total, desc=name, unit="B", unit_scale=True) as progress:
        for chunk in response.iter_content(1024):  # small, so that a slow one meets the deadline
            content += chunk
            progress.update(len(chunk))
            if len(content) > MAX_BYTES:
                raise DataError(f"{response.url} sends more than {MAX_BYTES:,} bytes.")
            if time.monotonic() > deadline:
                raise requests.Timeout(f"{response.url} was not done after {MAX_SECONDS:.0f} s")
    return bytes(content)


def parse_npz(content: bytes, origin: str) -> Arrays:
    """Returns the four arrays in the bytes of an .npz file, never unpickling anything.

    Args:
        content: The whole file.
        origin: Where it came from, for the error message.

    Raises:
        DataError: It is no .npz file, is damaged, unpacks to too much, or holds Python objects.
    """
    _refuse_page(content, origin)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MAX_BYTES:
            raise DataError(f"{origin} unpacks to {unpacked:,} bytes, so it is not MNIST.")
        with np.load(BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in MNIST if name in file}
    except zipfile.BadZipFile as error:
        raise DataError(f"{origin} is no whole .npz file: {error}.") from error
    except DataError:
        raise
    except files.UNREADABLE as error:
        raise DataError(f"{origin} holds an array that cannot be read: {error}.") from error


def parse_idx(content: bytes, origin: str) -> np.ndarray:
    """Returns the uint8 array in the bytes of an IDX file, gzipped or not.

    The format is a magic number (two zero bytes, 8 for uint8, the number of dimensions), each
    dimension as a big-endian uint32, then the values.

    Args:
        content: The whole file.
        origin: Where it came from, for the error message.

    Raises:
        DataError: It is no IDX file, is damaged, unpacks to too much, or lies about its size.
    """
    _refuse_page(content, origin)
    if content[:2] == b"\x1f\x8b":
        content = _gunzip(content, origin)
    if len(content) < 4 or content[:3] != b"\0\0\x08" or len(content) < 4 + 4 * content[3]:
        raise DataError(f"{origin} is no IDX file of bytes.")
    start = 4 + 4 * content[3]
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    promised = int(np.prod(shape, dtype=object))
    if promised != len(content) - start:
        raise DataError(
            f"{origin} promises {promised:,} values in its header and holds "
            f"{len(content) - start:,}."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def _gunzip(content: bytes, origin: str) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)  # 31: a gzip header and the largest window
    try:
        unpacked = unpacker.decompress(content, MAX_BYTES)
    except zlib.error as error:
        raise DataError(f"{origin} is a damaged gzip file: {error}.") from error
    if unpacker.unconsumed_tail:
        raise DataError(f"{origin} unpacks to more than {MAX_BYTES:,} bytes.")
    if not unpacker.eof:
        raise DataError(f"{origin} is a gzip file that breaks off.")
    return unpacked


def _refuse_page(content: bytes, origin: str) -> None:
    if content[:64].lstrip().startswith(b"<"):
        raise DataError(f"{origin} is a web page and not data; is there a login page in between?")


def verify(arrays: Arrays, origin: str) -> Arrays:
    """Returns `arrays` if they are the canonical MNIST arrays.

    Args:
        arrays: The arrays by name: `x_train`, `y_train`, `x_test`, `y_test`.
        origin: Where they came from, for the error message.

    Raises:
        DataError: An array is missing, or has another type, shape or content.
    """
    for name, (shape, _) in MNIST.items():
        if name not in arrays:
            raise DataError(f"{origin} has no array {name}, so it is not MNIST.")
        found = np.asarray(arrays[name])  # a file in the archive that is no array comes as bytes
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
