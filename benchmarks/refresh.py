"""Takes over a finished full run as what the repository shows: `python benchmarks/refresh.py RUN`.

Copies the models with their card and metrics to trained_model/shipped/, evaluates them once more
from there, writes the executed notebooks over the committed ones, and renews the
README's table and figure.
Each notebook and the metrics record a hash of the code and the parameters they came from, by which
`python benchmarks/stale.py` names those whose code is another now.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
import papermill
import readme_figure
import update_readme
from stale import TRAINING, version

from mnist_helpers.files import write_text
from mnist_helpers.paths import NOTEBOOKS_DIR, PROJECT, RUNS_DIR, SHIPPED_DIR
from mnist_helpers.runner.notebook.read import notebook_parameters, read_notebook
from mnist_helpers.runner.page.notebook_page import outputs_to_keep
from mnist_helpers.training.artifacts import CLEAN_MODEL
from mnist_helpers.training.metrics import read_metrics, write_metrics, write_model_card

# The others show the shipped models, which this run has become.
TRAINED_IN_RUN = ("01_data_exploration", "02_clean_phase", "03_augmented_phase")
# As a kernel describes itself; where a notebook says anything else, JupyterLab marks it as changed.
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def publishable(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Returns an executed notebook without what papermill and this machine added."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": notebook.metadata["language_info"]}
    notebook.cells = [
        cell
        for cell in notebook.cells
        if "injected-parameters" not in cell.metadata.get("tags", [])
    ]
    for cell in notebook.cells:
        cell.metadata = {key: cell.metadata[key] for key in cell.metadata if key == "tags"}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, 1):
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
        cell.outputs = outputs_to_keep(cell.outputs)
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
    for path in sorted(NOTEBOOKS_DIR.glob("*.ipynb")):
        name, executed = path.stem, folder / path.name
        if name not in TRAINED_IN_RUN:  # as a fresh clone shows it: on the shipped models
            executed = Path(tempfile.mkdtemp()) / path.name
            known = notebook_parameters(path)
            values = {"MODEL": "shipped", "OUTPUT_DIR": str(executed.parent)}
            papermill.execute_notebook(
                path, executed, {key: value for key, value in values.items() if key in known},
                kernel_name="python3", cwd=PROJECT, progress_bar=False,
            )  # fmt: skip
        notebook = publishable(nbformat.read(executed, as_version=4))
        write_text(NOTEBOOKS_DIR / f"{name}.ipynb", nbformat.writes(notebook) + "\n")
    update_readme.main()
    readme_figure.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
