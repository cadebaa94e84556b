"""The files that data sets come in, read as untrusted input: .npz archives and IDX files."""

import math
import zlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np

from mnist_helpers import files, paths
from mnist_helpers.files import DataError

Arrays = dict[str, np.ndarray]

IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
GZIP = 31  # for zlib: a gzip header and the largest window
MAX_BYTES = 64 * 2**20  # of a file, packed and unpacked; MNIST takes 55 MB


def find(source: str, setting: str) -> Path:
    """Returns the file or folder that a setting names.

    Args:
        source: A path, which counts from the project if relative, or a `file://` URL.
        setting: The name of the setting, for the message.

    Raises:
        FileNotFoundError: There is nothing.
        DataError: It can be no path.
    """
    try:
        path = paths.input_dir(source)
        if "://" in source:
            address = urlsplit(source)
            if address.scheme.lower() != "file" or address.netloc not in ("", "localhost"):
                raise ValueError("a URL must begin with http://, https:// or file:///")
            path = Path(url2pathname(address.path))
        exists = path.exists()
    except (OSError, ValueError) as error:
        raise DataError(f"{setting} = {source!r} names no file or folder: {error}.") from error
    if not exists:
        raise FileNotFoundError(f"{setting} names {path}, and there is nothing there.")
    return path


def read_arrays(path: Path) -> Arrays:
    """Reads the arrays of an .npz file, or of a folder with the four IDX files, gzipped or not.

    They lie in the folder itself, in its `raw/` or its `MNIST/raw/`, where torchvision puts them.

    Raises:
        FileNotFoundError: A file of the four is missing.
        DataError: A file is damaged or too large.
    """
    if not path.is_dir():
        return parse_npz(files.read_bytes(path, MAX_BYTES), str(path))
    first = IDX_FILES["x_train"]
    layouts = [path, path / "raw", path / "MNIST" / "raw"]
    folder = next((f for f in layouts if list(f.glob(f"{first}*"))), path)
    arrays = {}
    for name, file in IDX_FILES.items():
        found = [p for p in (folder / file, folder / f"{file}.gz") if p.exists()]
        if not found:
            raise FileNotFoundError(f"The folder {folder} has neither {file} nor {file}.gz.")
        arrays[name] = parse_idx(files.read_bytes(found[0], MAX_BYTES), str(found[0]))
    return arrays


def parse_npz(content: bytes, origin: str, names: Iterable[str] = tuple(IDX_FILES)) -> Arrays:
    """Returns arrays in the bytes of an .npz file; nothing is ever unpickled.

    Args:
        content: The whole file.
        origin: What messages call the file.
        names: The arrays to return, as far as the file has them.

    Raises:
        DataError: It is no .npz file, is damaged, unpacks to too much, or holds Python objects.
    """
    check_no_web_page(content, origin)
    try:
        members = files.read_zip_members(content, MAX_BYTES)
        return {
            name: np.lib.format.read_array(BytesIO(members[f"{name}.npy"]), allow_pickle=False)
            for name in names
            if f"{name}.npy" in members
        }
    except Exception as error:  # NumPy evaluates a header, which raises nearly anything
        reason = str(error).partition("\n")[0][:200].rstrip(".") or type(error).__name__
        raise DataError(f"{origin} cannot be read as an .npz file: {reason}.") from error


def parse_idx(content: bytes, origin: str) -> np.ndarray:
    """Returns the uint8 array in the bytes of an IDX file, gzipped or not.

    The format is a magic number (two zero bytes, 8 for uint8, the number of dimensions), each
    dimension as a big-endian uint32, then the values.

    Raises:
        DataError: It is no IDX file, is damaged, unpacks to too much, or lies about its size.
    """
    check_no_web_page(content, origin)
    if content[:2] == b"\x1f\x8b":
        content = unpack(content, origin, MAX_BYTES)
    if len(content) < 4 or content[:3] != b"\0\0\x08" or len(content) < 4 + 4 * content[3]:
        raise DataError(f"{origin} is no IDX file of bytes.")
    if content[3] > 3:
        raise DataError(f"{origin} has {content[3]} dimensions; images have 3, and labels 1.")
    start = 4 + 4 * content[3]
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    promised = math.prod(shape)
    if promised != len(content) - start:
        raise DataError(
            f"{origin} promises {promised:,} values in its header and holds "
            f"{len(content) - start:,}."
        )
    try:
        return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
    except ValueError as error:
        raise DataError(f"{origin} has a shape that NumPy cannot take: {error}.") from error


def unpack(content: bytes | memoryview, origin: str, max_bytes: int, wbits: int = GZIP) -> bytes:
    """Returns what a gzip file, or with another `wbits` a zlib stream, unpacks to, within a limit.

    Raises:
        DataError: It is damaged, breaks off or unpacks to more than `max_bytes`.
    """
    unpacker = zlib.decompressobj(wbits)
    try:
        unpacked = unpacker.decompress(content, max_bytes)
    except zlib.error as error:
        raise DataError(f"{origin} is damaged where it is compressed: {error}.") from error
    if unpacker.unconsumed_tail:
        raise DataError(f"{origin} unpacks to more than {max_bytes:,} bytes.")
    if not unpacker.eof:
        raise DataError(f"{origin} breaks off where it is compressed.")
    return unpacked


def check_no_web_page(content: bytes, origin: str) -> None:
    """Raises a `DataError` where a server sent a page in place of a file."""
    if content[:64].lstrip().startswith(b"<"):
        raise DataError(f"{origin} is a web page and not data; is there a login page in between?")
