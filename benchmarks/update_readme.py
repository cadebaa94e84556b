"""Fills the results table of README.md from the shipped model's metrics.json.

Run `python benchmarks/update_readme.py`; with `--check` it changes nothing and fails when stale.
"""

import sys

from mnist_helpers.paths import PROJECT, SHIPPED_DIR, read_json, write_text

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
README = PROJECT / "README.md"


def results_table(metrics: dict) -> str:
    """Returns the table in Markdown.

    Args:
        metrics: Content of `metrics.json`, with both phases evaluated.
    """
    lines = [
        "| after | test accuracy (95 % interval) | epochs | training time |",
        "|---|---|---|---|",
    ]
    for key, title in (("clean_phase", "clean phase"), ("hybrid", "hybrid (clean, then mixed)")):
        phase = metrics[key]
        low, high = phase["test_accuracy_interval"]
        lines.append(
            f"| {title} | {phase['test_accuracy']:.2%} ({low:.2%} – {high:.2%}) | "
            f"{phase['epochs']} | {phase['training_seconds']:.0f} s |"
        )
    seed = metrics["hybrid"]["parameters"]["SEED"]
    source = (
        f"One run (n = 1, seed {seed}) on {metrics['dataset_title']}, {metrics['processor']}, "
        f"{metrics['hybrid']['precision']}; Python {metrics['python']}, TensorFlow "
        f"{metrics['tensorflow']}, Keras {metrics['keras']}; {metrics['date']}. The interval is "
        "Wilson's, for the sampling of 10,000 test digits; other seeds differ as well."
    )
    return "\n".join([*lines, "", source])


def main() -> int:
    """Writes the table, or checks it; returns the exit status."""
    before, rest = README.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    table = results_table(read_json(SHIPPED_DIR / "metrics.json"))
    text = f"{before}{BEGIN}\n{table}\n{END}{after}"
    if text == README.read_text(encoding="utf-8"):
        return 0
    if "--check" in sys.argv[1:]:
        print("README.md is stale: run python benchmarks/update_readme.py", file=sys.stderr)
        return 1
    write_text(README, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
