"""Watching training: what a notebook displays after each epoch, and TensorBoard's files."""

import re
from unittest.mock import Mock

import keras
import numpy as np
import pytest

from mnist_helpers.training import monitoring


def epoch_before(number):
    return {
        "epoch": number, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5,
    }  # fmt: skip


def train(callbacks, epochs, first_epoch=0):
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2, "softmax")])
    network.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    x, y = np.eye(4, dtype="float32"), np.eye(2, dtype="float32")[[0, 1, 0, 1]]
    network.fit(
        x, y, epochs=epochs, initial_epoch=first_epoch, validation_data=(x, y), verbose=0,
        callbacks=callbacks,
    )  # fmt: skip


@pytest.mark.parametrize("epochs_before", [0, 2])
def test_a_notebook_displays_the_epochs_that_are_done(monkeypatch, epochs_before):
    monkeypatch.setattr(monitoring, "get_ipython", lambda: Mock(kernel=True))
    monkeypatch.setattr(monitoring, "DisplayHandle", Mock)
    monkeypatch.setattr(monitoring, "_clock", lambda _: "0:07")
    (live,) = monitoring.live_curves([epoch_before(i + 1) for i in range(epochs_before)])

    train([live], epochs_before + 2, epochs_before)

    (begun,) = (call.args[0].data for call in live.handle.display.call_args_list)
    shown = [call.args[0].data for call in live.handle.update.call_args_list]
    lines = [re.sub(r"<progress.*?</progress> |<br>.*", "", text, flags=re.S) for text in shown]
    assert ("first epoch" in begun) == (not epochs_before)
    after = epochs_before + 2
    resumed = ["epoch 2 of 4, epoch 3 is running"] if epochs_before else []
    assert lines == [
        *resumed,
        f"epoch {after - 1} of {after}, about 0:07 left",
        f"epoch {after} of {after}, about 0:07 left",
        "Epochs trained: 2, in 0:07 (minutes:seconds).",
    ]
    assert f'<progress value="{after}" max="{after}">' in shown[-2] and "alt=" in shown[-2]


def test_out_of_jupyter_nothing_is_displayed():
    assert monitoring.live_curves([]) == []


def test_tensorboard_is_asked_for_by_its_folder_and_missed_with_a_sentence(monkeypatch, tmp_path):
    monkeypatch.delenv("TENSORBOARD_DIR", raising=False)
    assert monitoring.tensorboard("clean_phase") == []
    monkeypatch.setenv("TENSORBOARD_DIR", str(tmp_path))
    monkeypatch.setattr(monitoring, "find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match="run `pip install tensorboard`"):
        monitoring.tensorboard("clean_phase")
