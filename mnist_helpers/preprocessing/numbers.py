"""Any number of digits in one picture, in one or several lines of text."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from mnist_helpers.preprocessing.background import find_ink, grown
from mnist_helpers.preprocessing.image_io import Picture, PictureError, read_grey
from mnist_helpers.preprocessing.lines import EVERY_NEIGHBOUR
from mnist_helpers.preprocessing.mnist_format import ink_to_mnist

Classify = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
Box = tuple[int, int, int, int]

MOST_PARTS = 400  # a page of digits has fewer; a texture has thousands
MOST_CANDIDATES = 4_000  # 28 x 28 float32 images of 3 kB each
LEAST_HEIGHT = 0.4  # of the tallest tenth of a line's parts: points, commas and dashes are lower
WIDEST = 1.6  # times a line's height: no digit is wider
LONGEST = 4  # atoms of one candidate
SKIP = np.log(1e-3)  # what leaving an atom out costs, per height of its width
NO_NUMBER = "No number is to be found: nothing that stands out looks like a digit."


class Number(NamedTuple):
    """The digits in a picture.

    Attributes:
        text: The lines, joined by line ends.
        lines: The digits of each line of text, from top to bottom.
        boxes: Of each digit, in the order of `lines`: left, top, width and height in pixels of the
            picture as `read_grey` returns it.
        confidences: Probability of each digit.
        confidence: Probability that all are right: their product.
    """

    text: str
    lines: list[str]
    boxes: list[Box]
    confidences: list[float]
    confidence: float


def read_number(picture: Picture, classify: Classify) -> Number:
    """Reads all digits in a picture.

    Strokes are cut at the thinnest places into atoms; each run of neighbouring atoms is a candidate
    for a digit. All of them are judged in one call, and dynamic programming chooses the best
    sequence (over-segmentation; Casey and Lecolinet, 1996).

    Args:
        picture: As for `to_mnist`.
        classify: Takes float32 (n, 28, 28, 1); returns probabilities (n, 10) and the scores (n,)
            in [0, 1] of being a digit at all.

    Raises:
        PictureError: There is no digit, or far too much that might be one.
    """
    ink, mask = find_ink(read_grey(picture))
    found = [_candidates(line, ink, mask) for line in _text_lines(mask)]
    images = [image for candidates in found for image, *_ in candidates.values()]
    if not images:
        raise PictureError(NO_NUMBER)
    if len(images) > MOST_CANDIDATES:
        raise PictureError(_too_many(len(images), "places for digits"))
    probabilities, scores = classify(np.stack(images))
    digits: list[list[tuple[int, float, Box]]] = []
    start = 0
    for candidates in found:
        stop = start + len(candidates)
        digits.append(_best(candidates, probabilities[start:stop], scores[start:stop]))
        start = stop
    digits = [line for line in digits if line]
    if not digits:
        raise PictureError(NO_NUMBER)
    lines = ["".join(str(digit) for digit, *_ in line) for line in digits]
    confidences = [confidence for line in digits for _, confidence, _ in line]
    boxes = [box for line in digits for *_, box in line]
    return Number("\n".join(lines), lines, boxes, confidences, float(np.prod(confidences)))


def _too_many(count: int, what: str) -> str:
    return f"The picture holds {count:,} {what}; give a part that shows the number alone."


def _text_lines(mask: np.ndarray) -> list[list[np.ndarray]]:
    """Groups the parts tall enough for digits into lines of text; each a list of bool masks."""
    parts, count = ndimage.label(mask, EVERY_NEIGHBOUR)
    slices = ndimage.find_objects(parts)
    heights = np.array([rows.stop - rows.start for rows, _ in slices])
    tall = np.flatnonzero(heights >= LEAST_HEIGHT * np.percentile(heights, 90)) if count else []
    tall = [n for n in tall if heights[n] >= max(5, LEAST_HEIGHT * heights.max() / 2)]
    if len(tall) > MOST_PARTS:
        raise PictureError(_too_many(len(tall), "separate strokes"))
    lines: list[list[int]] = []
    for number in sorted(tall, key=lambda n: slices[n][0].start + slices[n][0].stop):
        middle = (slices[number][0].start + slices[number][0].stop) / 2
        for line in lines:
            if any(slices[n][0].start <= middle <= slices[n][0].stop for n in line):
                line.append(number)
                break
        else:
            lines.append([number])
    return [[parts == n + 1 for n in line] for line in lines]


def _candidates(line: list[np.ndarray], ink: np.ndarray, mask: np.ndarray) -> dict:
    """Makes an image of each run of atoms: (first, behind last) to (image, box, height)."""
    atoms = _atoms(line)
    height = np.percentile([np.ptp(np.nonzero(part)[0]) + 1 for part in line], 75)
    found = {}
    for first in range(len(atoms)):
        digit = np.zeros(mask.shape, bool)
        for last in range(first, min(first + LONGEST, len(atoms))):
            digit = digit | atoms[last]
            rows, columns = np.nonzero(digit)
            wide, high = np.ptp(columns) + 1, np.ptp(rows) + 1
            if wide > WIDEST * height:
                break
            if high < LEAST_HEIGHT * height:
                continue
            full = np.percentile(ink[digit], 90)
            cut = np.clip(ink / full, 0, 1) * (grown(digit) & (digit | ~mask))
            box = (int(columns.min()), int(rows.min()), int(wide), int(high))
            try:
                found[first, last + 1] = (ink_to_mnist(cut), box)
            except PictureError:
                continue  # a speck of an atom is no candidate
    return found


def _atoms(line: list[np.ndarray]) -> list[np.ndarray]:
    """Cuts what may be several digits where a column has least ink; from left to right."""
    height = max(np.ptp(np.nonzero(part)[0]) + 1 for part in line)
    atoms = []
    for part in line:
        columns = np.flatnonzero(part.any(axis=0))
        left, right = columns[0], columns[-1] + 1
        cuts = [left]
        if right - left > 0.9 * height:
            profile = ndimage.uniform_filter1d(part.sum(axis=0).astype(float), 3)
            step = max(round(0.2 * height), 2)
            lowest = ndimage.minimum_filter1d(profile, 2 * step + 1)
            for column in range(left + step, right - step):
                if profile[column] == lowest[column] and column - cuts[-1] >= step:
                    cuts.append(column)
        for start, stop in zip(cuts, [*cuts[1:], right], strict=True):
            atom = np.zeros_like(part)
            atom[:, start:stop] = part[:, start:stop]
            atoms.append(atom)
    return sorted(atoms, key=lambda atom: np.nonzero(atom)[1].mean())


def _best(
    candidates: dict, probabilities: np.ndarray, scores: np.ndarray
) -> list[tuple[int, float, Box]]:
    """Chooses the sequence of candidates with the highest sum of log probability x score.

    A candidate counts once for each of its atoms, so that fewer, wider digits gain nothing.
    """
    count = max((behind for _, behind in candidates), default=0)
    best: list[tuple[float, list]] = [(0.0, [])] + [(-np.inf, [])] * count
    for behind in range(1, count + 1):
        before, chosen = best[behind - 1]
        best[behind] = (before + SKIP, chosen)
        for row, ((first, last), (_, box)) in enumerate(candidates.items()):
            if last != behind:
                continue
            digit = int(probabilities[row].argmax())
            confidence = float(probabilities[row, digit] * scores[row])
            total = best[first][0] + (last - first) * np.log(confidence + 1e-9)
            if total > best[behind][0]:
                best[behind] = (total, [*best[first][1], (digit, confidence, box)])
    return best[-1][1]
