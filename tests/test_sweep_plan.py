"""What a sweep's file may say, and what is planned from it; nothing here starts a kernel."""

import itertools
import os
import time
from pathlib import Path
from unittest.mock import Mock
from urllib.parse import quote

import papermill
import pytest

from mnist_helpers.files import read_json, write_json
from mnist_helpers.paths import NOTEBOOKS_DIR, PROJECT
from mnist_helpers.runner.cli.sweep import _describe
from mnist_helpers.runner.notebook.read import code_sources, notebook_parameters, read_notebook
from mnist_helpers.runner.sweep import code_hash
from mnist_helpers.runner.sweep import task as task_module
from mnist_helpers.runner.sweep.code_hash import code_version
from mnist_helpers.runner.sweep.plan import SWEEP_COPY, make_plan, pending_tasks
from mnist_helpers.runner.sweep.results import write_results
from mnist_helpers.runner.sweep.schedule import InProcess, settle_tasks
from mnist_helpers.runner.sweep.sweep_yaml import SweepError
from mnist_helpers.runner.sweep.time_estimate import Estimate
from tests import hostile_sweeps
from tests.limits import conclude, measure, needs_linux
from tests.stress import VARIABLE, often
from tests.tiny import forget_notebooks, write_notebook, write_training

BOTH = "notebooks: [01_first.ipynb, 02_second.ipynb]\n"
GRID_OF_A_BILLION = "".join(f"  P{n}: {list(range(10))}\n" for n in range(9))
BOMBS = [
    f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}]\n" for a, b in itertools.pairwise("abcdefghijklm")
]
ALIAS_BOMB, INNER_BOMB = "".join(BOMBS), "".join("  " + bomb for bomb in BOMBS)


@pytest.fixture
def plan(tmp_path):
    """Plans a sweep of two notebooks that pretend to train."""
    write_training(tmp_path / "01_first.ipynb", "clean_phase")
    write_training(tmp_path / "02_second.ipynb", "hybrid")

    def make(text):
        file = tmp_path / "study.yaml"
        file.write_text(text, encoding="utf-8")
        return make_plan(file, tmp_path / "runs")

    return make


