"""One training at a time in a folder."""

import os
import subprocess
import sys

import pytest

from mnist_helpers.paths import PROJECT
from mnist_helpers.training import folder_lock
from mnist_helpers.training.callbacks import ResumableTraining
from mnist_helpers.training.folder_lock import FolderBusyError, FolderLock
from mnist_helpers.training.model import build_cnn
from mnist_helpers.training.optimizer import adamw_cosine
from tests.stress import often

pytestmark = pytest.mark.promise(3)
HOLD = """
import pathlib, sys, time
from mnist_helpers.training import folder_lock
folder_lock.WAIT_SECONDS = 0.3
try:
    lock = folder_lock.FolderLock(pathlib.Path(sys.argv[1]))
except folder_lock.FolderBusyError as error:
    print(error, flush=True)
else:
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def short_wait(monkeypatch):
    monkeypatch.setattr(folder_lock, "WAIT_SECONDS", 0.2)


def holder(folder):
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture
def other(tmp_path):
    """Another process that trains into the folder."""
    process = holder(tmp_path)
    assert process.stdout.readline() == "held\n"
    yield process
    process.communicate()


def test_a_second_training_is_refused_with_the_first_ones_process_id(other, tmp_path):
    network = build_cnn(widths=(2, 2, 2))
    network.compile(adamw_cosine(0.01, 10), "categorical_crossentropy", metrics=["accuracy"])
    training = ResumableTraining(tmp_path, "phase", "best.keras", {})
    with pytest.raises(FolderBusyError, match=f"Process {other.pid} is training into .*OUTPUT_DIR"):
        training.resume(network)


def test_when_it_ends_the_next_may_train(other, tmp_path):
    other.communicate()
    FolderLock(tmp_path).release()
    assert not (tmp_path / "training.pid").exists()


@pytest.mark.parametrize("named", ["the killed process", "a process that lives", "nonsense"])
def test_a_stale_lock_is_taken_over(other, tmp_path, named):
    other.kill()
    other.communicate()
    assert (tmp_path / "training.lock").exists()
    if named != "the killed process":
        (tmp_path / "training.pid").write_text("1" if named.startswith("a ") else "nonsense")
    FolderLock(tmp_path)
    assert (tmp_path / "training.pid").read_text() == f"{os.getpid()}\n"


def test_a_holder_that_cannot_be_named_is_still_one(other, tmp_path):
    (tmp_path / "training.pid").write_text("")
    with pytest.raises(FolderBusyError, match="Another process is training"):
        FolderLock(tmp_path)


def test_one_process_may_take_it_again_and_frees_it_once(tmp_path):
    (tmp_path / "own").mkdir()
    FolderLock(tmp_path / "own").release()  # another folder is free
    locks_taken = [FolderLock(tmp_path) for _ in range(3)]
    busy = holder(tmp_path).communicate()[0]
    assert f"Process {os.getpid()} is training" in busy
    locks_taken[1].release()
    locks_taken[1].release()
    assert holder(tmp_path).communicate()[0] == "held\n"


def test_of_many_at_once_one_trains(tmp_path, record_property):
    rounds = often(1, 10)
    for _ in range(rounds):
        processes = [holder(tmp_path) for _ in range(8)]
        said = [process.stdout.readline() for process in processes]
        winner = processes[said.index("held\n")]
        for process in processes:
            process.communicate()
        assert said.count("held\n") == 1
        assert sum(f"Process {winner.pid} is training" in line for line in said) == 7, said
    record_property("cases", 8 * rounds)
