"""Random rotation, shift and zoom as one affine transform per image."""

from dataclasses import dataclass

import tensorflow as tf

from mnist_helpers.training.transforms import TRANSFORMS, TransformRanges
from mnist_helpers.validation import check_real


@dataclass(frozen=True)
class Augmentation(TransformRanges):
    """Random affine transforms, composed into one bilinear resampling per image.

    One resampling instead of three costs a third of the time and blurs the stroke once, not three
    times. What comes in from outside the image is background (0).

    Example::

        augmentation = Augmentation(rotation_degrees=15, shift_fraction=0.1, zoom_fraction=0.15)
        augmented = augmentation(images, seed=(0, 1))

    Args are the fields of `TransformRanges`.

    Raises:
        ValueError: A range is impossible, such as a zoom of 1.
    """

    def __post_init__(self) -> None:
        for name, kind in TRANSFORMS.items():
            value = getattr(self, name)
            check_real(name, value, 0, kind.maximum, below=kind.below)

    def __call__(self, images, seed):
        """Transforms each image at random; the same seed gives the same images everywhere.

        Args:
            images: Shape (n, height, width, 1); uint8 in 0–255, or float in [0, 1].
            seed: Two integers (a sequence, or an integer tensor of shape (2,)).

        Returns:
            float32 tensor of the same shape, values in [0, 1].

        Raises:
            ValueError: Images or seed have another form, or values lie outside [0, 1].
        """
        images = _check_images(images)
        seed = tf.convert_to_tensor(seed)
        if seed.shape != (2,) or not seed.dtype.is_integer:
            raise ValueError(f"seed must be two integers; got {seed}.")
        scale = 255.0 if images.dtype == tf.uint8 else 1.0
        count, height, width = tf.unstack(tf.shape(images)[:3])
        size = tf.cast(tf.stack([width, height]), tf.float32)
        amounts = self._draw_amounts(count, tf.cast(seed, tf.int32), size)
        moved = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(images, tf.float32),
            transforms=affine_transforms(amounts, size),
            output_shape=tf.stack([height, width]),
            interpolation="BILINEAR",
            fill_mode="CONSTANT",  # `reflect`, Keras's default, would mirror strokes at the border
            fill_value=0.0,
        )
        return tf.ensure_shape(moved / scale, images.shape)

    def _draw_amounts(self, count, seed, size) -> dict:
        """Draws an amount of each transform for each image, as `affine_transforms` takes them."""
        rows = [1 if kind.inverse else 2 for kind in TRANSFORMS.values()]
        draws = tf.random.stateless_uniform([sum(rows), count], seed, -1.0, 1.0)
        return {
            name: drawn * (getattr(self, name) * (kind.scale if kind.inverse else size[:, None]))
            for (name, kind), drawn in zip(TRANSFORMS.items(), tf.split(draws, rows), strict=True)
        }


def _check_images(images) -> tf.Tensor:
    """Returns images as a tensor of the form that `Augmentation` takes."""
    images = tf.convert_to_tensor(images)
    known = images.dtype == tf.uint8 or images.dtype.is_floating
    if not known or images.shape.rank != 4 or images.shape[3] != 1 or 0 in images.shape[1:3]:
        raise ValueError(
            "Images to augment must be uint8 or floats of shape (n, height, width, 1), not "
            f"{images.dtype.name} of shape {images.shape}."
        )
    # In a tf.data pipeline there are no values yet, and the type there is uint8.
    looked_at = images.dtype.is_floating and tf.executing_eagerly()
    if looked_at and not tf.reduce_all((images >= 0) & (images <= 1)):
        raise ValueError("Images of floats must lie in [0, 1].")
    return images


def affine_transforms(amounts, size):
    """Returns the rows that `ImageProjectiveTransformV3` takes for one amount of each transform.

    The op maps output pixels to input pixels, so this is the inverse of what the eye sees: first
    the shift, then the other transforms around the centre, in the order of `TransformRanges`.

    Args:
        amounts: By name, float32 (1, n) in the unit of the transform's `inverse`; of the shift,
            float32 (2, n) in pixels to the right and down.
        size: float32 (2,), width and height in pixels.

    Returns:
        float32 (n, 8).
    """
    # Where one step to the right (first column) and one down (second) came from, (2, n) each.
    x, y = tf.constant([[1.0], [0.0]]), tf.constant([[0.0], [1.0]])
    for name, kind in TRANSFORMS.items():
        if kind.inverse:
            x, y = kind.inverse(x, y, amounts[name], tf)
    centre_x, centre_y = (size[0] - 1) / 2, (size[1] - 1) / 2
    shift_x, shift_y = tf.unstack(amounts["shift_fraction"])
    from_x, from_y = centre_x + shift_x, centre_y + shift_y
    zero = tf.zeros_like(from_x)
    return tf.stack(
        [
            x[0], x[1], centre_x - x[0] * from_x - x[1] * from_y,
            y[0], y[1], centre_y - y[0] * from_x - y[1] * from_y,
            zero, zero,
        ],
        axis=1,
    )  # fmt: skip
