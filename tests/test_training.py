import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from mnist_helpers.training.callbacks import ResumableTraining
from mnist_helpers.training.model import build_cnn
from mnist_helpers.training.optimizer import adamw_cosine
from mnist_helpers.training.pipeline import evaluation_dataset, training_dataset
from mnist_helpers.training.precision import default_dtype_policy

EPOCHS = 3
BATCH = 32
SETTINGS = {"rate": 0.004}
NO_TIMES = {"seconds": 0, "cpu_seconds": 0}


def made_up_digits(n):
    """Bars whose place tells the class: learnable in a few steps."""
    labels = np.arange(n, dtype=np.uint8) % 10
    images = np.random.default_rng(0).integers(0, 60, (n, 28, 28), np.uint8)
    images[np.arange(n), 2 * labels + 4] = 255
    return images, labels


def train(folder, settings=SETTINGS, kill_after=None):
    """Trains a tiny network; kills this process in the middle of an epoch when asked to."""
    keras.config.set_dtype_policy(default_dtype_policy())
    images, labels = made_up_digits(320)
    network = build_cnn(seed=1, widths=(4, 4, 8))
    steps = len(images) // BATCH
    network.compile(
        adamw_cosine(0.004, EPOCHS * steps),
        "categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    training = ResumableTraining(folder, "phase", "best.keras", settings)
    first = training.resume(network)
    callbacks = list(training.callbacks)
    if kill_after is not None:
        callbacks.append(
            keras.callbacks.LambdaCallback(
                on_train_batch_end=lambda batch, logs: (
                    os.kill(os.getpid(), signal.SIGKILL)
                    if network.optimizer.iterations == kill_after
                    else None
                )
            )
        )
    network.fit(
        training_dataset(images, labels, epochs=EPOCHS, first_epoch=first, batch_size=BATCH),
        steps_per_epoch=steps,
        epochs=EPOCHS,
        initial_epoch=first,
        validation_data=evaluation_dataset(images, labels),
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    )
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


@pytest.mark.slow
def test_it_learns_and_the_last_weights_are_in_the_model(undisturbed):
    network, training = undisturbed
    images, labels = made_up_digits(320)
    network.compile(loss="categorical_crossentropy", metrics=["accuracy"])
    measured = network.evaluate(evaluation_dataset(images, labels), verbose=0, return_dict=True)
    assert measured["accuracy"] == pytest.approx(training.history[-1]["val_accuracy"])
    assert training.history[-1]["loss"] < training.history[0]["loss"]


@pytest.mark.slow
@pytest.mark.promise(1)
@pytest.mark.parametrize("kill_after", [4, 25])
def test_a_killed_training_ends_with_the_weights_of_an_undisturbed_one(
    undisturbed, tmp_path, kill_after
):
    folder = tmp_path / "{braces} are no template"
    folder.mkdir()
    call = f"train({str(folder)!r}, {SETTINGS}, {kill_after})"
    code = f"from tests.test_training import train; {call}"
    killed = subprocess.run([sys.executable, "-c", code], timeout=120, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    assert (folder / "phase.state.npz").exists() == (kill_after > 10)
    network, training = train(folder)
    assert_same(undisturbed[0].get_weights(), network.get_weights())
    assert counts_of(network) == counts_of(undisturbed[0]) == [30] * 6
    assert_same(weights_of(undisturbed[1].best_file), weights_of(training.best_file))
    assert [row["epoch"] for row in training.history] == [1, 2, 3]
    for mine, theirs in zip(training.history, undisturbed[1].history, strict=True):
        assert {**mine, **NO_TIMES} == {**theirs, **NO_TIMES}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_only_its_own_state_is_continued(
    undisturbed, tmp_path, capsys
):
    network, training = train(tmp_path)
    assert_same(undisturbed[0].get_weights(), network.get_weights())
    network, again = train(tmp_path)  # it is finished and needs no more epochs
    assert again.history == training.history
    assert_same(undisturbed[0].get_weights(), network.get_weights())
    network, other = train(tmp_path, settings={"rate": 0.1})
    assert "other settings" in capsys.readouterr().out
    assert len(other.history) == EPOCHS and other.history != training.history
    assert_same(undisturbed[0].get_weights(), network.get_weights())
    other.finish()
    assert not other.state_file.exists()
    # Waiting takes time but no processor time.
    other.on_epoch_begin(EPOCHS)
    time.sleep(0.5)
    other.on_epoch_end(EPOCHS, {})
    assert other.history[-1]["seconds"] >= 0.5 > other.history[-1]["cpu_seconds"]


@pytest.mark.slow
def test_the_best_model_must_beat_the_best_so_far(tmp_path):
    images, labels = made_up_digits(64)
    network = build_cnn(seed=1, widths=(2, 2, 2))
    network.compile(adamw_cosine(0.001, 2), "categorical_crossentropy", metrics=["accuracy"])
    (tmp_path / "previous.keras").write_bytes(b"the best of the first phase")
    training = ResumableTraining(
        tmp_path, "phase", "best.keras", {}, tmp_path / "previous.keras", [{"val_accuracy": 1.0}]
    )
    assert training.resume(network) == 1
    validation = evaluation_dataset(images, labels)
    network.fit(
        validation,
        validation_data=validation,
        callbacks=training.callbacks,
        shuffle=False,
        verbose=0,
    )
    assert training.best_file.read_bytes() == b"the best of the first phase"
    assert list(tmp_path.glob(".*")) == []


def accuracy_with_measured_statistics(network, images, labels):
    """Sets the moving statistics to the mean over the training images' batches, and evaluates."""
    for layer in network.layers:
        if hasattr(layer, "steps"):
            layer.steps.assign(0)
            layer.momentum = 1 - 1e-6  # so that the last batches count no more than others
    for batch, _ in training_dataset(images, labels, epochs=3, batch_size=BATCH):
        network(batch, training=True)
    network.compile(loss="categorical_crossentropy", metrics=["accuracy"])
    return network.evaluate(evaluation_dataset(images, labels), verbose=0)[1]


@pytest.mark.slow
def test_a_short_run_is_validated_by_what_its_weights_can_do():
    """With Keras's moving statistics it reads a tenth of what the same weights can read."""
    images, labels = made_up_digits(320)
    network = build_cnn(seed=1, widths=(8, 8, 16))
    loss, steps = "categorical_crossentropy", 3 * 10
    network.compile(adamw_cosine(0.01, steps), loss, metrics=["accuracy"], jit_compile=False)
    batches = training_dataset(images, labels, epochs=3, batch_size=BATCH)
    network.fit(batches, steps_per_epoch=10, epochs=3, shuffle=False, verbose=0)
    read = network.evaluate(evaluation_dataset(images, labels), verbose=0)[1]
    can_do = accuracy_with_measured_statistics(network, images, labels)
    assert can_do > 0.6
    assert read == pytest.approx(can_do, abs=0.05)