@pytest.mark.parametrize(("text", "message"), [
    ("", r"line 1: A sweep has at least one of the sections notebooks, fixed, variants"),
    ("seeds: 2\ngrid: {A: [1", "line 2: This is not YAML"),
    ("seeds: 2\nseeds: 3", "line 2: This is not YAML: seeds is there twice"),
    (BOTH + "seed: 2", "line 2: There is no section seed; there are notebooks"),
    ("notebooks: [09_none]", "line 1: There is no notebook 09_none; the project has 01_data"),
    ("notebooks: 01_first.ipynb", "line 1: notebooks must be a list"),
    ("notebooks: [01_first.ipynb, 01_first.ipynb]", "line 1: A notebook is named twice"),
    (BOTH + "fixed:\n  EPOCHS: 3\n  EPOCS: 4", "line 4: There is no parameter EPOCS. "
     "Did you mean EPOCHS. The notebooks can take EPOCHS, OUTPUT_DIR, SECONDS, SEED, SHARE"),
    (BOTH + "fixed: {01_first: {EPOCS: 4}}", "Did you mean EPOCHS. 01_first can take EPOCHS, OUT"),
    (BOTH + "fixed:\n  EPOCHS: 3.5", "line 3: EPOCHS must be an integer, not 3.5"),
    (BOTH + "fixed: {EPOCHS: &yes true}", "line 2: EPOCHS must be an integer, not True"),
    (BOTH + "grid:\n  EPOCHS: [1, two]", "line 3: EPOCHS must be an integer, not 'two'"),
    ("fixed: {DATASET: 'ftp://x/y.npz'}", "line 1: DATASET = .* names no file or folder"),
    ("fixed: {DATASET: data/none}", "study.yaml, line 1: DATASET names"),
    (BOTH + "fixed: {OUTPUT_DIR: x}", "line 2: OUTPUT_DIR cannot be set"),
    (BOTH + "fixed: {03_x: {EPOCHS: 1}}", "There is no notebook 03_x here; there are 01_first"),
    (BOTH + "grid: {}", "line 2: grid must name parameters"),
    (BOTH + "grid:\n  SHARE: []", "line 3: SHARE in grid must have a list of values, not"),
    (BOTH + "grid:\n  SHARE: 0.5", "line 3: SHARE in grid must have a list of values, not 0.5"),
    (BOTH + "zip:\n  SHARE: [0, 1]\n  EPOCHS: [1]", "line 4: EPOCHS has 1 values and SHARE 2"),
    (BOTH + "seeds: 0", "line 2: seeds must be how many"),
    (BOTH + "seeds: [1, 1]", "The runs SEED=1 and SEED=1 are the same"),
    (BOTH + "seeds: [-1]", "line 2: SEED must be an integer from 0"),
    (BOTH + "fixed: {SEED: 1}\nseeds: 2", "line 3: SEED is given elsewhere in the file, too"),
    (BOTH + "variants: []", "line 2: variants must be a list, each with a name"),
    (BOTH + "variants:\n- EPOCHS: 3", "line 3: Each variant must have a name"),
    (BOTH + "grid:\n" + GRID_OF_A_BILLION, "2: These are 1000000000 runs; .* 10,000 at most"),
    ("x: " + "[" * 3000, "line 1: This is nested more than 20 deep"),
    ("a: &a [x, x]\n" + ALIAS_BOMB, "There is no section a"),
    ("fixed:\n  a: &a [x, x]\n" + INNER_BOMB, "line 2: There is no parameter a"),
    ("fixed:\n  EPOCHS: &a [x, x]\n" + INNER_BOMB, "EPOCHS must be an integer, not a list"),
    ("seeds: 2\nfixed: {SEED: !!int ''}", "line 2: Write the value without the tag tag:yaml"),
    ("fixed: {SEED: 2001-01-01}", "line 1: SEED must be an integer, not datetime.date"),
    ("fixed: {SEED: 1:30}", "line 1: SEED must be an integer, not '1:30'"),
    ("\x00", "line 1: This is not YAML"),
    ("seeds: 2 # " + "x" * 300_000, "line 1: The file has more than 100,000 bytes"),
    (BOTH + "variants:\n- name: a\n- name: a", "line 4: There are two variants named a"),
    (BOTH + "variants:\n- name: a\n- name: b", "line 4: The runs a and b are the same"),
    (BOTH + "variants:\n- name: a\n  EPOCS: 1", "line 4: There is no parameter EPOCS"),
    ("fixed: {AUGMENTED_SHARE: 0.5}", r"0.0 in 02_clean_phase, 0.5 in 03_augmented_phase; "
     "say which you mean, for example 03_augmented_phase.AUGMENTED_SHARE"),
    ("fixed: {BATCH_SIZE: 200, MAX_TRAINING_IMAGES: 128}",
     "line 1: BATCH_SIZE 200 is more than MAX_TRAINING_IMAGES 128"),
    ("fixed: {BATCH_SIZE: 1}", "AUGMENTED_SHARE 0.5 of BATCH_SIZE 1 is no whole image"),
])  # fmt: skip
def test_what_is_wrong_with_a_sweep_is_said_with_its_line(plan, text, message):
    with pytest.raises(SweepError, match=message):
        plan(text)


def test_the_command_refuses_before_anything_starts(tmp_path, said):
    (tmp_path / "study.yaml").write_text("seeds: 2\nfixed: {EPOCS: 4}")
    refusal = said(2, "sweep", tmp_path / "study.yaml", "--output", tmp_path / "runs")
    assert "study.yaml, line 2: There is no parameter EPOCS" in refusal
    assert "none.yaml" in said(2, "sweep", tmp_path / "none.yaml")
    assert not (tmp_path / "runs").exists()


