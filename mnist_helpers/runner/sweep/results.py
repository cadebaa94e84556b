"""What runs came to: one row a run and one row an epoch as CSV files, and a page of them."""

import os
from pathlib import Path
from urllib.parse import quote

from mnist_helpers.files import read_json, write_text
from mnist_helpers.runner.csv_row import csv_row
from mnist_helpers.runner.page.render import render
from mnist_helpers.runner.sweep.plan import Run
from mnist_helpers.training.metrics import read_metrics

TRAINING_TIMES = ("training_seconds", "training_cpu_seconds")
# The metrics that most want to see come first, the others by name.
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
        For each run `run`, `variant`, what the sweep varies as `params.NAME`, `state`, the numbers
        of its metrics.json as `metrics.NAME`, and `error`. Of the phases, the metrics are those of
        the last one, and the training times of all.
    """
    rows = []
    for run in runs:
        state, error = run.state()
        row = {"run": run.name, "variant": run.variant}
        row |= {f"params.{name}": value for name, value in run.settings.items()}
        measured = _measured(run.folder) if state == "done" else {}
        names = [name for name in dict.fromkeys([*FIRST, *sorted(measured)]) if name in measured]
        row |= {"state": state} | {f"metrics.{name}": measured[name] for name in names}
        rows.append(row | {"error": error.partition("\n")[2] or error})
    return rows


def _measured(folder: Path) -> dict:
    metrics = read_metrics(folder)
    environment, phases = metrics["environment"], metrics["phases"]
    trained = [phase for phase in phases.values() if "training_seconds" in phase]
    last = trained[-1] if trained else {}
    measured = {name: value for name, value in last.items() if type(value) in (int, float)}
    for name in TRAINING_TIMES:
        if times := [phase[name] for phase in trained if name in phase]:
            measured[name] = round(sum(times), 1)
    if "dataset_title" in environment:
        measured["dataset_title"] = environment["dataset_title"]
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
    """Returns the columns of some rows, with `error` last."""
    longest = max(rows, key=len, default={})
    present = dict.fromkeys([*longest, *(name for row in rows for name in row)])
    return sorted(present, key=lambda name: name == "error")


def write_table(path: Path, rows: list[dict]) -> None:
    """Writes rows as CSV, atomically; a cell without a value stays empty."""
    names = columns(rows)
    lines = [csv_row(names), *(csv_row(row.get(name) for name in names) for row in rows)]
    write_text(path, "".join(lines))


def write_results(runs: list[Run], folder: Path) -> list[dict]:
    """Writes results.csv, epochs.csv and results.html into the folder of a run or sweep.

    Returns:
        The rows of results.csv.
    """
    rows = result_rows(runs)
    write_table(folder / "results.csv", rows)
    write_table(folder / "epochs.csv", epoch_rows(runs))
    states = [row["state"] for row in rows]
    counts = ", ".join(f"{states.count(state)} {state}" for state in ("done", "failed", "waiting"))
    page = render(
        "results.html.j2",
        title=folder.name,
        summary=f"Runs: {len(runs)} in all; {counts}.",
        names=columns(rows),
        rows=[(row, _links(run, folder)) for run, row in zip(runs, rows, strict=True)],
    )
    write_text(folder / "results.html", page)
    return rows


def _links(run: Run, folder: Path) -> list[tuple[str, str, str]]:
    """Returns name, target and picture of each notebook that has run."""
    links = []
    for task in run.tasks:
        # A run's own copy, or else the one that runs share.
        own = run.folder / f"{task.name}.ipynb"
        notebook = own if own.exists() else task.folder / own.name
        if notebook.exists():
            page, picture = notebook.with_suffix(".html"), notebook.with_suffix(".thumbnail.png")
            target = page if page.exists() else notebook
            shown = _relative(picture, folder) if picture.exists() else ""
            links.append((task.name, _relative(target, folder), shown))
    return links


def _relative(path: Path, folder: Path) -> str:
    return quote(os.path.relpath(path, folder).replace(os.sep, "/"))
