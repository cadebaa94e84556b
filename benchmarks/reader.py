"""Makes the reader that `predict`, pad, upload and page use: `python benchmarks/reader.py`.

Two networks. The classifier is wider than the notebooks', and trained by the same strategy; then it
continues with robust augmentation and with digits cut out of drawn numbers among the images, at
last with more of MNIST. The other network tells digits from what is none.

Everything is drawn by code of this folder and MNIST's training images. A run that was stopped
continues: images and trainings are kept in runs/reader/. After a change here, delete that folder.
"""

import argparse
import datetime
import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import keras
import numpy as np
from accuracy import train
from common import BATCH_SIZE, compile_phase, fit_resumably
from drawn_digits import cropped, drawn_digits, printed_digits
from drawn_strangers import strangers
from drawn_strips import NO_DIGIT, images_of_strip

from mnist_helpers import data, training
from mnist_helpers.evaluation.calibration import fit_temperature
from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.evaluation.reader import IS_DIGIT_MODEL, READER_FACTS, READER_MODEL
from mnist_helpers.files import write_json
from mnist_helpers.paths import RUNS_DIR
from mnist_helpers.preprocessing.image_io import PictureError
from mnist_helpers.preprocessing.mnist_format import to_mnist
from mnist_helpers.training.artifacts import load_model, save_model
from mnist_helpers.training.model import build_cnn
from mnist_helpers.training.pipeline import to_input, training_dataset
from mnist_helpers.training.robust_augmentation import RobustAugmentation

FOLDER = RUNS_DIR / "reader"
WIDTHS = (32, 64, 96, 128, 192)  # as much work as six convolutions of 32 to 128 channels
STRIPS, COARSE, DRAWN, PRINTED, STRANGERS = 14_000, 30_000, 8_000, 1_500, 25_000
WIDE_STRIPS, STRIPS_ON_PAPER, STRIPS_AT_ONCE = 24_000, 1_000, 500
FIRST = {"epochs": 8, "learning_rate": 0.003, "corrupted": 0.3, "seed": 0}
POLISH = {"epochs": 2, "learning_rate": 0.0012, "corrupted": 0.2, "seed": 9}
IS_DIGIT_EPOCHS, IS_DIGIT_WIDTHS, IS_DIGIT_BATCH = 4, (12, 24, 48, 72, 96), 256
WARM_UP = 300  # steps
STROKE, STROKES_KEPT = 0.9, 0.35  # probability of a 1; part of such images of no digit
# At the threshold of the score, of the validation digits that are read right: of MNIST's images,
# and of those drawn in numbers on paper and cut out.
KEPT, KEPT_ON_PAPER = 0.99, 0.95


def made(name: str, make) -> dict[str, np.ndarray]:
    """Returns arrays from runs/reader/, or makes and keeps them."""
    path = FOLDER / f"{name}.npz"
    if not path.exists():
        np.savez(path, **make())
    with np.load(path) as arrays:
        return dict(arrays)


