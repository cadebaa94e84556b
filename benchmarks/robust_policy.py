"""What does the robust policy cost on clean digits, and what does it bring on damaged ones?

    python benchmarks/robust_policy.py --seeds 0 1   # needs the clean phases of accuracy.py
    python benchmarks/robust_policy.py --table       # all results so far, as robust_policy.md

Both policies go on from the same clean phase, in the folders of `accuracy.py`. What is done is not
done again, so that a study that was stopped goes on when it is started again. The policy's settings
were chosen on validation images with the test's damage left out of sight.
"""

import argparse

from mnist_helpers import data, predict, robustness
from mnist_helpers.artifacts import load_model
from mnist_helpers.paths import PROJECT, read_json, write_json, write_text
from mnist_helpers.policies import RobustAugmentation
from mnist_helpers.training import native_precision

import numpy as np
import tensorflow as tf
from accuracy import FOLDER, SEEDS, train_phase
from scipy import stats

RESULTS = PROJECT / "benchmarks" / "results" / "robust_policy"
IMAGES = 4_000  # test images that are damaged in a hundred ways; the same for all networks
PHASES = {"clean": "clean phase", "hybrid": "hybrid, standard", "robust": "hybrid, robust"}


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


def middle(result: dict, kinds=tuple(robustness.DAMAGES)) -> list[float]:
    """Returns a result's accuracies at the middle level of some kinds of damage."""
    levels = robustness.middle_levels(result["curves"])
    return [levels[kind] for kind in kinds]


def table() -> str:
    """Returns all results as Markdown: means over seeds, for each phase and policy."""
    results = [read_json(path) for path in sorted(RESULTS.glob("*.json"))]
    by_phase = {p: {r["seed"]: r for r in results if r["phase"] == p} for p in PHASES}
    lines = [
        "# The robust policy beside the standard one",
        "",
        "Written by `python benchmarks/robust_policy.py --table`: percent of the test digits read "
        "right at the middle of five levels of each kind of damage, means over "
        f"{len(by_phase['robust'])} seeds. Clean digits: all 10,000; each kind of damage: the same "
        f"{IMAGES:,}.",
        "",
        f"| | {' | '.join(PHASES.values())} |",
        "|---" * (1 + len(PHASES)) + "|",
    ]

    def row(title, measure):
        cells = (np.mean([100 * measure(r) for r in runs.values()]) for runs in by_phase.values())
        lines.append(f"| {title} | {' | '.join(f'{cell:.2f}' for cell in cells)} |")

    row("clean digits", lambda result: result["accuracy"])
    for kind in robustness.DAMAGES:
        note = " (in no training)" if kind in robustness.HELD_OUT else ""
        row(kind + note, lambda result, kind=kind: middle(result, [kind])[0])
    row("**mean of all kinds**", lambda result: np.mean(middle(result)))
    row("**worst kind**", lambda result: np.min(middle(result)))
    held_out = robustness.HELD_OUT
    row("mean of the kinds in no training", lambda result: np.mean(middle(result, held_out)))
    return "\n".join([*lines, "", loss_on_clean_digits(by_phase), ""])


def loss_on_clean_digits(by_phase: dict) -> str:
    """Says what the robust policy costs on clean digits, paired by seed."""
    both = sorted(by_phase["hybrid"].keys() & by_phase["robust"].keys())
    standard, robust = (
        np.array([by_phase[phase][seed]["accuracy"] for seed in both])
        for phase in ("hybrid", "robust")
    )
    loss = 100 * (standard - robust)
    low, high = stats.t.interval(0.95, len(both) - 1, loss.mean(), stats.sem(loss))
    return (
        f"On clean digits the robust policy loses {loss.mean():.3f} points against the standard "
        f"one (95 % interval {low:.3f} to {high:.3f}, t over {len(both)} pairs of seeds)."
    )


def main() -> None:
    """Measures the seeds that are missing, or writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS)[:5])
    parser.add_argument("--threads", type=int, default=0, help="0 leaves it to TensorFlow")
    parser.add_argument("--table", action="store_true", help="only write robust_policy.md")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    for seed in [] if options.table else options.seeds:
        run(seed)
    write_text(PROJECT / "benchmarks" / "robust_policy.md", table())


if __name__ == "__main__":
    main()
