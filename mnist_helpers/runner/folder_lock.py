"""One run or sweep at a time in a folder."""

import datetime
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from mnist_helpers.files import read_json, write_json


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Holds the folder of a run or sweep, which is made if missing.

    Raises:
        FileExistsError: Another one holds it; says which process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    holder = folder / "runner.json"
    try:
        lock = FileLock(folder / "runner.lock").acquire(timeout=0)
    except Timeout as error:
        other = read_json(holder, {"pid": "unknown", "host": "unknown", "since": "unknown"})
        raise FileExistsError(
            f"A run or sweep is already going in {folder}: process {other['pid']} on "
            f"{other['host']}, since {other['since']}. Wait for it, stop it, or choose another "
            "--name."
        ) from error
    since = f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S}"
    with lock:
        try:
            write_json(holder, {"pid": os.getpid(), "host": socket.gethostname(), "since": since})
            yield
        finally:
            holder.unlink(missing_ok=True)
