"""Arrays and probabilities as small pieces of HTML, made in a few milliseconds."""

import base64
import html
import io
import json
from typing import Any

import numpy as np
from PIL import Image

from mnist_helpers.validation import percent

# What a confidence is called: from the first on certain, from the second on probable.
CERTAIN, PROBABLE = 0.95, 0.7


def png(pixels: np.ndarray) -> bytes:
    """Returns a PNG file's content.

    Args:
        pixels: Array of shape (h, w) or (h, w, 3): uint8, or float in [0, 1].
    """
    if pixels.dtype != np.uint8:
        pixels = np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    file = io.BytesIO()
    # Compressing less than by default takes a third of the time.
    Image.fromarray(pixels).save(file, format="png", compress_level=1)
    return file.getvalue()


def image_html(pixels: np.ndarray, alt: str, width: int | None = None, height=None) -> str:
    """Returns an `<img>` that contains the picture and what it shows in words.

    Args:
        pixels: As for `png`.
        alt: For readers who do not see it.
        width: On the page, in pixels; it shrinks with a narrow page. By default as many as it has.
        height: The same; by default what keeps the shape.
    """
    size = f"height: {height}px; " if height else f"width: {width or pixels.shape[1]}px; "
    content = base64.b64encode(png(pixels)).decode()
    return (
        f'<img src="data:image/png;base64,{content}" alt="{html.escape(alt)}" '
        f'style="{size}max-width: 100%; image-rendering: pixelated; border: 1px solid #888">'
    )


def live_marker(widget: str, **settings: Any) -> str:
    """Returns an invisible element: who makes an HTML page can put a live widget in its place.

    Args:
        widget: Which one, as `runner.page.live_widgets` knows them.
        **settings: JSON values to begin with.
    """
    content = html.escape(json.dumps({"widget": widget, **settings}))
    return f'<span hidden data-live="{content}"></span>'


def answer_in_words(probabilities: np.ndarray) -> str:
    """Says the prediction in words that follow its confidence.

    Args:
        probabilities: Array of shape (10,), calibrated.
    """
    second, first = np.argsort(probabilities)[-2:]
    confidence = percent(probabilities[first])
    other = f"{second} ({percent(probabilities[second])})"
    article = "an" if first == 8 else "a"
    if probabilities[first] >= CERTAIN:
        return f"This is {article} {first}, with {confidence} confidence."
    if probabilities[first] >= PROBABLE:
        return f"Probably {article} {first}, with {confidence} confidence; second choice: {other}."
    return f"I cannot tell: {first} ({confidence}) or {other}."


def bars_html(probabilities: np.ndarray) -> str:
    """Draws ten probabilities as bars, in the colours of the page, light or dark.

    Args:
        probabilities: Array of shape (10,).
    """
    best = int(np.argmax(probabilities))
    rows = []
    for digit, probability in enumerate(probabilities):
        colour = "#D55E00" if digit == best else "#888"
        rows.append(
            f'<div style="display: flex; align-items: center; gap: 6px; line-height: 1.35">'
            f'<span style="width: 1ch">{digit}</span>'
            f'<span style="width: 150px"><span style="display: block; height: 10px; '
            f'background: {colour}; width: {max(100 * probability, 0.7):.1f}%"></span></span>'
            f"<span>{percent(probability)}</span></div>"
        )
    words = ", ".join(f"{d}: {percent(p)}" for d, p in enumerate(probabilities))
    return f'<div role="img" aria-label="Probabilities: {words}">{"".join(rows)}</div>'


def side_by_side(*parts: str) -> str:
    """Sets pieces of HTML beside each other; below each other on a narrow page."""
    cells = "".join(f"<div>{part}</div>" for part in parts)
    return (
        f'<div style="display: flex; flex-wrap: wrap; gap: 16px; align-items: flex-start">'
        f"{cells}</div>"
    )


def captioned(picture: str, caption: str) -> str:
    """Sets a caption under a piece of HTML."""
    style = "font-size: small; line-height: 1.3"
    return (
        f'<figure style="margin: 0">{picture}<figcaption style="{style}">{caption}</figcaption>'
        "</figure>"
    )


def answer_html(words: str) -> str:
    """Sets an answer in words as a paragraph that screen readers announce."""
    return f'<p class="mnist-answer" role="status"><b>{words}</b></p>'


def prediction_html(seen: np.ndarray, probabilities: np.ndarray, doubt: str | None = None) -> str:
    """Shows what the network sees, its answer in words, and ten probabilities.

    Args:
        seen: Float array of shape (28, 28, 1), values in [0, 1].
        probabilities: Array of shape (10,).
        doubt: What to say in place of the answer.
    """
    picture = image_html(seen[..., 0], "What the network sees: 28 by 28 pixels.", 140)
    return answer_html(doubt or answer_in_words(probabilities)) + side_by_side(
        captioned(picture, "what the network sees"), bars_html(probabilities)
    )
