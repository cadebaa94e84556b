"""Takes over a finished full run as what the repository shows: `python benchmarks/refresh.py RUN`.

Copies the models with their card and metrics to trained_model/shipped/, runs notebooks 04 to 06 on
them, writes the executed notebooks over the committed ones, and renews the README's table and
figure. Notebook 07 is renewed by `refresh_comparison.py`.

Each notebook and the metrics record a hash of the code and the parameters they came from, by which
`python benchmarks/stale.py` names those whose code is another now.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
import readme_figure
import update_readme
from stale import TRAINING, version

from mnist_helpers.files import write_text
from mnist_helpers.paths import NOTEBOOKS_DIR, RUNS_DIR, SHIPPED_DIR
from mnist_helpers.runner.execute import execute
from mnist_helpers.runner.notebooks import SERIES, read_notebook
from mnist_helpers.runner.pages import without_startup_notes, without_widget_views
from mnist_helpers.training.artifacts import CLEAN_MODEL
from mnist_helpers.training.metrics import read_metrics, write_metrics, write_model_card

# As a kernel describes itself; where a notebook says anything else, JupyterLab marks it as changed.
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# What a fresh clone shows, on the shipped models.
ON_SHIPPED_MODELS = ("04_evaluation", "05_robustness", "06_try_it")


def publishable(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Returns an executed notebook without what papermill and this machine added."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": notebook.metadata["language_info"]}
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
        cell.outputs = without_widget_views(without_startup_notes(cell.outputs))
    notebook.metadata["mnist_helpers"] = {"code": version(notebook)}
    return notebook


def main(run: str) -> None:
    """Refreshes everything from `runs/<run>/`."""
    folder = RUNS_DIR / run
    hybrid = read_metrics(folder)["phases"]["hybrid"]["model"]
    SHIPPED_DIR.mkdir(parents=True, exist_ok=True)
    code = {name: version(read_notebook(NOTEBOOKS_DIR / f"{name}.ipynb")) for name in TRAINING}
    write_metrics(folder, read_metrics(folder) | {"code": code})
    write_model_card(folder, hybrid)
    for name in (CLEAN_MODEL, hybrid, "metrics.json", "model_card.md"):
        shutil.copyfile(folder / name, SHIPPED_DIR / name)
    for name in dict.fromkeys(SERIES + ON_SHIPPED_MODELS):
        executed = folder / f"{name}.ipynb"
        if name in ON_SHIPPED_MODELS:
            executed = Path(tempfile.mkdtemp()) / executed.name
            values = {"MODEL": "shipped", "OUTPUT_DIR": str(executed.parent)}
            execute(read_notebook(NOTEBOOKS_DIR / executed.name), executed, values)
        notebook = publishable(nbformat.read(executed, as_version=4))
        write_text(NOTEBOOKS_DIR / f"{name}.ipynb", nbformat.writes(notebook) + "\n")
    update_readme.main()
    readme_figure.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
