"""Atomic writes, and limited reads of untrusted files."""

import io
import json
import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any

# What NumPy and zipfile raise for a damaged or hostile .npz (tried with 16,000 of them).
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, TokenError,
    ValueError, EOFError, MemoryError, RuntimeError, OSError,
)  # fmt: skip
MAX_MEMBERS = 1000


class DataError(ValueError):
    """A file is not what it should be: damaged, altered, or another data set."""


def read_bytes(path: str | Path, max_bytes: int) -> bytes:
    """Reads a regular file of at most `max_bytes`; its kind and size are looked up first.

    Raises:
        DataError: It is larger, or a pipe, which blocks, or a device, which may never end.
        OSError: There is no such file, or it cannot be read.
    """
    path = Path(path)
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{path} must be a regular file, not a folder, pipe or device.")
    if status.st_size <= max_bytes:
        try:
            with path.open("rb") as file:
                content = file.read(max_bytes + 1)  # files in /proc state a size of 0
        except OSError as error:  # of a disk that fails in the middle it has no name
            raise OSError(error.errno, error.strerror, str(path)) from error
        if len(content) <= max_bytes:
            return content
    raise DataError(f"{path} is larger than {max_bytes:,} bytes.")


def reason(error: Exception) -> str:
    """Returns what an error says, without the file's name where the system adds it."""
    words = getattr(error, "strerror", None)
    return f"{words}." if words else str(error)


def read_zip_members(content: bytes, max_bytes: int) -> dict[str, bytes]:
    """Unpacks an untrusted zip archive, such as an .npz or .keras file, within a limit.

    Args:
        content: The whole archive.
        max_bytes: The most that all members together may unpack to.

    Returns:
        The members' bytes by their names.

    Raises:
        ValueError: It is damaged or encrypted, unpacks to more, has more than `MAX_MEMBERS` members
            or several of one name or place, or packs them by other methods than deflation.
    """
    if content.count(b"PK\1\2") > MAX_MEMBERS:
        raise ValueError(f"the zip archive has more than {MAX_MEMBERS:,} members")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check_members(members, len(content), max_bytes)
            return {member.filename: _unpack(archive, member) for member in members}
    except UNREADABLE as error:
        if type(error) is ValueError:
            raise
        raise ValueError(f"the zip archive is damaged or encrypted: {error}") from error


def _check_members(members: list[zipfile.ZipInfo], packed: int, max_bytes: int) -> None:
    for member in members:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{member.filename} in the zip archive is neither stored nor deflated")
    if len({member.filename for member in members}) < len(members):
        raise ValueError("the zip archive has several members of the same name")
    if sum(member.compress_size for member in members) > packed:
        raise ValueError("the members of the zip archive overlap")
    unpacked = sum(member.file_size for member in members)
    if unpacked > max_bytes:
        raise ValueError(f"the zip archive unpacks to {unpacked:,} bytes, above {max_bytes:,}")


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        # A member can hold more than it declares: without a size zipfile unpacks up to 2 GiB.
        content = file.read(member.file_size + 1)
    if len(content) != member.file_size:
        raise ValueError(f"{member.filename} in the zip archive has another size than it declares")
    return content


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path that replaces `path` when the block ends without an error.

    A reader sees the previous file or the new one, never a half. On an error the previous file
    stays. The folder is made if missing.

    Raises:
        OSError: The file could not be written, on a full disk for example.
    """
    path = Path(path)
    # In a folder of its own the file keeps its name, by whose suffix Keras chooses the format,
    # while no search for models finds it.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp") / path.name
    try:
        temporary.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        kept = "; the previous file is unchanged" if path.exists() else ""
        raise OSError(
            error.errno, f"{path} could not be written ({error.strerror or error}){kept}"
        ) from error
    finally:
        shutil.rmtree(temporary.parent, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Removes the half-written files of killed processes; those of running ones are spared."""
    import psutil

    for leftover in folder.glob(".*.*.tmp"):
        if owner := re.search(r"\.(\d{1,9})\.tmp$", leftover.name, re.ASCII):
            pid = int(owner[1])
            if pid == os.getpid() or not psutil.pid_exists(pid):
                shutil.rmtree(leftover, ignore_errors=True)


def write_text(path: str | Path, text: str) -> None:
    """Writes a UTF-8 text file atomically, with the same line ends on every system."""
    with atomic_write(path) as temporary:
        # A file's name that is not UTF-8 has letters that cannot be encoded.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def write_json(path: str | Path, content: object) -> None:
    """Writes `content` as indented JSON, atomically."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_json(path: str | Path, default: Any = None) -> Any:
    """Reads a JSON file; `default` where there is none.

    Raises:
        ValueError: The file holds something else.
    """
    path = Path(path)
    if not path.exists():
        return default
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged, for it is no JSON ({error}): remove it.") from error
