"""Reads a sweep's YAML file; whatever is wrong with it is named together with its line."""

import itertools
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml.comments import CommentedMap

from mnist_helpers.parameters import shown
from mnist_helpers.paths import NOTEBOOKS_DIR
from mnist_helpers.runner.notebook.given_parameters import Setting, check_declared, split_scope
from mnist_helpers.runner.sweep.sweep_yaml import SweepError, line_of, plain, read_yaml

DEFAULT_NOTEBOOKS = ["02_clean_phase", "03_augmented_phase", "04_evaluation", "05_robustness"]
MOST_RUNS = 10_000


class Definition(NamedTuple):
    """What a sweep file says of one run.

    Attributes:
        name: Readable: the variant, and what the sweep varies.
        variant: Its variant's name; empty if the sweep has none.
        line: Where the file names its variant.
        notebooks: Paths, in order.
        settings: Of two of a name the later counts.
        varied: What the sweep varies and this run's values of it, by name.
    """

    name: str
    variant: str
    line: int
    notebooks: list[Path]
    settings: list[Setting]
    varied: dict


def read_definitions(path: Path) -> list[Definition]:
    """Reads a sweep file.

    Returns:
        Its runs: of each variant, each value of the grid with each of the zip and with each seed.

    Raises:
        OSError: It cannot be read.
        SweepError: It says something impossible.
    """
    content = read_yaml(path)
    variants = _variants(content, path.parent)
    fixed = list(_settings(content.get("fixed")))
    # Of each group, the values go together.
    groups = [[setting] for setting in _lists(content, "grid")]
    groups += [group for group in (_zipped(content), _seeds(content)) if group]
    number = math.prod(len(group[0].value) for group in groups) * len(variants)
    if number > MOST_RUNS:
        line = line_of(content, "seeds" if "seeds" in content else "grid")
        text = f"These are {shown(number)} runs; a sweep may have {MOST_RUNS:,} at most."
        raise SweepError(line, text)
    swept = [setting for group in groups for setting in group]
    _check_settings(fixed, variants, swept)
    labels = _labels(swept)
    axes = [list(zip(*(setting.each() for setting in group), strict=True)) for group in groups]
    runs = []
    for variant, chosen in itertools.product(variants, itertools.product(*axes)):
        values = list(itertools.chain(*chosen))
        varied = {labels[setting.name]: setting.value for setting in values}
        parts = [variant.name, *(f"{name}={value}" for name, value in varied.items())]
        name = ", ".join(filter(None, parts)) or "run"
        settings = [*fixed, *variant.settings, *values]
        runs.append(variant._replace(name=name, settings=settings, varied=varied))
    return runs


def _variants(content: CommentedMap, folder: Path) -> list[Definition]:
    """Returns the variants as runs that nothing is swept in; without any, one that has no name."""
    notebooks = _notebooks(content, folder)
    variants: dict[str, Definition] = {}
    for entry in content.get("variants", [CommentedMap(name="")]):
        name, line = entry["name"], line_of(entry, "name")
        if name in variants:
            raise SweepError(line, f"There are two variants named {name}.")
        settings = [s for s in _settings(entry) if s.name not in ("name", "notebooks")]
        own = _notebooks(entry, folder) if "notebooks" in entry else notebooks
        variants[name] = Definition(name, name, line, own, settings, {})
    return list(variants.values())


def _notebooks(mapping: CommentedMap, folder: Path) -> list[Path]:
    """Finds notebooks: those of the project by name, others by their path from the sweep file's."""
    line, paths = line_of(mapping, "notebooks"), []
    for name in mapping.get("notebooks", DEFAULT_NOTEBOOKS):
        path = folder / name if name.endswith(".ipynb") else NOTEBOOKS_DIR / f"{name}.ipynb"
        if not path.exists():
            known = ", ".join(sorted(other.stem for other in NOTEBOOKS_DIR.glob("*.ipynb")))
            raise SweepError(line, f"There is no notebook {name}; the project has {known}.")
        paths.append(path.resolve())
    if len({path.stem for path in paths}) < len(paths):
        raise SweepError(line, "A notebook is named twice.")
    return paths


def _lists(content: CommentedMap, section: str) -> list[Setting]:
    settings = list(_settings(content.get(section)))
    for setting in settings:
        if not isinstance(setting.value, list) or not setting.value:
            value = "an empty one" if setting.value == [] else shown(setting.value)
            text = f"{setting.name} in {section} must have a list of values, not {value}."
            raise SweepError(setting.line, text)
    return settings


def _zipped(content: CommentedMap) -> list[Setting]:
    settings = _lists(content, "zip")
    for setting in settings:
        expected, found = len(settings[0].value), len(setting.value)
        if found != expected:
            text = f"{setting.name} has {found} values and {settings[0].name} {expected}; "
            raise SweepError(setting.line, text + "what is zipped must be equally long.")
    return settings


def _seeds(content: CommentedMap) -> list[Setting]:
    """Returns the seeds, a number of which counts from 0; the notebooks' own without any."""
    if "seeds" not in content:
        return []
    seeds = plain(content["seeds"])
    values = range(min(seeds, sys.maxsize)) if isinstance(seeds, int) else seeds
    return [Setting("SEED", values, line_of(content, "seeds"))]


def _check_settings(fixed: list[Setting], variants: list[Definition], swept: list[Setting]) -> None:
    everywhere = list(dict.fromkeys(path for variant in variants for path in variant.notebooks))
    checks = [(each, everywhere) for each in fixed]
    checks += [(each, everywhere) for several in swept for each in several.each()]
    checks += [(each, variant.notebooks) for variant in variants for each in variant.settings]
    for setting, notebooks in checks:
        try:
            check_declared(setting.name, setting.value, notebooks)
        except ValueError as error:
            raise SweepError(setting.line, str(error)) from error
    taken = {each.name for each in itertools.chain(fixed, *(v.settings for v in variants))}
    for setting in swept:
        if setting.name in taken:
            raise SweepError(setting.line, f"{setting.name} is given elsewhere in the file, too.")
        taken.add(setting.name)


def _settings(mapping: CommentedMap | None) -> Iterator[Setting]:
    """Yields settings; a mapping inside one scopes its settings to the notebook it names."""
    for key, value in (mapping or {}).items():
        if isinstance(value, CommentedMap):
            for name, inner in value.items():
                yield Setting(f"{key}.{name}", plain(inner), line_of(value, name))
        else:
            yield Setting(str(key), plain(value), line_of(mapping, key))


def _labels(swept: list[Setting]) -> dict[str, str]:
    """Returns names without their notebook's, unless another parameter has the same."""
    parameters = [split_scope(setting.name)[1] for setting in swept]
    return {
        setting.name: parameter if parameters.count(parameter) == 1 else setting.name
        for setting, parameter in zip(swept, parameters, strict=True)
    }
