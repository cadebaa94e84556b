"""Training, undisturbed, killed from outside at moments that nobody chose, and continued."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from mnist_helpers.paths import PROJECT
from mnist_helpers.training.callbacks import ResumableTraining
from mnist_helpers.training.model import build_cnn
from mnist_helpers.training.optimizer import adamw_cosine
from mnist_helpers.training.pipeline import training_dataset, validation_dataset
from mnist_helpers.training.precision import default_dtype_policy
from tests.limits import largest_file
from tests.stress import often

pytestmark = pytest.mark.slow
EPOCHS = 3
BATCH = 32
STEPS = 10 * EPOCHS
SETTINGS = {"rate": 0.004}
NO_TIMES = {"seconds": 0, "cpu_seconds": 0}


def made_up_digits(n):
    """Bars whose place tells the class: learnable in a few steps."""
    labels = np.arange(n, dtype=np.uint8) % 10
    images = np.random.default_rng(0).integers(0, 60, (n, 28, 28), np.uint8)
    images[np.arange(n), 2 * labels + 4] = 255
    return images, labels


def begin(folder, settings=SETTINGS, *earlier_phase):
    """Returns a tiny network, its training, and the number of the epoch to begin with."""
    network = build_cnn(seed=1, widths=(4, 4, 8))
    optimizer, loss = adamw_cosine(0.004, STEPS), "categorical_crossentropy"
    network.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
    training = ResumableTraining(folder, "phase", "best.keras", settings, *earlier_phase)
    return network, training, training.resume(network)


def train(folder, settings=SETTINGS, kill_after=None):
    """Trains a tiny network; kills this process in the middle of an epoch when asked to."""
    keras.config.set_dtype_policy(default_dtype_policy())
    images, labels = made_up_digits(320)
    network, training, first = begin(folder, settings)

    def kill(batch, logs):
        if network.optimizer.iterations == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    killing = [keras.callbacks.LambdaCallback(on_train_batch_end=kill)] if kill_after else []
    network.fit(
        training_dataset(images, labels, epochs=EPOCHS, first_epoch=first, batch_size=BATCH),
        epochs=EPOCHS, initial_epoch=first, steps_per_epoch=STEPS // EPOCHS, shuffle=False,
        validation_data=validation_dataset(images, labels), verbose=0,
        callbacks=[*training.callbacks, *killing],
    )  # fmt: skip
    keras.config.set_dtype_policy("float32")
    return network, training


def weights_of(path):
    return keras.models.load_model(path, compile=False).get_weights()


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def counts_of(network):
    return [layer.steps.numpy() for layer in network.layers if hasattr(layer, "steps")]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    return train(folder)


def test_it_learns_and_the_last_weights_are_in_the_model(undisturbed):
    network, training = undisturbed
    images, labels = made_up_digits(320)
    network.compile(loss="categorical_crossentropy", metrics=["accuracy"])
    measured = network.evaluate(validation_dataset(images, labels), verbose=0, return_dict=True)
    assert measured["accuracy"] == pytest.approx(training.history[-1]["val_accuracy"])
    assert training.history[-1]["loss"] < training.history[0]["loss"]


def test_the_same_seed_gives_the_same_weights_and_only_its_own_state_is_continued(
    undisturbed, tmp_path, capsys
):
    folder = shutil.copytree(undisturbed[1].best_file.parent, tmp_path / "copy")
    network, again = train(folder)  # it is finished and needs no more epochs
    assert again.history == undisturbed[1].history
    assert_same(undisturbed[0].get_weights(), network.get_weights())
    network, other = train(folder, settings={"rate": 0.1})
    assert "other settings" in capsys.readouterr().out
    assert len(other.history) == EPOCHS and other.history != again.history
    assert_same(undisturbed[0].get_weights(), network.get_weights())
    other.finish()
    assert not other.state_file.exists()
    # Waiting takes time but no processor time.
    other.on_epoch_begin(EPOCHS)
    time.sleep(0.2)
    other.on_epoch_end(EPOCHS, {})
    assert other.history[-1]["seconds"] >= 0.2 > other.history[-1]["cpu_seconds"]


def moments(number):
    """In the second last epoch; then at any step or time, or while a file is being written."""
    yield "step", STEPS - 5
    chance = random.Random(os.environ.get("MNIST_STRESS", 1))
    for _ in range(number - 1):
        yield chance.choice([
            ("write", ".phase.state.", chance.randint(1, EPOCHS)),
            ("write", ".best.", chance.randint(1, 2)),
            ("step", chance.randint(1, STEPS)),
            ("seconds", chance.uniform(0, 2)),
        ])  # fmt: skip


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
    call = f"train({str(folder)!r}, kill_after={details[0] if kind == 'step' else None})"
    process = subprocess.Popen(
        [sys.executable, "-c", f"from tests.test_training import train; {call}"],
        cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
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


@pytest.mark.promise(1)
@pytest.mark.timeout(1100)
def test_killed_at_any_moment_it_ends_with_the_same_weights(undisturbed, tmp_path, record_property):
    tried = 0
    for number, moment in enumerate(moments(often(2, 24))):
        folder = tmp_path / f"{{braces}} are no template {number}"
        folder.mkdir()
        tried += kill_at(moment, folder) == -signal.SIGKILL
        assert number or (folder / "phase.state.npz").exists()
        network, training = train(folder)
        assert_same(undisturbed[0].get_weights(), network.get_weights())
        assert set(counts_of(network)) == set(counts_of(undisturbed[0])) == {STEPS}
        assert_same(weights_of(undisturbed[1].best_file), weights_of(training.best_file))
        assert [row["epoch"] for row in training.history] == [1, 2, 3]
        for mine, theirs in zip(training.history, undisturbed[1].history, strict=True):
            assert {**mine, **NO_TIMES} == {**theirs, **NO_TIMES}, moment
        training.finish()
        left = {path.name for path in folder.iterdir()}
        assert left == {"best.keras", "training.lock"}, (moment, left)
    assert tried >= often(1, 20)
    record_property("cases", tried)


@pytest.mark.promise(1)
def test_what_a_killed_training_left_half_written_is_removed(tmp_path):
    """Process ids come again in a container: a process that still runs keeps its files."""
    writers = [("best.keras", os.getpid()), ("best.keras", 99999999), ("phase.state.npz", 99999999)]
    for name in [f".{file}.{process}.tmp" for file, process in writers]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_bytes(b"half")
    for name in [".best.checkpoint.keras", ".best.backup.keras"]:
        (tmp_path / name).write_bytes(b"half")
    begin(tmp_path)
    assert [path.name for path in tmp_path.glob(".*")] == [".best.backup.keras"]


@pytest.mark.promise(1)
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


def test_the_best_model_must_beat_the_best_so_far(tmp_path):
    previous = tmp_path / "previous.keras"
    previous.write_bytes(b"the best of the first phase")
    network, training, first = begin(tmp_path, SETTINGS, previous, [{"val_accuracy": 1.0}])
    assert first == 1
    validation = validation_dataset(*made_up_digits(64))
    options = {"callbacks": training.callbacks, "shuffle": False, "verbose": 0}
    network.fit(validation, validation_data=validation, **options)
    assert training.best_file.read_bytes() == b"the best of the first phase"
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("steps, first", [(1, 0.003), (9, 0.003), (10, 0), (100, 0)])
def test_the_learning_rate_reaches_its_highest_even_in_a_single_step(steps, first):
    rate = adamw_cosine(0.003, steps)._learning_rate
    rates = [float(rate(step)) for step in range(steps)]
    assert rates[0] == pytest.approx(first) and max(rates) == pytest.approx(0.003)
