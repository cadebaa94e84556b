"""The recipes of CONTRIBUTING.md: each block is run as it stands there, on made-up images."""

import csv
import gzip
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from mnist_helpers.data.mnist import IDX_FILES
from mnist_helpers.evaluation import predictions
from mnist_helpers.paths import PROJECT
from mnist_helpers.training import artifacts, pipeline
from mnist_helpers.training.model_choice import training_parameters
from tests.test_custom_data import NAMES, made_up

TEXT = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")


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
    content = file.read_text(encoding="utf-8")
    assert content.count(before) == 1, before
    file.write_text(content.replace(before, text + before), encoding="utf-8")


def change(file, edit):
    notebook = nbformat.read(file, as_version=4)
    edit(notebook.cells)
    nbformat.write(notebook, file)


def cell_with(cells, text):
    (cell,) = (cell for cell in cells if cell.cell_type == "code" and text in cell.source)
    return cell


def call(project, *command):
    environment = os.environ | {"PYTHONPATH": str(project)}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=project, env=environment, capture_output=True, text=True, timeout=550,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    return done.stdout


@pytest.fixture(scope="module")
def recipe_project(tmp_path_factory):
    """A copy of the project, with an augmentation and a metric more, before anything has run."""
    copy = tmp_path_factory.mktemp("copy") / "project"
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("mnist_helpers", "notebooks", "tests"):
        shutil.copytree(PROJECT / name, copy / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(PROJECT / name, copy)
    insert(
        copy / "mnist_helpers/training/transforms.py",
        "\n    @property\n    def parameters(self)",
        FIELD,
    )
    with (copy / "mnist_helpers/evaluation/predictions.py").open("a", encoding="utf-8") as file:
        file.write("\n\n" + METRIC)
    insert(
        copy / "mnist_helpers/evaluation/model_evaluation.py",
        '        "temperature": temperature,\n',
        SUMMARY,
    )
    insert(
        copy / "mnist_helpers/evaluation/model_evaluation.py",
        "from mnist_helpers.evaluation.significance import",
        IMPORT,
    )

    def with_parameter(cells):
        cell = cell_with(cells, "AUGMENTED_SHARE: float")
        cell.source += "\n" + PARAMETER.rstrip()
        cell = cell_with(cells, "make_augmentation(")
        last = "    zoom_fraction=ZOOM_FRACTION,\n"
        assert last in cell.source
        cell.source = cell.source.replace(last, last + ARGUMENT)

    change(copy / "notebooks/03_augmented_phase.ipynb", with_parameter)
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
def test_an_augmentation_is_known_to_pipeline_slider_limits_and_curve(recipe_project, tmp_path):
    images = np.zeros((30, 28, 28), np.uint8)
    images[:, 4:24, 9:19] = 255  # ten wide
    np.save(tmp_path / "images.npy", images)
    files = str(tmp_path / "images.npy"), str(tmp_path / "moved.npy")
    printed = call(recipe_project, "-c", AFTER_THE_AUGMENTATION, *files)
    found = json.loads(printed)
    still, stretched = map(np.array, found["widths"])
    assert (still == 10).all() and stretched.min() < 8 and stretched.max() > 12
    assert found["slider"] == "stretch" and found["moved"] and found["chosen"] == 0.5
    assert found["limit"] == "a number from 0 to below 1"
    assert found["curve"] == [0.1] * 5 and found["wider"] == 16 and found["met"] == 3
    # The moves that were there before have not changed by a bit.
    from mnist_helpers.training.augmentation import Augmentation

    np.testing.assert_array_equal(
        np.load(tmp_path / "moved.npy"), Augmentation()(images[..., None], [1, 2])
    )


def test_an_augmentation_can_be_swept_and_a_wrong_amount_is_refused(recipe_project, tmp_path):
    file = tmp_path / "stretch.yaml"
    sweep = recipe_project, "-m", "mnist_helpers", "sweep", str(file), "--dry-run"
    file.write_text(GRID)
    plan = call(*sweep)
    assert all(f"STRETCH_FRACTION={value}" in plan for value in (0.0, 0.2, 0.4))
    file.write_text(GRID.replace("0.4", "1.0"))
    with pytest.raises(AssertionError, match="STRETCH_FRACTION must be a number from 0 to below 1"):
        call(*sweep)


def test_another_network_trains_is_saved_and_comes_back(tmp_path):
    scope = {"keras": keras, "SEED": 3}
    exec(NETWORK, scope)
    network, arrays = scope["network"], made_up(train=600)
    images, labels = arrays["x_train"], arrays["y_train"]
    network.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    batches = pipeline.training_dataset(images, labels, epochs=8, batch_size=50)
    network.fit(batches, epochs=8, steps_per_epoch=12, shuffle=False, verbose=0)
    history = [{"epoch": 1, "val_accuracy": 1.0, "seconds": 1.0, "cpu_seconds": 2.0}]
    saved = artifacts.save_phase(network, tmp_path, "clean_phase", "own.keras", history)
    loaded = artifacts.load_model(saved)
    images = pipeline.to_input(arrays["x_test"])
    np.testing.assert_allclose(loaded(images), network(images), atol=1e-6)
    assert (loaded(images).numpy().argmax(axis=1) == arrays["y_test"]).mean() > 0.9


def test_a_metric_counts_what_it_says():
    scope = dict(vars(predictions))
    exec(METRIC, scope)
    chances = np.full((3, 10), 0.01)
    chances[:, 4], chances[:, 7] = 0.51, 0.41
    assert scope["top_two_accuracy"](np.array([4, 7, 1]), chances) == pytest.approx(2 / 3)


def write_fashion(folder):
    """Writes a small data set as Fashion-MNIST has it."""
    folder.mkdir(parents=True)
    for name, array in made_up(train=480, test=100).items():
        head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
        (folder / f"{IDX_FILES[name]}.gz").write_bytes(gzip.compress(head + array.tobytes()))
    (folder / "class_names.txt").write_text("\n".join(NAMES) + "\n")


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
def changed(recipe_project):
    """The copy with all five recipes, its own network and data included."""
    write_fashion(recipe_project / "data/fashion")
    write_eighth(recipe_project / "notebooks")
    insert(
        recipe_project / "mnist_helpers/runner/notebook/read.py", '"05_robustness"\n', '"08_name", '
    )

    def with_network(cells):
        cell = cell_with(cells, "training.build_cnn(SEED)")
        cell.source = cell.source.replace("network = training.build_cnn(SEED)\n", NETWORK)

    def with_metric(cells):
        place = cells.index(cell_with(cells, "scores = {name: evaluation.calibration_scores"))
        cells.insert(place + 1, new_code_cell(SHOWN.rstrip()))

    change(recipe_project / "notebooks/02_clean_phase.ipynb", with_network)
    change(recipe_project / "notebooks/05_robustness.ipynb", with_metric)
    return recipe_project


def printed(notebook):
    cells = [cell for cell in nbformat.read(notebook, 4).cells if cell.cell_type == "code"]
    return "".join(str(output) for cell in cells for output in cell.outputs)


@pytest.mark.slow
def test_the_notebooks_run_on_another_data_set_with_all_that_was_added(changed, tmp_path):
    program, *arguments = shlex.split(COMMAND)
    assert program == "python"
    said = call(changed, *arguments, "--name", "fashion", "-p", "STRETCH_FRACTION", "0.2")
    assert "Data: fashion (not MNIST)" in said
    folder = changed / "runs/fashion"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["environment"]["dataset"] == "data/fashion"
    phases = metrics["phases"]
    assert phases["hybrid"]["parameters"]["STRETCH_FRACTION"] == 0.2
    for phase in ("clean_phase", "hybrid"):
        assert phases[phase]["test_accuracy"] > 0.5  # a tenth is what guessing gives
        assert phases[phase]["test_accuracy"] <= phases[phase]["top_two_accuracy"] <= 1
    network = artifacts.load_model(folder / "clean_phase.keras")
    assert [type(layer).__name__ for layer in network.layers[1:]] == ["Conv2D", "Flatten", "Dense"]
    assert "stretch 20% at most" in printed(folder / "03_augmented_phase.ipynb")
    tested = printed(folder / "05_robustness.ipynb")
    assert "among the two most probable digits" in tested and "fashion (not MNIST)" in tested
    measured = training_parameters(folder / phases["hybrid"]["model"])
    assert measured["DATASET"] == "data/fashion"
    with (folder / "results.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert 0 < float(row["metrics.test_accuracy"]) <= float(row["metrics.top_two_accuracy"]) <= 1
    assert row["metrics.dataset_title"] == "fashion (not MNIST)"
    keep_as_committed(folder / "08_name.ipynb", changed / "notebooks/08_name.ipynb")
    # Old packages warn of what newer ones of others deprecate.
    checks = ["tests/test_notebooks.py", "-m", "not slow", "-k", "08_name", "-q", "-W", "default"]
    assert " passed" in call(changed, "-m", "pytest", "-p", "no:cacheprovider", *checks)
    (tmp_path / "eighth.yaml").write_text(NOTEBOOKS)
    sweep = "-m", "mnist_helpers", "sweep", str(tmp_path / "eighth.yaml"), "--dry-run"
    assert "08_name" in call(changed, *sweep)


def keep_as_committed(ran: Path, target: Path):
    """Takes an executed notebook over without what papermill has added."""
    notebook = nbformat.read(ran, 4)
    notebook.cells = [c for c in notebook.cells if "injected-parameters" not in c.metadata.tags]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        cell.execution_count = number
        cell.metadata = {"tags": cell.metadata.tags} if cell.metadata.tags else {}
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
    notebook.metadata.pop("papermill")
    nbformat.write(notebook, target)
