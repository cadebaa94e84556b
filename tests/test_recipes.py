"""The recipes of CONTRIBUTING.md, run as they stand there, and the notebooks' solutions.

All together change a copy of the project, which then runs the series on made-up images.
"""

import csv
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from mnist_helpers.evaluation import error_analysis
from mnist_helpers.paths import PROJECT
from mnist_helpers.training import artifacts
from mnist_helpers.training.augmentation import Augmentation
from mnist_helpers.training.model_choice import recorded_phase
from tests import test_notebooks
from tests.test_custom_data import made_up, write_fashion

TEXT = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")


FOLDED = re.compile(r"<details><summary>Solutions</summary>.*?</details>", re.S)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def blocks(title):
    """Returns the fenced blocks of a recipe, without their fences."""
    section = re.search(rf"^### {title}\n(.*?)(?=^###? )", TEXT, re.M | re.S)
    return re.findall(r"^```\w+\n(.*?)^```$", section[1], re.M | re.S)


FIELD, PARAMETER, ARGUMENT, GRID = blocks("Add an augmentation")
(NETWORK,) = blocks("Swap the network")
(COMMAND,) = blocks("Use another data set")
METRIC, IMPORT, SUMMARY, SHOWN = blocks("Add a metric")
PARAMETERS_CELL, CHECK_CELL, NOTEBOOKS = blocks("Add a notebook")


def insert(file, before, text):
    """Puts text, as far in, before the one place where a file has `before`."""
    margin = re.match(r"\n*( *)", before)[1]
    text = textwrap.indent(textwrap.dedent(text), margin)
    replace(file, before, text + before)


def replace(file, old, new):
    content = file.read_text(encoding="utf-8")
    assert content.count(old) == 1, old
    file.write_text(content.replace(old, new), encoding="utf-8")


def change(file, text, old, new, behind=()):
    """In a notebook's cell with a text, puts `new` in the place of `old`; then come more cells."""
    notebook = nbformat.read(file, as_version=4)
    (place,) = (n for n, cell in enumerate(notebook.cells) if text in cell.source)
    cell = notebook.cells[place]
    assert cell.cell_type == "code" and old in cell.source
    cell.source = cell.source.replace(old, new)
    notebook.cells[place + 1 : place + 1] = map(new_code_cell, behind)
    nbformat.write(notebook, file)


def solutions(path):
    """Returns the code of a notebook's folded solutions."""
    cells = nbformat.read(path, as_version=4).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return [code for folded in FOLDED.findall(prose) for code in BLOCK.findall(folded)]


def call(project, *command):
    environment = os.environ | {"PYTHONPATH": str(project)}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=project, env=environment, capture_output=True, text=True, timeout=550,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    return done.stdout


