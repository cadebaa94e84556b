"""Five-fold cross-validation over the training images: `python benchmarks/cross_validation.py`.

Trains 10 + 10 epochs of each recipe on four fifths and counts errors on the fifth, so that every
training image is predicted once by a network that has not seen it; the test set plays no part. The
recipes take turns within a fold. What is finished stays finished: start it again after a stop.
`--recipes` and `--folds` choose some; `--table` writes recipe.md.
"""

import argparse

import keras
import numpy as np
from common import RESULTS, compile_phase, from_template, save_result
from keras import layers

from mnist_helpers import data, training
from mnist_helpers.evaluation.calibration import fit_temperature
from mnist_helpers.files import read_json, write_text
from mnist_helpers.training.augmentation import Augmentation
from mnist_helpers.training.layers import FusedBatchNormalization
from mnist_helpers.training.pipeline import to_input, training_dataset

FOLDS, SEED, EPOCHS = 5, 0, 10
# A convolution: channels, side of its filters, whether its input is padded, whether it is pooled.
BEFORE = [(32, 3, False, True), (32, 3, True, False), (64, 3, True, True), (64, 3, True, False),
          (128, 3, True, True), (128, 3, True, False)]  # fmt: skip
FIVE = [(16, 5, False, True), (32, 3, False, False), (64, 3, True, True), (96, 3, False, False),
        (128, 3, True, False)]  # fmt: skip
SIX = [*FIVE[:3], (64, 3, True, False), (128, 3, False, False), (128, 3, True, False)]
SIX_PADDED = [*FIVE[:2], *BEFORE[2:]]
# Convolutions, images in a batch, highest learning rate.
RECIPES = {
    "six convolutions of 32 to 128 channels, batches of 128: the default before": (
        BEFORE, 128, 0.003),
    "six, the first 5 × 5 with 16 channels, the second without padding": (SIX_PADDED, 256, 0.0045),
    "the same, the fifth without padding and not pooled": (SIX, 256, 0.0045),
    "five of 16, 32, 64, 96, 128 channels": (FIVE, 256, 0.0045),
    "five, batches of 128": (FIVE, 128, 0.003),
}  # fmt: skip


def build(convolutions: list[tuple[int, int, bool, bool]], seed: int = SEED) -> keras.Model:
    """Builds a network as `build_cnn` does."""
    keras.config.set_dtype_policy(training.default_dtype_policy())
    keras.utils.set_random_seed(seed)
    image = features = keras.Input((28, 28, 1), name="image")
    for channels, side, padded, pooled in convolutions:
        padding = "same" if padded else "valid"
        features = layers.Conv2D(channels, side, padding=padding, use_bias=False)(features)
        if pooled:
            features = layers.MaxPooling2D()(features)
        features = FusedBatchNormalization(momentum=0.95)(features)
        features = layers.ReLU()(features)
    digit = layers.Dense(10, "softmax", dtype="float32")(layers.GlobalMaxPooling2D()(features))
    return keras.Model(image, digit)


def trained_and_judged(recipe: tuple, parts: tuple, held_out: tuple) -> dict:
    """Trains both phases; returns errors and log loss after each.

    The log loss is that of probabilities calibrated on the same images.
    """
    convolutions, batch_size, rate = recipe
    (images, labels), (x, y) = parts, held_out
    network, steps, found = build(convolutions), len(images) // batch_size, {}
    for number, phase in enumerate(("clean", "hybrid")):
        compile_phase(network, EPOCHS * steps, rate)
        batches = training_dataset(
            images, labels, epochs=EPOCHS * (number + 1), first_epoch=EPOCHS * number, seed=SEED,
            batch_size=batch_size, augmentation=Augmentation() if number else None,
        )  # fmt: skip
        network.fit(batches, steps_per_epoch=steps, epochs=EPOCHS, shuffle=False, verbose=0)
        chances = network.predict(to_input(x), batch_size=1000, verbose=0)
        found[phase] = int((chances.argmax(axis=1) != y).sum())
        chances **= 1 / fit_temperature(y, chances)
        chances /= chances.sum(axis=1, keepdims=True)
        found[f"{phase} log loss"] = float(-np.log(chances[np.arange(len(y)), y]).mean())
    return found


def run(recipes: list[str], numbers: list[int]) -> None:
    """Runs what is missing of the chosen recipes and folds."""
    pairs = zip(*data.load_training("mnist"), strict=True)
    images, labels = (np.concatenate(pair) for pair in pairs)
    folds = np.array_split(np.random.default_rng(SEED).permutation(len(images)), FOLDS)
    rows = read_json(RESULTS / "cross_validation.json", {}).get("rows", [])
    done = {(row["recipe"], row["fold"]) for row in rows}
    for fold in numbers:
        rest = np.concatenate([other for number, other in enumerate(folds) if number != fold])
        parts, held_out = ((images[chosen], labels[chosen]) for chosen in (rest, folds[fold]))
        for name in recipes:
            if (name, fold) not in done:
                found = trained_and_judged(RECIPES[name], parts, held_out)
                rows.append({"recipe": name, "fold": fold, "images": len(folds[fold]), **found})
                save_result("cross_validation", {"rows": rows})
                print(rows[-1], flush=True)


def page() -> str:
    """Returns recipe.md: what was tried, in Markdown."""
    result, first = read_json(RESULTS / "cross_validation.json"), next(iter(RECIPES))
    by_recipe = {name: [row for row in result["rows"] if row["recipe"] == name] for name in RECIPES}
    former = {row["fold"]: row for row in by_recipe[first]}
    values = {
        "machine": result["machine"],
        "first": first,
        "recipes": [
            (name, rows, [former[row["fold"]] for row in rows]) for name, rows in by_recipe.items()
        ],
        "before": read_json(RESULTS / "recipe.json"),
    }
    return from_template("recipe.md", **values) + "\n"


def main() -> None:
    """Runs what is missing, or writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipes", type=int, nargs="+", default=range(len(RECIPES)))
    parser.add_argument("--folds", type=int, nargs="+", default=range(FOLDS))
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if options.table:
        write_text(RESULTS.parent / "recipe.md", page())
    else:
        run([list(RECIPES)[number] for number in options.recipes], options.folds)


if __name__ == "__main__":
    main()
