"""Drawn images in MNIST's form: digits as people write them where MNIST seldom does, and signs."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from skimage.morphology import skeletonize

from mnist_helpers.preprocessing.mnist_format import INKED, PictureError, ink_to_mnist

CANVAS = 112  # pixels a side of a drawing before it is fitted into 28 x 28
Stroke = Sequence[tuple[float, float]] | np.ndarray

# Ways to write digits other than the one that prevails in MNIST: the points x,y of each stroke, in
# percent of the height.
WRITTEN = {
    0: ["50,0 20,20 15,60 40,100 75,80 80,30 55,2"],
    1: [
        "20,35 40,18 55,0 | 55,0 53,50 52,100",
        "5,55 35,25 55,0 | 55,0 52,50 50,100",
        "25,25 50,0 | 50,0 50,100 | 20,100 80,100",
    ],
    2: [
        "15,25 40,0 70,15 60,50 15,100 | 15,100 80,100",
        "10,20 45,0 65,25 40,70 10,95 5,80 30,85 60,100 85,90",
        "40,38 20,22 38,0 62,12 52,50 10,97 | 10,97 80,95",
        "45,40 20,25 40,0 65,15 50,55 15,95 5,80 30,80 60,100 90,90",
    ],
    3: ["10,0 70,0 | 70,0 40,40 | 40,40 75,55 70,90 35,100 5,85"],
    4: [
        "30,0 15,35 5,65 | 5,65 80,65 | 60,30 55,100",
        "15,0 10,30 15,50 70,50 | 70,0 68,50 65,100",
        "60,0 0,70 | 0,70 85,70 | 60,0 60,100",
    ],
    5: [
        "20,0 15,40 50,35 75,60 60,95 5,95 | 22,2 75,0",
        "20,12 15,45 50,40 70,65 50,95 5,95 | 25,0 80,-5",
        "75,5 40,0 20,20 40,45 65,65 50,95 5,95",
    ],
    6: ["60,0 30,35 15,70 40,100 70,80 50,55 18,70"],
    7: [
        "10,0 75,0 | 75,0 50,50 35,100 | 25,50 80,45",
        "10,15 12,0 75,2 | 75,2 50,50 40,100",
    ],
    8: ["40,45 15,25 40,0 65,22 42,45 10,75 40,100 72,75 40,45"],
    9: [
        "65,20 35,0 12,25 35,48 65,20 | 65,15 60,100",
        "65,20 35,0 12,25 35,48 65,20 65,70 40,100 12,90",
        "30,10 28,55 25,100 | 30,10 60,0 75,20 55,42 30,42",
        "60,8 30,0 15,25 35,45 62,10 | 62,10 45,60 30,100",
    ],
}
FORMS: dict[int, list[list[Stroke]]] = {
    digit: [
        [
            [tuple(int(part) / 100 for part in point.split(",")) for point in stroke.split()]
            for stroke in form.split("|")
        ]
        for form in forms
    ]
    for digit, forms in WRITTEN.items()
}
# How often each digit is drawn: those whose forms differ most from MNIST's more often.
OFTEN = np.array([1, 3, 3, 1, 3, 2, 1, 3, 1, 4]) / 22


@cache
def fonts(families: tuple[str, ...], display: bool = False) -> list[Path]:
    """Returns the fonts that matplotlib brings whose names begin with one of the families'.

    Args:
        families: The beginnings.
        display: Whether those count that have few signs, such as "DejaVuSansDisplay".
    """
    there = sorted((Path(matplotlib.get_data_path()) / "fonts" / "ttf").glob("*.ttf"))
    chosen = [path for path in there if path.stem.startswith(families)]
    return [path for path in chosen if display or "Display" not in path.stem]


def one_of(things: Sequence, rng: np.random.Generator):
    """Draws one of some things."""
    return things[rng.integers(len(things))]


def drawn_digits(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draws digits by the strokes of `FORMS`, shaken.

    Args:
        count: How many.
        rng: Draws everything random.

    Returns:
        uint8 arrays of shapes (count, 28, 28) and (count,): light ink on black, and labels.
    """
    labels = rng.choice(10, count, p=OFTEN).astype(np.uint8)
    makers = [lambda label=label: drawn_strokes(one_of(FORMS[label], rng), rng) for label in labels]
    return in_form_of_mnist(makers), labels


def printed_digits(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Prints digits in fonts that have plain ones; see `drawn_digits`."""
    plain = fonts(("DejaVu", "STIXGeneral", "cmr", "cmb"))
    labels = rng.integers(0, 10, count).astype(np.uint8)
    makers = [lambda label=label: printed(str(label), one_of(plain, rng), rng) for label in labels]
    return in_form_of_mnist(makers), labels


def drawn_strokes(strokes: Sequence[Stroke], rng: np.random.Generator) -> np.ndarray:
    """Draws strokes with shaken points and a pen of random width.

    Args:
        strokes: Points (x, y) in fractions of the height.
        rng: Draws everything random.

    Returns:
        float64 array of shape (112, 112), 1 is ink.
    """
    picture = Image.new("L", (CANVAS, CANVAS), 0)
    pen, width = ImageDraw.Draw(picture), int(rng.integers(5, 15))
    moves = {}  # points that strokes share move together
    for stroke in strokes:
        points = [tuple(point) for point in stroke]
        for point in points:
            if point not in moves:
                moves[point] = np.array(point) + rng.normal(0, 0.035, 2)
        curve = 18 + 70 * smooth(np.array([moves[point] for point in points]))
        pen.line([tuple(place) for place in curve], fill=255, width=width, joint="curve")
        for x, y in curve[[0, -1]]:
            pen.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=255)
    return np.asarray(picture) / 255


def smooth(points: np.ndarray, steps: int = 8) -> np.ndarray:
    """Returns a Catmull-Rom curve through points of shape (n, 2)."""
    if len(points) < 3:
        return points
    ends = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    t = np.linspace(0, 1, steps)[:, None]
    parts = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        parts.append(
            b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
        )
    return np.concatenate(parts)


def printed(text: str, font: Path, rng: np.random.Generator) -> np.ndarray:
    """Prints a character or a word in one of `fonts`; see `drawn_strokes`."""
    size = int(rng.integers(60, 90)) if len(text) == 1 else 200 // len(text)
    picture = Image.new("L", (2 * CANVAS, 2 * CANVAS), 0)
    face = ImageFont.truetype(str(font), size)
    ImageDraw.Draw(picture).text((CANVAS, CANVAS), text, 255, face, anchor="mm")
    return np.asarray(picture) / 255


def cropped(ink: np.ndarray, least: float = 0) -> np.ndarray:
    """Returns the part with ink above `least`, without empty margins."""
    return ink[ndimage.find_objects((ink > least).astype(int))[0]]


def traced(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws the middle line of printed ink with a pen of random width, as if by hand."""
    line = skeletonize(np.pad(cropped(ink) > 0.5, 10))
    return (ndimage.distance_transform_edt(~line) < rng.uniform(1.5, 5)).astype(float)


def in_form_of_mnist(makers: Sequence[Callable[[], np.ndarray]]) -> np.ndarray:
    """Makes drawings and brings each into the form of MNIST; what cannot be is black.

    Args:
        makers: Functions that return float arrays of shape (h, w), 1 is ink.

    Returns:
        uint8 array of shape (len(makers), 28, 28).
    """
    images = np.zeros((len(makers), 28, 28), np.uint8)
    for image, make in zip(images, makers, strict=True):
        with suppress(PictureError):
            ink = make()
            if (ink > INKED).any():
                image[:] = np.rint(255 * ink_to_mnist(ink)[..., 0])
    return images
