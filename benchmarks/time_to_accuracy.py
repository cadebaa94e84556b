"""Wall time to an accuracy, against the usual tutorial training.

The time is that of a whole training with a schedule fixed beforehand, whose mean test accuracy over
the seeds reaches the goal: building, compiling and tracing included, data in memory, Python's and
TensorFlow's start excluded. Where the goal allows, ours is the network of the notebooks with fewer
channels. Channels and lengths were chosen on validation (`--choose`, whose table is kept in the
result file); the test set then sees each trained network once. The former network goes by the
schedules that were chosen for it in the same way.

The tutorial: conv 32, pool, conv 64, pool, dense 128, dropout, Adam, batches of 64, Keras's
defaults; 10 epochs, then 10 epochs half of whose images come from `ImageDataGenerator`.
"""

import argparse
import json
import time

import keras
import numpy as np
from common import (
    RESULTS,
    accuracy,
    compile_phase,
    compiled_cnn,
    fit_steps,
    in_new_process,
    save_result,
    spread,
)
from cross_validation import BEFORE, build
from keras import layers

from mnist_helpers import data
from mnist_helpers.files import read_json

CHOICE = RESULTS / "time_to_accuracy_choice.json"
SEEDS = range(5)
RATE = 0.016  # the highest learning rate, for batches of 128
# Channels of the first convolution, and training steps. A training long enough for 99.5% passes
# the tutorial's accuracy, so one serves both rows.
SCHEDULES = {"99.0": (8, 350), "99.5": (8, 1500)}
FORMER = {"former, 99.0": ("former", 350), "former, 99.5": ("former", 1300)}
TWICE = [*FORMER, "tutorial training"]  # minutes each; two repeats show the spread
CANDIDATES = ((8, 250), (8, 350), (8, 1300), (8, 1500), (12, 300), (12, 900), (12, 1200))


class FirstStep(keras.callbacks.Callback):
    """Remembers when the first step is done, which is when everything has been traced."""

    def on_train_batch_end(self, batch, logs=None):
        """Notes the time after the first batch."""
        if batch == 0:
            self.done = time.perf_counter()


def timed(seed: int, width: str, steps: int, test) -> dict:
    """Trains once; returns the seconds, those until the first step was done, and the accuracy."""
    (x, y), _ = data.load_training("mnist")
    first = FirstStep()
    start = time.perf_counter()
    if width == "former":  # with 16 channels in its first block
        network = build([(channels // 2, *rest) for channels, *rest in BEFORE], seed)
        compile_phase(network, steps, RATE)
    else:
        widths = [int(width) * part for part in (1, 2, 4, 6, 8)]
        network = compiled_cnn(seed, steps, RATE, widths=widths)
    fit_steps(network, x, y, steps, seed, [first])
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds, "seconds_to_first_step": first.done - start,
        "accuracy": accuracy(network, *test),
    }  # fmt: skip


def tutorial(seed: int, test) -> dict:
    """Trains the tutorial network for 10 + 10 epochs with Keras's defaults."""
    (x, y), _ = data.load_training("mnist")
    start = time.perf_counter()
    keras.utils.set_random_seed(seed)
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(),
            layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )  # fmt: skip
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    pixels = x[..., None].astype(np.float32) / 255
    network.fit(pixels, y, batch_size=64, epochs=10, verbose=0)
    generator = keras.src.legacy.preprocessing.image.ImageDataGenerator(
        rotation_range=10, width_shift_range=0.1, height_shift_range=0.1, zoom_range=0.1
    )
    flow = generator.flow(pixels, y, batch_size=32, seed=seed)
    order = np.random.default_rng(seed)

    def mixed():
        while True:
            moved, labels = next(flow)
            if len(labels) == 32:
                chosen = order.integers(0, len(x), 32)
                yield np.concatenate([moved, pixels[chosen]]), np.concatenate([labels, y[chosen]])

    network.fit(mixed(), steps_per_epoch=len(x) // 64, epochs=10, verbose=0)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "accuracy": accuracy(network, *test)}


def one(what: str, seed: str, on: str) -> None:
    """Prints the result of one training as JSON."""
    test = data.load_test("mnist") if on == "test" else data.load_training("mnist")[1]
    if what == "tutorial training":
        found = tutorial(int(seed), test)
    else:
        width, steps = what.split(" x ")
        found = timed(int(seed), width, int(steps), test)
    print(json.dumps(found))


def choose() -> None:
    """Validation accuracy by channels and steps, three seeds each: what the schedules rest on."""
    table = read_json(CHOICE, {}).get("channels x steps", {})
    for name in ("{} x {}".format(*schedule) for schedule in CANDIDATES):
        if name in table:
            continue
        found = [
            in_new_process(__file__, "--one", name, 100 + seed, "validation") for seed in range(3)
        ]
        table[name] = {key: spread(row[key] for row in found) for key in found[0]}
        save_result(CHOICE.stem, {"channels x steps": table})


def main() -> None:
    """Measures the goals and the tutorial in turn and writes the result file."""
    schedules = SCHEDULES | FORMER
    names = {goal: "{} x {}".format(*schedule) for goal, schedule in schedules.items()}
    names["tutorial training"] = "tutorial training"
    rows = {goal: [] for goal in names}
    for seed in SEEDS:
        for goal, what in names.items():
            if goal not in TWICE or seed < 2:
                rows[goal].append(in_new_process(__file__, "--one", what, seed, "test"))
    result = {
        goal: {key: spread(row[key] for row in found) for key in found[0]}
        for goal, found in rows.items()
    }
    result["channels x steps"] = names
    result["choice"] = read_json(CHOICE, {})
    save_result("time_to_accuracy", result)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--one", nargs=3, metavar=("WHAT", "SEED", "ON"))
    options = parser.parse_args()
    one(*options.one) if options.one else choose() if options.choose else main()
