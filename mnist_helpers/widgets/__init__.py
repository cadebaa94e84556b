"""Interactive parts of the notebooks: pure functions make pictures, a thin layer has controls.

Each widget has an attribute `still`: HTML of its first state, which pages without a kernel show.
"""

from mnist_helpers.widgets.explorer import AugmentationExplorer
from mnist_helpers.widgets.feature_maps import LayerView
from mnist_helpers.widgets.misclassified import MisclassifiedBrowser
from mnist_helpers.widgets.pad import DigitPad
from mnist_helpers.widgets.upload import PictureUpload

__all__ = ["AugmentationExplorer", "DigitPad", "LayerView", "MisclassifiedBrowser", "PictureUpload"]
