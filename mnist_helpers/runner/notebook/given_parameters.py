"""The parameters that a run or a sweep is given, checked against the notebooks' declarations."""

import ast
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mnist_helpers.parameters import PARAMETERS, check_parameters, check_type, nearest
from mnist_helpers.runner.notebook.read import notebook_parameters

declared_parameters = cache(notebook_parameters)


class Setting(NamedTuple):
    """A parameter with a value, or with several that are swept.

    Attributes:
        name: The parameter; with a notebook's name and a dot before it, for that one alone.
        value: The value, or the list of values.
        line: Where a sweep file says so.
    """

    name: str
    value: Any
    line: int = 1

    def each(self) -> "list[Setting]":
        """Returns the setting with each of its values."""
        return [self._replace(value=value) for value in self.value]


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
    if parameter == "OUTPUT_DIR":
        raise ValueError(
            "OUTPUT_DIR cannot be set: each run writes into its own folder; choose it by --output "
            "and --name."
        )
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


def all_parameters(notebook: Path, values: dict) -> dict:
    """Returns what the notebook will run with; the defaults where it is given nothing.

    Raises:
        ValueError: Values do not go together.
    """
    parameters = {}
    for name, declared in declared_parameters(notebook).items():
        if name != "OUTPUT_DIR":
            value = values[name] if name in values else _default(declared["default"])
            parameters[name] = float(value) if declared["inferred_type_name"] == "float" else value
    batch, images = (parameters.get(name, 0) for name in ("BATCH_SIZE", "MAX_TRAINING_IMAGES"))
    if batch > images > 0:
        raise ValueError(f"BATCH_SIZE {batch} is more than MAX_TRAINING_IMAGES {images}.")
    share = parameters.get("AUGMENTED_SHARE", 0)
    if share and batch and not round(share * batch):
        raise ValueError(
            f"AUGMENTED_SHARE {share:g} of BATCH_SIZE {batch} is no whole image; take more of one."
        )
    return parameters


# Of ten thousand runs each asks for the same few.
_default = cache(ast.literal_eval)


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


def declared_type(name: str, notebooks: list[Path]) -> str | None:
    """Returns the type that the notebooks declare for a parameter; `None` if none has it."""
    scope, parameter = split_scope(name)
    for path in notebooks:
        if scope in (None, path.stem) and parameter in declared_parameters(path):
            return declared_parameters(path)[parameter]["inferred_type_name"]
    return None
