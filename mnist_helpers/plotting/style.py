"""One palette and one type size for every figure of the series."""

import matplotlib.pyplot as plt
import seaborn as sns

CLEAN = "#0072B2"
HYBRID = "#D55E00"
CONTEXT = "#6b6b6b"
DIGITS = "gray_r"
SEQUENTIAL = "mako_r"


def use_style() -> None:
    """Sets seaborn's white-grid theme with the colour-blind palette and inline-sized figures."""
    sns.set_theme(context="notebook", style="whitegrid", palette="colorblind", font_scale=0.9)
    plt.rcParams.update({"figure.dpi": 80, "savefig.bbox": "tight", "axes.titlelocation": "left",
                         "figure.constrained_layout.use": True, "image.interpolation": "nearest"})