def test_grid_zip_and_seeds_multiply_and_scopes_win(plan):
    runs = plan(
        BOTH
        + "fixed: {02_second: {EPOCHS: 7}, EPOCHS: 1}\n"
        + "grid: {SHARE: [0, 1]}\n"
        + "zip: {02_second: {SECONDS: [1e-3, 2]}, 01_first: {SECONDS: [3, 4]}}\n"
        + "seeds: [5]"
    )
    assert [run.name for run in runs] == [
        "SHARE=0, 02_second.SECONDS=0.001, 01_first.SECONDS=3, SEED=5",
        "SHARE=0, 02_second.SECONDS=2, 01_first.SECONDS=4, SEED=5",
        "SHARE=1, 02_second.SECONDS=0.001, 01_first.SECONDS=3, SEED=5",
        "SHARE=1, 02_second.SECONDS=2, 01_first.SECONDS=4, SEED=5",
    ]
    first, second = runs[2].tasks
    assert first.values == {"EPOCHS": 1, "SHARE": 1, "SECONDS": 3, "SEED": 5}
    assert second.values == {"EPOCHS": 7, "SHARE": 1, "SECONDS": 0.001, "SEED": 5}
    assert second.parent is first


def test_variants_have_notebooks_and_values_of_their_own_and_share_what_is_equal(plan):
    runs = plan(
        BOTH
        + "variants:\n"
        + "- name: one phase\n  notebooks: [01_first.ipynb]\n  EPOCHS: 4\n"
        + "- name: ours\n"
        + "- {name: twice, 02_second: {SHARE: 0.0}}\n"
        + "- {name: short, notebooks: [01_first.ipynb], EPOCHS: 2}\n"
    )
    assert [run.variant for run in runs] == ["one phase", "ours", "twice", "short"]
    one, ours, twice, short = (run.tasks for run in runs)
    assert len(one) == 1 and one[0].parameters["EPOCHS"] == 4
    assert ours[0] is twice[0] is short[0]  # EPOCHS 2 is the default
    assert short[0].folder.name.startswith("short-")
    assert ours[1].key != twice[1].key


def test_a_key_changes_with_values_and_code_but_not_with_outputs_or_names(plan, tmp_path):
    def key(text=BOTH + "fixed: {EPOCHS: 2}"):
        forget_notebooks()
        return plan(text)[0].tasks[-1].key

    before = key()
    assert key(BOTH + "fixed: {SHARE: 0.5}") == before  # both are defaults
    assert key(BOTH + "variants: [{name: renamed}]") == before
    assert key(BOTH + "fixed: {01_first: {EPOCHS: 3}}") != before
    write_notebook(tmp_path / "02_second.ipynb", "1 + 1")
    assert key() != before


def test_the_code_version_covers_the_rooms_that_are_imported(monkeypatch, tmp_path):
    package = tmp_path / "mnist_helpers"
    files = {
        "__init__.py": "import lazy_loader",
        "training/__init__.py": 'attach(__name__, submod_attrs={"model": ["build_cnn"]})',
        "training/model.py": "from mnist_helpers.validation import check\nx = 1",
        "validation.py": "y = 1",
        "widgets/__init__.py": "",
        "widgets/pad.js": "draw()",
        "runner/__init__.py": "z = 1",
    }
    for name, text in files.items():
        (package / name).parent.mkdir(exist_ok=True, parents=True)
        (package / name).write_text(text)
    monkeypatch.setattr(code_hash, "PACKAGE_DIR", package)
    cells = ["%matplotlib inline\nprint('IPython')", "from mnist_helpers import training, widgets"]

    def changed(file, text, **options):
        before = code_version(cells, **options)
        (package / file).write_text(text)
        return code_version(cells, **options) != before

    assert changed("training/model.py", "from mnist_helpers.validation import check\nx = 2")
    same = '"""What."""\n\nfrom mnist_helpers.validation import check\nx = 2  # two'
    assert not changed("training/model.py", same)
    assert changed("training/model.py", "from mnist_helpers.validation import check\nx = '# two'")
    assert changed("validation.py", "y = 2")
    assert not changed("runner/__init__.py", "z = 2")
    assert not changed("widgets/pad.js", "draw(2)")
    assert not changed("widgets/__init__.py", "draw()")
    assert changed("widgets/pad.js", "draw(3)", ignored=())
    assert code_version(cells) != code_version([*cells, "1"])
    cells = ["from mnist_helpers import build_cnn"]  # lazily, from a room that is not named
    assert changed("training/model.py", "x = 3")