def write_eighth(notebooks):
    """Writes a notebook of 20 cells with a figure, out of the frame of the seventh."""
    frame = nbformat.read(notebooks / "07_compare_runs.ipynb", as_version=4)
    imports = new_code_cell(
        "from mnist_helpers.files import read_json\nfrom mnist_helpers.paths import output_dir\n"
        "from mnist_helpers.parameters import check_parameters\n"
        "from mnist_helpers.plotting import show\n\nimport matplotlib.pyplot as plt"
    )
    parameters = new_code_cell(PARAMETERS_CELL.rstrip(), metadata={"tags": ["parameters"]})
    check = new_code_cell(CHECK_CELL.rstrip())
    figure = new_code_cell(
        'metrics = read_json(output_dir(OUTPUT_DIR) / "metrics.json")\n'
        "figure, axes = plt.subplots()\n"
        'axes.bar(["accuracy"], [metrics["phases"]["clean_phase"]["test_accuracy"]])\n'
        'show(figure, "One bar as high as the accuracy of the clean phase.")'
    )
    prose = [new_markdown_cell(f"## Question {n}?\n\nIn words.") for n in range(17)]
    frame.cells = [*prose[:3], imports, parameters, check, *prose[3:], figure]
    nbformat.write(frame, notebooks / "08_name.ipynb")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project with all that the recipes add, before anything has run."""
    copy = tmp_path_factory.mktemp("copy") / "project"
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("mnist_helpers", "notebooks"):
        shutil.copytree(PROJECT / name, copy / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(PROJECT / name, copy)
    library, notebooks = copy / "mnist_helpers", copy / "notebooks"
    transforms = library / "training/transforms.py"
    insert(transforms, "\n    @property\n    def parameters(self)", FIELD)
    with (library / "evaluation/error_analysis.py").open("a", encoding="utf-8") as file:
        file.write("\n\n" + METRIC)
    report = library / "evaluation/model_evaluation.py"
    insert(report, '        "temperature": temperature,\n', SUMMARY)
    insert(report, "from mnist_helpers.evaluation.significance import", IMPORT)
    insert(library / "runner/notebook/read.py", '"05_robustness"\n', '"08_name", ')
    for path in notebooks.glob("0[1-5]*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        added = [*map(new_code_cell, solutions(path))]
        assert added, path.name
        notebook.cells += added
        nbformat.write(notebook, path)
    second, third, fifth = (next(notebooks.glob(f"0{n}*.ipynb")) for n in (2, 3, 5))
    change(second, "training.build_cnn(SEED)", "network = training.build_cnn(SEED)\n", NETWORK)
    declared = "AUGMENTED_SHARE: float"
    change(third, declared, declared, PARAMETER + declared)
    last = "    zoom_fraction=ZOOM_FRACTION,\n"
    change(third, "make_augmentation(", last, last + ARGUMENT)
    change(fifth, 'scores.style.format("{:.4f}")', "", "", [SHOWN.rstrip()])
    (copy / "data/fashion").mkdir(parents=True)
    write_fashion(copy / "data/fashion", made_up(train=960, test=100))
    write_eighth(notebooks)
    return copy


AFTER_THE_AUGMENTATION = """
import json, sys
from mnist_helpers import parameters
from mnist_helpers.evaluation import robustness
from mnist_helpers.training.augmentation import Augmentation
from mnist_helpers.widgets import AugmentationExplorer
import numpy as np

images, labels = np.load(sys.argv[1]), np.arange(30) % 10
def width(**amounts):
    columns = np.asarray(Augmentation(0, 0, 0, **amounts)(images[..., None], [1, 2])).max((1, 3))
    return (columns > 0.3).sum(axis=1)
