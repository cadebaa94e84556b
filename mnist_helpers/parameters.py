"""Every parameter of the notebooks: its type, what it may be, and what it means, defined once."""

import difflib
import reprlib
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from mnist_helpers.training.transforms import TRANSFORMS

# The types a notebook may declare, with the values that each takes: True is no integer.
TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "bool": ((bool,), "True or False"),
    "int": ((int,), "an integer"),
    "float": ((int, float), "a number"),
    "str": ((str,), "a string"),
}


@dataclass(frozen=True)
class Parameter:
    """One parameter.

    Attributes:
        type: `int`, `float` or `str`.
        constraint: What it may be, in words.
        meaning: What it does, with its unit.
        limits: The constraint as pydantic's `Field` takes it.
    """

    type: type
    constraint: str
    meaning: str
    limits: dict[str, Any]


def _number(
    kind: type, low: float, high: float | None, meaning: str, *, below: bool = False
) -> Parameter:
    between = f"from {low} to {'below ' if below else ''}{high}"
    words = f"of at least {low}" if high is None else between
    limits = {"ge": low, "lt" if below else "le": high}
    return Parameter(kind, f"{TYPES[kind.__name__][1]} {words}", meaning, limits)


def _text(constraint: str, meaning: str, pattern: str) -> Parameter:
    return Parameter(str, constraint, meaning, {"pattern": pattern})


def _transform(name: str) -> Parameter:
    """Describes the amount of a geometric transform by the transform's own definition."""
    transform = TRANSFORMS[name]
    meaning = f"{transform.description.split()[0]} at most, in {transform.unit}"
    return _number(float, 0, transform.maximum, meaning, below=transform.below)


PARAMETERS: dict[str, Parameter] = {
    "DATASET": _text(
        'the path of a data set in MNIST\'s form, "mnist" or "digits"',
        "what is learned",
        r"^(mnist|digits)$|/|\\|(?i:\.(npz|csv|mat)(\.gz)?$)",  # or what `paths.is_path` takes
    ),
    "SEED": _number(int, 0, 2**31 - 1, "start of the random numbers; the same repeats a run"),
    # Fewer leave a digit of MNIST with less than ten, and fill no batch of the usual size.
    "MAX_TRAINING_IMAGES": _number(int, 128, None, "training images; fewer train faster"),
    "EPOCHS": _number(int, 1, 100_000, "passes over the training images, in each phase"),
    "BATCH_SIZE": _number(int, 1, None, "images in a training step"),
    "LEARNING_RATE": Parameter(
        float,
        "a number above 0 and at most 1",
        "highest learning rate of a phase",
        {"gt": 0, "le": 1},
    ),
    "LABEL_SMOOTHING": _number(
        float, 0, 1, "fraction of a label that is spread over all digits", below=True
    ),
    **{name.upper(): _transform(name) for name in TRANSFORMS},
    "AUGMENTATION": _text(
        '"standard" or "robust"',
        '"robust" also corrupts images as photos do',
        "^(standard|robust)$",
    ),
    "AUGMENTED_SHARE": _number(float, 0, 1, "fraction of each batch that is augmented"),
    "ROBUSTNESS_IMAGES": _number(int, 100, None, "test images that are corrupted"),
    "SWEEP_DIR": _text("the path of a sweep's folder", "the sweep that is compared", r"\S"),
    "METRIC": _text("a metric of the sweep's results.csv", "what is compared", r"\S"),
    "MODEL": _text(
        '"mine", "shipped", or the path of a run\'s folder or a .keras file',
        "what is tested",
        r"\S",
    ),
    "OUTPUT_DIR": _text("the path of a folder", "where a notebook writes", r"\S"),
}


@cache
def _adapter(name: str) -> Any:
    from pydantic import Field, TypeAdapter  # takes longer to import than the commands' help

    parameter = PARAMETERS[name]
    kind: Any = Annotated[parameter.type, Field(strict=True, **parameter.limits)]
    return TypeAdapter(kind)


def check_parameters(**values: Any) -> dict[str, Any]:
    """Checks parameters by their names; all that is wrong with them is said at once.

    Args:
        **values: What the parameters are set to, such as `EPOCHS=3`; they are returned.

    Raises:
        ValueError: A name is unknown, or a value is of another type or outside of its range.
    """
    wrong = list(filter(None, (_complaint(name, value) for name, value in values.items())))
    if wrong:
        raise ValueError("\n".join(wrong))
    return values


def _complaint(name: str, value: object) -> str:
    if name not in PARAMETERS:
        return f"There is no parameter {name}.{nearest(name, PARAMETERS)}"
    try:
        _adapter(name).validate_python(value)
    except ValueError:
        return f"{name} must be {PARAMETERS[name].constraint}, not {shown(value)}."
    return ""


def check_type(name: str, value: object, type_name: str) -> None:
    """Raises a `ValueError` if a parameter's value is not of a type in `TYPES`.

    An integer passes for a float.
    """
    types, words = TYPES[type_name]
    if type(value) not in types:
        raise ValueError(f"{name} must be {words}, not {shown(value)}.")


def nearest(name: str, known: Any) -> str:
    """Returns " Did you mean ...?" with the most similar of the known names; "" if none is."""
    near = difflib.get_close_matches(name.upper(), [*known], n=1)
    return f" Did you mean {near[0]}?" if near else ""


def shown(value: object) -> str:
    """Returns a value for a message: short, whatever it is, and never unfolded."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    try:
        return reprlib.repr(value)
    except ValueError:  # an integer of more digits than Python writes out
        return "so large a number"
