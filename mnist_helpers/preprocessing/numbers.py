"""Any number of digits in one picture, in one or several lines of text."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from mnist_helpers.preprocessing.image_io import Picture, PictureError, read_grey
from mnist_helpers.preprocessing.lines import EVERY_NEIGHBOUR
from mnist_helpers.preprocessing.mnist_format import ink_to_mnist
from mnist_helpers.preprocessing.writing import (
    LEAST_HEIGHT,
    TOO_MANY,
    Part,
    find_writing,
    text_lines,
)

Classify = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
Box = tuple[float, float, float, float]

LONGEST = 1_600  # pixels of the longer side that pictures are reduced to
TALLEST = 64  # pixels of a digit; larger writing is reduced further, for speed
MOST_CANDIDATES = 8_000  # 28 x 28 float32 images of 3 kB each
STEP = 0.12  # of the height: how densely wide strokes are cut
WIDEST, HIGHEST = 1.5, 2.5  # of the height: no digit exceeds it
MOST_ATOMS = 14  # in one digit
SHORTEST_ONE = 0.6  # of the height: a lower stroke is a comma, a dash or a speck
LEAST_CONFIDENCE = 0.1  # of a digit; what is surely none is none, whatever leaving it out costs
SKIP = 4.0  # what as much ink as a digit's costs if it is left out, in nats
DIGIT_INK = 0.18  # of the square of the height: what a digit's strokes cover
NO_NUMBER = "No number is to be found: nothing that stands out looks like a digit."


class Number(NamedTuple):
    """The digits in a picture.

    Attributes:
        text: The lines, joined by line ends.
        confidence: Probability that all are right: the product of those of the digits.
        confidences: Of each digit, in the order of `text`.
        boxes: Of each digit: left, top, width and height, in parts of the picture's sides.
    """

    text: str
    confidence: float
    confidences: list[float]
    boxes: list[Box]


class Candidate(NamedTuple):
    """What may be a digit: the atoms from `first` to before `behind`, in MNIST's form."""

    first: int
    behind: int
    image: np.ndarray
    part: Part


def read_number(picture: Picture, classify: Classify) -> Number:
    """Reads all digits in a picture.

    Strokes are cut at many places into atoms; each run of neighbouring atoms is a candidate for a
    digit. Those of a line are judged in one call, and dynamic programming chooses the most probable
    sequence (over-segmentation: Casey and Lecolinet, "A survey of methods and strategies in
    character segmentation", 1996).

    Args:
        picture: As for `to_mnist`.
        classify: Takes float32 (n, 28, 28, 1); returns probabilities (n, 10) and the scores (n,)
            in [0, 1] of being a digit at all.

    Raises:
        PictureError: There is no digit, or far too much that might be one.
    """
    grey = read_grey(picture, LONGEST)
    ink, mask = find_writing(grey)
    lines, height = text_lines(mask)
    if height > TALLEST:
        grey = read_grey(grey, round(max(grey.shape) * TALLEST / height))
        ink, mask = find_writing(grey)
        lines, height = text_lines(mask)
    left, texts = MOST_CANDIDATES, []
    confidences: list[float] = []
    boxes: list[Box] = []
    for line in lines:
        atoms = atoms_of(line, height)
        candidates = list(islice(_candidates(atoms, ink, mask, height), left + 1))
        left -= len(candidates)
        if left < 0:
            raise PictureError(TOO_MANY.format(MOST_CANDIDATES, "places for digits and more"))
        if not candidates:
            continue
        probabilities, scores = classify(np.stack([each.image for each in candidates]))
        digits = probabilities.argmax(axis=1)
        heights = np.array([each.part.bottom - each.part.top for each in candidates])
        scores = np.where((digits == 1) & (heights < SHORTEST_ONE * height), 0, scores)
        confidence = probabilities.max(axis=1) * scores
        chosen = _best(atoms, candidates, confidence, height)
        texts.append("".join(map(str, digits[chosen])))
        confidences += confidence[chosen].tolist()
        boxes += [_in_parts(candidates[place].part, grey.shape) for place in chosen]
    if not boxes:
        raise PictureError(NO_NUMBER)
    text = "\n".join(filter(None, texts))
    return Number(text, float(np.prod(confidences)), confidences, boxes)


