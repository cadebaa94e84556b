"""A number that was read, in words and as boxes in its picture."""

import numpy as np
from PIL import Image, ImageDraw

from mnist_helpers.preprocessing.image_io import Picture, read_grey
from mnist_helpers.preprocessing.numbers import LONGEST, Number
from mnist_helpers.validation import percent

COLOUR = (213, 94, 0)


def in_words(number: Number) -> str:
    """Says what several digits are."""
    text = number.text.replace("\n", " / ")
    return f"This shows several digits: {text}, with {percent(number.confidence)} confidence."


def with_boxes(picture: Picture, number: Number) -> np.ndarray:
    """Draws a box around each digit, and the digit above it.

    Args:
        picture: As for `to_mnist`.
        number: What was read in it.

    Returns:
        uint8 array of shape (h', w', 3), enlarged where it is small, with white above for the
        first line's digits.
    """
    grey = read_grey(picture, LONGEST)
    enlarged = max(1, round(300 / len(grey)))
    height, width = (side * enlarged for side in grey.shape)
    large = Image.fromarray(np.rint(255 * grey).astype(np.uint8)).resize((width, height))
    size = max(14, height // 12)
    marked = Image.new("RGB", (width, height + size), "white")
    marked.paste(large, (0, size))
    pen = ImageDraw.Draw(marked)
    digits = number.text.replace("\n", "")
    for digit, (left, top, wide, high) in zip(digits, number.boxes, strict=True):
        x, y = left * width, size + top * height
        corner = x + wide * width, y + high * height
        pen.rectangle([(x, y), corner], outline=COLOUR, width=2)
        pen.text((x + wide * width / 2, y), digit, COLOUR, font_size=size, anchor="mb")
    return np.asarray(marked)
