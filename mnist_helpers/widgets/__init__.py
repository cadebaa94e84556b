"""Interactive parts of the notebooks: pure functions make pictures, a thin layer has controls.

Each widget has an attribute `still`: the picture of its first state, for pages without a kernel.
"""

from mnist_helpers.widgets.explorer import AugmentationExplorer
from mnist_helpers.widgets.layers import LayerView
from mnist_helpers.widgets.mistakes import MistakeBrowser
from mnist_helpers.widgets.pad import DigitPad
from mnist_helpers.widgets.reader import DigitReader
from mnist_helpers.widgets.upload import PictureUpload

__all__ = [
    "AugmentationExplorer",
    "DigitPad",
    "DigitReader",
    "LayerView",
    "MistakeBrowser",
    "PictureUpload",
]
