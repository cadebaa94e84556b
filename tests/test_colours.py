"""The figures' colours, as people see them who cannot tell all colours apart."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from skimage.color import xyz2lab

from mnist_helpers.plotting.style import CLEAN, CONTEXT, HYBRID

# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
# Deficiency", IEEE TVCG 15(6), 2009, doi:10.1109/TVCG.2009.113: severity 1, on linear RGB.
VISION = {
    "full": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
TO_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
# About 2.3 is the least difference that is seen between large fields side by side; thin lines and
# small points apart from each other need several times that.
FLOOR = 20


def lab(colour, matrix):
    """Returns the CIE L*a*b* (1976, white D65) of a colour that is seen through `matrix`."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return xyz2lab(TO_XYZ @ np.clip(matrix @ linear, 0, 1))


def nearest(colours, vision):
    """Returns the smallest distance (CIE 1976) between two of the colours."""
    seen = [lab(colour, np.array(VISION[vision])) for colour in colours]
    return min(np.linalg.norm(a - b) for a, b in combinations(seen, 2))


@pytest.mark.parametrize("vision", VISION)
def test_the_colours_of_a_figure_stay_apart(vision):
    # Curves of both phases; learning curves, with the line where augmentation begins.
    assert nearest([CLEAN, HYBRID, CONTEXT], vision) >= FLOOR


def test_the_simulation_finds_red_and_green_out():
    assert lab("white", VISION["full"]) == pytest.approx([100, 0, 0], abs=0.1)
    assert nearest(["tab:red", "tab:green"], "full") > 5 * FLOOR
    assert nearest(["tab:red", "tab:green"], "deuteranopia") < FLOOR / 2
