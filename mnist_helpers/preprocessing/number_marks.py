"""A number that was read, in words and as boxes in its picture."""

import numpy as np
from PIL import Image, ImageDraw

from mnist_helpers.preprocessing.numbers import Number

COLOUR = (213, 94, 0)


def in_words(number: Number) -> str:
    """Says what several digits are."""
    text = " / ".join(number.text.split("\n"))
    return f"This shows several digits: {text}, with {number.confidence:.0%} confidence."


def with_boxes(grey: np.ndarray, number: Number) -> np.ndarray:
    """Draws a box around each digit, and the digit above it.

    Args:
        grey: Float array of shape (h, w), values in [0, 1].
        number: What was read in it.

    Returns:
        uint8 array of shape (h', w', 3), enlarged where it is small.
    """
    enlarged = max(1, round(300 / len(grey)))
    picture = Image.fromarray(np.rint(255 * grey).astype(np.uint8)).convert("RGB")
    picture = picture.resize((picture.width * enlarged, picture.height * enlarged))
    pen = ImageDraw.Draw(picture)
    digits = number.text.replace("\n", "")
    for digit, (left, top, wide, high) in zip(digits, number.boxes, strict=True):
        x, y = left * picture.width, top * picture.height
        corner = x + wide * picture.width, y + high * picture.height
        pen.rectangle([(x, y), corner], outline=COLOUR, width=2)
        pen.text((x + 3, y + 1), digit, COLOUR, font_size=max(14, picture.height // 12))
    return np.asarray(picture)
