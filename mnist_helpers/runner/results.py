"""What a sweep came to: one row a run, one row an epoch, as CSV files."""

import csv
import io
import time
from pathlib import Path

from mnist_helpers.files import read_json, write_text
from mnist_helpers.runner.html_report import results_page
from mnist_helpers.runner.plan import Run
from mnist_helpers.training.metrics import read_metrics

RESULTS_FILE = "results.csv"
EPOCHS_FILE = "epochs.csv"
SECONDS_BETWEEN_SAVES = 30
TRAINING_TIMES = ("training_seconds", "training_cpu_seconds")
# The order of the columns that most want to see; others follow by name.
FIRST = (
    "dataset_title",
    "test_accuracy",
    "ece",
    "geometric_robustness",
    "digits8x8_accuracy",
    "validation_accuracy",
    *TRAINING_TIMES,
)


def result_rows(runs: list[Run]) -> list[dict]:
    """Collects what each run varied and reached.

    Returns:
        For each run `run`, `variant`, what the sweep varies, `state`, and the numbers in its
        metrics.json; of the phases in it, those of the last one, and the training times of all.
    """
    rows = []
    for run in runs:
        state, error = run.state()
        row = {"run": run.name, "variant": run.variant, **run.settings, "state": state}
        metrics = _measured(read_metrics(run.folder)) if state == "done" else {}
        rows.append(row | metrics | {"error": error.partition("\n")[2] or error})
    return rows


def _measured(metrics: dict) -> dict:
    environment, sections = metrics["environment"], metrics["phases"].values()
    phases = [section for section in sections if "training_seconds" in section]
    flat = environment | (phases[-1] if phases else {})
    measured = {name: value for name, value in flat.items() if type(value) in (int, float)}
    if "dataset_title" in environment:
        measured["dataset_title"] = environment["dataset_title"]
    for name in TRAINING_TIMES if phases else ():
        measured[name] = round(sum(phase[name] for phase in phases), 1)
    return measured


def epoch_rows(runs: list[Run]) -> list[dict]:
    """Collects the epochs of the finished runs from their histories, in the phases' order."""
    rows = []
    for run in runs:
        if run.state()[0] != "done":
            continue
        for phase in read_metrics(run.folder)["phases"]:
            for epoch in read_json(run.folder / f"{phase}_history.json", []):
                rows.append({"run": run.name, "variant": run.variant, "phase": phase, **epoch})
    return rows


def columns(rows: list[dict]) -> list[str]:
    """Returns the columns of some rows: names, settings, the usual metrics, others, the error."""
    present = list(dict.fromkeys(name for row in rows for name in row))
    if "error" not in present:
        return present
    place = present.index("state") + 1
    metrics = [name for name in present[place:] if name not in FIRST and name != "error"]
    usual = [name for name in FIRST if name in present]
    return [*present[:place], *usual, *sorted(metrics), "error"]


def write_table(path: Path, rows: list[dict]) -> None:
    """Writes rows as CSV, atomically; a cell without a value stays empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns(rows), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def write_results(runs: list[Run], folder: Path) -> list[dict]:
    """Writes results.csv, epochs.csv and results.html into the sweep's folder.

    Returns:
        The rows of results.csv.
    """
    rows = result_rows(runs)
    write_table(folder / RESULTS_FILE, rows)
    write_table(folder / EPOCHS_FILE, epoch_rows(runs))
    page = results_page(f"Sweep {folder.name}", runs, rows, columns(rows))
    write_text(folder / "results.html", page)
    return rows


class Saver:
    """Writes the results from time to time while a sweep runs."""

    def __init__(self, runs: list[Run], folder: Path):
        """Has written nothing yet."""
        self.runs, self.folder, self.written = runs, folder, time.monotonic()

    def __call__(self) -> None:
        """Writes them if the last time was a while ago."""
        if time.monotonic() - self.written > SECONDS_BETWEEN_SAVES:
            write_results(self.runs, self.folder)
            self.written = time.monotonic()
