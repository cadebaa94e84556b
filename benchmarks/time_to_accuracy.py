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
import time

import common
import keras
import numpy as np
from cross_validation import BEFORE, build
from keras import layers

from mnist_helpers import data
from mnist_helpers.files import read_json
from mnist_helpers.training.pipeline import to_input, training_dataset

CHOICE = common.RESULTS / "time_to_accuracy_choice.json"
SEEDS = range(5)
RATE = 0.016  # the highest learning rate, for batches of 128
# Channels of the first convolution x training steps. A training long enough for 99.5% passes the
# tutorial's accuracy, so one serves both rows.
SCHEDULES = {"99.0": "8 x 350", "99.5": "8 x 1500"}
TWICE = {  # minutes each; two repeats show the spread
    "former, 99.0": "former x 350",
    "former, 99.5": "former x 1300",
    "tutorial training": "tutorial training",
}
CANDIDATES = ("8 x 250", "8 x 350", "8 x 1300", "8 x 1500", "12 x 300", "12 x 900", "12 x 1200")


def accuracy(network, images, labels) -> float:
    """Returns the share of right answers; images uint8 (n, 28, 28)."""
    answers = network.predict(to_input(images), batch_size=1000, verbose=0).argmax(axis=1)
    return float((answers == labels).mean())


def timed(seed: int, width: str, steps: int, test) -> dict:
    """Trains once; returns the seconds, those until the first step was done, and the accuracy."""
    (x, y), _ = data.load_training("mnist")
    ends: list[float] = []  # of the steps; by that of the first, everything has been traced
    note_end = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter())
    )
    start = time.perf_counter()
    if width == "former":  # with 16 channels in its first block
        network = build([(channels // 2, *rest) for channels, *rest in BEFORE], seed)
        common.compile_phase(network, steps, RATE)
    else:
        widths = [int(width) * part for part in (1, 2, 4, 6, 8)]
        network = common.compiled_cnn(seed, steps, RATE, widths=widths)
    size = common.BATCH_SIZE
    epochs = -(-steps // (len(x) // size))
    batches = training_dataset(x, y, epochs=epochs, batch_size=size, seed=seed)
    network.fit(batches.take(steps), shuffle=False, verbose=0, callbacks=[note_end])
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds, "seconds_to_first_step": ends[0] - start,
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


def one(what: str, seed: int, on: str) -> dict:
    """Returns the result of one training."""
    test = data.load_test("mnist") if on == "test" else data.load_training("mnist")[1]
    if what == "tutorial training":
        return tutorial(seed, test)
    width, steps = what.split(" x ")
    return timed(seed, width, int(steps), test)


def choose() -> None:
    """Validation accuracy by channels and steps, three seeds each: what the schedules rest on."""
    table = read_json(CHOICE, {}).get("channels x steps", {})
    for name in CANDIDATES:
        if name not in table:
            found = [
                common.in_new_process(one, name, seed, "validation") for seed in range(100, 103)
            ]
            table[name] = common.spreads(found)
            common.save_result(CHOICE.stem, {"channels x steps": table})


def main() -> None:
    """Measures the goals and the tutorial in turn and writes the result file."""
    names = SCHEDULES | TWICE
    rows = {goal: [] for goal in names}
    for seed in SEEDS:
        for goal, what in names.items():
            if goal not in TWICE or seed < 2:
                rows[goal].append(common.in_new_process(one, what, seed, "test"))
    result = {goal: common.spreads(found) for goal, found in rows.items()}
    more = {"channels x steps": names, "choice": read_json(CHOICE, {})}
    common.save_result("time_to_accuracy", result | more)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--choose", action="store_true")
    choose() if parser.parse_args().choose else main()
