"""The confusion matrix to click on, and the digits behind each of its cells."""

import html

import anywidget
import ipywidgets
import numpy as np
import traitlets
from IPython.display import HTML

from mnist_helpers.widgets.error_handling import handle_errors, message_line
from mnist_helpers.widgets.html import captioned, image_html, side_by_side

MOST_SHOWN = 24

MATRIX = """
function render({ model, el }) {
  const table = document.createElement("table");
  table.className = "mnist-matrix";
  table.style.cssText = "border-collapse: collapse; font-size: small; width: auto";
  const caption = table.createCaption();
  caption.textContent = "rows: the digit as written; columns: the answer";
  const digits = [...Array(10).keys()];
  const heads = digits.map((digit) => `<th scope="col">${digit}</th>`);
  table.createTHead().insertRow().innerHTML = "<th></th>" + heads.join("");
  const body = table.createTBody();
  const buttons = [];
  const cell = (row, column, count, other) => {
    const differs = other !== count;
    const share = row === column ? 0 : Math.min(count / model.get("darkest"), 1);
    const button = document.createElement("button");
    button.textContent = count || (differs ? "0" : "");
    button.disabled = count === 0;
    button.title = `${row} read as ${column}: ${count}`;
    if (differs) button.title += `; by ${model.get("other_name")}: ${other}`;
    button.setAttribute("aria-label", button.title);
    button.style.cssText =
      `width: 44px; height: 26px; padding: 0; color: inherit; cursor: pointer;
       background: rgba(213, 94, 0, ${0.7 * share});
       border: ${differs ? "2px dashed #56B4E9" : "1px solid #8884"}`;
    button.onclick = () => {
      model.set("selected", [row, column]);
      model.save_changes();
    };
    buttons.push([row, column, button]);
    return button;
  };
  for (const row of digits) {
    const line = body.insertRow();
    line.innerHTML = `<th scope="row">${row}</th>`;
    for (const column of digits) {
      const [count, other] = ["counts", "other_counts"].map((n) => model.get(n)[row][column]);
      line.insertCell().appendChild(cell(row, column, count, other));
    }
  }
  const mark = () => {
    const [row, column] = model.get("selected");
    for (const [r, c, button] of buttons) {
      const here = r === row && c === column;
      button.setAttribute("aria-pressed", here);
      button.style.outline = here ? "3px solid #E69F00" : "";
    }
  };
  model.on("change:selected", mark);
  mark();
  el.appendChild(table);
}
export default { render };
"""


def digits_of_cell(labels, probabilities, digit: int, answer: int) -> np.ndarray:
    """Finds the images of one cell of the confusion matrix.

    Args:
        labels: Integer array of shape (n,), the true digits.
        probabilities: Float array of shape (n, 10).
        digit: The true digit, a row of the matrix.
        answer: The network's answer, a column.

    Returns:
        Integer array of indices: mistakes the surest first, right answers the least sure first.
    """
    answers = probabilities.argmax(axis=1)
    there = np.flatnonzero((labels == digit) & (answers == answer))
    sure = probabilities[there, answer]
    return there[np.argsort(sure if digit == answer else -sure, kind="stable")]


def cell_html(images, labels, probabilities, digit: int, answer: int) -> str:
    """Shows the images of one cell with the three top_k answers under each.

    Args:
        images: uint8 array of shape (n, 28, 28).
        labels: Integer array of shape (n,).
        probabilities: Float array of shape (n, 10).
        digit: The true digit.
        answer: The network's answer.
    """
    chosen = digits_of_cell(labels, probabilities, digit, answer)
    order = "least sure first" if digit == answer else "surest first"
    cards = []
    for index in chosen[:MOST_SHOWN]:
        chances = probabilities[index]
        three = [f"{d}: {chances[d]:.1%}" for d in np.argsort(-chances)[:3]]
        picture = image_html(images[index], f"A handwritten {digit}, read as {answer}.", 84)
        cards.append(captioned(picture, "<br>".join([f"#{index}", *three])))
    shown = f" (the first {MOST_SHOWN})" if len(chosen) > MOST_SHOWN else ""
    number = f"{len(chosen):,} image" + ("s" if len(chosen) != 1 else "")
    heading = f"{digit} read as {answer}: {number}, {order}{shown}"
    return f'<p class="mnist-cell"><b>{html.escape(heading)}</b></p>' + side_by_side(*cards)


class Matrix(anywidget.AnyWidget):
    """A confusion matrix whose cells are buttons."""

    _esm = MATRIX
    counts: traitlets.List = traitlets.List().tag(sync=True)
    other_counts: traitlets.List = traitlets.List().tag(sync=True)
    other_name = traitlets.Unicode().tag(sync=True)
    darkest = traitlets.Int(1).tag(sync=True)
    selected: traitlets.List = traitlets.List().tag(sync=True)


class MisclassifiedBrowser(ipywidgets.VBox):
    """A confusion matrix to click on, and the digits of the chosen cell.

    Args:
        images: uint8 array of shape (n, 28, 28).
        labels: Integer array of shape (n,).
        probabilities: Name of a phase to float array of shape (n, 10); the last phase is shown, and
            cells whose number differs from the first's are marked. A phase alone has none.

    Attributes:
        still: The digits of the fullest cell off the diagonal, to show where there is no kernel.
    """

    def __init__(self, images, labels, probabilities: dict[str, np.ndarray]) -> None:
        phases = list(probabilities.items())
        (other_name, other), (_, shown) = phases[0], phases[-1]
        self._data = images, labels, shown
        counts, other_counts = (_confusion(labels, chances) for chances in (shown, other))
        mistakes = counts - np.diag(counts.diagonal())
        fullest = np.unravel_index(mistakes.argmax(), counts.shape)
        self.matrix = Matrix(
            counts=counts.tolist(),
            other_counts=other_counts.tolist(),
            other_name=other_name,
            darkest=max(int(mistakes.max()), 1),
            selected=[int(place) for place in fullest],
        )
        self.message = message_line()
        self.digits = ipywidgets.HTML()
        show = handle_errors(self.message)(self._show)
        show()
        self.still = HTML(self.digits.value)
        self.matrix.observe(show, "selected")
        alone = len(phases) == 1
        text = "" if alone else f"Dashed: {html.escape(other_name)} has another number there."
        note = ipywidgets.HTML(text)
        super().__init__([self.matrix, note, self.message, self.digits])
        self.add_class("mnist-mistakes")

    def _show(self, _=None) -> None:
        self.digits.value = cell_html(*self._data, *self.matrix.selected)


def _confusion(labels, probabilities) -> np.ndarray:
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, probabilities.argmax(axis=1)), 1)
    return counts
