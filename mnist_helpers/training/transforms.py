"""How images are transformed at random: each affine transform is defined here, without TensorFlow.

A field of `TransformRanges` is the whole definition of a transform. The pipeline, the sliders, the
limits of the notebooks' parameters and the curve of accuracy by severity are all made from it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class AffineTransform:
    """What is known of a transform beside its name and its default range.

    Attributes:
        maximum: The most that it may be.
        below: Whether the range must stay below `maximum`.
        slider: The slider's largest value and its step.
        description: What the transform does at most, as a format of the range.
        unit: What the range counts, in words.
        severities: Five amounts, from mild to severe; at the third, a person reads nearly all
            digits. They were chosen by eye, before any model was measured on them.
        inverse: Where the point at (x, y), right of and below the centre, came from: a function of
            x, y, the amount times `scale`, and `np` or `tf`; linear in x and y. `None` for the
            shift, whose amount is drawn for each axis.
        scale: Turns the amount into what `inverse` takes.
    """

    maximum: float = 1
    below: bool = True
    slider: tuple[float, float]
    description: str
    unit: str
    severities: tuple[float, ...]
    inverse: Callable[..., tuple] | None
    scale: float = 1.0


def transform(default: float, **attributes: Any) -> Any:
    """Makes the field of a transform: its default range, and what `AffineTransform` takes."""
    return field(default=default, metadata={"transform": AffineTransform(**attributes)})


def _rotate_back(x: Any, y: Any, angle: Any, maths: Any) -> tuple:
    cosine, sine = maths.cos(angle), maths.sin(angle)
    return cosine * x - sine * y, sine * x + cosine * y


def _zoom_back(x: Any, y: Any, amount: Any, maths: Any) -> tuple:
    factor = 1.0 + amount
    return x / factor, y / factor


@dataclass(frozen=True)
class TransformRanges:
    """How far images are transformed at most; on the image, the last transform comes first.

    Attributes:
        rotation_degrees: The angle is uniform in ±`rotation_degrees`, counter-clockwise positive.
        shift_fraction: Each axis moves uniformly by up to this fraction of its length.
        zoom_fraction: The size is multiplied by a uniform factor in 1 ± `zoom_fraction`.
    """

    rotation_degrees: float = transform(
        15.0,
        maximum=180,
        below=False,
        slider=(180, 1),
        description="rotation {:g}°",
        unit="degrees",
        severities=(7.5, 15, 25, 35, 45),
        inverse=_rotate_back,
        scale=math.pi / 180,
    )
    shift_fraction: float = transform(
        0.1,
        slider=(0.5, 0.01),
        description="shift {:.0%}",
        unit="fraction of the side",
        severities=(0.05, 0.1, 0.15, 0.2, 0.25),
        inverse=None,
    )
    zoom_fraction: float = transform(
        0.15,
        slider=(0.9, 0.01),
        description="zoom {:.0%}",
        unit="fraction of the size",
        severities=(0.1, 0.15, 0.25, 0.35, 0.45),
        inverse=_zoom_back,
    )

    @property
    def parameters(self) -> dict[str, float]:
        """The ranges by the names of the notebooks' parameters, such as "ROTATION_DEGREES"."""
        return {name.upper(): getattr(self, name) for name in TRANSFORMS}

    @property
    def description(self) -> str:
        """All transforms in words, such as "rotation 15°, shift 10%, zoom 15% at most"."""
        parts = [t.description.format(getattr(self, name)) for name, t in TRANSFORMS.items()]
        return ", ".join(parts) + " at most"


TRANSFORMS: dict[str, AffineTransform] = {
    entry.name: entry.metadata["transform"] for entry in fields(TransformRanges)
}


def transform_name(name: str) -> str:
    """Returns what a transform is called where its unit goes without saying: "zoom", for one."""
    return name.rpartition("_")[0]
