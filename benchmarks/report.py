"""Tables of the result files: `benchmarks/results.md`, and the columns that the README shows."""

import re

from common import RESULTS, from_template

from mnist_helpers.files import read_json

PAGE = RESULTS.parent / "results.md"
PARTS = ("accuracy", "full_run", "time_to_accuracy", "augmentation", "training_speed", "prediction")


def found(values: dict, form: str = "{:.2f}", scale: float = 1, middle: str = "median") -> str:
    """Returns the middle with spread and n in words."""
    low, high = (form.format(scale * values[key]) for key in ("min", "max"))
    if values["n"] == 1:
        return f"{low} (n = 1)"
    text = f"{form.format(scale * values[middle])} ({low} – {high}, n = {values['n']}"
    if values["sd"] is not None and middle == "mean":
        text += f", sd {form.format(scale * values['sd'])}"
    return text + ")"


def ratio(above: dict, below: dict) -> str:
    """Returns the ratio of the medians, and its range over the rounds."""
    rounds = [a / b for a, b in zip(above["values"], below["values"], strict=True)]
    median = above["median"] / below["median"]
    return f"{median:.2f}× ({min(rounds):.2f} – {max(rounds):.2f}, n = {len(rounds)})"


def results() -> dict:
    """Returns what was measured, by part; `None` for a part that was not."""
    return {name: read_json(RESULTS / f"{name}.json") for name in PARTS}


def figures() -> str:
    """Returns the whole table in Markdown; parts that were not measured are named."""
    parts = results()
    return from_template("figures.md", found=found, ratio=ratio, results=parts.items(), **parts)


def measured() -> str:
    """Returns the table without its last two columns, what must be reached and what is aimed at."""
    return re.sub(r"^(\|[^|]*\|[^|]*\|).*", r"\1", figures(), flags=re.MULTILINE)


def page() -> str:
    """Returns the content of results.md."""
    profile, plot = read_json(RESULTS / "step_profile.json"), RESULTS / "scaling.png"
    times = profile["ours"]["threads_ms"] if profile else {}
    values = results() | {
        "figures": figures(), "profile": profile, "has_plot": plot.exists(),
        "convolutions": sum(times[kind] for kind in times if kind.startswith("convolutions"))
        / (sum(times.values()) or 1),
        # Not in the project, so no program measures it again.
        "tried": read_json(RESULTS / "tried.json"),
    }  # fmt: skip
    return from_template("results.md", **values) + "\n"
