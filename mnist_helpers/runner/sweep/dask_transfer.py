"""Tasks on machines that share no disk with this one: the folders travel with the tasks."""

import io
import shutil
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

from mnist_helpers.runner.sweep.task import Emit, Task, copy_results, run_task


def pack(folder: Path) -> bytes:
    """Returns a folder as a compressed archive."""
    with tempfile.TemporaryDirectory() as temporary:
        return Path(shutil.make_archive(f"{temporary}/packed", "gztar", folder)).read_bytes()


def unpack(content: bytes, folder: Path) -> None:
    """Unpacks such an archive; what would lie outside of the folder is an error."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder, filter="data")


def run_packed(task: Task, pages: bool, emit: Emit, before: bytes | None) -> tuple[dict, bytes]:
    """Runs a task in a folder of this machine.

    Args:
        task: The task; its folders are those of the machine that sent it.
        pages: Whether to make an HTML page.
        emit: As for `run_task`.
        before: The packed folder of the task before.

    Returns:
        The task's entry in `status.json`, and its packed folder.
    """
    with tempfile.TemporaryDirectory() as temporary:
        here, parent = Path(temporary) / "task", task.parent
        if before is not None and parent is not None:
            parent = replace(parent, folder=Path(temporary) / "parent")
            unpack(before, parent.folder)
        entry = run_task(replace(task, folder=here, parent=parent), pages, emit)
        return entry, pack(here)


def take_home(task: Task, content: bytes) -> None:
    """Puts what a task left elsewhere into its folder here."""
    with tempfile.TemporaryDirectory() as temporary:
        unpack(content, Path(temporary))
        copy_results(Path(temporary), task.folder)
