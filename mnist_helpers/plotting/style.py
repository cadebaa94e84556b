"""One palette and one type size for every figure of the series."""

import base64
import html
import io

import matplotlib.pyplot as plt
import seaborn as sns
from IPython.display import HTML, display
from matplotlib.figure import Figure

CLEAN = "#0072B2"
HYBRID = "#D55E00"
CONTEXT = "#6b6b6b"
DIGITS = "gray_r"
SEQUENTIAL = "mako_r"


def use_style() -> None:
    """Sets seaborn's white-grid theme with the colour-blind palette and inline-sized figures."""
    sns.set_theme(context="notebook", style="whitegrid", palette="colorblind", font_scale=0.9)
    plt.rcParams.update(
        {
            "figure.dpi": 80,
            "savefig.bbox": "tight",
            "axes.titlelocation": "left",
            "figure.constrained_layout.use": True,
            "image.interpolation": "nearest",
        }
    )


def label_classes(axis, places, names) -> None:
    """Puts the names of the ten classes on an axis; words stand at a slant, digits upright.

    Args:
        axis: `axes.xaxis` or `axes.yaxis`.
        places: Where the classes lie on it.
        names: Ten names, or the digits 0 to 9.
    """
    axis.set_ticks(places, [str(name) for name in names])
    if max(len(str(name)) for name in names) > 2 and axis.axis_name == "x":
        plt.setp(axis.get_ticklabels(), rotation=35, ha="right", rotation_mode="anchor")


def show(figure: Figure, alt: str) -> None:
    """Displays a figure in a notebook with alternative text, and closes it.

    Args:
        figure: The figure; shrinks with a narrow page.
        alt: What the picture shows, for readers who do not see it.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    png = base64.b64encode(buffer.getvalue()).decode()
    display(
        HTML(
            f'<img src="data:image/png;base64,{png}" alt="{html.escape(alt)}" '
            'style="max-width: 100%">'
        )
    )
