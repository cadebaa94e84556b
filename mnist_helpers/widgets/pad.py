"""A pad to draw digits on, with mouse, pen, finger or by example, and what the network reads."""

import numpy as np
import traitlets
from PIL import Image, ImageDraw, ImageFilter

from mnist_helpers.evaluation.reader import Reader
from mnist_helpers.widgets import html
from mnist_helpers.widgets.base import AskingWidget, javascript

PAD_SIDE = 140  # pixels of the drawing that Python makes; the canvas shows it at twice the size
PEN_WIDTH = 0.085  # of the pad's side

# Corners of plain digits, as fractions of the pad's side; one list for each stroke.
EXAMPLES = {
    0: [[(0.5, 0.2), (0.36, 0.28), (0.31, 0.5), (0.36, 0.72), (0.5, 0.8), (0.64, 0.72),
         (0.69, 0.5), (0.64, 0.28), (0.5, 0.2)]],
    1: [[(0.55, 0.2), (0.5, 0.5), (0.45, 0.8)]],
    2: [[(0.33, 0.32), (0.42, 0.21), (0.58, 0.21), (0.66, 0.33), (0.6, 0.48), (0.45, 0.63),
         (0.32, 0.78), (0.5, 0.77), (0.7, 0.78)]],
    3: [[(0.34, 0.25), (0.5, 0.2), (0.64, 0.28), (0.62, 0.42), (0.47, 0.48), (0.64, 0.55),
         (0.67, 0.7), (0.52, 0.8), (0.33, 0.75)]],
    4: [[(0.42, 0.2), (0.36, 0.38), (0.31, 0.54), (0.5, 0.55), (0.7, 0.53)],
        [(0.63, 0.22), (0.6, 0.5), (0.57, 0.82)]],
    5: [[(0.67, 0.21), (0.4, 0.22), (0.37, 0.46), (0.53, 0.43), (0.66, 0.52), (0.66, 0.69),
         (0.52, 0.8), (0.33, 0.75)]],
    6: [[(0.6, 0.19), (0.44, 0.33), (0.36, 0.55), (0.38, 0.73), (0.5, 0.8), (0.63, 0.74),
         (0.64, 0.6), (0.53, 0.52), (0.39, 0.62)]],
    7: [[(0.31, 0.23), (0.5, 0.23), (0.69, 0.22), (0.58, 0.45), (0.48, 0.8)]],
    8: [[(0.63, 0.28), (0.5, 0.2), (0.38, 0.28), (0.4, 0.4), (0.6, 0.57), (0.64, 0.7), (0.5, 0.8),
         (0.37, 0.7), (0.4, 0.57), (0.6, 0.42), (0.63, 0.28)]],
    9: [[(0.64, 0.34), (0.53, 0.21), (0.4, 0.25), (0.36, 0.38), (0.46, 0.48), (0.6, 0.44),
         (0.64, 0.34), (0.62, 0.56), (0.57, 0.8)]],
}  # fmt: skip


def draw_strokes(strokes) -> np.ndarray:
    """Draws strokes with a thick soft pen.

    Args:
        strokes: Lists of (x, y), fractions of the pad's side from the upper left corner.

    Returns:
        uint8 array of shape (140, 140), black on white.
    """
    fine = 2 * PAD_SIDE
    picture = Image.new("L", (fine, fine), 255)
    pen = ImageDraw.Draw(picture)
    radius = PEN_WIDTH * fine / 2
    for stroke in strokes:
        points = [(x * fine, y * fine) for x, y in stroke]
        pen.line(points, fill=0, width=round(2 * radius))
        for x, y in points:  # Pillow's joints and ends are flat
            pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=0)
    picture = picture.filter(ImageFilter.GaussianBlur(2))
    return np.asarray(picture.resize((PAD_SIDE, PAD_SIDE), Image.Resampling.BOX))


class DigitPad(AskingWidget):
    """A pad to draw a digit on; the network says what it reads after each stroke.

    Args:
        reader: Says what it shows.
        example: Digit that is shown at first; the first stroke replaces it.

    Attributes:
        question: Holds the strokes as `draw_strokes` takes them, and whether they are an example.
        still: The example and its prediction.
    """

    _esm = javascript("ask", "canvas", "pad")
    pen_width = traitlets.Float(PEN_WIDTH).tag(sync=True)
    examples = traitlets.Dict({str(d): strokes for d, strokes in EXAMPLES.items()}).tag(sync=True)

    def __init__(self, reader: Reader, example: int = 7) -> None:
        self.reader = reader
        question = {"number": 0, "strokes": EXAMPLES[example], "example": True}
        reply = self.reply_html(question)
        alt = f"A {example}, drawn as with a pen."
        picture = html.image_html(draw_strokes(EXAMPLES[example]), alt, PAD_SIDE)
        parts = html.side_by_side(html.captioned(picture, "drawn"), reply)
        self.still = html.live_marker("pad") + parts
        super().__init__(reply, question=question)
        self.add_class("mnist-pad")

    def reply_html(self, question: dict) -> str:
        """Predicts the drawn digit."""
        if not question["strokes"]:
            return "<p>Draw a digit.</p>"
        drawing = draw_strokes(question["strokes"])
        seen = self.reader.image(drawing)
        probabilities, _, doubt = self.reader.answer(drawing, seen)
        return html.prediction_html(seen, probabilities, doubt)
