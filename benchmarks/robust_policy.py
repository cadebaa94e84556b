"""What does the robust policy cost on clean digits, and what does it bring on damaged ones?

    python benchmarks/robust_policy.py --seeds 0 1   # needs the clean phases of accuracy.py
    python benchmarks/update_readme.py               # all results so far, as robust_policy.md

Both policies go on from the same clean phase, in the folders of `accuracy.py`. What is done is not
done again, so that a study that was stopped goes on when it is started again. The policy's settings
were settled on validation images before any of this.
"""

import argparse

from mnist_helpers import data, predict, robustness
from mnist_helpers.artifacts import load_model
from mnist_helpers.paths import write_json
from mnist_helpers.policies import RobustAugmentation
from mnist_helpers.training import native_precision

import numpy as np
import tensorflow as tf
from accuracy import FOLDER, SEEDS, train_phase
from robust_report import IMAGES, PHASES, RESULTS


def run(seed: int) -> None:
    """Trains the robust second phase and tests all three networks of a seed once."""
    folder = FOLDER / str(seed)
    train_phase(folder, seed, "robust", RobustAugmentation(), after="clean")
    images, labels = data.load_test("mnist")
    some = robustness.choose_images(len(images), IMAGES)
    for phase in PHASES:
        file = RESULTS / f"{phase}_seed{seed}.json"
        if file.exists():
            continue
        read = predict.reader(load_model(folder / f"{phase}.keras", native_precision()))
        right = read(images / np.float32(255)).argmax(axis=1) == labels
        result = {
            "seed": seed, "phase": phase, "damaged_images": IMAGES, "accuracy": float(right.mean()),
            "curves": robustness.sweep({phase: read}, images[some], labels[some])[phase],
        }  # fmt: skip
        write_json(file, result)
        levels = robustness.middle_levels(result["curves"]).values()
        print(
            f"seed {seed} {phase}: clean {result['accuracy']:.2%}, "
            f"mean {np.mean(list(levels)):.2%}, worst {min(levels):.2%}",
            flush=True,
        )


def main() -> None:
    """Measures the seeds that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS)[:5])
    parser.add_argument("--threads", type=int, default=0, help="0 leaves it to TensorFlow")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    for seed in options.seeds:
        run(seed)


if __name__ == "__main__":
    main()
