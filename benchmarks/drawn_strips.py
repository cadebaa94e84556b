"""Drawn pictures of numbers on paper, and the images that reading them comes across.

Digits are MNIST's, bent and written with other pens; around them are signs and letters, on plain,
patterned and ruled paper. The pictures go through the project's own `writing` and `numbers`, so
that the networks are trained on what separation makes of pictures, neighbours' remains included.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from drawn_digits import FORMS, OFTEN, cropped, drawn_strokes, fonts, one_of, printed, traced
from drawn_strangers import LATIN
from PIL import Image, ImageDraw
from scipy import ndimage

from mnist_helpers.preprocessing.image_io import PictureError
from mnist_helpers.preprocessing.mnist_format import ink_to_mnist, to_mnist
from mnist_helpers.preprocessing.numbers import alone, atoms_of, runs_of_atoms
from mnist_helpers.preprocessing.writing import find_writing, text_lines

NO_DIGIT = 10  # the label of an image that shows no digit
SIGNS = "." * 10 + "," * 7 + "-" * 5 + "=/"
INK = 0.3  # from here on a pixel counts as ink
PLAIN = ("DejaVuSans",)  # fonts


class Piece(NamedTuple):
    """A digit or sign to be placed: its ink, where its lowest ink stands, and the gap before it."""

    label: int
    ink: np.ndarray
    foot: float  # in heights below the top of the line
    gap: float  # in pixels


def draw_strip(images, labels, rng, wide=False) -> tuple[np.ndarray, list[tuple[int, np.ndarray]]]:
    """Draws one number on paper.

    Args:
        images: uint8 array of shape (n, 28, 28), MNIST's.
        labels: uint8 array of shape (n,).
        rng: Draws everything random.
        wide: Whether digits are slanted and stretched more, and unequally within a number.

    Returns:
        The picture, uint8 of shape (h, w), and label and bool mask (h, w) of each digit.
    """
    height = rng.uniform(20, 60) if rng.random() < 0.8 else rng.uniform(14, 24)
    pen = {
        "shear": rng.normal(0, 0.25 if wide else 0.22), "level": rng.uniform(0.3, 0.62),
        "sharpness": rng.uniform(1, 4),
        "width": np.exp(rng.normal(0, 0.23)) if wide else rng.uniform(0.75, 1.35),
        "unequal": 0.08 if wide else 0,
    }  # fmt: skip
    gap, count = rng.normal(0.13, 0.17) * height, int(rng.integers(1, 8))
    round_amount = rng.random() < 0.35
    zeros = np.flatnonzero(labels[:5000] == 0)
    pieces = []
    for number in range(count):
        if rng.random() < 0.25:
            wide = max(gap, 0.06 * height) + rng.uniform(0, 0.15) * height
            pieces.append(Piece(NO_DIGIT, *_sign(rng, height), wide))
        many_zeros = round_amount and number >= count / 2
        chosen = rng.choice(zeros) if many_zeros else rng.integers(len(images))
        label, ink = _digit(images[chosen], int(labels[chosen]), height, pen, many_zeros, rng)
        next_gap = max(gap + rng.normal(0, 0.08) * height, -0.25 * height)
        pieces.append(Piece(label, ink, 1 + rng.normal(0, 0.05), next_gap))
    if rng.random() < 0.4:
        wide = max(gap, 0.06 * height) + rng.uniform(0, 0.2) * height
        pieces.append(Piece(NO_DIGIT, *_sign(rng, height), wide))
    ink, masks = _set_out(pieces, height, rng)
    return _on_paper(ink, height, rng), masks


def _digit(image, label, height, pen, small, rng) -> tuple[int, np.ndarray]:
    """Draws a digit: MNIST's `image` with another pen or, at times, one by strokes or in print."""
    high = height * rng.normal(1, 0.1) * (rng.uniform(0.45, 1) if small else 1)
    high = float(np.clip(high, 0.35 * height, 1.4 * height))
    kind = rng.random()
    if kind < 0.15:
        label = int(rng.choice(10, p=OFTEN))
        return label, _scaled(drawn_strokes(one_of(FORMS[label], rng), rng), high)
    if kind < 0.19:
        return label, _scaled(printed(str(label), one_of(fonts(PLAIN), rng), rng), high)
    return label, _rewritten(image / 255, high, pen, rng)


def _rewritten(digit, height, pen, rng) -> np.ndarray:
    """Enlarges an MNIST digit, sheared, bent, and with a thinner or thicker pen."""
    digit = np.pad(cropped(digit, INK), 2)
    scale = height / (len(digit) - 4)
    shear = pen["shear"] + rng.normal(0, 0.07)
    wide = scale * pen["width"]
    if pen["unequal"]:
        wide *= np.exp(rng.normal(0, pen["unequal"]))
    shape = (
        int(np.ceil(len(digit) * scale)),
        int(np.ceil(digit.shape[1] * wide + abs(shear) * len(digit) * scale)) + 2,
    )
    inverse = np.array([[1 / scale, 0], [-shear / wide, 1 / wide]])
    middle = (np.array(digit.shape) - 1) / 2
    places = np.indices(shape).reshape(2, -1) - (np.array(shape)[:, None] - 1) / 2
    places = (inverse @ places + middle[:, None]).reshape(2, *shape)
    bend = rng.choice([0, 1.0, 1.8])
    for axis, field in enumerate(rng.uniform(-bend, bend, (2, 4, 4))):
        zooms = (shape[0] / 4, shape[1] / 4)
        places[axis] += ndimage.zoom(field, zooms, order=3, grid_mode=True, mode="nearest")
    level = pen["level"] + rng.normal(0, 0.03)
    enlarged = ndimage.map_coordinates(digit, places, order=3)
    return np.clip((enlarged - level) * pen["sharpness"] + 0.5, 0, 1)


