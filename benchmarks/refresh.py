"""Takes over a finished full run as what the repository shows: `python benchmarks/refresh.py RUN`.

Copies the models with their card and metrics to trained_model/shipped/, evaluates them once more
from there, writes the executed notebooks over the committed ones, and fills the README's table.
Each notebook and the metrics record a hash of the code and the parameters they came from;
`python benchmarks/refresh.py --check` names those whose code is another now.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

from mnist_helpers.artifacts import CLEAN_MODEL, write_model_card
from mnist_helpers.cli import SERIES
from mnist_helpers.notebooks import code_sources, read_notebook
from mnist_helpers.paths import (
    NOTEBOOKS_DIR,
    RUNS_DIR,
    SHIPPED_DIR,
    read_json,
    write_json,
    write_text,
)  # fmt: skip
from mnist_helpers.sweep.code import code_version

import nbformat
import papermill
import update_readme

TRAINING = ("02_clean_phase", "03_augmented_phase")
# TensorFlow's C++ start-up notes, which no setting silences and which say nothing of the run.
STARTUP = re.compile(r"^(WARNING: All log messages before absl|[IWE]0000 ).*\n?", re.M)


def publishable(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Returns an executed notebook without what papermill and this machine added."""
    notebook.metadata = {key: notebook.metadata[key] for key in ("kernelspec", "language_info")}
    notebook.cells = [
        cell
        for cell in notebook.cells
        if "injected-parameters" not in cell.metadata.get("tags", [])
    ]
    count = 0
    for cell in notebook.cells:
        cell.metadata = {key: cell.metadata[key] for key in cell.metadata if key == "tags"}
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
            if output.get("name") == "stderr":
                output.text = STARTUP.sub("", output.text)
        cell.outputs = [output for output in cell.outputs if output.get("text") != ""]
    notebook.metadata["mnist_helpers"] = {"code": version(notebook)}
    return notebook


def version(notebook: dict) -> str:
    """Returns the hash of a notebook's code cells, its parameters among them, and what they import.

    The versions of libraries are left out: which ones made a result stands beside it, and another
    one does not make it stale.
    """
    return code_version(code_sources(notebook), libraries=())


def stale() -> list[str]:
    """Names what is committed and came from running other code than the present."""
    notebooks = {path.stem: read_notebook(path) for path in sorted(NOTEBOOKS_DIR.glob("*.ipynb"))}
    recorded = {
        name: notebook["metadata"].get("mnist_helpers", {}).get("code")
        for name, notebook in notebooks.items()
    }
    found = [name for name, notebook in notebooks.items() if recorded[name] != version(notebook)]
    trained_by = read_json(SHIPPED_DIR / "metrics.json").get("code", {})
    if any(trained_by.get(name) != version(notebooks[name]) for name in TRAINING):
        found.append("the shipped models")
    return found


def main(run: str) -> None:
    """Refreshes everything from `runs/<run>/`."""
    folder = RUNS_DIR / run
    hybrid = read_json(folder / "metrics.json")["hybrid"]["model"]
    SHIPPED_DIR.mkdir(parents=True, exist_ok=True)
    code = {name: version(read_notebook(NOTEBOOKS_DIR / f"{name}.ipynb")) for name in TRAINING}
    write_json(folder / "metrics.json", read_json(folder / "metrics.json") | {"code": code})
    write_model_card(folder, hybrid)
    for name in (CLEAN_MODEL, hybrid, "metrics.json", "model_card.md"):
        shutil.copyfile(folder / name, SHIPPED_DIR / name)
    for name in SERIES:
        executed = folder / f"{name}.ipynb"
        if name == "04_evaluation":  # as a fresh clone shows it: on the shipped model
            executed = Path(tempfile.mkdtemp()) / executed.name
            papermill.execute_notebook(
                NOTEBOOKS_DIR / executed.name, executed, {"OUTPUT_DIR": str(executed.parent)}
            )
        notebook = publishable(nbformat.read(executed, as_version=4))
        write_text(NOTEBOOKS_DIR / f"{name}.ipynb", nbformat.writes(notebook) + "\n")
    update_readme.main()


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(f"Stale, run make refresh: {', '.join(stale())}" if stale() else 0)
    main(*sys.argv[1:])
