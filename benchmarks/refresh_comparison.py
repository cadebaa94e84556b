"""Takes over a sweep's results and runs notebook 07 on them.

`python benchmarks/refresh_comparison.py NAME` copies results.csv and epochs.csv from runs/NAME/ to
sweeps/results/NAME/, notes beside them where and when they were measured, makes that folder the
notebook's default, and writes the executed notebook over the committed one.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from refresh import publishable

from mnist_helpers.files import read_json, write_json, write_text
from mnist_helpers.paths import NOTEBOOKS_DIR, PROJECT, RUNS_DIR
from mnist_helpers.runner.notebook.execution import execute
from mnist_helpers.runner.notebook.output import Output
from mnist_helpers.training.metrics import read_metrics

NOTEBOOK = NOTEBOOKS_DIR / "07_compare_runs.ipynb"


def environment(sweep: Path) -> dict[str, str]:
    """Returns on what, with which versions and when a sweep's runs ran; what differed, in a row."""
    metrics = [read_metrics(path.parent) for path in sorted(sweep.glob("*/metrics.json"))]
    steps = [read_json(path) for path in sorted(sweep.glob("*/status.json"))]
    names = ("date", "processor", "python", "tensorflow", "keras", "numpy")
    found = {name: [facts["environment"][name] for facts in metrics] for name in names}
    sections = [part for facts in metrics for part in facts["phases"].values()]
    found["precision"] = [part["precision"] for part in sections if "precision" in part]
    found["cores"] = [step["cores"] for facts in steps for step in facts["notebooks"].values()]
    return {name: ", ".join(sorted(set(map(str, values)))) for name, values in found.items()}


def main(sweep: str) -> None:
    """Refreshes everything from `runs/<sweep>/`."""
    target = PROJECT / "sweeps" / "results" / sweep
    target.mkdir(parents=True, exist_ok=True)
    for name in ("results.csv", "epochs.csv"):
        shutil.copyfile(RUNS_DIR / sweep / name, target / name)
    write_json(target / "environment.json", environment(RUNS_DIR / sweep))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        cell.source = re.sub(r'"sweeps/results/[^"]+"', f'"sweeps/results/{sweep}"', cell.source)
    with tempfile.TemporaryDirectory() as temporary:
        done = Path(temporary) / NOTEBOOK.name
        with Output(done.with_name("run.log")) as printed:
            execute(notebook, done, {}, printed)
        executed = publishable(nbformat.read(done, as_version=4))
    write_text(NOTEBOOK, nbformat.writes(executed) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
