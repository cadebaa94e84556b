"""Tables of the robust policy's results: its page, and the short form for the README."""

import numpy as np
from scipy import stats

from mnist_helpers.evaluation import robustness
from mnist_helpers.files import read_json
from mnist_helpers.paths import PROJECT

RESULTS = PROJECT / "benchmarks" / "results" / "robust_policy"
PAGE = PROJECT / "benchmarks" / "robust_policy.md"
NAMES = {"robust": "the robust policy", "robust60": "that"}
IMAGES = 4_000  # test images that are damaged in a hundred ways; the same for all networks
CHOICE = RESULTS.parent / "robust_policy_choice"
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


def choice() -> str:
    """Returns how the settings compare on validation images, in Markdown."""
    lines = [
        "| damaged | seed | clean digits | log loss | all kinds | worst kind |",
        "|---" * 6 + "|",
    ]
    rows = [read_json(path) for path in CHOICE.glob("*.json")]
    share = {"hybrid": 0.0, **SHARES}
    for found in sorted(rows, key=lambda row: (share[row["phase"]], row["seed"])):
        lines.append(
            f"| {share[found['phase']]:.0%} | {found['seed']} | {found['accuracy']:.2%} | "
            f"{found['log_loss']:.4f} | {np.mean(middle(found)):.2%} | {min(middle(found)):.2%} |"
        )
    return "\n".join(lines)


def middle(result: dict, kinds=tuple(robustness.CORRUPTIONS)) -> list[float]:
    """Returns a result's accuracies at the middle level of some corruptions."""
    return [result["curves"][kind][2] for kind in kinds]


def table(by_phase: dict, kinds=()) -> str:
    """Returns means over seeds for each phase and policy, in Markdown.

    Args:
        by_phase: What `results` found.
        kinds: Kinds of damage that get a row of their own.
    """
    lines = [f"| | {' | '.join(PHASES.values())} |", "|---" * (1 + len(PHASES)) + "|"]

    def row(title, measure):
        cells = (np.mean([100 * measure(r) for r in runs.values()]) for runs in by_phase.values())
        lines.append(f"| {title} | {' | '.join(f'{cell:.2f}' for cell in cells)} |")

    row("clean digits", lambda result: result["accuracy"])
    for kind in kinds:
        note = " (in no training)" if kind in robustness.HELD_OUT else ""
        row(kind + note, lambda result, kind=kind: middle(result, [kind])[0])
    row("**mean of all kinds**", lambda result: np.mean(middle(result)))
    row("**worst kind**", lambda result: np.min(middle(result)))
    held_out = robustness.HELD_OUT
    row("mean of the kinds in no training", lambda result: np.mean(middle(result, held_out)))
    return "\n".join(lines)


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
    found = results()
    parts = [
        "# The robust policy beside the standard one",
        f"Written by `python benchmarks/update_readme.py`. {caption(found)}",
        table(found, robustness.CORRUPTIONS),
        f"The robust policy damages {SHARES['robust']:.0%} of the augmented images. "
        f"{loss_on_clean_digits(found)}",
        "## How much damage",
        f"The first setting was {SHARES['robust60']:.0%}. "
        f"{loss_on_clean_digits(found, 'robust60')} So less was tried, on validation images again:",
        choice(),
        "How right an answer is counts more finely in the log loss than in the accuracy, in which "
        "one of the 5,000 digits is 0.02 points (2,000 of them are damaged). By the log loss the "
        "smallest part costs the least; the accuracies do not tell the parts apart. The table "
        "above shows what that gives up: occlusion, lines and stripes are read less well.",
    ]
    return "\n\n".join(parts) + "\n"


def summary() -> str:
    """Returns the short form: all kinds together."""
    found = results()
    return "\n\n".join([table(found), f"{caption(found)} {loss_on_clean_digits(found)}"])
