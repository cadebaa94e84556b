"""What is written is whole or is not there, also when the disk is full."""

import gc
import os
import random
import subprocess

import numpy as np
import pytest

from mnist_helpers import files
from mnist_helpers.training import artifacts
from mnist_helpers.training.model import build_cnn
from tests.limits import largest_file
from tests.stress import often, record_specimens

pytestmark = pytest.mark.promise(2)


@pytest.fixture
def full_disk(tmp_path):
    """A real file system of 256 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a small file system cannot be mounted here")
    yield disk
    gc.collect()  # old versions of NumPy keep the file that was cut off open until then
    subprocess.run(["umount", str(disk)], check=True)


NETWORKS = [build_cnn(seed=seed, widths=(8, 8, 16)) for seed in (1, 2)]
HISTORY = [
    {"epoch": k, "val_accuracy": 0.5, "seconds": 1.0, "cpu_seconds": 1.0} for k in range(600)
]


def write_model(folder, version):
    artifacts.save_model(NETWORKS[version], folder / "model.keras")


def write_history(folder, version):
    files.write_json(folder / "history.json", HISTORY[: 500 + version])


def write_card(folder, version):
    files.write_text(folder / "card.md", f"{version}\n" * (20_000 + version))


def write_arrays(folder, version):
    with files.atomic_write(folder / "mnist.npz") as temporary:
        np.savez(temporary, x=np.full(30_000, version, np.uint8))


WRITERS = {"model": write_model, "history": write_history, "card": write_card, "data": write_arrays}


def fails_and_keeps(write, folder):
    """Writes the second version in vain; the first must stay as it is, and alone."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    name = next(iter(before))
    with pytest.raises(OSError) as caught:
        write(folder, 1)
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after == before
    said = str(caught.value)
    assert f"{folder / name} could not be written (" in said, said
    assert "the previous file is unchanged" in said and ("large" in said or "space" in said), said


@pytest.mark.parametrize("what", WRITERS)
def test_a_write_that_is_cut_off_leaves_the_previous_version(what, tmp_path, record_property):
    WRITERS[what](tmp_path, 0)
    size = next(tmp_path.iterdir()).stat().st_size
    chance = random.Random(os.environ.get("MNIST_STRESS", 1))
    limits = [0, 1, size - 1, *(chance.randrange(size) for _ in range(often(2, 60)))]
    for limit in limits:
        with largest_file(limit):
            fails_and_keeps(WRITERS[what], tmp_path)
    WRITERS[what](tmp_path, 1)
    record_specimens(record_property, "full disks", len(limits))


@pytest.mark.parametrize("what", WRITERS)
def test_a_full_disk_leaves_the_previous_version(what, full_disk):
    folder = full_disk / "out"
    folder.mkdir()
    WRITERS[what](folder, 0)
    with (full_disk / "ballast").open("wb", buffering=0) as ballast:
        while True:
            try:
                ballast.write(bytes(4096))
            except OSError:
                break
    fails_and_keeps(WRITERS[what], folder)
