"""What each notebook parameter may be, checked before a kernel starts."""

import ast
import difflib
from collections.abc import Callable
from typing import Any, NamedTuple

from mnist_helpers.paths import is_path
from mnist_helpers.training.transforms import TRANSFORMS, AffineTransform


class Limit(NamedTuple):
    """The type of a parameter, what it may be in words, and the same as a test."""

    type_name: str
    allowed: str
    holds: Callable[[Any], bool]


def _limit_of(transform: AffineTransform) -> Limit:
    least, most, below = transform.minimum, transform.maximum, transform.below
    return Limit(
        "float",
        f"a number from {least:g} to {'below ' if below else ''}{most:g}",
        lambda v: least <= v <= most and not (below and v == most),
    )


# Each test is written so that NaN fails it.
LIMITS = {
    "DATASET": Limit(
        "str",
        'the path of a data set in MNIST\'s form, "mnist" or "digits"',
        lambda v: v in ("mnist", "digits") or is_path(v),
    ),
    "SEED": Limit("int", "a whole number from 0 to 2147483647", lambda v: 0 <= v < 2**31),
    "MAX_TRAINING_IMAGES": Limit("int", "a whole number of at least 100", lambda v: v >= 100),
    "EPOCHS": Limit("int", "a whole number from 1 to 100000", lambda v: 1 <= v <= 100_000),
    "BATCH_SIZE": Limit(
        "int", "an even whole number of at least 2", lambda v: v >= 2 and v % 2 == 0
    ),
    "LEARNING_RATE": Limit("float", "a number above 0 and at most 1", lambda v: 0 < v <= 1),
    "LABEL_SMOOTHING": Limit("float", "a number from 0 to below 1", lambda v: 0 <= v < 1),
    **{name.upper(): _limit_of(transform) for name, transform in TRANSFORMS.items()},
    "AUGMENTATION": Limit("str", '"standard" or "robust"', lambda v: v in ("standard", "robust")),
    "AUGMENTED_SHARE": Limit("float", "a number from 0 to 1", lambda v: 0 <= v <= 1),
    "ROBUSTNESS_IMAGES": Limit("int", "a whole number of at least 100", lambda v: v >= 100),
    "SWEEP_DIR": Limit("str", "the path of a sweep's folder", lambda v: v.strip() != ""),
    "METRIC": Limit("str", "a column of the sweep's results.csv", lambda v: v.strip() != ""),
    "OUTPUT_DIR": Limit("str", "the path of a folder", lambda v: v.strip() != ""),
}

# `type(value)` is looked up here, so that True does not pass for the whole number 1.
TYPES = {
    "bool": ((bool,), "True or False"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "str": ((str,), "a text"),
}


def check_type(name: str, value: object, type_name: str) -> None:
    """Refuses a value of another type; a whole number passes for a float.

    Args:
        name: The parameter, for the message.
        value: What it was given.
        type_name: `"bool"`, `"int"`, `"float"` or `"str"`, as the notebook declares it.

    Raises:
        ValueError: The value is of another type.
    """
    types, words = TYPES[type_name]
    if type(value) not in types:
        raise ValueError(f"{name} must be {words}, not {value!r}.")


def check_value(name: str, value: object) -> None:
    """Refuses a value that the notebooks cannot work with.

    Args:
        name: One of `LIMITS`.
        value: What it was given.

    Raises:
        ValueError: The name is unknown, or the value has another type or is out of range.
    """
    if name not in LIMITS:
        raise ValueError(f"There is no parameter {name}; there are {', '.join(LIMITS)}.")
    limit = LIMITS[name]
    types, _ = TYPES[limit.type_name]
    if type(value) not in types or not limit.holds(value):
        raise ValueError(f"{name} must be {limit.allowed}, not {value!r}.")


def split_scope(name: str) -> tuple[str | None, str]:
    """Splits "03_augmented_phase.EPOCHS" into notebook and parameter; no notebook means all."""
    notebook, _, parameter = name.rpartition(".")
    return notebook or None, parameter


def check_declared(name: str, value: object, declared: dict[str, dict[str, dict]]) -> None:
    """Checks name, type and value against what notebooks declare.

    Args:
        name: The parameter; with a notebook's name and a dot before it, for that one alone.
        value: What it was given.
        declared: By a notebook's name, its parameters, as `notebooks.notebook_parameters`.

    Raises:
        ValueError: No notebook has that name, or the type is wrong, or the value impossible, or
            it would switch on what some of the notebooks have off.
    """
    notebook, parameter = split_scope(name)
    if notebook and notebook not in declared:
        raise ValueError(f"There is no notebook {notebook} here; there are {', '.join(declared)}.")
    meant = {key: d for key, d in declared.items() if notebook in (None, key)}
    names = sorted(set().union(*meant.values()))
    if parameter not in names:
        near = difflib.get_close_matches(parameter.upper(), names, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        who = notebook or "The notebooks"
        raise ValueError(
            f"There is no parameter {parameter}.{hint} {who} can take {', '.join(names)}."
        )
    found = {key: d[parameter] for key, d in meant.items() if parameter in d}
    for described in found.values():
        check_type(parameter, value, described["inferred_type_name"])
    if parameter in LIMITS:
        check_value(parameter, value)
    defaults = {key: described["default"] for key, described in found.items()}
    off = {key for key, default in defaults.items() if default in ("0", "0.0", "False")}
    if off and off < set(defaults):
        listed = ", ".join(f"{default} in {key}" for key, default in defaults.items())
        example = next(key for key in defaults if key not in off)
        raise ValueError(
            f"{parameter} is {listed}; say which you mean, for example {example}.{parameter}."
        )


def values_for(notebook: str, parameters: dict, declared: dict[str, dict]) -> dict:
    """Picks what is for a notebook; what is for it alone beats what is for all.

    Args:
        notebook: Its name.
        parameters: Values by name, as `check_declared` takes them.
        declared: The notebook's parameters.

    Returns:
        Values by plain name.
    """
    values = {}
    for scope in (None, notebook):
        for name, value in parameters.items():
            found, parameter = split_scope(name)
            if found == scope and parameter in declared:
                values[parameter] = value
    return values


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
