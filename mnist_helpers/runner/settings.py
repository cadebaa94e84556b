"""The parameters that a run or a sweep is given, checked against the notebooks' declarations."""

import ast
import itertools
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mnist_helpers.parameters import PARAMETERS, check_parameters, check_type, nearest
from mnist_helpers.runner.definition import Definition, Setting, SweepError, Variant
from mnist_helpers.runner.notebooks import notebook_parameters

declared_parameters = cache(notebook_parameters)


def split_scope(name: str) -> tuple[str | None, str]:
    """Splits "03_augmented_phase.EPOCHS" into notebook and parameter; no notebook means all."""
    notebook, _, parameter = name.rpartition(".")
    return notebook or None, parameter


def check_declared(name: str, value: object, notebooks: list[Path]) -> None:
    """Checks a setting's name, type and value against what notebooks declare.

    Args:
        name: The parameter; with a notebook's name and a dot before it, for that one alone.
        value: What it was given.
        notebooks: Paths of the notebooks it may be meant for.

    Raises:
        ValueError: No notebook has that name, or the type is wrong, or the value impossible, or
            it would switch on what some of the notebooks have off.
    """
    notebook, parameter = split_scope(name)
    declared = {path.stem: declared_parameters(path) for path in notebooks}
    if notebook and notebook not in declared:
        raise ValueError(f"There is no notebook {notebook} here; there are {', '.join(declared)}.")
    meant = {key: d for key, d in declared.items() if notebook in (None, key)}
    names = sorted(set().union(*meant.values()))
    if parameter not in names:
        raise ValueError(
            f"There is no parameter {parameter}.{nearest(parameter, names)} "
            f"{notebook or 'The notebooks'} can take {', '.join(names)}."
        )
    found = {key: d[parameter] for key, d in meant.items() if parameter in d}
    for described in found.values():
        check_type(parameter, value, described["inferred_type_name"])
    if parameter in PARAMETERS:
        check_parameters(**{parameter: value})
    _check_defaults_agree(parameter, {key: d["default"] for key, d in found.items()})


def _check_defaults_agree(parameter: str, defaults: dict[str, str]) -> None:
    off = {key for key, default in defaults.items() if default in ("0", "0.0", "False")}
    if off and off < set(defaults):
        listed = ", ".join(f"{default} in {key}" for key, default in defaults.items())
        example = next(key for key in defaults if key not in off)
        raise ValueError(
            f"{parameter} is {listed}; say which you mean, for example {example}.{parameter}."
        )


def check_settings(definition: Definition) -> None:
    """Checks every setting of a sweep.

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


def _check(definition: Definition, setting: Setting, notebooks: list[Path]) -> None:
    try:
        if split_scope(setting.name)[1] == "OUTPUT_DIR":
            raise ValueError("OUTPUT_DIR cannot be set; each run writes into its own folder.")
        check_declared(setting.name, setting.value, notebooks)
    except ValueError as error:
        raise SweepError(definition.path, setting.line, str(error)) from error


def swept_settings(definition: Definition) -> list[Setting]:
    """Returns the settings that have lists of values."""
    return [*definition.grid, *definition.zipped, *filter(None, [definition.seeds])]


def notebook_values(notebook: Path, settings: list[Setting]) -> dict:
    """Returns a notebook's values by parameter.

    Of two settings of a name the later wins; one for this notebook alone beats one for all.
    """
    declared, values = declared_parameters(notebook), {}
    for scope in (None, notebook.stem):
        for setting in settings:
            found, parameter = split_scope(setting.name)
            if found == scope and parameter in declared:
                values[parameter] = setting.value
    return values


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


def parse_value(text: str, type_name: str) -> object:
    """Reads what was typed on a command line; `check_type` then judges what came out.

    Args:
        text: For example `"3"`, `"1e-3"` or `"digits"`.
        type_name: The declared type; a `"str"` is taken as it stands.

    Returns:
        The Python literal that `text` is, or `text` itself if it is none.
    """
    if type_name == "str":
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):  # the last two: deep nesting
        return text


def declared_type(name: str, notebooks: list[Path]) -> str:
    """Returns the type that the notebooks declare for a parameter; "str" if none has it."""
    scope, parameter = split_scope(name)
    for path in notebooks:
        declared = declared_parameters(path)
        if scope in (None, path.stem) and parameter in declared:
            return declared[parameter]["inferred_type_name"]
    return "str"