def test_03_counts_its_training_and_not_its_set_up_cell():
    cells = code_sources(read_notebook(NOTEBOOKS_DIR / "03_augmented_phase.ipynb"))
    assert code_version(cells) != code_version(cells, ignored=(*code_hash.SHOWS, "training"))
    assert "%pip" not in "".join(cells)


def test_parameters_are_read_as_papermill_reads_them():
    for path in NOTEBOOKS_DIR.glob("0*.ipynb"):
        expected = papermill.inspect_notebook(str(path))
        found = notebook_parameters(path)
        assert list(found) == list(expected)
        for name, parameter in found.items():
            assert parameter["inferred_type_name"] == expected[name]["inferred_type_name"]
            assert expected[name]["help"], f"{name} in {path.name} has no comment"


@pytest.mark.parametrize("name", ["strategy", "seeds", "augmentation_strength"])
def test_the_projects_sweeps_can_be_planned(name, tmp_path):
    runs = make_plan(PROJECT / "sweeps" / f"{name}.yaml", tmp_path)
    trained = {sum(task.parameters.get("EPOCHS", 0) for task in run.tasks) for run in runs}
    assert trained == {20}  # epochs, so that all have the same number of updates
    if name == "strategy":
        assert len(runs) == 6 * 5
        assert "Notebooks: 100 in all, 100 left" in _describe(runs, tmp_path, ("waiting",))
        first_tasks = {run.tasks[0].key for run in runs}
        assert len(first_tasks) == 5 * 5  # two of the six share their clean phase


def test_the_estimate_scales_earlier_runs_by_what_they_trained(plan, tmp_path):
    short, long = (plan(BOTH + f"fixed: {{EPOCHS: {n}}}")[0].tasks[0] for n in (2, 6))
    entry = {"state": "done", "seconds": 10.0, "cores": 2, "parameters": short.parameters}
    write_json(short.folder / "status.json", {"notebooks": {short.name: entry}})
    estimate = Estimate(short.folder.parent.parent)
    assert estimate.core_seconds(long) == pytest.approx(60)
    assert estimate.is_known([long])


def test_status_files_of_other_programs_are_passed_over(plan, tmp_path):
    for number, content in enumerate(([], {"notebooks": {"x": {"seconds": 1}}}, {"notebooks": 3})):
        write_json(tmp_path / f"runs/{number}/status.json", content)
    assert not Estimate(tmp_path / "runs").known


