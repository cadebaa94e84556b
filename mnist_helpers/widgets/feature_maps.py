"""What each layer makes of a digit, and which places decided the answer."""

from collections.abc import Sequence
from html import escape

import ipywidgets
import keras
import matplotlib
import numpy as np
import tensorflow as tf
from PIL import Image

from mnist_helpers.plotting.digits import image_grid
from mnist_helpers.widgets.base import StillPicture, handle_errors
from mnist_helpers.widgets.html import captioned, image_html, side_by_side

WIDTH = 480  # of the grid on the page, in pixels
BLUE, ORANGE = np.array([0, 114, 178]) / 255, np.array([213, 94, 0]) / 255


class LayerInspector:
    """Feature maps of a digit, and what each of their places adds to the answer.

    The share of a place is the gradient of the answer's logit times the activation, summed over the
    maps (Draelos and Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations", 2020). In
    the last maps before global pooling and a dense layer these shares are the class activation map
    (Zhou et al., "Learning deep features for discriminative localization", 2016) and add up to the
    logit without its bias.

    Args:
        model: A functional digit classifier that ends in a dense softmax layer.

    Attributes:
        names: The layers, in the order of the computation.
    """

    def __init__(self, model: keras.Model) -> None:
        *before, last = model.layers
        layers = [
            layer
            for layer in before
            if not isinstance(layer, (keras.layers.InputLayer, keras.layers.BatchNormalization))
            and len(layer.output.shape) == 4
        ]
        self.names = [layer.name for layer in layers]
        inspected = keras.Model(model.inputs, [*(layer.output for layer in layers), last.input])

        def inspect(image):
            with tf.GradientTape() as tape:
                tape.watch(image)
                *maps, features = tf.nest.flatten(inspected(image, training=False))
                logits = tf.matmul(tf.cast(features, tf.float32), last.kernel) + last.bias
                answer = tf.reduce_max(logits)
            slopes = tape.gradient(answer, maps)
            shares = [tf.reduce_sum(a * b, axis=-1) for a, b in zip(maps, slopes, strict=True)]
            return maps, shares, tf.argmax(logits[0])

        self.function = tf.function(
            inspect, input_signature=[tf.TensorSpec((1, 28, 28, 1), tf.float32)]
        )
        self(np.zeros((28, 28, 1), np.float32))

    def __call__(self, image: np.ndarray) -> tuple[dict, dict, int]:
        """Inspects one image.

        Args:
            image: float32 array of shape (28, 28, 1), values in [0, 1].

        Returns:
            Name of a layer to its maps, float32 (h, w, channels); the same to the shares of its
            places, float32 (h, w); and the answer.
        """
        maps, shares, answer = self.function(tf.constant(image[None], tf.float32))
        maps, shares = (
            {name: values.numpy()[0] for name, values in zip(self.names, list_, strict=True)}
            for list_ in (maps, shares)
        )
        return maps, shares, int(answer)


def feature_map_grid(maps: np.ndarray) -> np.ndarray:
    """Lays feature maps out as one picture, dark to light from the lowest value to the highest.

    Args:
        maps: Float array of shape (h, w, channels).

    Returns:
        uint8 array of shape (height, width, 3).
    """
    low, high = maps.min(), maps.max()
    scaled = np.moveaxis((maps - low) / max(high - low, 1e-9), 2, 0)
    columns = 2 ** int(np.ceil(np.log2(maps.shape[2]) / 2))
    pixels = matplotlib.colormaps["viridis"](image_grid(scaled, columns, gap=1))[..., :3]
    pixels[image_grid(np.ones_like(scaled), columns, gap=1) == 0] = 0.5  # grey between the maps
    return np.rint(255 * pixels).astype(np.uint8)


def overlay(image: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Lays what places add to the answer over the digit: orange speaks for it, blue against it.

    Args:
        image: Float array of shape (28, 28, 1), values in [0, 1].
        shares: Float array of shape (h, w).

    Returns:
        uint8 array of shape (112, 112, 3).
    """
    size = (112, 112)
    digit = Image.fromarray(image[..., 0].astype(np.float32)).resize(size, Image.Resampling.NEAREST)
    large = Image.fromarray(shares.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    strength = np.asarray(large) / max(np.abs(shares).max(), 1e-9)
    colour = np.where(strength[..., None] > 0, ORANGE, BLUE)
    grey = 1 - 0.8 * np.asarray(digit)[..., None]
    weight = 0.75 * np.abs(strength)[..., None]
    return np.rint(255 * (grey * (1 - weight) + colour * weight)).astype(np.uint8)


def layer_html(
    inspector: LayerInspector, image: np.ndarray, name: str, names: Sequence = range(10)
) -> str:
    """Shows a layer's feature maps and what its places add to the answer.

    Args:
        inspector: Of the network.
        image: float32 array of shape (28, 28, 1), values in [0, 1].
        name: The layer.
        names: What the ten classes are called.
    """
    maps, shares, number = inspector(image)
    answer = str(names[number])
    height, width, channels = maps[name].shape
    features = image_html(
        feature_map_grid(maps[name]), f"{channels} feature maps of the layer {name}.", WIDTH
    )
    deciding = image_html(
        overlay(image, shares[name]), f"The digit, coloured by what speaks for “{answer}”.", 224
    )
    return side_by_side(
        captioned(features, f"{name}: {channels} maps of {height} × {width}"),
        captioned(deciding, f"orange speaks for “{escape(answer)}”, blue against it"),
    )


class LayerView(StillPicture, ipywidgets.VBox):
    """Choose a digit and a layer; see its feature maps and what decided.

    Args:
        model: The network.
        images: uint8 array of shape (n, 28, 28).
        labels: Integer array of shape (n,).
        names: What the ten classes are called.

    Attributes:
        still: The first digit in the last layer, to show where there is no kernel.
    """

    def __init__(self, model: keras.Model, images, labels, names: Sequence = range(10)) -> None:
        self._images, self._labels, self._names = images, labels, names
        self.inspector = LayerInspector(model)
        there = np.unique(labels).tolist()
        first = 8 if 8 in there else there[0]
        options = [(str(names[digit]), digit) for digit in there]
        self.digit = ipywidgets.Dropdown(options=options, value=first, description="digit")
        self.number = ipywidgets.BoundedIntText(0, min=0, max=99, description="which one")
        names = self.inspector.names
        self.layer = ipywidgets.Dropdown(options=names, value=names[-1], description="layer")
        self.message, self.picture = ipywidgets.HTML(), ipywidgets.HTML()
        show = handle_errors(self.message)(self._show)
        show()
        self.still = self.picture.value
        for control in (self.digit, self.number, self.layer):
            control.observe(show, "value")
        controls = ipywidgets.HBox([self.digit, self.number, self.layer])
        controls.layout.flex_flow = "row wrap"
        super().__init__([controls, self.message, self.picture])
        self.add_class("mnist-layers")

    def _show(self, _=None) -> None:
        there = np.flatnonzero(self._labels == self.digit.value)
        index = there[self.number.value % len(there)]
        image = np.asarray(self._images[index], np.float32)[..., None] / 255
        self.picture.value = layer_html(self.inspector, image, self.layer.value, self._names)
