"""From a sweep's definition to its runs, and to the steps that several runs may share."""

import ast
import hashlib
import importlib.metadata
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mnist_helpers.files import read_json
from mnist_helpers.paths import is_path
from mnist_helpers.runner.code_hash import code_version
from mnist_helpers.runner.notebooks import code_sources, read_notebook, without_outputs
from mnist_helpers.runner.settings import (
    check_settings,
    combinations,
    declared_parameters,
    file_name,
    label,
    notebook_values,
    run_name,
)
from mnist_helpers.runner.sweep_file import Definition, Setting, SweepError
from mnist_helpers.runner.task import Order

STEPS_DIR = "steps"
HASH_DIGITS = 10


@dataclass(frozen=True, eq=False)
class Step:
    """One notebook with its parameters, after the steps before it.

    Attributes:
        notebook: The notebook.
        values: The parameters that it is given, by name.
        key: Hash of its parameters, its code and data, and of the steps before; the same key, the
            same work.
        parent: The step before.
        folder: Where the results of all steps up to this one lie.
    """

    notebook: Path
    values: dict
    key: str
    parent: "Step | None"
    folder: Path

    @property
    def name(self) -> str:
        """The notebook's name without its extension."""
        return self.notebook.stem

    @property
    def parameters(self) -> dict:
        """Its values, and the defaults of what it is not given; not where it writes."""
        return _all_parameters(self.notebook, self.values)

    def order(self, pages: bool) -> Order:
        """Returns what a worker needs to know; `pages` asks for an HTML page."""
        return Order(
            name=self.name,
            notebook=_content(self.notebook),
            values=self.values,
            parameters=self.parameters,
            version=_version(self.notebook),
            key=self.key,
            folder=str(self.folder),
            parent=str(self.parent.folder) if self.parent else None,
            takes_folder="OUTPUT_DIR" in declared_parameters(self.notebook),
            pages=pages,
        )

    def entry(self) -> dict:
        """Returns what the folder's status says of this step; `{}` if nothing."""
        status = read_json(self.folder / "status.json", {})
        return status.get("notebooks", {}).get(self.name, {})

    def state(self) -> str:
        """Returns "done", "failed", or "waiting" also for what was broken off."""
        state = self.entry().get("state")
        return state if state in ("done", "failed") else "waiting"


@dataclass(frozen=True)
class Run:
    """A run of a series of notebooks.

    Attributes:
        name: Readable and unique in the sweep.
        variant: Its variant's name; empty if the sweep has none.
        settings: What the sweep varies and this run's values of it, by label.
        steps: One for each notebook.
    """

    name: str
    variant: str
    settings: dict
    steps: list[Step]

    @property
    def folder(self) -> Path:
        """Where the run's results lie."""
        return self.steps[-1].folder

    def state(self) -> tuple[str, str]:
        """Returns "done", "failed" or "waiting", and the error of a failed one."""
        if self.steps[-1].state() == "done":
            return "done", ""
        for step in self.steps:
            if step.state() == "failed":
                return "failed", step.entry()["error"]
        return "waiting", ""


def make_plan(definition: Definition, folder: Path) -> list[Run]:
    """Plans a sweep's runs.

    Args:
        definition: What the file says.
        folder: Where the sweep keeps everything.

    Raises:
        SweepError: A parameter is unknown, or its value wrong, or two runs are the same.
    """
    check_settings(definition)
    chains: list[tuple] = []
    ends: dict[str, str] = {}
    for variant in definition.variants:
        for swept in combinations(definition):
            settings = [*definition.fixed, *variant.settings, *swept]
            chain = _chain(variant.notebooks, settings)
            name, key = run_name(definition, variant, swept), chain[-1][2]
            if key in ends:
                text = f"The runs {ends[key]} and {name} are the same; each must do something else."
                raise SweepError(definition.path, variant.line, text)
            ends[key] = name
            varied = {label(definition, setting): setting.value for setting in swept}
            chains.append((name, variant.name, varied, chain))
    steps = _make_steps([chain for *_, chain in chains], ends, folder)
    return [
        Run(name, variant, varied, [steps[key] for *_, key in chain])
        for name, variant, varied, chain in chains
    ]


def _chain(notebooks: list[Path], settings: list[Setting]) -> list[tuple[Path, dict, str]]:
    """Returns notebook, values and key of each of a run's steps."""
    chain, key = [], ""
    for notebook in notebooks:
        values = notebook_values(notebook, settings)
        parameters = _all_parameters(notebook, values)
        facts = [key, notebook.stem, parameters, _version(notebook), _data_version(parameters)]
        key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        chain.append((notebook, values, key))
    return chain


def _all_parameters(notebook: Path, values: dict) -> dict:
    parameters = {}
    for name, declared in declared_parameters(notebook).items():
        if name != "OUTPUT_DIR":
            value = values.get(name, ast.literal_eval(declared["default"]))
            parameters[name] = float(value) if declared["inferred_type_name"] == "float" else value
    return parameters


@cache
def _content(notebook: Path) -> dict:
    return without_outputs(read_notebook(notebook))


@cache
def _version(notebook: Path) -> str:
    return code_version(code_sources(_content(notebook)))


def _data_version(parameters: dict) -> str:
    """Names the data; MNIST has no versions, as each load compares it with its checksums."""
    dataset = parameters.get("DATASET", "none")
    if is_path(dataset):
        return _fingerprint(dataset)
    return importlib.metadata.version("scikit-learn") if dataset == "digits" else dataset


@cache
def _fingerprint(dataset: str) -> str:
    from mnist_helpers.data.datasets import dataset_fingerprint

    return dataset_fingerprint(dataset)


def _make_steps(chains: list[list], ends: dict[str, str], folder: Path) -> dict[str, Step]:
    """Makes the steps of all runs, by key; those with the same key are one."""
    # A folder is known by its hash, so that a renamed run finds its results.
    present = {
        path.name.rpartition("-")[2]: path
        for path in [*(folder / STEPS_DIR).glob("*-*"), *folder.glob("*-*")]
    }
    steps = {}
    for chain in chains:
        parent = None
        for notebook, values, key in chain:
            if key not in steps:
                name = file_name(ends[key]) if key in ends else notebook.stem
                new = f"{name}-{key[:HASH_DIGITS]}"
                place = folder / new if key in ends else folder / STEPS_DIR / new
                place = present.get(key[:HASH_DIGITS], place)
                steps[key] = Step(notebook, values, key, parent, place)
            parent = steps[key]
    return steps
