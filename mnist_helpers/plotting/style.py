"""One palette and one type size for every figure of the series."""

import base64
import html
import io
from collections.abc import Sequence

import matplotlib.pyplot as plt
import seaborn as sns
from IPython.display import HTML, display
from matplotlib.axis import XAxis, YAxis
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

CLEAN = "#0072B2"
HYBRID = "#D55E00"
CONTEXT = "#6b6b6b"
DIGITS = "gray_r"
SEQUENTIAL = "mako_r"
SHARPNESS = 2  # pixels of the file for each pixel of the page: phones magnify


def use_style() -> None:
    """Sets seaborn's white-grid theme with the colour-blind palette and inline-sized figures."""
    sns.set_theme(context="notebook", style="whitegrid", palette="colorblind", font_scale=0.9)
    plt.rcParams.update(
        {
            "figure.dpi": 88,
            "savefig.bbox": "tight",
            "axes.titlelocation": "left",
            "figure.constrained_layout.use": True,
            "image.interpolation": "nearest",
        }
    )


def label_classes(axis: XAxis | YAxis, places: ArrayLike, names: Sequence) -> None:
    """Puts the names of the ten classes on an axis; words stand at a slant, digits upright.

    Args:
        axis: `axes.xaxis` or `axes.yaxis`.
        places: Where the classes lie on it.
        names: Ten names, or the digits 0 to 9.
    """
    axis.set_ticks(places, [str(name) for name in names])
    if max(len(str(name)) for name in names) > 2 and axis.axis_name == "x":
        plt.setp(axis.get_ticklabels(), rotation=35, ha="right", rotation_mode="anchor")


def show(figure: Figure, alt: str, reading: str = "") -> None:
    """Displays a figure in a notebook, and closes it.

    Args:
        figure: As for `picture_html`.
        alt: What the picture shows, for readers who do not see it.
        reading: A sentence below the picture, with the numbers of this run.
    """
    below = f"<figcaption>{html.escape(reading)}</figcaption>" if reading else ""
    display(HTML(f'<figure style="margin: 0">{picture_html(figure, alt)}{below}</figure>'))


def picture_html(figure: Figure, alt: str) -> str:
    """Returns a figure as an `<img>` that contains its picture, and closes it.

    Args:
        figure: The figure; it shrinks with a narrow page and stays sharp when magnified.
        alt: What the picture shows, for readers who do not see it.
    """
    drawn, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=SHARPNESS * figure.dpi)
    plt.close(figure)
    with Image.open(drawn) as picture:
        width = picture.width // SHARPNESS
        # 256 colours are more than a figure has, and a third of the bytes.
        picture.convert("RGB").quantize(256).save(packed, format="png", optimize=True)
    png = base64.b64encode(packed.getvalue()).decode()
    return (
        f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{png}" width="{width}" '
        'style="max-width: 100%; height: auto">'
    )
