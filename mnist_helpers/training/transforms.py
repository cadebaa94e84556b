"""How images may move at random: each move is defined here once, without TensorFlow.

A field of `Amounts` is the whole definition of a move. The pipeline, the sliders, the notebooks'
parameters and the curve of accuracy against damage are all made from it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Move:
    """What is known of a move beside its name and the amount that is the default.

    Attributes:
        allowed: What the amount may be, in words.
        holds: The same as a test; NaN fails it.
        slider: The slider's largest value and its step.
        words: What the amount does at most, as a format.
        unit: What the amount counts, in words.
        levels: Five amounts of damage, from mild to severe; at the third, a person reads nearly all
            digits.
        undo: Where the point at (x, y), right of and below the centre, came from: a function of x,
            y, the amount times `scale`, and `np` or `tf`; linear in x and y. `None` for the shift,
            whose amount is drawn for each axis.
        scale: Turns the amount into what `undo` takes.
    """

    allowed: str
    holds: Callable[[float], bool]
    slider: tuple[float, float]
    words: str
    unit: str
    levels: tuple[float, ...]
    undo: Callable[..., tuple] | None
    scale: float = 1.0


def defined(default: float, **facts: Any) -> Any:
    """Makes the field of a move: the default amount, and the attributes of `Move`."""
    return field(default=default, metadata={"move": Move(**facts)})


A_FRACTION = {"allowed": "a number from 0 to below 1", "holds": lambda v: 0 <= v < 1}


def _turn_back(x: Any, y: Any, angle: Any, maths: Any) -> tuple:
    cosine, sine = maths.cos(angle), maths.sin(angle)
    return cosine * x - sine * y, sine * x + cosine * y


def _shrink_back(x: Any, y: Any, amount: Any, maths: Any) -> tuple:
    factor = 1.0 + amount
    return x / factor, y / factor


# The levels were chosen by eye, before any model was measured on them.
@dataclass(frozen=True)
class Amounts:
    """How far images move at most; on the image, the last move comes first.

    Attributes:
        rotation_degrees: The angle is uniform in ±`rotation_degrees`, counter-clockwise positive.
        shift_fraction: Each axis moves uniformly by up to this fraction of its length.
        zoom_fraction: The size is multiplied by a uniform factor in 1 ± `zoom_fraction`.
    """

    rotation_degrees: float = defined(
        15.0,
        allowed="a number from 0 to 180",
        holds=lambda v: 0 <= v <= 180,
        slider=(180, 1),
        words="turn {:g}°",
        unit="degrees",
        levels=(7.5, 15, 25, 35, 45),
        undo=_turn_back,
        scale=math.pi / 180,
    )
    shift_fraction: float = defined(
        0.1,
        **A_FRACTION,
        slider=(0.5, 0.01),
        words="shift {:.0%}",
        unit="part of the side",
        levels=(0.05, 0.1, 0.15, 0.2, 0.25),
        undo=None,
    )
    zoom_fraction: float = defined(
        0.15,
        **A_FRACTION,
        slider=(0.9, 0.01),
        words="zoom {:.0%}",
        unit="part of the size",
        levels=(0.1, 0.15, 0.25, 0.35, 0.45),
        undo=_shrink_back,
    )

    @property
    def parameters(self) -> dict[str, float]:
        """The amounts by the names of the notebooks' parameters."""
        return {name.upper(): getattr(self, name) for name in TRANSFORMS}

    @property
    def words(self) -> str:
        """All moves in words, such as "turn 15°, shift 10%, zoom 15% at most"."""
        moves = TRANSFORMS.items()
        return (
            ", ".join(move.words.format(getattr(self, name)) for name, move in moves) + " at most"
        )


TRANSFORMS: dict[str, Move] = {entry.name: entry.metadata["move"] for entry in fields(Amounts)}


def transform_name(name: str) -> str:
    """Returns what a move is called where its unit goes without saying: "zoom", for one."""
    return name.rpartition("_")[0]


def amounts_in(variables: Mapping[str, Any]) -> dict[str, float]:
    """Picks the amounts of all moves out of a notebook's variables.

    Args:
        variables: Values by name, as `globals()`; a move whose parameter is not there keeps its
            default.

    Returns:
        Amounts by parameter, such as 15.0 by "ROTATION_DEGREES".
    """
    return {name: variables.get(name, amount) for name, amount in Amounts().parameters.items()}
