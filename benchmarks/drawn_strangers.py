"""Drawn images of what is no digit, in MNIST's form: for the score that tells digits from it."""

from collections.abc import Callable

import numpy as np
from drawn_digits import CANVAS, drawn_strokes, fonts, in_form_of_mnist, one_of, printed, traced
from PIL import Image, ImageDraw
from scipy import ndimage

# Letters without those that are written like a digit (O, I, l, S, Z, B, b, g, q and the like).
LATIN = "ACEFGHJKLMNPRTUVWXYacdefhjkmnprtuvwxyÄÆÇÉÑÖÜàæçéñøßüđ"
GREEK = "ΓΔΛΞΠΣΦΨΩΥαβγδεζηλμξπτυχψω"
CYRILLIC = "ГДЖИЙКЛМПУФЦШЩЫЭЮЯвгджийклмптфцшщыэюя"
OTHERS = "אבגדהזחטכלמנעפצקרשתԱԲԳԴԵԶԷԸԹԺԻԽԾԿՀՁაბგდევზთიკლმნჟრსტუფქღყშჩცძწჭხჯჰعحخصضطظفقكلمنهي"
SIGNS = "!?#%&*+=@§€£$¥<>{}[]~^©®½±×÷√∞∑∫≈≠≤"  # noqa: RUF001
SHAPES = "→←↑↓↔⇒★☆♥♦♣♠☀☂☎☺☻♀♂♪♫✓✗✂✈❄❀"
WORDS = [
    "and", "the", "of", "to", "in", "is", "at", "on", "no", "yes", "sum", "total", "date", "name",
    "pay", "only", "per", "not", "for", "with", "EUR", "CHF", "Mr", "Dr", "Ltd", "und", "der",
    "die", "euro", "paid",
]  # fmt: skip
Maker = Callable[[np.random.Generator], np.ndarray]


def _letters(signs: str, families: tuple[str, ...], pen: bool | None = None) -> Maker:
    """Prints one of `signs` in a font of the families, as it is or traced by a pen."""

    def make(rng: np.random.Generator) -> np.ndarray:
        ink = printed(str(rng.choice(list(signs))), one_of(fonts(families), rng), rng)
        return traced(ink, rng) if (rng.random() < 0.6 if pen is None else pen) else ink

    return make


def scribble(rng: np.random.Generator) -> np.ndarray:
    """Draws curves through random points."""
    lines = range(rng.integers(1, 4))
    return drawn_strokes([rng.uniform(0, 1, (rng.integers(3, 12), 2)) for _ in lines], rng)


def spiral(rng: np.random.Generator) -> np.ndarray:
    """Draws a spiral, or waves."""
    turns = np.linspace(0, rng.uniform(3, 6) * np.pi, 30)
    if rng.random() < 0.5:
        circle = np.stack([np.cos(turns), np.sin(turns)], 1)
        points = 0.5 + 0.5 * circle * (turns / turns[-1])[:, None]
    else:
        points = np.stack([np.linspace(0, 1, 30), 0.5 + 0.25 * np.sin(turns)], 1)
    return drawn_strokes([points], rng)


def hatching(rng: np.random.Generator) -> np.ndarray:
    """Draws parallel or crossing strokes."""
    number, slant = int(rng.integers(2, 6)), rng.uniform(-0.5, 0.5)
    lines = [[(x, 0.0), (x + slant, 1.0)] for x in np.linspace(0.1, 0.9, number)]
    if rng.random() < 0.5:
        lines += [[(0.0, y), (1.0, y - slant)] for y in np.linspace(0.2, 0.8, rng.integers(1, 4))]
    return drawn_strokes(lines, rng)


def frame(rng: np.random.Generator) -> np.ndarray:
    """Draws a box or a part of one, as forms have; perhaps with something in it."""
    right, low = rng.uniform(0.5, 1), rng.uniform(0.5, 1)
    corners = [(0.0, 0.0), (right, 0.0), (right, low), (0.0, low), (0.0, 0.0)]
    sides = [[a, b] for a, b in zip(corners, corners[1:], strict=False)]
    kept = rng.permutation(4)[: rng.integers(2, 5)]
    strokes = [sides[side] for side in kept]
    if rng.random() < 0.3:
        strokes.append(rng.uniform(0.2, 0.5, (3, 2)))
    return drawn_strokes(strokes, rng)


def blobs(rng: np.random.Generator) -> np.ndarray:
    """Draws spots, or one filled shape."""
    picture = Image.new("L", (CANVAS, CANVAS), 0)
    pen = ImageDraw.Draw(picture)
    for _ in range(rng.integers(1, 6)):
        x, y, a, b = rng.uniform((10, 10, 4, 4), (100, 100, 40, 40))
        shape = pen.ellipse if rng.random() < 0.6 else pen.rectangle
        shape([x - a, y - b, x + a, y + b], fill=255)
    return np.asarray(picture) / 255


