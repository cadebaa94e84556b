"""From what is asked for to runs, and to the tasks that several runs may share."""

import hashlib
import importlib.metadata
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path

from mnist_helpers.paths import is_path
from mnist_helpers.runner.notebook.given_parameters import (
    Setting,
    all_parameters,
    declared_parameters,
    notebook_values,
)
from mnist_helpers.runner.notebook.read import code_sources, read_notebook, without_outputs
from mnist_helpers.runner.sweep.code_hash import code_version
from mnist_helpers.runner.sweep.sweep_file import read_definitions
from mnist_helpers.runner.sweep.sweep_yaml import SweepError
from mnist_helpers.runner.sweep.task import Task, read_status

TASKS_DIR = "tasks"
HASH_DIGITS = 10
# What a run leaves that was stopped before its first notebook, or while it wrote its state.
BEGINNINGS = re.compile(
    r"runner\.(lock|json)|run\.log|task\.lock|status\.json|\.(runner|status)\.json\.\d+\.tmp"
)
SWEEP_COPY = "sweep.yaml"  # in a sweep's folder: what was asked for


@dataclass(frozen=True)
class Run:
    """A run of a series of notebooks.

    Attributes:
        name: Readable and unique in the sweep.
        variant: Its variant's name; empty if the sweep has none.
        settings: What the sweep varies and this run's values of it, by label.
        tasks: One for each notebook.
    """

    name: str
    variant: str
    settings: dict
    tasks: list[Task]

    @property
    def folder(self) -> Path:
        """Where the run's results lie."""
        return self.tasks[-1].folder

    def state(self) -> tuple[str, str]:
        """Returns "done", "failed" or "waiting", and the error of a failed one."""
        if self.tasks[-1].state() == "done":
            return "done", ""
        for task in self.tasks:
            if task.state() == "failed":
                return "failed", task.entry()["error"]
        return "waiting", ""


def plan_run(notebooks: list[Path], parameters: dict, folder: Path) -> Run:
    """Plans one run, all of whose notebooks write into one folder.

    Args:
        notebooks: Paths, in order; their names must differ.
        parameters: Values by name, checked before.
        folder: New, empty, or with an unfinished run of the same notebooks and parameters.

    Raises:
        FileExistsError: The folder holds something else.
    """
    settings = [Setting(name, value) for name, value in parameters.items()]
    run = Run(folder.name, "", {}, _tasks(notebooks, settings, {}))
    for task in run.tasks:
        task.folder = folder
    _check_folder(folder, run)
    return run


def _check_folder(folder: Path, run: Run) -> None:
    status = read_status(folder)
    expected = {task.name: task.parameters for task in run.tasks}
    if not status:
        _refuse_other_files(folder)
    elif any(entry.get("parameters") != expected.get(name) for name, entry in status.items()):
        raise FileExistsError(
            f"{folder} holds a run with other parameters or notebooks; choose another --name."
        )
    elif [status.get(name, {}).get("state") for name in expected] == ["done"] * len(expected):
        raise FileExistsError(f"{folder} holds a finished run; choose another --name.")


def _refuse_other_files(folder: Path) -> None:
    names = [path.name for path in folder.iterdir()] if folder.exists() else []
    if not all(map(BEGINNINGS.fullmatch, names)):
        raise FileExistsError(f"{folder} holds other files; choose another --name.")


def make_plan(file: Path, folder: Path) -> list[Run]:
    """Plans a sweep's runs.

    Args:
        file: A sweep file.
        folder: Where the sweep keeps everything.

    Raises:
        OSError: The file cannot be read, or the folder holds something else.
        SweepError: The file says something impossible, or two runs are the same.
    """
    marks = SWEEP_COPY, "*/status.json", f"{TASKS_DIR}/*/status.json"
    if not any(any(folder.glob(mark)) for mark in marks):
        _refuse_other_files(folder)
    known: dict[str, Task] = {}
    runs: dict[str, Run] = {}
    try:
        for run in read_definitions(file):
            try:
                tasks = _tasks(run.notebooks, run.settings, known)
            except (ValueError, OSError) as error:  # of a data set, which the key depends on
                raise SweepError(run.line, str(error)) from error
            key = tasks[-1].key
            if key in runs:
                names = f"{runs[key].name} and {run.name}"
                text = f"The runs {names} are the same; each must do something else."
                raise SweepError(run.line, text)
            runs[key] = Run(run.name, run.variant, run.varied, tasks)
    except SweepError as error:
        error.args = (f"{file}, {error}",)
        raise
    _place(known, runs, folder)
    return list(runs.values())


def pending_tasks(runs: list[Run], states: Collection[str] = ("waiting",)) -> list[Task]:
    """Returns the tasks that are still needed, parents before children; what is done stays.

    Args:
        runs: The sweep.
        states: Of the runs that are wanted; the others are left as they are.
    """
    needed: dict[str, Task] = {}
    for run in runs:
        if run.state()[0] in states:
            # A task that is done makes all before it unnecessary.
            left = list(takewhile(lambda task: task.state() != "done", reversed(run.tasks)))
            needed |= {task.key: task for task in reversed(left)}
    return list(needed.values())


def _tasks(notebooks: list[Path], settings: list[Setting], known: dict[str, Task]) -> list[Task]:
    """Returns a run's tasks without their folders, and adds those whose key is not known yet."""
    tasks: list[Task] = []
    for notebook in notebooks:
        parent = tasks[-1] if tasks else None
        values = notebook_values(notebook, settings)
        parameters, code = all_parameters(notebook, values), _version(notebook)
        before, data = parent.key if parent else "", parameters.get("DATASET", "none")
        facts = [before, notebook.stem, parameters, code, _data_version(data)]
        key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        if key not in known:
            known[key] = Task(
                name=notebook.stem, notebook=_content(notebook), values=values,
                parameters=parameters, code=code, key=key, parent=parent, folder=Path(),
                takes_folder="OUTPUT_DIR" in declared_parameters(notebook),
            )  # fmt: skip
        tasks.append(known[key])
    return tasks


def _place(tasks: dict[str, Task], runs: dict[str, Run], folder: Path) -> None:
    """Gives each task its folder: what ends a run one with the run's name, the others one aside."""
    # A folder is known by its hash, so that a renamed run finds its results.
    present = {
        path.name.rpartition("-")[2]: path
        for path in [*(folder / TASKS_DIR).glob("*-*"), *folder.glob("*-*")]
    }
    for key, task in tasks.items():
        digits = key[:HASH_DIGITS]
        new = folder / TASKS_DIR / f"{task.name}-{digits}"
        if key in runs:
            # What every file system takes.
            name = re.sub(r"[^\w.=]+", "-", runs[key].name, flags=re.ASCII).strip("-")[:80]
            new = folder / f"{name}-{digits}"
        task.folder = present.get(digits, new)


@cache
def _content(notebook: Path) -> dict:
    return without_outputs(read_notebook(notebook))


@cache
def _version(notebook: Path) -> str:
    return code_version(code_sources(_content(notebook)))


@cache
def _data_version(dataset: str) -> str:
    """Names the data; MNIST has no versions, as each load compares it with its checksums."""
    if is_path(dataset):
        from mnist_helpers.data.datasets import dataset_fingerprint

        return dataset_fingerprint(dataset)
    return importlib.metadata.version("scikit-learn") if dataset == "digits" else dataset
