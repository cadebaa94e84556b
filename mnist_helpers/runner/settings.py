"""The settings of a sweep: checked against the notebooks, combined, and put into names."""

import itertools
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mnist_helpers.parameters import check_declared, parse_value, split_scope, values_for
from mnist_helpers.runner.notebooks import notebook_parameters
from mnist_helpers.runner.sweep_file import Definition, Setting, SweepError, Variant

declared_parameters = cache(notebook_parameters)


def check_settings(definition: Definition) -> None:
    """Checks every setting's name, type and value against the notebooks it is meant for.

    Raises:
        SweepError: One is wrong; names the line and what is known.
    """
    everywhere = [path for variant in definition.variants for path in variant.notebooks]
    swept = swept_settings(definition)
    for setting in [*definition.fixed, *(each for s in swept for each in s.each())]:
        _check(definition, setting, everywhere)
    for variant in definition.variants:
        for setting in variant.settings:
            _check(definition, setting, variant.notebooks)
    chosen = [setting.name for variant in definition.variants for setting in variant.settings]
    taken = [setting.name for setting in definition.fixed] + chosen
    for setting in swept:
        if setting.name in taken:
            text = f"{setting.name} is given elsewhere in the file, too."
            raise SweepError(definition.path, setting.line, text)
        taken.append(setting.name)


def swept_settings(definition: Definition) -> list[Setting]:
    """Returns the settings that have lists of values."""
    return [*definition.grid, *definition.zipped, *filter(None, [definition.seeds])]


def _check(definition: Definition, setting: Setting, notebooks: list[Path]) -> None:
    declared = {path.stem: declared_parameters(path) for path in notebooks}
    try:
        if split_scope(setting.name)[1] == "OUTPUT_DIR":
            raise ValueError("OUTPUT_DIR cannot be set; each run writes into its own folder.")
        check_declared(setting.name, _value(setting, declared), declared)
    except ValueError as error:
        raise SweepError(definition.path, setting.line, str(error)) from error


def _value(setting: Setting, declared: dict[str, dict]) -> object:
    """Returns the value; YAML takes 1e-3 for a text, so a text is read again for a number."""
    _, name = split_scope(setting.name)
    types = {d[name]["inferred_type_name"] for d in declared.values() if name in d}
    if isinstance(setting.value, str) and types and "str" not in types:
        return parse_value(setting.value, types.pop())
    return setting.value


def notebook_values(notebook: Path, settings: list[Setting]) -> dict:
    """Returns a notebook's values by parameter; of two settings of a name the later wins."""
    declared = declared_parameters(notebook)
    given = {setting.name: _value(setting, {notebook.stem: declared}) for setting in settings}
    return values_for(notebook.stem, given, declared)


def combinations(definition: Definition) -> Iterator[list[Setting]]:
    """Yields the settings of each run: each of the grid, with each of the zip, with each seed."""
    grid = itertools.product(*(setting.each() for setting in definition.grid))
    pairs = list(zip(*(setting.each() for setting in definition.zipped), strict=True)) or [()]
    seeds = [(seed,) for seed in definition.seeds.each()] if definition.seeds else [()]
    for chosen, pair, seed in itertools.product(grid, pairs, seeds):
        yield [*chosen, *pair, *seed]


def label(definition: Definition, setting: Setting) -> str:
    """Returns a swept setting's name, without its notebook's unless another has the same."""
    _, plain = split_scope(setting.name)
    same = [s for s in swept_settings(definition) if split_scope(s.name)[1] == plain]
    return plain if len(same) == 1 else setting.name


def run_name(definition: Definition, variant: Variant, swept: list[Setting]) -> str:
    """Returns a run's readable name."""
    parts = [variant.name] if variant.name else []
    parts += [f"{label(definition, setting)}={setting.value}" for setting in swept]
    return ", ".join(parts) or "run"


def file_name(name: str) -> str:
    """Returns a name that every file system takes."""
    return re.sub(r"[^\w.=]+", "-", name, flags=re.ASCII).strip("-")[:80]