def _scaled(ink: np.ndarray, height: float, widest: float = np.inf) -> np.ndarray:
    ink = cropped(ink, INK)
    scale = height / len(ink)
    return ndimage.zoom(ink, (scale, min(scale, widest / ink.shape[1])), order=1).clip(0, 1)


def _sign(rng, height: float) -> tuple[np.ndarray, float]:
    """Draws a point, comma, dash or the like, or a letter, printed or as if by hand.

    Returns:
        Ink and foot of a `Piece`.
    """
    pen = max(1.5, height * rng.uniform(0.06, 0.16))
    sign = str(rng.choice(list(SIGNS))) if rng.random() < 0.75 else ""
    if sign == ".":
        return _line([(0, 0), (0.01, 0)], 1.5 * pen), 1
    if sign == ",":
        long = height * rng.uniform(0.12, 0.3)
        return _line([(long * 0.4, 0), (0, long)], 0.8 * pen), 1.05
    if sign == "-":
        long = height * rng.uniform(0.2, 1.1)
        dash = _line([(0, long * rng.uniform(-0.15, 0.15)), (long, 0)], pen)
        return dash, rng.uniform(0.4, 0.8)
    if sign == "=":
        dash = _line([(0, 0), (height * rng.uniform(0.3, 0.9), 1)], pen)
        between = np.zeros((int(height * 0.2), dash.shape[1]))
        return np.concatenate([dash, between, dash]), 0.7
    if sign == "/":
        return _line([(height * 0.4, 0), (0, height * rng.uniform(0.9, 1.4))], pen), 1.1
    letter = printed(str(rng.choice(list("#$€*%&+" + LATIN))), one_of(fonts(PLAIN), rng), rng)
    letter = traced(letter, rng) if rng.random() < 0.8 else letter
    high = height * rng.uniform(0.6, 1.1)
    return _scaled(letter, high, 1.2 * height), 1


def _line(points: list[tuple[float, float]], width: float, fine: int = 4) -> np.ndarray:
    """Draws a straight stroke with round ends."""
    places = np.array(points) - np.min(points, axis=0) + width / 2 + 1
    size = np.ceil(places.max(axis=0) + width / 2 + 1).astype(int)
    picture = Image.new("L", tuple(size * fine))
    pen = ImageDraw.Draw(picture)
    pen.line([tuple(place * fine) for place in places], 255, int(width * fine))
    for x, y in places * fine:
        reach = width * fine / 2
        pen.ellipse([x - reach, y - reach, x + reach, y + reach], fill=255)
    return np.asarray(picture.resize(tuple(size), Image.Resampling.BOX)) / 255


def _set_out(pieces, height, rng) -> tuple[np.ndarray, list[tuple[int, np.ndarray]]]:
    """Sets pieces beside each other, with a margin; returns the ink and the digits' masks."""
    high, top = int(2.6 * height), 0.9 * height
    placed, right = [], 0.3 * height
    for piece in pieces:
        rows, columns = (np.flatnonzero(piece.ink.max(axis=axis) > INK) for axis in (1, 0))
        if len(columns) == 0:
            continue
        left = max(int(right + (piece.gap if placed else 0) - columns[0]), 0)
        down = int(np.clip(top + height * piece.foot - rows[-1], 0, max(high - len(piece.ink), 0)))
        placed.append((piece, down, left))
        right = max(right, left + columns[-1])
    ink, masks = np.zeros((high, int(right + height / 2) + 2)), []
    for piece, down, left in placed:
        view = ink[down : down + len(piece.ink), left : left + piece.ink.shape[1]]
        part = piece.ink[: view.shape[0], : view.shape[1]]
        np.maximum(view, part, out=view)
        if piece.label != NO_DIGIT:
            mask = np.zeros(ink.shape, bool)
            mask[down : down + part.shape[0], left : left + part.shape[1]] = part > 0.4
            masks.append((piece.label, mask))
    rows, columns = (np.flatnonzero(ink.max(axis=axis) > INK)[[0, -1]] for axis in (1, 0))
    margins = rng.integers(0, max(2, int(0.35 * height)), 4)
    window = np.s_[
        max(rows[0] - margins[0], 0) : rows[1] + 1 + margins[1],
        max(columns[0] - margins[2], 0) : columns[1] + 1 + margins[3],
    ]
    return ink[window], [(label, mask[window]) for label, mask in masks]


