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
from mnist_helpers.runner.sweep.sweep_yaml import (
    DEFAULT_NOTEBOOKS,
    SweepError,
    check_form,
    line_of,
    plain,
    read_yaml,
)

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
    return _Reader(path).read()


class _Reader:
    def __init__(self, path: Path):
        self.path, self.content = path, read_yaml(path)

    def error(self, line: int, text: str) -> SweepError:
        return SweepError(self.path, line, text)

    def read(self) -> list[Definition]:
        check_form(self.path, self.content)
        variants = self._variants()
        fixed = list(_settings(self.content.get("fixed")))
        # Of each group, the values go together.
        groups = [*([setting] for setting in self._lists("grid")), self._zipped(), self._seeds()]
        groups = [group for group in groups if group]
        self._check_number(math.prod(len(group[0].value) for group in groups) * len(variants))
        swept = [setting for group in groups for setting in group]
        self._check_settings(fixed, variants, swept)
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

    def _variants(self) -> list[Definition]:
        """Returns the variants as runs that nothing is swept in; one without a name if none is."""
        notebooks = self._notebooks(self.content, [])
        variants: dict[str, Definition] = {}
        for entry in self.content.get("variants", [CommentedMap(name="")]):
            name, line = entry["name"], line_of(entry, "name")
            if name in variants:
                raise self.error(line, f"There are two variants named {name}.")
            settings = [s for s in _settings(entry) if s.name not in ("name", "notebooks")]
            own = self._notebooks(entry, notebooks)
            variants[name] = Definition(name, name, line, own, settings, {})
        return list(variants.values())

    def _notebooks(self, mapping: CommentedMap, otherwise: list[Path]) -> list[Path]:
        if "notebooks" not in mapping and otherwise:
            return otherwise
        line = line_of(mapping, "notebooks")
        paths = [self._notebook(name, line) for name in mapping.get("notebooks", DEFAULT_NOTEBOOKS)]
        if len({path.stem for path in paths}) < len(paths):
            raise self.error(line, "A notebook is named twice.")
        return paths

    def _notebook(self, name: str, line: int) -> Path:
        """Finds a notebook of the project by its name, another by its path from the file's."""
        path = NOTEBOOKS_DIR / f"{name}.ipynb"
        if name.endswith(".ipynb"):
            path = self.path.parent / name
        if not path.exists():
            known = ", ".join(sorted(other.stem for other in NOTEBOOKS_DIR.glob("*.ipynb")))
            raise self.error(line, f"There is no notebook {name}; the project has {known}.")
        return path.resolve()

    def _lists(self, section: str) -> list[Setting]:
        settings = list(_settings(self.content.get(section)))
        for setting in settings:
            if not isinstance(setting.value, list) or not setting.value:
                text = f"{setting.name} in {section} must have a list of values, not "
                value = "an empty one" if setting.value == [] else shown(setting.value)
                raise self.error(setting.line, f"{text}{value}.")
        return settings

    def _zipped(self) -> list[Setting]:
        settings = self._lists("zip")
        for setting in settings:
            expected, found = len(settings[0].value), len(setting.value)
            if found != expected:
                raise self.error(
                    setting.line,
                    f"{setting.name} has {found} values and {settings[0].name} {expected}; "
                    "what is zipped must be equally long.",
                )
        return settings

    def _seeds(self) -> list[Setting]:
        """Returns the seeds, a number of which counts from 0; the notebooks' own without any."""
        if "seeds" not in self.content:
            return []
        seeds = plain(self.content["seeds"])
        values = range(min(seeds, sys.maxsize)) if isinstance(seeds, int) else seeds
        return [Setting("SEED", values, line_of(self.content, "seeds"))]

    def _check_number(self, runs: int) -> None:
        if runs > MOST_RUNS:
            line = line_of(self.content, "seeds" if "seeds" in self.content else "grid")
            text = f"These are {shown(runs)} runs; a sweep may have {MOST_RUNS:,} at most."
            raise self.error(line, text)

    def _check_settings(
        self, fixed: list[Setting], variants: list[Definition], swept: list[Setting]
    ) -> None:
        everywhere = list(dict.fromkeys(path for v in variants for path in v.notebooks))
        for setting in [*fixed, *(each for several in swept for each in several.each())]:
            self._check(setting, everywhere)
        for variant in variants:
            for setting in variant.settings:
                self._check(setting, variant.notebooks)
        taken = {
            setting.name
            for settings in [fixed, *(v.settings for v in variants)]
            for setting in settings
        }
        for setting in swept:
            if setting.name in taken:
                raise self.error(
                    setting.line, f"{setting.name} is given elsewhere in the file, too."
                )
            taken.add(setting.name)

    def _check(self, setting: Setting, notebooks: list[Path]) -> None:
        try:
            if split_scope(setting.name)[1] == "OUTPUT_DIR":
                raise ValueError("OUTPUT_DIR cannot be set; each run writes into its own folder.")
            check_declared(setting.name, setting.value, notebooks)
        except ValueError as error:
            raise self.error(setting.line, str(error)) from error


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