def strip_images(count: int, seed: int, images, labels, **options) -> dict[str, np.ndarray]:
    """Draws strips and returns their images, uint8 (n, 28, 28), and labels, 10 for no digit.

    The options are those of `images_of_strip`. All cores draw.
    """
    spawn = multiprocessing.get_context("spawn")
    parts = []
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as processes:
        seeds = [(seed, number) for number in range(count // STRIPS_AT_ONCE)]
        for part in processes.map(partial(_images_of_strips, images, labels, options), seeds):
            parts.append(part)
            print(f"  {len(parts) * STRIPS_AT_ONCE:,} strips", flush=True)
    return {name: np.concatenate([part[name] for part in parts]) for name in "xy"}


def _images_of_strips(images, labels, options, seed: tuple) -> dict[str, np.ndarray]:
    rng, found = np.random.default_rng(seed), []
    for _ in range(STRIPS_AT_ONCE):
        found += images_of_strip(images, labels, rng, **options)
    pixels, numbers = zip(*found, strict=True)
    return {"x": np.rint(255 * np.array(pixels)[..., 0]).astype(np.uint8), "y": np.uint8(numbers)}


def coarse_images(count: int, seed: int, images, labels) -> dict[str, np.ndarray]:
    """Makes digits as scikit-learn's are: black and white in 32 x 32, counted in 4 x 4 squares."""
    pixels, numbers = [], []
    for chosen in np.random.default_rng(seed).choice(len(images), count, replace=False):
        ink = cropped(images[chosen] > 100)
        nearest = [np.arange(32) * side // 32 for side in ink.shape]
        counts = ink[np.ix_(*nearest)].reshape(8, 4, 8, 4).sum(axis=(1, 3))
        with suppress(PictureError):
            pixels.append(np.rint(255 * to_mnist(counts.astype(float))[..., 0]))
            numbers.append(labels[chosen])
    return {"x": np.uint8(pixels), "y": np.uint8(numbers)}


def drawn(count: int, seed: int, draw) -> dict[str, np.ndarray]:
    """Draws images with labels, and leaves out what came out black."""
    images, labels = draw(count, np.random.default_rng(seed))
    there = images.max(axis=(1, 2)) > 0
    return {"x": images[there], "y": labels[there]}


def trained(stage: str, network: keras.Model, digits: tuple, validation, **settings) -> keras.Model:
    """Trains a network further on (images, labels), unless that is done; returns it as saved."""
    path, epochs, count = FOLDER / f"{stage}.keras", settings["epochs"], len(digits[0])
    if not path.exists():
        compile_phase(network, epochs * (count // BATCH_SIZE), settings["learning_rate"])
        resumable = training.ResumableTraining(
            FOLDER, stage, f"best_{stage}.keras", {"images": count} | settings
        )
        augmentation = RobustAugmentation(corruption_probability=settings["corrupted"])
        fit_resumably(
            network, resumable, digits, validation, epochs, verbose=2,
            seed=settings["seed"], augmentation=augmentation,
        )  # fmt: skip
        save_model(network, path)
        resumable.finish()
    return load_model(path, training.default_dtype_policy())


def train_classifier(parts: list, validation) -> keras.Model:
    """Trains the classifier, at last with each of MNIST's images five times."""
    images, labels = (np.concatenate([part[name] for part in parts]) for name in "xy")
    images, labels = images[labels != NO_DIGIT], labels[labels != NO_DIGIT]
    base = FOLDER / "base"
    base.mkdir(exist_ok=True)
    train(FIRST["seed"], base, widths=WIDTHS)
    network = load_model(base / "hybrid.keras", training.default_dtype_policy())
    network = trained("classifier", network, (images, labels), validation, **FIRST)
    images = np.concatenate([parts[0]["x"]] * 4 + [images])
    labels = np.concatenate([parts[0]["y"]] * 4 + [labels])
    trained("polished", network, (images, labels), validation, **POLISH)
    return load_model(FOLDER / "polished.keras")


def train_is_digit(parts: list, classifier: keras.Model) -> keras.Model:
    """Trains the network that tells digits from what is none, unless it is done.

    A plain stroke is a 1 to whoever sees it alone, and a part of nearly every digit: most of those
    among the images of no digit are left out, or a plain 1 would be none.
    """
    path = FOLDER / "is_digit.keras"
    if not path.exists():
        images, labels = (np.concatenate([part[name] for part in parts]) for name in "xy")
        strokes = Predictor(classifier)(to_input(images))[:, 1] >= STROKE
        lucky = np.random.default_rng(6).random(len(images)) <= STROKES_KEPT
        kept = (labels != NO_DIGIT) | ~strokes | lucky
        images, labels = images[kept], labels[kept]
        base = build_cnn(0, IS_DIGIT_WIDTHS)
        score = keras.layers.Dense(1, activation="sigmoid", dtype="float32", name="is_digit")
        network = keras.Model(base.inputs, score(base.layers[-1].input))
        steps = len(images) // IS_DIGIT_BATCH
        rate = keras.optimizers.schedules.CosineDecay(
            1e-5, IS_DIGIT_EPOCHS * steps - WARM_UP, warmup_target=0.004, warmup_steps=WARM_UP
        )
        optimizer = keras.optimizers.AdamW(rate, 1e-3, use_ema=True, ema_momentum=0.998)
        network.compile(optimizer, "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
        gentle = RobustAugmentation(
            corruption_probability=0.15, rotation_degrees=8, shift_fraction=0.04, zoom_fraction=0.08
        )
        batches = training_dataset(
            images, (labels != NO_DIGIT).astype(np.uint8), epochs=IS_DIGIT_EPOCHS,
            batch_size=IS_DIGIT_BATCH, seed=1, augmentation=gentle, augmented_share=0.3,
        ).map(lambda batch, one_hot: (batch, one_hot[:, 1:2]))  # fmt: skip
        network.fit(
            batches, steps_per_epoch=steps, epochs=IS_DIGIT_EPOCHS, shuffle=False, verbose=2,
            callbacks=[keras.callbacks.SwapEMAWeights(swap_on_epoch=True)],
        )  # fmt: skip
        save_model(network, path)
    return load_model(path, outputs=1)


def least_score(classifier: keras.Model, is_digit: keras.Model, images, labels) -> float:
    """Returns the score that as many of the validation digits reach as are to be kept."""
    classify, judge = Predictor(classifier), Predictor(is_digit)
    boxed = {"boxed": 3, "digits": 0, "strangers": 0, "wide": True}
    strips = made("on_paper", lambda: strip_images(STRIPS_ON_PAPER, 8, images, labels, **boxed))
    least = []
    for pixels, truth, kept in ((images, labels, KEPT), (*strips.values(), KEPT_ON_PAPER)):
        right = classify(to_input(pixels)).argmax(axis=1) == truth
        least.append(np.quantile(judge(to_input(pixels))[right], 1 - kept))
    return float(min(least))


def main() -> None:
    """Makes both networks, and ships them."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()  # has --help alone
    FOLDER.mkdir(parents=True, exist_ok=True)
    (x, y), validation = data.load_training("mnist")
    written = made("drawn", lambda: drawn(DRAWN, 3, drawn_digits))
    both = (np.concatenate(pair) for pair in ((x, written["x"]), (y, written["y"])))
    digits = [
        {"x": x, "y": y},
        made("strips", lambda: strip_images(STRIPS, 1, x, y)),
        made("coarse", lambda: coarse_images(COARSE, 2, *both)),
        written,
        made("printed", lambda: drawn(PRINTED, 4, printed_digits)),
    ]
    classifier = train_classifier(digits, validation)
    probabilities = Predictor(classifier)(to_input(validation[0]))
    temperature = fit_temperature(validation[1], probabilities)
    save_model(classifier, READER_MODEL, temperature)
    shipped = load_model(READER_MODEL)

    def draw_strangers(count, rng):
        return strangers(count, x, y, rng), np.full(count, NO_DIGIT, np.uint8)

    others = made("strangers", lambda: drawn(STRANGERS, 5, draw_strangers))
    strips = made("wide_strips", lambda: strip_images(WIDE_STRIPS, 1, x, y, boxed=3, wide=True))
    parts = [digits[0], strips, *digits[2:], others]
    is_digit = train_is_digit(parts, shipped)
    save_model(is_digit, IS_DIGIT_MODEL)
    x_test, y_test = data.load_test("mnist")
    answers = Predictor(shipped)(to_input(x_test)).argmax(axis=1)
    facts = {
        "dataset_title": "MNIST, and numbers drawn with its digits",
        "date": datetime.date.today().isoformat(),
        "validation_accuracy": float((probabilities.argmax(axis=1) == validation[1]).mean()),
        "test_accuracy": float((answers == y_test).mean()),
        "calibration_temperature": temperature,
        "least_score": least_score(shipped, is_digit, *validation),
    }
    write_json(Path(READER_FACTS), facts)
    print(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