def test_a_folder_that_holds_something_else_is_no_sweep_s(plan, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/results.csv").write_text("my,own,table")
    with pytest.raises(FileExistsError, match="runs holds other files; choose another --name"):
        plan(BOTH)
    (tmp_path / "runs" / SWEEP_COPY).touch()
    assert plan(BOTH)


@pytest.mark.parametrize(
    "given, threads", [("2,1", 2), ("3", 3), ("", None), ("many", None), ("0", None)]
)
def test_threads_are_counted_as_openmp_is_told_them(given, threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert task_module._threads() == (threads or len(task_module.cores()))


def test_what_is_done_is_left_even_under_another_name(plan):
    (run,) = plan(BOTH + "variants: [{name: a}]")
    first, second = pending_tasks([run])
    for task, left in ((first, [second]), (second, [])):
        entry = {"state": "done", "key": task.key}
        write_json(task.folder / "status.json", {"notebooks": {task.name: entry}})
        (renamed,) = plan(BOTH + "variants: [{name: b}]")
        assert [each.key for each in pending_tasks([renamed])] == [each.key for each in left]
    assert renamed.folder == second.folder and renamed.state() == ("done", "")


def test_a_thousand_runs_are_planned_run_and_tabulated_with_little_overhead(
    plan, tmp_path, monkeypatch
):
    def execute(notebook, output, values, listener):
        output.write_text('{"cells": []}')
        times = {"training_seconds": 1, "training_cpu_seconds": 1}
        phase = {"test_accuracy": values["SHARE"], **times}
        metrics = {"environment": {"dataset_title": "MNIST"}, "phases": {"hybrid": phase}}
        write_json(output.parent / "metrics.json", metrics)

    monkeypatch.setattr(task_module, "execute", execute)
    # Processor time, since a disk that others keep busy would be measured otherwise.
    marks = [time.process_time()]
    runs = plan(f"notebooks: [01_first.ipynb]\ngrid: {{SHARE: {[n / 1000 for n in range(1000)]}}}")
    marks.append(time.process_time())
    left = {task.key: task for task in pending_tasks(runs[:50])}
    settle_tasks(left, InProcess().run(left, False, lambda *_: None), Mock())
    marks.append(time.process_time())
    rows = write_results(runs, tmp_path / "runs")
    marks.append(time.process_time())
    planning, doing, tabulating = (after - before for before, after in itertools.pairwise(marks))
    assert [row["metrics.test_accuracy"] for row in rows[:50]] == [n / 1000 for n in range(50)]
    assert rows[0]["metrics.dataset_title"] == "MNIST" and rows[0]["params.SHARE"] == 0
    page = (tmp_path / "runs" / "results.html").read_text()
    assert page.count("<tr>") == 1001
    assert "metrics.<wbr>test_<wbr>accuracy</button>" in page  # a long name may break there
    assert planning + tabulating < 60
    assert doing / 50 < 0.2
    assert len(read_json(runs[0].folder / "status.json")["notebooks"]) == 1


@pytest.mark.slow
def test_local_workers_share_out_the_cores(tmp_path):
    from mnist_helpers.runner.sweep.dask_workers import dask_workers

    before = {name: os.environ.get(name) for name in task_module.THREADS}
    with dask_workers(tmp_path, workers=2) as pool:
        # What this process starts later keeps all its threads.
        assert {name: os.environ.get(name) for name in task_module.THREADS} == before
        threads = [int(n) for n in pool._client.run(os.getenv, "OMP_NUM_THREADS").values()]
        assert len(threads) == pool.slots == 2
        assert sum(threads) == max(pool.cores, 2) and max(threads) - min(threads) <= 1


def test_the_page_sorts_links_and_escapes(plan, tmp_path):
    (run,) = plan(BOTH + "variants: [{name: '=<b>bold</b>'}]")
    folder = Path(run.folder)
    folder.mkdir(parents=True)
    (folder / "01_first.ipynb").write_text("{}")
    (folder / "01_first.html").write_text("")
    (folder / "01_first.thumbnail.png").write_bytes(b"")
    write_results([run], tmp_path / "runs")
    page = (tmp_path / "runs" / "results.html").read_text()
    name = quote(folder.name)
    assert "&lt;b&gt;bold" in page and "<b>" not in page
    assert f'<a href="{name}/01_first.html"><img src="{name}/01_first.thumb' in page
    assert "http" not in page and "aria-sort" in page
    # A run that has no copy of its own shows the notebook that runs share.
    shared = run.tasks[0].folder
    shared.mkdir(parents=True)
    (folder / "01_first.ipynb").rename(shared / "01_first.ipynb")
    write_results([run], tmp_path / "runs")
    page = (tmp_path / "runs" / "results.html").read_text()
    assert f'<a href="tasks/{shared.name}/01_first.ipynb">' in page and name not in page
    # A spreadsheet would take it for a formula.
    assert "'=<b>bold" in (tmp_path / "runs" / "results.csv").read_text()


@needs_linux
@pytest.mark.slow
@pytest.mark.promise(6)
def test_hostile_files_stay_within_memory_and_time(tmp_path, record_property):
    first = int(os.environ.get(VARIABLE, 1))
    texts = list(hostile_sweeps.huge()) if often(0, 1) else list(hostile_sweeps.huge())[::3]
    seeds = range(first, first + often(30, 600))
    texts += [(f"seed {seed}", hostile_sweeps.damaged(seed)) for seed in seeds]
    specimens = []
    for name, text in texts:
        path = tmp_path / f"{len(specimens)}.yaml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        specimens.append((name, str(path)))
    measured = measure(hostile_sweeps.plan, specimens)
    conclude(record_property, "sweep files", measured)
    assert any(found.outcome.endswith(" runs") for found in measured)
