"""Tables of the robust policy's results: its page, and the short form for the README."""

import common
import numpy as np
from scipy import stats

from mnist_helpers.evaluation import robustness
from mnist_helpers.files import read_json

RESULTS = common.RESULTS / "robust_policy"
PAGE = common.RESULTS.parent / "robust_policy.md"
NAMES = {"robust": "the robust policy", "robust60": "that"}
IMAGES = 4_000  # test images that are damaged in a hundred ways; the same for all networks
CHOICE = common.RESULTS / "robust_policy_choice"
# The parts of the augmented images that are damaged, by the phases trained so.
SHARES = {"robust": 0.15, "robust30": 0.3, "robust60": 0.6}
PHASES = {
    "clean": "clean phase", "hybrid": "hybrid, standard", "robust": "hybrid, robust",
    "robust60": f"hybrid, robust, {SHARES['robust60']:.0%} damaged",
}  # fmt: skip


def results() -> dict[str, dict[int, dict]]:
    """Reads the result files: phase to seed to result."""
    found = [read_json(path) for path in sorted(RESULTS.glob("*.json"))]
    return {phase: {r["seed"]: r for r in found if r["phase"] == phase} for phase in PHASES}


def middle(result: dict, kinds=tuple(robustness.CORRUPTIONS)) -> list[float]:
    """Returns a result's accuracies at the middle level of some corruptions."""
    return [result["curves"][kind][2] for kind in kinds]


def table(by_phase: dict, kinds=()) -> str:
    """Returns means over seeds for each phase and policy, in Markdown.

    Args:
        by_phase: What `results` found.
        kinds: Kinds of damage that get a row of their own.
    """
    held_out, measures = robustness.HELD_OUT, {"clean digits": lambda result: result["accuracy"]}
    for kind in kinds:
        note = " (in no training)" if kind in held_out else ""
        measures[kind + note] = lambda result, kind=kind: middle(result, [kind])[0]
    measures |= {
        "**mean of all kinds**": lambda result: np.mean(middle(result)),
        "**worst kind**": lambda result: np.min(middle(result)),
        "mean of the kinds in no training": lambda result: np.mean(middle(result, held_out)),
    }
    seeds = [list(runs.values()) for runs in by_phase.values()]
    rows = [
        (title, *(f"{np.mean([100 * measure(run) for run in runs]):.2f}" for runs in seeds))
        for title, measure in measures.items()
    ]
    return common.markdown_table(["", *PHASES.values()], *rows)


def loss_on_clean_digits(by_phase: dict, phase: str = "robust") -> str:
    """Says what a robust policy costs on clean digits, paired by seed."""
    both = sorted(by_phase["hybrid"].keys() & by_phase[phase].keys())
    standard, robust = (
        np.array([by_phase[name][seed]["accuracy"] for seed in both]) for name in ("hybrid", phase)
    )
    loss = 100 * (standard - robust)
    low, high = stats.t.interval(0.95, len(both) - 1, loss.mean(), stats.sem(loss))
    return (
        f"On clean digits {NAMES[phase]} loses {loss.mean():.3f} points against the standard one "
        f"(95% interval {low:.3f} to {high:.3f}, t over {len(both)} pairs of seeds)."
    )


def caption(by_phase: dict) -> str:
    """Says what the numbers are."""
    return (
        "Percent of the test digits classified correctly at the middle of five levels of each "
        f"corruption; means over {len(by_phase['robust'])} seeds. Clean digits: all 10,000; each "
        f"corruption: the same {IMAGES:,}. Worst kind: each seed's own, averaged."
    )


def page() -> str:
    """Returns the content of robust_policy.md."""
    found, share = results(), {"hybrid": 0.0, **SHARES}
    choice = [read_json(path) for path in CHOICE.glob("*.json")]
    parts = {
        "caption": caption(found),
        "table": table(found, robustness.CORRUPTIONS),
        "share": share,
        "loss": loss_on_clean_digits(found),
        "first_loss": loss_on_clean_digits(found, "robust60"),
        "choice": sorted(choice, key=lambda row: (share[row["phase"]], row["seed"])),
        "middle": middle,
        "mean": np.mean,
    }
    return common.from_template("robust_policy.md", **parts) + "\n"


def summary() -> str:
    """Returns the short form: all kinds together."""
    found = results()
    return "\n\n".join([table(found), f"{caption(found)} {loss_on_clean_digits(found)}"])