def _in_parts(box: Part, shape: tuple[int, ...]) -> Box:
    """Returns left, top, width and height in parts of the picture's sides."""
    high, wide = shape
    return (
        float(box.left / wide),
        float(box.top / high),
        float((box.right - box.left) / wide),
        float((box.bottom - box.top) / high),
    )


def atoms_of(line: list[Part], height: float) -> list[Part]:
    """Cuts strokes that may be several digits where they have least ink; from left to right."""
    step = max(2, round(STEP * height))
    atoms = []
    for part in line:
        width, cuts = part.right - part.left, []
        ink = np.bincount(part.columns - part.left)
        start = step if width > 0.5 * height else width
        while start < width - 1:
            cut = start + int(ink[start : min(start + step, width - 1)].argmin())
            if cut <= width - max(2, step // 2):
                cuts.append(cut)
            start = max(start + step, cut + max(2, step // 2))
        atom = np.searchsorted(cuts, part.columns - part.left, side="right")
        for number in np.unique(atom):
            inside = atom == number
            atoms.append(Part.of(part.rows[inside], part.columns[inside]))
    return sorted(atoms, key=lambda atom: atom.columns.mean())


def runs_of_atoms(atoms: list[Part], height: float) -> Iterator[tuple[int, int, Part]]:
    """Yields the runs of atoms no wider and no taller than digits: first, behind the last, and all.

    Args:
        atoms: From `atoms_of`.
        height: Of the line, in pixels.
    """
    for first in range(len(atoms)):
        for behind in range(first + 1, min(first + MOST_ATOMS, len(atoms)) + 1):
            run = atoms[first:behind]
            part = Part.of(
                np.concatenate([atom.rows for atom in run]),
                np.concatenate([atom.columns for atom in run]),
            )
            if part.right - part.left > WIDEST * height:
                break
            if LEAST_HEIGHT * height <= part.bottom - part.top <= HIGHEST * height:
                yield first, behind, part


def _candidates(
    atoms: list[Part], ink: np.ndarray, mask: np.ndarray, height: float
) -> Iterator[Candidate]:
    for first, behind, part in runs_of_atoms(atoms, height):
        try:
            yield Candidate(first, behind, ink_to_mnist(alone(part, ink, mask)), part)
        except PictureError:
            continue  # a speck of an atom is no candidate


def alone(part: Part, ink: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Cuts out a part's ink with its soft edge, without what belongs to its neighbours."""
    top, left = max(part.top - 2, 0), max(part.left - 2, 0)
    window = np.s_[top : part.bottom + 2, left : part.right + 2]
    own = np.zeros(mask[window].shape, bool)
    own[part.rows - top, part.columns - left] = True
    soft = ndimage.binary_dilation(own, EVERY_NEIGHBOUR) & (own | ~mask[window])
    return np.clip(ink[window] * soft / np.percentile(ink[window][own], 90), 0, 1)


def _best(
    atoms: list[Part], candidates: list[Candidate], confidence: np.ndarray, height: float
) -> list[int]:
    """Chooses the candidates, one behind the other, that are most probable together.

    Half of a candidate's log probability counts by its ink, so that fewer, wider digits gain
    nothing; atoms that no digit takes cost by theirs.
    """
    ink = np.array([len(atom.rows) for atom in atoms]) / (DIGIT_INK * height**2)
    ending: dict[int, list[int]] = defaultdict(list)
    for number, candidate in enumerate(candidates):
        if confidence[number] >= LEAST_CONFIDENCE:
            ending[candidate.behind].append(number)
    best: list[tuple[float, list[int]]] = [(0.0, [])]
    for behind in range(1, len(atoms) + 1):
        score, chosen = best[behind - 1]
        options = [(score - SKIP * ink[behind - 1], chosen)]
        for number in ending[behind]:
            first = candidates[number].first
            score, chosen = best[first]
            weight = 0.5 + 0.5 * ink[first:behind].sum()
            options.append((score + weight * np.log(confidence[number]), [*chosen, number]))
        best.append(max(options, key=lambda option: option[0]))
    return best[-1][1]
