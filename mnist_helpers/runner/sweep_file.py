"""Reads a sweep's YAML file; whatever is wrong with it is named together with its line."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from annotated_types import MinLen
from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError
from ruamel.yaml.comments import CommentedMap

from mnist_helpers.parameters import shown
from mnist_helpers.paths import NOTEBOOKS_DIR
from mnist_helpers.runner.definition import Definition, Setting, SweepError, Variant
from mnist_helpers.runner.yaml_file import line_of, plain, read_yaml

DEFAULT_NOTEBOOKS = ["02_clean_phase", "03_augmented_phase", "04_evaluation", "05_robustness"]
MOST_RUNS = 10_000


Names = Annotated[list[str], MinLen(1)]
Mapping = Annotated[dict[str, Any], MinLen(1)]


class _VariantSection(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")
    name: Annotated[str, MinLen(1)]
    notebooks: Names = DEFAULT_NOTEBOOKS


class _Sections(BaseModel):
    """The form of a sweep file; what a parameter may be is checked against the notebooks."""

    model_config = ConfigDict(strict=True, extra="forbid")
    notebooks: Names = DEFAULT_NOTEBOOKS
    fixed: Mapping = {}
    variants: Annotated[list[_VariantSection], MinLen(1)] = []
    grid: Mapping = {}
    zip: Mapping = {}
    seeds: PositiveInt | Annotated[list[Any], MinLen(1)] = 1


KNOWN = ", ".join(_Sections.model_fields)
MUST_BE = {
    "notebooks": "notebooks must be a list of names, such as [02_clean_phase].",
    "variants": "variants must be a list, each with a name.",
    "seeds": "seeds must be how many, such as 5, or a list of them.",
}


def read_definition(path: str | Path) -> Definition:
    """Reads a sweep file.

    Raises:
        OSError: It cannot be read.
        SweepError: It says something impossible.
    """
    return _Reader(Path(path)).read()


class _Reader:
    def __init__(self, path: Path):
        self.path = path

    def error(self, line: int, text: str) -> SweepError:
        return SweepError(self.path, line, text)

    def read(self) -> Definition:
        content = read_yaml(self.path)
        if not content:
            raise self.error(1, f"A sweep has at least one of the sections {KNOWN}.")
        self._check_form(content)
        names = content.get("notebooks", DEFAULT_NOTEBOOKS)
        notebooks = self._notebooks(names, line_of(content, "notebooks"))
        definition = Definition(
            self.path,
            fixed=list(_settings(content.get("fixed"))),
            variants=self._variants(content, notebooks),
            grid=self._lists(content, "grid"),
            zipped=self._zipped(content),
            seeds=None,
        )
        return self._with_seeds(definition, content)

    def _check_form(self, content: CommentedMap) -> None:
        try:
            _Sections.model_validate(content)
        except ValidationError as error:
            details = error.errors(include_input=False, include_url=False)
            raise self._form_error(content, details[0]) from None

    def _form_error(self, content: CommentedMap, detail: Any) -> SweepError:
        section, *inner = detail["loc"]
        line = line_of(content, section)
        if section not in _Sections.model_fields:
            return self.error(line, f"There is no section {section}; there are {KNOWN}.")
        if section == "variants" and inner:
            entries = content["variants"]
            line = entries.lc.item(inner[0])[0] + 1
            if inner[1:2] == ["notebooks"]:
                return self.error(line_of(entries[inner[0]], "notebooks"), MUST_BE["notebooks"])
            return self.error(line, "Each variant must have a name, such as {name: short}.")
        return self.error(line, MUST_BE.get(section, f"{section} must name parameters."))

    def _notebooks(self, names: list[str], line: int) -> list[Path]:
        paths = [self._notebook(name, line) for name in names]
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

    def _lists(self, content: CommentedMap, section: str) -> list[Setting]:
        settings = list(_settings(content.get(section)))
        for setting in settings:
            if not isinstance(setting.value, list) or not setting.value:
                text = f"{setting.name} in {section} must have a list of values, not "
                value = "an empty one" if setting.value == [] else shown(setting.value)
                raise self.error(setting.line, f"{text}{value}.")
        return settings

    def _zipped(self, content: CommentedMap) -> list[Setting]:
        settings = self._lists(content, "zip")
        for setting in settings:
            expected, found = len(settings[0].value), len(setting.value)
            if found != expected:
                raise self.error(
                    setting.line,
                    f"{setting.name} has {found} values and {settings[0].name} {expected}; "
                    "what is zipped must be equally long.",
                )
        return settings

    def _variants(self, content: CommentedMap, notebooks: list[Path]) -> list[Variant]:
        variants: list[Variant] = []
        for entry in content.get("variants", []):
            line, own = line_of(entry, "name"), notebooks
            if "notebooks" in entry:
                own = self._notebooks(entry["notebooks"], line_of(entry, "notebooks"))
            settings = [s for s in _settings(entry) if s.name not in ("name", "notebooks")]
            if entry["name"] in [variant.name for variant in variants]:
                raise self.error(line, f"There are two variants named {entry['name']}.")
            variants.append(Variant(entry["name"], own, settings, line))
        return variants or [Variant("", notebooks, [])]

    def _with_seeds(self, definition: Definition, content: CommentedMap) -> Definition:
        """Adds the seeds, a number of which counts from 0, unless the runs become too many."""
        seeds, line = content.get("seeds", 1), line_of(content, "seeds")
        lists = [setting.value for setting in definition.grid]
        lists += [setting.value for setting in definition.zipped[:1]]
        count = math.prod(map(len, lists)) * len(definition.variants)
        count *= seeds if isinstance(seeds, int) else len(seeds)
        if count > MOST_RUNS:
            line = line if "seeds" in content else line_of(content, "grid")
            text = f"These are {shown(count)} runs; a sweep may have {MOST_RUNS:,} at most."
            raise self.error(line, text)
        if "seeds" not in content:
            return definition
        values = list(range(seeds)) if isinstance(seeds, int) else plain(seeds)
        return replace(definition, seeds=Setting("SEED", values, line))


def _settings(mapping: CommentedMap | None) -> Iterator[Setting]:
    """Yields settings; a mapping inside one scopes its settings to the notebook it names."""
    for key, value in (mapping or {}).items():
        if isinstance(value, CommentedMap):
            for name, inner in value.items():
                yield Setting(f"{key}.{name}", plain(inner), line_of(value, name))
        else:
            yield Setting(str(key), plain(value), line_of(mapping, key))
