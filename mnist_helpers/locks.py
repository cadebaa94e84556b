"""One training at a time in a folder, so that two never mix their checkpoints."""

import os
from pathlib import Path

from filelock import FileLock, Timeout

WAIT_SECONDS = 10.0  # the kernel of a run that was killed needs a moment to notice and end


class FolderBusyError(RuntimeError):
    """Another process is training into the folder."""


class TrainingLock:
    """Keeps other processes from training into a folder until it is released or this one ends.

    The operating system holds the lock for the process, so a killed training leaves none behind:
    what is found then, `training.lock` and `training.pid`, is stale and taken over. In one process
    the lock may be taken again and again, as happens when a notebook is run twice.

    Args:
        folder: An existing folder.

    Raises:
        FolderBusyError: Another process holds it; names the process.
    """

    def __init__(self, folder: str | Path):
        """Takes the lock."""
        folder = Path(folder)
        self.holder = folder / "training.pid"
        # A singleton is shared by everything in this process that names the same file.
        self.lock = FileLock(folder / "training.lock", is_singleton=True, thread_local=False)
        try:
            self.lock.acquire(timeout=WAIT_SECONDS)
        except Timeout as error:
            raise FolderBusyError(
                f"{self._holder()} is training into {folder}. Wait until it has finished, stop it "
                "(of a notebook: shut its kernel down), or choose another OUTPUT_DIR."
            ) from error
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
