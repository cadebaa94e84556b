"""Trainings killed from outside at moments that nobody chose, and continued."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from mnist_helpers.paths import PROJECT
from mnist_helpers.training.callbacks import ResumableTraining
from mnist_helpers.training.model import build_cnn
from mnist_helpers.training.optimizer import adamw_cosine
from tests.stress import often
from tests.test_full_disk import largest_file
from tests.test_training import EPOCHS, NO_TIMES, SETTINGS, assert_same, train, weights_of

pytestmark = [pytest.mark.promise(1), pytest.mark.slow]
STEPS = 10 * EPOCHS


def moments(number):
    """At a random step, at a random time, or as soon as a file is being written."""
    chance = random.Random(os.environ.get("MNIST_STRESS", 1))
    for _ in range(number):
        yield chance.choice(
            [
                ("write", ".phase.state.", chance.randint(1, EPOCHS)),
                ("write", ".best.", chance.randint(1, 2)),
                ("step", chance.randint(1, STEPS)),
                ("seconds", chance.uniform(0, 2)),
            ]
        )


def start(folder, kill_after=None):
    code = f"from tests.test_training import train; train({str(folder)!r}, kill_after={kill_after})"
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def kill_when_written(process, folder, beginning, count):
    """Kills the process while it writes the `count`-th temporary file of that name."""
    seen = False
    while count and process.poll() is None:
        now = any(name.startswith(beginning) for name in os.listdir(folder))
        count -= now and not seen
        seen = now
    process.send_signal(signal.SIGKILL)


def kill_at(moment, folder):
    """Starts a training in `folder` and kills it; returns its exit status."""
    kind, *details = moment
    process = start(folder, details[0] if kind == "step" else None)
    if kind == "write":
        kill_when_written(process, folder, *details)
    elif kind == "seconds":
        while not (folder / "training.lock").exists() and process.poll() is None:
            time.sleep(0.005)
        time.sleep(details[0])
        process.send_signal(signal.SIGKILL)
    output = process.communicate(timeout=300)[0].decode()
    assert process.returncode in (-signal.SIGKILL, 0), output[-2000:]
    return process.returncode


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return train(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.timeout(1100)
def test_killed_at_any_moment_it_ends_with_the_same_weights(
    undisturbed, tmp_path_factory, record_property
):
    tried = 0
    for moment in moments(often(1, 24)):
        folder = tmp_path_factory.mktemp("killed")
        tried += kill_at(moment, folder) == -signal.SIGKILL
        network, training = train(folder)
        assert_same(undisturbed[0].get_weights(), network.get_weights())
        assert_same(weights_of(undisturbed[1].best_file), weights_of(training.best_file))
        for mine, theirs in zip(training.history, undisturbed[1].history, strict=True):
            assert {**mine, **NO_TIMES} == {**theirs, **NO_TIMES}, moment
        training.finish()
        left = {path.name for path in folder.iterdir()}
        assert left == {"best.keras", "training.lock"}, (moment, left)
    assert tried >= often(1, 20)
    record_property("cases", tried)


def begin(folder):
    network = build_cnn(seed=1, widths=(4, 4, 8))
    network.compile(adamw_cosine(0.004, STEPS), "categorical_crossentropy", metrics=["accuracy"])
    ResumableTraining(folder, "phase", "best.keras", SETTINGS).resume(network)


def test_what_a_killed_training_left_half_written_is_removed(tmp_path):
    """Process ids come again in a container: a process that still runs keeps its files."""
    for name in [
        f".best.keras.{os.getpid()}.tmp",
        ".best.keras.99999999.tmp",
        ".phase.state.npz.99999999.tmp",
    ]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_bytes(b"half")
    for name in [".best.checkpoint.keras", ".best.backup.keras"]:
        (tmp_path / name).write_bytes(b"half")
    begin(tmp_path)
    assert [path.name for path in tmp_path.glob(".*")] == [".best.backup.keras"]


@pytest.mark.parametrize("damage", ["empty", "truncated", "flipped"])
def test_a_damaged_state_says_what_to_do(undisturbed, tmp_path, damage):
    content = bytearray(undisturbed[1].state_file.read_bytes())
    middle = len(content) // 2  # a stretch that no header fills: some of its bytes mean nothing
    content[middle : middle + 200] = bytes(byte ^ 255 for byte in content[middle : middle + 200])
    damaged = {"empty": b"", "truncated": content[:-300], "flipped": content}[damage]
    (tmp_path / "phase.state.npz").write_bytes(damaged)
    with pytest.raises(ValueError, match=r"phase\.state\.npz is damaged .*: remove it to start"):
        begin(tmp_path)


@pytest.mark.promise(2)
def test_training_on_a_full_disk_says_so_and_continues_later(
    undisturbed, tmp_path_factory, record_property
):
    """The limits cut off the best model or the state, whichever is written first."""
    network, training = undisturbed
    size = max(path.stat().st_size for path in (training.best_file, training.state_file))
    chance = random.Random(os.environ.get("MNIST_STRESS", 1))
    limits = [size - 1, *(chance.randrange(size) for _ in range(often(0, 5)))]
    for limit in limits:
        folder = tmp_path_factory.mktemp("full")
        with largest_file(limit), pytest.raises(OSError, match=r"large|space|could not be written"):
            train(folder)
        again, continued = train(folder)
        assert_same(network.get_weights(), again.get_weights())
        assert [row["epoch"] for row in continued.history] == [1, 2, 3]
        assert not list(folder.glob(".*"))
    record_property("cases", len(limits))
