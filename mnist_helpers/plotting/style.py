"""One palette and one type size for every figure of the series, and how they are shown."""

import hashlib
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from IPython import get_ipython
from IPython.display import Image, Markdown, display
from IPython.lib.pretty import RepresentationPrinter
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from pandas.io.formats.style import Styler
from PIL import Image as PillowImage

CLEAN = "#0072B2"
HYBRID = "#D55E00"
CONTEXT = "#6b6b6b"
DIGITS = "gray_r"
SEQUENTIAL = "mako_r"
SHARPNESS = 2  # pixels of the file for each pixel of the page: phones magnify


class Png(NamedTuple):
    """A drawn figure: the bytes of its file, and its width on a page in pixels."""

    data: bytes
    width: int


def use_style() -> None:
    """Sets seaborn's white-grid theme with the colour-blind palette and inline-sized figures.

    In a notebook, styled tables get their content as plain text too.
    """
    if shell := get_ipython():
        shell.display_formatter.formatters["text/plain"].for_type(Styler, _print_table)
    sns.set_theme(context="notebook", style="whitegrid", palette="colorblind", font_scale=0.9)
    plt.rcParams.update({
        "figure.dpi": 88, "savefig.bbox": "tight", "axes.titlelocation": "left",
        "figure.constrained_layout.use": True, "image.interpolation": "nearest",
    })  # fmt: skip


def _print_table(table: Styler, printer: RepresentationPrinter, _cycle: bool) -> None:
    """Stands for a table where HTML is not shown, instead of its address in memory."""
    text = table.to_string(delimiter="  ")
    # The same table gets the same name in HTML, so a second run's output is the first one's.
    table.set_uuid(hashlib.sha256(text.encode()).hexdigest()[:5])
    printer.text(text.rstrip())


def panel_grid(
    count: int, columns: int, size: tuple[float, float, float], title: str, **options: Any
) -> tuple[Figure, list[Axes]]:
    """Makes a titled figure of panels in rows; what the last row has too many stays empty.

    Args:
        count: How many panels; none leaves one empty row.
        columns: Panels in a row.
        size: In inches: the width of the figure, the height of a row, and that of the title.
        title: Figure title.
        **options: As for `plt.subplots`.

    Returns:
        The figure and its `count` panels.
    """
    rows = max(1, -(-count // columns))
    width, height, above = size
    figsize = (width, height * rows + above)
    figure, panels = plt.subplots(rows, columns, figsize=figsize, squeeze=False, **options)
    figure.suptitle(title, fontsize="medium", x=0.01, ha="left")
    for axes in panels.flat[count:]:
        axes.axis("off")
    return figure, list(panels.flat[:count])


def label_classes(axis: XAxis | YAxis, places: ArrayLike, names: Sequence) -> None:
    """Puts the names of the ten classes on an axis; words stand at a slant, digits upright.

    Args:
        axis: `axes.xaxis` or `axes.yaxis`.
        places: Where the classes lie on it.
        names: Ten names, or the digits 0 to 9.
    """
    axis.set_ticks(np.asarray(places), [str(name) for name in names])
    if max(len(str(name)) for name in names) > 2 and axis.axis_name == "x":
        plt.setp(axis.get_ticklabels(), rotation=35, ha="right", rotation_mode="anchor")


def show(figure: Figure, alt: str, caption: str = "") -> None:
    """Displays a figure in a notebook, with its caption below, and closes it.

    The picture is an `image/png` output with the alternative text in its metadata, and the caption
    Markdown: what hosting sites, nbconvert and other front ends read.

    Args:
        figure: The figure.
        alt: What the picture shows, for readers who do not see it.
        caption: Markdown, a sentence with the numbers of this run.
    """
    png = figure_png(figure)
    display(Image(png.data, format="png", width=png.width, metadata={"alt": " ".join(alt.split())}))
    if caption:
        display(Markdown(caption))


def figure_png(figure: Figure) -> Png:
    """Draws a figure, sharp when magnified and on an opaque ground, and closes it."""
    drawn, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=SHARPNESS * figure.dpi)
    plt.close(figure)
    with PillowImage.open(drawn) as picture:
        # 256 colours are more than a figure has, and a third of the bytes.
        picture.convert("RGB").quantize(256).save(packed, format="png", optimize=True)
        return Png(packed.getvalue(), picture.width // SHARPNESS)
