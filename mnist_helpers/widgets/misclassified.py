"""The confusion matrix to click on, and the digits behind each of its cells."""

import html
from collections.abc import Sequence

import numpy as np
import traitlets
from sklearn.metrics import confusion_matrix

from mnist_helpers.validation import percent
from mnist_helpers.widgets.base import AskingWidget, javascript
from mnist_helpers.widgets.html import captioned, image_html, side_by_side

MOST_SHOWN = 24


def digits_of_cell(labels, probabilities, digit: int, prediction: int) -> np.ndarray:
    """Finds the images of one cell of the confusion matrix.

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10).
        digit: The true digit, a row of the matrix.
        prediction: The predicted digit, a column.

    Returns:
        Integer array of indices: misclassified images with the most confident first, correctly
        classified ones with the least confident first.
    """
    predictions = probabilities.argmax(axis=1)
    there = np.flatnonzero((labels == digit) & (predictions == prediction))
    confidence = probabilities[there, prediction]
    return there[np.argsort(confidence if digit == prediction else -confidence, kind="stable")]


def cell_html(
    images,
    labels,
    probabilities,
    digit: int,
    prediction: int,
    model="",
    names: Sequence = range(10),
) -> str:
    """Shows the digits of one cell of a model's confusion matrix, each with its top three classes.

    Args:
        images: uint8 array of shape (n, 28, 28).
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10).
        digit: The true digit.
        prediction: The predicted digit.
        model: Whose predictions they are; said in the heading.
        names: What the ten classes are called.
    """
    names = [str(name) for name in names]
    true, answer = names[digit], names[prediction]
    chosen = digits_of_cell(labels, probabilities, digit, prediction)
    cards = []
    for index in chosen[:MOST_SHOWN]:
        top_three = np.argsort(-probabilities[index])[:3]
        lines = [
            f"#{index}",
            *(f"{html.escape(names[d])}: {percent(probabilities[index, d])}" for d in top_three),
        ]
        picture = image_html(images[index], f"A handwritten {true}, read as {answer}.", 84)
        cards.append(captioned(picture, "<br>".join(lines)))
    by = f" by {model}" if model else ""
    number = f"{len(chosen):,} image" + ("s" if len(chosen) != 1 else "")
    order = f"{'least' if digit == prediction else 'most'} confident first"
    shown = f" (the first {MOST_SHOWN})" if len(chosen) > MOST_SHOWN else ""
    heading = html.escape(f"{true} read as {answer}{by}: {number}", quote=False)
    heading += f", {order}{shown}" if len(chosen) > 1 else ""
    return f'<p class="mnist-cell"><b>{heading}</b></p>' + side_by_side(*cards)


class MisclassifiedBrowser(AskingWidget):
    """A confusion matrix to click on, and the digits of the chosen cell.

    Args:
        images: uint8 array of shape (n, 28, 28).
        labels: Integer array of shape (n,).
        probabilities: Name of a model to float array of shape (n, 10); the last one's matrix is
            shown, and cells whose number differs from the first one's are marked. A cell where
            only the first has images shows those.
        names: What the ten classes are called.

    Attributes:
        matrix: What the browser draws: the counts of both models, their names and the classes'.
        question: Holds the chosen cell, `digit` and `prediction`.
        still: The digits of the fullest cell off the diagonal.
    """

    _esm = javascript("ask", "misclassified")
    matrix: traitlets.Dict = traitlets.Dict().tag(sync=True)

    def __init__(
        self, images, labels, probabilities: dict[str, np.ndarray], names: Sequence = range(10)
    ) -> None:
        self._names = [str(name) for name in names]
        phases = list(probabilities.items())
        self._data, self._first, self._last = (images, labels), phases[0], phases[-1]
        (other_counts, first), (counts, last) = (
            (confusion_matrix(labels, values.argmax(axis=1), labels=range(10)), name)
            for name, values in (self._first, self._last)
        )
        errors = counts - np.diag(counts.diagonal())
        digit, prediction = (int(place) for place in np.unravel_index(errors.argmax(), (10, 10)))
        question = {"number": 0, "digit": digit, "prediction": prediction}
        matrix = {
            "counts": counts.tolist(), "name": last,
            "otherCounts": other_counts.tolist(), "otherName": first if first != last else "",
            "darkest": max(int(errors.max()), 1), "names": self._names,
        }  # fmt: skip
        self.still = self.reply_html(question)
        super().__init__(self.still, question=question, matrix=matrix)
        self.add_class("mnist-mistakes")

    def reply_html(self, question: dict) -> str:
        """Shows the cell's digits: the last model's, or the first's where the last has none."""
        images, labels = self._data
        cell = question["digit"], question["prediction"]
        (first, first_probabilities), (last, last_probabilities) = self._first, self._last
        shown = cell_html(images, labels, last_probabilities, *cell, last, self._names)
        if first == last or len(digits_of_cell(labels, last_probabilities, *cell)):
            return shown
        return shown + cell_html(images, labels, first_probabilities, *cell, first, self._names)