np.save(sys.argv[2], Augmentation()(images[..., None], [1, 2]))
explorer = AugmentationExplorer(images, labels, Augmentation(stretch_fraction=0.2))
before = explorer.picture.value
explorer.sliders["stretch_fraction"].value = 0.5
sees = {"model": lambda damaged: np.eye(10)[np.zeros(len(damaged), int)]}
print(json.dumps({
    "widths": [width().tolist(), width(stretch_fraction=0.5).tolist()],
    "slider": explorer.sliders["stretch_fraction"].description,
    "moved": explorer.picture.value != before and "stretch 50%" in explorer.picture.value,
    "chosen": explorer.shown.stretch_fraction,
    "limit": parameters.PARAMETERS["STRETCH_FRACTION"].constraint,
    "curve": robustness.measure_robustness(sees, images, labels, ["stretch"])["model"]["stretch"],
    "wider": int((robustness.corrupt(images, "stretch", 5) > 0.3).any((0, 1)).sum()),
    "met": robustness.severities_seen_in_training("stretch", {"STRETCH_FRACTION": 0.3}),
}))
"""


@pytest.mark.slow
def test_an_augmentation_is_known_to_pipeline_slider_limits_and_curve(project, tmp_path):
    images = np.zeros((30, 28, 28), np.uint8)
    images[:, 4:24, 9:19] = 255  # ten wide
    np.save(tmp_path / "images.npy", images)
    files = str(tmp_path / "images.npy"), str(tmp_path / "moved.npy")
    found = json.loads(call(project, "-c", AFTER_THE_AUGMENTATION, *files))
    still, stretched = map(np.array, found["widths"])
    assert (still == 10).all() and stretched.min() < 8 and stretched.max() > 12
    assert found["slider"] == "stretch" and found["moved"] and found["chosen"] == 0.5
    assert found["limit"] == "a number from 0 to below 1"
    assert found["curve"] == [0.1] * 5 and found["wider"] == 16 and found["met"] == 3
    # The moves that were there before have not changed by a bit.
    before = Augmentation()(images[..., None], [1, 2])
    np.testing.assert_array_equal(np.load(tmp_path / "moved.npy"), before)


@pytest.mark.slow
def test_what_was_added_can_be_swept_and_a_wrong_amount_is_refused(project, tmp_path):
    def plan(text):
        (tmp_path / "study.yaml").write_text(text)
        file = str(tmp_path / "study.yaml")
        return call(project, "-m", "mnist_helpers", "sweep", file, "--dry-run")

    planned = plan(GRID)
    assert all(f"STRETCH_FRACTION={value}" in planned for value in (0.0, 0.2, 0.4))
    with pytest.raises(AssertionError, match="STRETCH_FRACTION must be a number from 0 to below 1"):
        plan(GRID.replace("0.4", "1.0"))
    assert "08_name" in plan(NOTEBOOKS)


def test_a_metric_counts_what_it_says():
    scope = dict(vars(error_analysis))
    exec(METRIC, scope)
    chances = np.full((3, 10), 0.01)
    chances[:, 4], chances[:, 7] = 0.51, 0.41
    assert scope["top_two_accuracy"](np.array([4, 7, 1]), chances) == pytest.approx(2 / 3)


def printed(notebook):
    return str([cell.outputs for cell in notebook.cells if cell.cell_type == "code"])


@pytest.fixture(scope="module")
def fashion(project):
    """Runs the series on another data set as the recipe says; its folder."""
    program, *arguments = shlex.split(COMMAND)
    assert program == "python"
    few = "-p", "EPOCHS", "1", "-p", "STRETCH_FRACTION", "0.2"
    said = call(project, *arguments, "--name", "fashion", *few)
    assert "Data: fashion (not MNIST)" in said
    return project / "runs/fashion"


@pytest.mark.slow
def test_the_notebooks_run_on_another_data_set_with_all_that_was_added(fashion):
    metrics = json.loads((fashion / "metrics.json").read_text())
    assert metrics["environment"]["dataset"] == "data/fashion"
    phases = metrics["phases"]
    assert phases["hybrid"]["parameters"]["STRETCH_FRACTION"] == 0.2
    for phase in ("clean_phase", "hybrid"):
        assert phases[phase]["test_accuracy"] > 0.5  # a tenth is what guessing gives
        assert phases[phase]["test_accuracy"] <= phases[phase]["top_two_accuracy"] <= 1
    network = artifacts.load_model(fashion / "clean_phase.keras")
    assert [type(layer).__name__ for layer in network.layers[1:]] == ["Conv2D", "Flatten", "Dense"]
    ran = {path.stem[:2]: nbformat.read(path, 4) for path in fashion.glob("*.ipynb")}
    assert sorted(ran) == ["01", "02", "03", "04", "05", "08"]
    for notebook in ran.values():
        assert not re.findall(r".{,40}\b1 (?:epoch|image|digit|run)s\b", printed(notebook))
    assert "stretch 20% at most" in printed(ran["03"])
    assert "among the two most probable digits" in printed(ran["05"])
    assert "fashion (not MNIST)" in printed(ran["05"])
    measured = recorded_phase(fashion / phases["hybrid"]["model"])
    assert measured["parameters"]["DATASET"] == "data/fashion"
    with (fashion / "results.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert 0 < float(row["metrics.test_accuracy"]) <= float(row["metrics.top_two_accuracy"]) <= 1
    assert row["metrics.dataset_title"] == "fashion (not MNIST)"
    committed = as_committed(ran["08"])
    checks = [
        check
        for name, check in vars(test_notebooks).items()
        if name.startswith("test_") and [*inspect.signature(check).parameters] == ["notebook"]
    ]
    assert len(checks) > 3
    for check in checks:
        check(committed)


@pytest.mark.slow
def test_run_again_where_chance_plays_a_part_they_show_the_same(project, fashion, tmp_path):
    copies = [shutil.copy(next(fashion.glob(f"0{n}*.ipynb")), tmp_path) for n in (3, 5)]
    checks = "-p", "no:cacheprovider", "--nbval", "-q", "--nbval-current-env"
    # Old packages warn of what newer ones of others deprecate.
    call(project, "-m", "pytest", *checks, "--nbval-cell-timeout=300", "-W", "default", *copies)


def as_committed(notebook):
    """Returns an executed notebook without what papermill has added."""
    cells = [c for c in notebook.cells if "injected-parameters" not in c.metadata.tags]
    code = [cell for cell in cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        cell.execution_count = number
        cell.metadata = {"tags": cell.metadata.tags} if cell.metadata.tags else {}
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
    notebook.cells = cells
    notebook.metadata.pop("papermill")
    return notebook
