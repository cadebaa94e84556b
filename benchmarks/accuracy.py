"""Thirty seeds of the default 10 + 10 training, each tested once: `python benchmarks/accuracy.py`.

Resumable: each seed is a folder in runs/accuracy/, a finished one is not repeated, a broken one
continues after its last finished epoch. `--seeds 0 2 4` trains those alone, so that several
processes can share the work (`make study`: one core each, which on two cores trains one and a half
times as many images a second as one process does). `--report` writes the result file instead.
The seeds 0 to 29, the schedule and the number of epochs were fixed before the first was tested.
"""

import argparse
from pathlib import Path

import numpy as np
import tensorflow as tf
from common import BATCH_SIZE, compile_phase, compiled_cnn, fit_resumably, save_result, spread

from mnist_helpers import data, training
from mnist_helpers.evaluation.inference import Predictor, test_time_augmentation
from mnist_helpers.files import read_json, write_json
from mnist_helpers.paths import RUNS_DIR
from mnist_helpers.training.artifacts import load_model, save_model
from mnist_helpers.training.augmentation import Augmentation
from mnist_helpers.training.pipeline import to_input

FOLDER = RUNS_DIR / "accuracy"
EPOCHS = 10
SEEDS = range(30)
ENSEMBLE = 5  # seeds 0–4, 5–9 and so on: averages of five models that share none


def train_phase(
    folder: Path, seed: int, phase: str, augmentation=None, after: str = "", **options
) -> list:
    """Trains a phase of ten epochs as notebooks 02 and 03 do, unless it is done.

    Args:
        folder: Where the seed's models and histories are.
        seed: Of the weights and the order of the images.
        phase: Its name, which begins its files' names.
        augmentation: Of half of each batch; None for a clean phase.
        after: The phase that it continues from, if any.
        **options: Of `build_cnn`, where it continues from none.

    Returns:
        One row per epoch of both phases.
    """
    if (folder / f"{phase}.keras").exists():
        return read_json(folder / f"{phase}.json")
    digits, validation = data.load_training("mnist")
    steps, history, best_before = EPOCHS * (len(digits[0]) // BATCH_SIZE), [], None
    if after:
        history, best_before = read_json(folder / f"{after}.json"), folder / f"best_{after}.keras"
        network = load_model(folder / f"{after}.keras", training.default_dtype_policy())
        compile_phase(network, steps)
    else:
        network = compiled_cnn(seed, steps, **options)
    resumable = training.ResumableTraining(
        folder, phase, f"best_{phase}.keras", {"seed": seed}, best_before, history
    )
    fit_resumably(
        network, resumable, digits, validation, len(history) + EPOCHS,
        seed=seed, augmentation=augmentation,
    )  # fmt: skip
    history = history + resumable.history
    write_json(folder / f"{phase}.json", history)
    save_model(network, folder / f"{phase}.keras")
    resumable.finish()
    return history


def train(seed: int, folder: Path, **options) -> list[dict]:
    """Trains both phases of the strategy; returns one row per epoch."""
    train_phase(folder, seed, "clean", **options)
    return train_phase(folder, seed, "hybrid", Augmentation(), after="clean")


def test(seed: int, folder: Path, history: list[dict]) -> None:
    """Evaluates the last state of both phases once on the test set, and keeps the answers.

    The hybrid one also by test-time augmentation, whose views were fixed long before.
    """
    x_test, y_test = data.load_test("mnist")
    result = {"seed": seed}
    for phase in ("clean", "hybrid"):
        predict = Predictor(load_model(folder / f"{phase}.keras"))
        chances = predict(to_input(x_test))
        np.save(folder / f"{phase}_test.npy", chances)
        result[f"{phase}_test_accuracy"] = float((chances.argmax(1) == y_test).mean())
    chances = test_time_augmentation(predict, to_input(x_test))
    result["augmented_test_accuracy"] = float((chances.argmax(1) == y_test).mean())
    result["validation_accuracy"] = history[-1]["val_accuracy"]
    result["seconds"] = sum(row["seconds"] for row in history)
    write_json(folder / "result.json", result)
    print(result, flush=True)


def report() -> None:
    """Writes the result file over the seeds that are finished."""
    done = [seed for seed in SEEDS if (FOLDER / str(seed) / "result.json").exists()]
    results = [read_json(FOLDER / str(seed) / "result.json") for seed in done]
    _, y_test = data.load_test("mnist")
    chances = {seed: np.load(FOLDER / str(seed) / "hybrid_test.npy") for seed in done}
    groups = [done[i : i + ENSEMBLE] for i in range(0, len(done) - ENSEMBLE + 1, ENSEMBLE)]
    averages = [np.mean([chances[seed] for seed in group], axis=0) for group in groups]
    save_result(
        "accuracy",
        {
            "seeds": done,
            "single": spread(row["hybrid_test_accuracy"] for row in results),
            "test_time_augmentation": spread(row["augmented_test_accuracy"] for row in results),
            "clean_phase": spread(row["clean_test_accuracy"] for row in results),
            "validation": spread(row["validation_accuracy"] for row in results),
            "ensembles_of_five": spread((mean.argmax(1) == y_test).mean() for mean in averages),
        },
    )


def main() -> None:
    """Trains what is not finished, or writes the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--threads", type=int, default=0, help="0 leaves it to TensorFlow")
    parser.add_argument("--report", action="store_true", help="write the result file")
    options = parser.parse_args()
    if options.report:
        report()
        return
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    for seed in options.seeds:
        (FOLDER / str(seed)).mkdir(parents=True, exist_ok=True)
        if not (FOLDER / str(seed) / "result.json").exists():
            test(seed, FOLDER / str(seed), train(seed, FOLDER / str(seed)))


if __name__ == "__main__":
    main()
