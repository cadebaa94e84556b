"""Steps on machines that share no disk with this one: the folders travel with the steps."""

import dataclasses
import io
import shutil
import tarfile
import tempfile
from pathlib import Path

from mnist_helpers.files import read_json, write_json
from mnist_helpers.runner.task import Order, perform


def pack(folder: str | Path) -> bytes:
    """Returns a folder as a compressed archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(folder, arcname=".", filter=_without_locks)
    return buffer.getvalue()


def _without_locks(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if entry.name.endswith(".lock") else entry


def unpack(content: bytes, folder: str | Path) -> None:
    """Unpacks such an archive; what would lie outside of the folder is refused."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder, filter="data")


def perform_packed(order: Order, parent: bytes | None) -> tuple[dict, bytes]:
    """Does a step in a folder of this machine.

    Args:
        order: The step; its folders are those of the machine that sent it.
        parent: What the step before left.

    Returns:
        The step's entry in `status.json`, and its packed folder.
    """
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary) / "step"
        before = Path(temporary) / "before"
        if parent:
            unpack(parent, before)
        order = dataclasses.replace(order, folder=str(here), parent=str(before) if parent else None)
        entry = perform(order)
        return entry, pack(here)


def take_home(order: Order, content: bytes) -> None:
    """Puts what a step left elsewhere into its folder here; its status comes last."""
    folder = Path(order.folder)
    with tempfile.TemporaryDirectory() as temporary:
        unpack(content, temporary)
        ignored = shutil.ignore_patterns("status.json")
        shutil.copytree(temporary, folder, dirs_exist_ok=True, ignore=ignored)
        write_json(folder / "status.json", read_json(Path(temporary) / "status.json"))
