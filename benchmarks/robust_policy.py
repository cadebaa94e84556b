"""What does the robust policy cost on clean digits, and what does it bring on damaged ones?

    python benchmarks/robust_policy.py --seed 0 --policy standard   # notebooks 02 and 03, then test
    python benchmarks/robust_policy.py --seed 0 --policy robust     # on the same clean phase
    python benchmarks/robust_policy.py --table                      # all results so far

A seed's clean phase is trained once and shared by both policies. What is done already is not done
again, so that a run that was stopped goes on when it is started again.
"""

import argparse
import json
import shutil
from pathlib import Path

from mnist_helpers import artifacts, data, predict, robustness, training
from mnist_helpers.parameters import LIMITS, check_value
from mnist_helpers.paths import NOTEBOOKS_DIR, PROJECT, read_json, write_json

import numpy as np
import papermill
from scipy import stats

RESULTS = PROJECT / "benchmarks" / "results" / "robust_policy"
POLICIES = ("standard", "robust")
FROM_CLEAN_PHASE = (
    artifacts.CLEAN_MODEL, "best_clean_phase.keras", "clean_phase_history.json", "metrics.json",
)  # fmt: skip


def train(folder: Path, notebook: str, section: str, values: dict) -> None:
    """Runs a training notebook into `folder`, unless its section of the metrics is there."""
    if section in read_json(folder / "metrics.json", {}):
        return
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{folder.name}: {notebook}", flush=True)
    papermill.execute_notebook(
        NOTEBOOKS_DIR / notebook,
        folder / notebook,
        values | {"OUTPUT_DIR": str(folder)},
        kernel_name="python3",
        progress_bar=False,
    )


def run(seed: int, policy: str, split: str, runs: Path, sizes: dict) -> dict:
    """Trains what is missing and measures accuracy on clean and on damaged digits."""
    values = sizes | {"SEED": seed}
    clean, hybrid = runs / f"seed{seed}-clean", runs / f"seed{seed}-{policy}"
    train(clean, "02_clean_phase.ipynb", "clean_phase", values)
    if not (hybrid / "metrics.json").exists():
        hybrid.mkdir(parents=True, exist_ok=True)
        for name in FROM_CLEAN_PHASE:  # metrics.json, by which the copy counts as made, is last
            shutil.copyfile(clean / name, hybrid / name)
    train(hybrid, "03_augmented_phase.ipynb", "hybrid", values | {"AUGMENTATION": policy})
    section = read_json(hybrid / "metrics.json")["hybrid"]
    model = artifacts.load_model(hybrid / section["model"], training.native_precision())
    read = predict.reader(model)
    if split == "test":
        images, labels = data.load_test("mnist")
    else:
        images, labels = data.load_training("mnist")[1]
    right = read(images / np.float32(255)).argmax(axis=1) == labels
    curves = robustness.sweep({policy: read}, images, labels)[policy]
    return {
        "seed": seed, "policy": policy, "split": split, "images": len(labels),
        "accuracy": float(right.mean()), "training_seconds": section["training_seconds"],
        "parameters": section["parameters"], "curves": curves,
    }  # fmt: skip


def middle(result: dict, kinds=tuple(robustness.DAMAGES)) -> list[float]:
    """Returns a result's accuracies at the middle level of some kinds of damage."""
    levels = robustness.middle_levels(result["curves"])
    return [levels[kind] for kind in kinds]


def table(folder: Path) -> str:
    """Returns the results in `folder` as Markdown: means over seeds, for each policy."""
    results = [read_json(path) for path in sorted(folder.glob("*.json"))]
    by_policy = {p: {r["seed"]: r for r in results if r["policy"] == p} for p in POLICIES}
    lines = ["| | " + " | ".join(by_policy) + " |", "|---" * (1 + len(by_policy)) + "|"]

    def row(title, measure):
        cells = []
        for runs in by_policy.values():
            values = [measure(result) for result in runs.values()]
            cells.append(f"{100 * np.mean(values):.2f}" if values else "not measured")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")

    row("clean digits", lambda result: result["accuracy"])
    for kind in robustness.DAMAGES:
        note = " (in neither training)" if kind in robustness.HELD_OUT else ""
        row(kind + note, lambda result, kind=kind: middle(result, [kind]))
    row("mean of all kinds", lambda result: np.mean(middle(result)))
    row("worst kind", lambda result: np.min(middle(result)))
    held_out = robustness.HELD_OUT
    row("mean of the kinds in neither training", lambda result: np.mean(middle(result, held_out)))
    counts = ", ".join(f"{len(runs)} seeds {policy}" for policy, runs in by_policy.items())
    lines += ["", f"Percent right at the middle of five levels; {counts}."]
    both = sorted(by_policy["standard"].keys() & by_policy["robust"].keys())
    if len(both) > 1:
        standard, robust = (
            np.array([by_policy[policy][seed]["accuracy"] for seed in both]) for policy in POLICIES
        )
        loss = 100 * (standard - robust)
        low, high = stats.t.interval(0.95, len(both) - 1, loss.mean(), stats.sem(loss))
        lines.append(
            f"Clean digits, loss by the robust policy over {len(both)} pairs of seeds: "
            f"{loss.mean():+.3f} points (95 % interval {low:+.3f} to {high:+.3f})."
        )
    return "\n".join(lines)


def main() -> None:
    """Measures one seed under one policy, or prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--policy", choices=POLICIES, default="robust")
    parser.add_argument("--split", choices=("test", "validation"), default="test")
    parser.add_argument("--runs", type=Path, default=PROJECT / "runs" / "robust_policy")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--table", action="store_true", help="print all results so far")
    for name in ("EPOCHS", "MAX_TRAINING_IMAGES", "BATCH_SIZE"):
        parser.add_argument(f"--{name.lower()}", type=int, help=LIMITS[name].allowed)
    options = parser.parse_args()
    if not options.table:
        sizes = {
            name: getattr(options, name.lower())
            for name in ("EPOCHS", "MAX_TRAINING_IMAGES", "BATCH_SIZE")
            if getattr(options, name.lower()) is not None
        }
        for name, value in sizes.items():
            check_value(name, value)
        file = options.results / f"{options.policy}_seed{options.seed}.json"
        if not file.exists():
            result = run(options.seed, options.policy, options.split, options.runs, sizes)
            write_json(file, result)
        result = read_json(file)
        levels = robustness.middle_levels(result["curves"])
        print(json.dumps({"accuracy": result["accuracy"], "middle": levels}, indent=2))
    else:
        print(table(options.results))


if __name__ == "__main__":
    main()
