"""What does the robust policy cost on clean digits, and what does it bring on damaged ones?

    python benchmarks/robust_policy.py --choose      # on validation images: how much damage
    python benchmarks/robust_policy.py --seeds 0 1   # on test images
    python benchmarks/update_readme.py               # all results so far, as robust_policy.md

All policies continue from the same clean phase, that of `accuracy.py` in its folders, so `make
study` comes first. Finished work is not repeated, so a stopped study can be resumed.
"""

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import robust_report as report
import tensorflow as tf
from accuracy import FOLDER, SEEDS, train_phase
from sklearn.metrics import log_loss

from mnist_helpers import data
from mnist_helpers.data.mnist import Split
from mnist_helpers.evaluation import inference, robustness
from mnist_helpers.files import write_json
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.precision import default_dtype_policy
from mnist_helpers.training.robust_augmentation import RobustAugmentation

POLICIES = {
    phase: RobustAugmentation(corruption_probability=share)
    for phase, share in report.SHARES.items()
}


def reader(seed: int, phase: str) -> Callable[[np.ndarray], np.ndarray]:
    """Trains a robust phase, unless it is done; returns what reads images by a phase's network."""
    folder = FOLDER / str(seed)
    if phase in POLICIES:
        train_phase(folder, seed, phase, POLICIES[phase], after="clean")
    return inference.Predictor(load_model(folder / f"{phase}.keras", default_dtype_policy()))


def measure(seed: int, phases: Iterable[str], split: Split, count: int, folder: Path) -> None:
    """Measures a seed's networks once, on all clean digits and on `count` damaged in all ways.

    Args:
        seed: Of the networks.
        phases: Those of them that are to be measured; what has a result is left as it is.
        split: Images uint8 (n, 28, 28) and labels.
        count: How many images are damaged; the same ones each time.
        folder: Where the results go.
    """
    missing = [phase for phase in phases if not (folder / f"{phase}_seed{seed}.json").exists()]
    if not missing:
        return
    readers = {phase: reader(seed, phase) for phase in missing}
    images, labels = split
    some = robustness.choose_images(len(images), count)
    curves = robustness.measure_robustness(readers, images[some], labels[some])
    for phase, read in readers.items():
        chances = read(images / np.float32(255))
        found = {
            "seed": seed, "phase": phase, "damaged_images": count,
            "accuracy": float((chances.argmax(axis=1) == labels).mean()),
            "log_loss": float(log_loss(labels, chances.astype(np.float64))),
            "curves": curves[phase],
        }  # fmt: skip
        write_json(folder / f"{phase}_seed{seed}.json", found)
        levels = report.middle(found)
        print(
            f"seed {seed} {phase}: clean {found['accuracy']:.2%}, mean {np.mean(levels):.2%}, "
            f"worst {min(levels):.2%}",
            flush=True,
        )


def main() -> None:
    """Measures the seeds that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--choose", action="store_true", help="how much damage, on validation")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS)[:5])
    parser.add_argument("--threads", type=int, default=0, help="0 leaves it to TensorFlow")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    for seed in options.seeds:
        if options.choose:
            _, validation = data.load_training("mnist")
            measure(seed, ("hybrid", *POLICIES), validation, 2_000, report.CHOICE)
        else:
            measure(seed, report.PHASES, data.load_test("mnist"), report.IMAGES, report.RESULTS)


if __name__ == "__main__":
    main()