def _on_paper(ink, height, rng) -> np.ndarray:
    """Writes ink on grey paper with slanting light, patterns, ruled lines, a dark border, noise."""
    rows, columns = np.mgrid[: ink.shape[0], : ink.shape[1]].astype(float)
    white = rng.uniform(140, 252)
    paper = white + rng.uniform(-25, 25) * (columns / ink.shape[1] - 0.5)
    paper += rng.uniform(0, 15) * (rows / ink.shape[0] - 0.5)
    for _ in range(rng.integers(1, 3) if rng.random() < 0.6 else 0):
        angle = rng.normal(0, 0.2) if rng.random() < 0.5 else rng.uniform(0, np.pi)
        wave = rng.uniform(0, 3) * np.sin(columns / rng.uniform(8, 40) + rng.uniform(0, 6))
        across = rows * np.cos(angle) + columns * np.sin(angle) + wave
        stripes = np.cos(2 * np.pi * across / rng.uniform(3, 9)) * rng.uniform(1, 3)
        paper -= rng.uniform(4, 35) * np.clip(stripes, 0, 1)
    if rng.random() < 0.35:
        away = np.abs(rows - rng.uniform(0.05, 1) * len(ink) - rng.normal(0, 0.01) * columns)
        paper -= rng.uniform(30, 110) * np.clip(rng.uniform(0.5, 1.6) - away + 0.5, 0, 1)
    if rng.random() < 0.08:
        paper[:, : rng.integers(0, ink.shape[1] // 30 + 2)] = rng.uniform(0, 90)
    cover = ink * rng.uniform(0.8, 1)
    if rng.random() < 0.3:  # a pen that runs dry in places
        grain = ndimage.gaussian_filter(rng.standard_normal(ink.shape), 2)
        cover *= 1 - 0.3 * np.clip(4 * grain, 0, 1)
    picture = paper * (1 - cover) + rng.uniform(10, 0.62 * white) * cover
    picture = ndimage.gaussian_filter(picture, rng.uniform(0, 1) * min(1, height / 35))
    picture = np.clip(picture + rng.normal(0, rng.uniform(0.5, 9), ink.shape), 0, 255)
    return (255 - picture if rng.random() < 0.1 else picture).astype(np.uint8)


def cut_to_box(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Cuts a digit out of its picture by the box of its mask, with 2 pixels around."""
    rows, columns = np.nonzero(mask)
    top, left = max(rows.min() - 2, 0), max(columns.min() - 2, 0)
    return picture[top : rows.max() + 3, left : columns.max() + 3]


def images_of_strip(
    images, labels, rng, boxed=2, digits=8, strangers=10, wide=False
) -> Iterator[tuple]:
    """Draws a strip, and yields images in MNIST's form with their labels.

    Args:
        images: As for `draw_strip`.
        labels: As for `draw_strip`.
        rng: Draws everything random.
        boxed: Digits cut out by their boxes with 2 pixels around, as `to_mnist` reads them.
        digits: Candidates of `numbers` that are one digit, at most.
        strangers: Candidates that are a part of a digit, several or a sign, at most.
        wide: As for `draw_strip`.
    """
    picture, truth = draw_strip(images, labels, rng, wide)
    for number in rng.permutation(len(truth))[:boxed]:
        label, mask = truth[number]
        if mask.sum() >= 10:
            with suppress(PictureError):  # what cannot be separated is not learned
                yield to_mnist(cut_to_box(picture, mask)), label
    try:
        ink, mask = find_writing(picture / 255)
    except PictureError:
        return
    judged = list(_judged(mask, truth))
    for of_digits, most in ((True, digits), (False, strangers)):
        some = [found for found in judged if (found[1] != NO_DIGIT) == of_digits]
        for chosen in rng.permutation(len(some))[:most]:
            part, label = some[chosen]
            with suppress(PictureError):
                yield ink_to_mnist(alone(part, ink, mask)), label


def _judged(mask, truth) -> Iterator[tuple]:
    """Yields the candidates in a mask of ink with their labels; leaves doubtful ones out.

    A candidate is a digit if it holds nine tenths of one and hardly anything else; it is none if it
    lacks a quarter or three tenths of it are something else.
    """
    owner = np.zeros(mask.shape, int)
    for number, (_, ink) in enumerate(truth, 1):
        owner[ink] = number
    drawn = np.bincount(owner.ravel(), minlength=len(truth) + 1)
    separated = np.bincount(owner[mask], minlength=len(truth) + 1)
    lines, height = text_lines(mask)
    for line in lines:
        for _, _, part in runs_of_atoms(atoms_of(line, height), height):
            counts = np.bincount(owner[part.rows, part.columns], minlength=len(truth) + 1)
            best = 1 + counts[1:].argmax()
            share = counts[best] / max(separated[best], 1)
            other = 1 - counts[best] / counts.sum()
            lost = separated[best] < 0.6 * drawn[best]
            if share >= 0.9 and other <= 0.12 and not lost:
                yield part, truth[best - 1][0]
            elif (share < 0.75 or other > 0.3) and not (lost and share > 0.5):
                yield part, NO_DIGIT
