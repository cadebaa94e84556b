"""One training at a time in a folder."""

import os
from pathlib import Path

from filelock import FileLock, Timeout

from mnist_helpers.files import remove_leftovers

WAIT_SECONDS = 10.0  # the kernel of a run that was killed needs a moment to notice and end


class FolderBusyError(RuntimeError):
    """Another process is training into the folder."""


class FolderLock:
    """Keeps other processes from training into a folder until it is released or this one ends.

    The operating system frees the lock of a process that is killed; its `training.lock` and
    `training.pid` are taken over and its half-written files removed. One process may take the lock
    again and again, as happens when a notebook is run twice.

    Args:
        folder: An existing folder.

    Raises:
        FolderBusyError: Another process still holds it after `WAIT_SECONDS`; names the process.
    """

    def __init__(self, folder: Path):
        """Takes the lock."""
        self.holder = folder / "training.pid"
        # A singleton is shared by everything in this process that names the same file.
        self.lock = FileLock(folder / "training.lock", is_singleton=True, thread_local=False)
        first = not self.lock.is_locked
        try:
            self.lock.acquire(timeout=WAIT_SECONDS)
        except Timeout as error:
            raise FolderBusyError(
                f"{self._holder()} is training into {folder}. Wait until it has finished, stop it "
                "(of a notebook: shut its kernel down), or choose another folder (OUTPUT_DIR)."
            ) from error
        if first:
            remove_leftovers(folder)
        # Not into the lock file itself, which on Windows nobody else can read.
        self.holder.write_text(f"{os.getpid()}\n", encoding="utf-8")

    def release(self) -> None:
        """Lets other processes in; nothing happens if it was released before."""
        if self.lock.is_locked:
            self.holder.unlink(missing_ok=True)
            self.lock.release(force=True)

    def _holder(self) -> str:
        try:
            return f"Process {int(self.holder.read_text(encoding='utf-8'))}"
        except (OSError, ValueError):
            return "Another process"
