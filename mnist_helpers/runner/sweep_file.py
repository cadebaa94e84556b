"""Reads a sweep's YAML file; whatever is wrong with it is named together with its line."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mnist_helpers.paths import NOTEBOOKS_DIR

DEFAULT_NOTEBOOKS = ["02_clean_phase", "03_augmented_phase", "04_evaluation"]
SECTIONS = ("notebooks", "fixed", "variants", "grid", "zip", "seeds")


class SweepError(ValueError):
    """A sweep file says something impossible; says where."""

    def __init__(self, path: Path, line: int, text: str):
        """Takes the file, the line counted from 1, and what is wrong."""
        super().__init__(f"{path}, line {line}: {text}")


class Lines(dict):
    """A mapping that remembers the line of each of its keys."""

    def __init__(self, *args: Any) -> None:
        """Takes what `dict` takes."""
        super().__init__(*args)
        self.lines: dict[str, int] = {}


@dataclass(frozen=True)
class Setting:
    """A parameter with a value, or with several for a grid.

    Attributes:
        name: The parameter; with a notebook's name and a dot before it, for that one alone.
        value: The value, or the list of values.
        line: Where the file says so.
    """

    name: str
    value: Any
    line: int

    def each(self) -> "list[Setting]":
        """Returns the setting with each of its values."""
        return [Setting(self.name, value, self.line) for value in self.value]


@dataclass(frozen=True)
class Variant:
    """A named way to run: its own notebooks and settings."""

    name: str
    notebooks: list[Path]
    settings: list[Setting]
    line: int


@dataclass(frozen=True)
class Definition:
    """What a sweep file says.

    Attributes:
        path: The file.
        fixed: Settings of every run.
        variants: At least one; a file that names none has one without a name.
        grid: Settings with lists of values, of which every combination runs.
        zipped: Settings with equally long lists of values, which go together.
        seeds: Values of SEED, as a setting with a list; `None` for the notebooks' own.
    """

    path: Path
    fixed: list[Setting]
    variants: list[Variant]
    grid: list[Setting]
    zipped: list[Setting]
    seeds: Setting | None


def read_definition(path: str | Path) -> Definition:
    """Reads a sweep file.

    Raises:
        SweepError: It cannot be read, or says something impossible.
    """
    return _Reader(Path(path)).read()


class _LineLoader(yaml.SafeLoader):
    """Makes mappings that know their lines, and refuses a key that is there twice."""

    def lined_mapping(self, node: yaml.MappingNode) -> Lines:
        self.flatten_mapping(node)
        mapping = Lines(self.construct_mapping(node, deep=True))
        mapping.lines = {
            self.construct_object(key): key.start_mark.line + 1 for key, _ in node.value
        }
        if len(node.value) > len(mapping):
            keys = [key.value for key, _ in node.value]
            place = next(n for n, key in enumerate(keys) if key in keys[:n])
            again = node.value[place][0]
            raise yaml.MarkedYAMLError(
                problem=f"{again.value} is there twice", problem_mark=again.start_mark
            )
        return mapping


_LineLoader.add_constructor("tag:yaml.org,2002:map", _LineLoader.lined_mapping)


class _Reader:
    def __init__(self, path: Path):
        self.path = path

    def error(self, line: int, text: str) -> SweepError:
        return SweepError(self.path, line, text)

    def read(self) -> Definition:
        content = self._load()
        for section in content:
            if section not in SECTIONS:
                known = ", ".join(SECTIONS)
                line = content.lines[section]
                raise self.error(line, f"There is no section {section}; there are {known}.")
        names = content.get("notebooks", DEFAULT_NOTEBOOKS)
        notebooks = self._notebooks(names, content.lines.get("notebooks", 1))
        return Definition(
            self.path,
            fixed=self._settings(content, "fixed"),
            variants=self._variants(content, notebooks),
            grid=self._lists(content, "grid"),
            zipped=self._zipped(content),
            seeds=self._seeds(content),
        )

    def _load(self) -> Lines:
        try:
            content = yaml.load(self.path.read_text(encoding="utf-8"), _LineLoader)  # noqa: S506
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise self.error(line, f"This is not YAML: {error.problem}.") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise self.error(1, f"This is not YAML: {error}.") from error
        if not isinstance(content, Lines) or not content:
            known = ", ".join(SECTIONS)
            raise self.error(1, f"A sweep has at least one of the sections {known}.")
        return content

    def _notebooks(self, names: object, line: int) -> list[Path]:
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            raise self.error(line, "notebooks must be a list of names, such as [02_clean_phase].")
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

    def _mapping(self, content: Lines, section: str) -> Lines:
        mapping = content.get(section, Lines())
        if not isinstance(mapping, Lines) or (section in content and not mapping):
            raise self.error(content.lines[section], f"{section} must name parameters.")
        return mapping

    def _settings(self, content: Lines, section: str) -> list[Setting]:
        return list(self._flat(self._mapping(content, section)))

    def _flat(self, mapping: Lines) -> Iterator[Setting]:
        """Yields settings; a mapping inside one scopes its settings to the notebook it names."""
        for key, value in mapping.items():
            if isinstance(value, Lines):
                for name, inner in value.items():
                    yield Setting(f"{key}.{name}", inner, value.lines[name])
            else:
                yield Setting(str(key), value, mapping.lines[key])

    def _lists(self, content: Lines, section: str) -> list[Setting]:
        settings = self._settings(content, section)
        for setting in settings:
            if not isinstance(setting.value, list) or not setting.value:
                text = f"{setting.name} in {section} must have a list of values, not "
                raise self.error(setting.line, f"{text}{setting.value!r}.")
        return settings

    def _zipped(self, content: Lines) -> list[Setting]:
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

    def _variants(self, content: Lines, notebooks: list[Path]) -> list[Variant]:
        if "variants" not in content:
            return [Variant("", notebooks, [], 1)]
        line, entries = content.lines["variants"], content["variants"]
        if not isinstance(entries, list) or not entries:
            raise self.error(line, "variants must be a list, each with a name.")
        variants: list[Variant] = []
        for entry in entries:
            if not isinstance(entry, Lines) or not isinstance(entry.get("name"), str):
                raise self.error(line, f"Each variant must have a name; {entry!r} has none.")
            line = entry.lines["name"]
            own = self._notebooks(entry["notebooks"], line) if "notebooks" in entry else notebooks
            settings = [s for s in self._flat(entry) if s.name not in ("name", "notebooks")]
            if entry["name"] in [variant.name for variant in variants]:
                raise self.error(line, f"There are two variants named {entry['name']}.")
            variants.append(Variant(entry["name"], own, settings, line))
        return variants

    def _seeds(self, content: Lines) -> Setting | None:
        """A number of seeds counts from 0; a list names them."""
        if "seeds" not in content:
            return None
        seeds, line = content["seeds"], content.lines["seeds"]
        if type(seeds) is int and seeds >= 1:
            seeds = list(range(seeds))
        if not isinstance(seeds, list) or not seeds:
            raise self.error(line, "seeds must be how many, such as 5, or a list of them.")
        return Setting("SEED", seeds, line)
