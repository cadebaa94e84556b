"""The notebooks themselves: their shape, and a real run of the series.

The series runs a second time in `test_recipes`, with the solutions of its exercises.
"""

import json
import re
import subprocess
import sys

import nbformat
import pytest

from mnist_helpers.parameters import PARAMETERS
from mnist_helpers.paths import NOTEBOOKS_DIR, PROJECT
from mnist_helpers.runner.notebook.read import SERIES

NOTEBOOKS = [NOTEBOOKS_DIR / f"{name}.ipynb" for name in SERIES]


@pytest.fixture(params=sorted(NOTEBOOKS_DIR.glob("*.ipynb")), ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_holds_the_outputs_of_one_clean_run_and_no_trace_of_its_machine(notebook):
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)
    text = json.dumps(notebook)
    assert len(text) < 1_000_000
    assert "widgets" not in notebook.metadata and "papermill" not in notebook.metadata
    # As a kernel describes itself, or JupyterLab shows the notebook as changed once it is open.
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    assert notebook.metadata.kernelspec == kernel
    assert str(PROJECT) not in text


def test_its_cells_are_short_and_leave_definitions_to_the_library(notebook):
    for cell in code_cells(notebook):
        assert len(cell.source.splitlines()) <= 15, cell.source
        assert not re.search(r"^\s*(def|class) ", cell.source, re.M), cell.source
    prose = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    assert 14 <= len(notebook.cells) <= 34
    assert len(prose) >= 0.7 * len(code_cells(notebook))


def test_it_needs_few_names_of_the_library(notebook):
    text = "\n".join(cell.source for cell in code_cells(notebook))
    rooms = "|".join(re.findall(r"^from mnist_helpers import (.+)", text, re.M)).replace(", ", "|")
    direct = ", ".join(re.findall(r"^from mnist_helpers\.\S+ import (.+)", text, re.M)).split(", ")
    used = {*re.findall(rf"(?<!\.)\b(?:{rooms})\.[A-Za-z]\w*", text), *direct}
    assert 1 < len(used) <= 15, sorted(used)


def test_its_parameters_are_known_typed_and_checked_by_the_next_cell(notebook):
    cells = code_cells(notebook)
    tags = [cell.metadata.get("tags", []) for cell in cells]
    (place,) = (i for i, given in enumerate(tags) if "parameters" in given)
    declared = []
    for line in cells[place].source.splitlines():
        name = re.fullmatch(r"([A-Z_]+): (int|float|str) = \S+  # .+", line)
        assert name and name[1] in PARAMETERS, line
        declared.append(name[1])
    checked = re.search(r"check_parameters\((.*?)\)", cells[place + 1].source, re.S)[1]
    # No result depends on OUTPUT_DIR, so 02 and 03 keep it out of what they record.
    assert {*declared} - {"OUTPUT_DIR"} <= {*re.findall(r"(\w+)=\1\b", checked)}


def test_its_figures_have_alternative_text(notebook):
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    tags = re.findall(r"<img [^>]*>", json.dumps(outputs))
    texts = [re.search(r'alt=\\"([^"]*)', tag) for tag in tags]
    figures = [output for output in outputs if "image/png" in output.get("data", {})]
    alternatives = [found[1] if found else "" for found in texts]
    alternatives += [figure.metadata.get("image/png", {}).get("alt", "") for figure in figures]
    assert alternatives
    assert all(len(text) >= 20 and text == " ".join(text.split()) for text in alternatives)


def test_links_lead_somewhere(notebook):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\(([^)#]+?\.(?:ipynb|md))\)", text):
        assert (NOTEBOOKS_DIR / target).exists(), target


@pytest.fixture(scope="module")
def quick_run(tmp_path_factory, dataset):
    """Runs the whole series quickly by the command that users call; its folder and its output."""
    folder = tmp_path_factory.mktemp("runs")
    command = [sys.executable, "-m", "mnist_helpers", "run", "--quick", "--dataset", dataset]
    done = subprocess.run(
        [*command, "--output", str(folder), "--name", "quick"],
        cwd=PROJECT, capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return folder / "quick", done.stdout


@pytest.mark.slow
def test_a_quick_run_leaves_models_pages_and_metrics_and_says_nothing_in_red(quick_run, dataset):
    folder, printed = quick_run
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["environment"]["dataset"] == dataset
    for phase in ("clean_phase", "hybrid"):
        measured = metrics["phases"][phase]
        low, high = measured["test_accuracy_interval"]
        # Two epochs on 2,000 digits reach about 0.9; a tenth is what guessing gives.
        assert 0.7 < low <= measured["test_accuracy"] <= high
        assert f"{measured['test_accuracy']:.2%}" in printed
    for name in (
        "clean_phase.keras", "best_clean_phase.keras", "best_model.keras",
        "mnist_model_hybrid_4epochs.keras", "model_card.md", "run.log",
        *(f"{name}.html" for name in SERIES), *(f"{name}.ipynb" for name in SERIES),
    ):  # fmt: skip
        assert (folder / name).stat().st_size > 0, name
    assert not list(folder.glob("*.state.npz"))
    # TensorFlow's start-up notes would stand there in a red box.
    for name in SERIES:
        for cell in code_cells(nbformat.read(folder / f"{name}.ipynb", as_version=4)):
            said = [output.text for output in cell.outputs if output.get("name") == "stderr"]
            assert not said, (name, cell.source)


def checked_outputs(path):
    """Returns what the cells tagged `nbval-check-output` show beside pictures, by the cells' id."""

    def shown(output):
        return output.get("text") or {k: v for k, v in output.data.items() if "image" not in k}

    return {
        cell.id: [*map(shown, cell.outputs)]
        for cell in code_cells(nbformat.read(path, as_version=4))
        if "nbval-check-output" in cell.metadata.get("tags", [])
    }


@pytest.mark.slow
def test_committed_outputs_still_come_out(quick_run, dataset):
    """The tagged cells say the same in a quick run as in the full one that was committed."""
    folder, _ = quick_run
    if dataset != "mnist":
        pytest.skip("the committed outputs are of MNIST, which cannot be had here")
    committed = {path.name: checked_outputs(path) for path in NOTEBOOKS}
    assert sum(map(len, committed.values())) >= 3
    for name, outputs in committed.items():
        assert checked_outputs(folder / name) == outputs, name