def texture(rng: np.random.Generator) -> np.ndarray:
    """Draws noise of any fineness, as of paper or shadows."""
    grain = ndimage.gaussian_filter(rng.standard_normal((CANVAS, CANVAS)), rng.uniform(1, 14))
    level = np.quantile(grain, rng.uniform(0.4, 0.9))
    return np.clip((grain - level) / (grain.max() - level), 0, 1)


def gradient(rng: np.random.Generator) -> np.ndarray:
    """Draws grey that rises evenly to one side, or nearly blank paper."""
    rows, columns = np.mgrid[-1 : 1 : CANVAS * 1j, -1 : 1 : CANVAS * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    grey = 0.5 + 0.5 * (rows * np.sin(angle) + columns * np.cos(angle)) * rng.uniform(0.3, 1)
    return np.clip(grey + rng.normal(0, rng.uniform(0, 0.1), grey.shape), 0, 1)


def word(rng: np.random.Generator) -> np.ndarray:
    """Prints a word."""
    faces = fonts(("DejaVuS",), display=True)
    return printed(str(rng.choice(WORDS)), one_of(faces, rng), rng)


def merged(digits: np.ndarray) -> Maker:
    """Sets two or three MNIST digits side by side, touching; `digits` is uint8 (n, 28, 28)."""

    def make(rng: np.random.Generator) -> np.ndarray:
        chosen = digits[rng.integers(len(digits), size=rng.integers(2, 4))] / 255
        parts = [digit[:, np.flatnonzero(digit.max(axis=0) > 0.2)] for digit in chosen]
        gap = np.zeros((28, int(rng.integers(0, 3))))
        row = np.concatenate([each for part in parts for each in (part, gap)], 1)
        return ndimage.zoom(row, 3, order=1)

    return make


def halved(digits: np.ndarray) -> Maker:
    """Leaves a third to a half of an MNIST 2, 4, 5 or 8; `digits` is of these, (n, 28, 28)."""

    def make(rng: np.random.Generator) -> np.ndarray:
        digit = one_of(digits, rng) / 255
        rows = np.flatnonzero(digit.max(axis=1) > 0.2)
        part = digit[rows[0] : rows[0] + int(len(rows) * rng.uniform(0.3, 0.45))]
        return ndimage.zoom(part[:: rng.choice([-1, 1])], 4, order=1).clip(0, 1)

    return make


# What the score is trained on, and what is held out to measure it: other fonts, other alphabets,
# other kinds of drawing. The weights say how often each is drawn.
TRAINED: dict[str, tuple[Maker, float]] = {
    "letters": (_letters(LATIN, ("DejaVu",)), 5),
    "Greek letters": (_letters(GREEK, ("DejaVu",)), 2),
    "Cyrillic letters": (_letters(CYRILLIC, ("DejaVu",)), 3),
    "signs": (_letters(SIGNS, ("DejaVuSans",)), 2),
    "scribbles": (scribble, 2),
    "hatching": (hatching, 1),
    "frames": (frame, 1),
    "textures": (texture, 1),
    "gradients": (gradient, 0.5),
    "words": (word, 1),
}
HELD_OUT: dict[str, Maker] = {
    "letters in other fonts": _letters(LATIN, ("STIXGeneral", "cmr", "cmb", "cmss"), pen=False),
    "letters in other fonts, traced": _letters(LATIN, ("STIXGeneral", "cmr", "cmss"), pen=True),
    "Hebrew, Armenian, Georgian, Arabic": _letters(OTHERS, ("DejaVuSans",)),
    "arrows, stars, faces": _letters(SHAPES, ("DejaVuSans",)),
    "spirals and waves": spiral,
    "spots": blobs,
}


def strangers(
    count: int, digits: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draws images of no digit, of the kinds that the score is trained on.

    Args:
        count: How many.
        digits: uint8 array of shape (n, 28, 28), MNIST's images, to merge and to cut.
        labels: Integer array of shape (n,).
        rng: Draws everything random.

    Returns:
        uint8 array of shape (count, 28, 28).
    """
    kinds = TRAINED | {
        "merged digits": (merged(digits), 2),
        "half digits": (halved(digits[np.isin(labels, (2, 4, 5, 8))]), 1),
    }
    makers, weights = zip(*kinds.values(), strict=True)
    chosen = rng.choice(len(makers), count, p=np.array(weights) / sum(weights))
    return in_form_of_mnist([lambda kind=kind: makers[kind](rng) for kind in chosen])
