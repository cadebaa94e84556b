"""Random rotation, shift and zoom as one affine transform per image."""

from dataclasses import dataclass

import tensorflow as tf

from mnist_helpers.training.transforms import TRANSFORMS, Amounts


@dataclass(frozen=True)
class Augmentation(Amounts):
    """The random moves of `moves.Amounts`, composed into one bilinear resampling per image.

    One resampling instead of three costs a third of the time and blurs the stroke once, not three
    times. What comes in from outside the image is background (0). Fields are those of `Amounts`.

    Raises:
        ValueError: A value is impossible, such as a zoom of 1.
    """

    def __post_init__(self) -> None:
        for name, transform in TRANSFORMS.items():
            amount = getattr(self, name)
            if not transform.holds(amount):
                raise ValueError(f"{name} must be {transform.allowed}; got {amount!r}.")

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
        images = checked_images(images)
        seed = tf.convert_to_tensor(seed)
        if seed.shape != (2,) or not seed.dtype.is_integer:
            raise ValueError(f"The seed must be two whole numbers, not {seed}.")
        scale = 255.0 if images.dtype == tf.uint8 else 1.0
        count, height, width = tf.unstack(tf.shape(images)[:3])
        size = tf.cast(tf.stack([width, height]), tf.float32)
        amounts = self._drawn_amounts(count, tf.cast(seed, tf.int32), size)
        moved = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(images, tf.float32),
            transforms=affine_transforms(amounts, size),
            output_shape=tf.stack([height, width]),
            interpolation="BILINEAR",
            fill_mode="CONSTANT",  # `reflect`, Keras's default, would mirror strokes at the border
            fill_value=0.0,
        )
        return tf.ensure_shape(moved / scale, images.shape)

    def _drawn_amounts(self, count, seed, size) -> dict:
        """Draws an amount of each move for each image, as `affine_transforms` takes them."""
        rows = [2 if move.undo is None else 1 for move in TRANSFORMS.values()]
        draws = tf.random.stateless_uniform([sum(rows), count], seed, -1.0, 1.0)
        amounts = {}
        for (name, move), drawn in zip(TRANSFORMS.items(), tf.split(draws, rows), strict=True):
            most = getattr(self, name) * (move.scale if move.undo else size[:, None])
            amounts[name] = drawn * most
        return amounts


def checked_images(images) -> tf.Tensor:
    """Returns images as a tensor if they have the form that an augmentation takes.

    Args:
        images: Shape (n, height, width, 1); uint8 in 0–255, or float in [0, 1].

    Raises:
        ValueError: They have another type or shape, or values lie outside [0, 1].
    """
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
    """Returns the rows that `ImageProjectiveTransformV3` takes for one amount of each move.

    The op maps output pixels to input pixels, so this is the inverse of what the eye sees: undo the
    shift, then the other moves around the centre, in the order of `Amounts`.

    Args:
        amounts: By move, float32 (1, n) in the unit of its `undo`; of the shift, float32 (2, n) in
            pixels to the right and down.
        size: float32 (2,), width and height in pixels.

    Returns:
        float32 (n, 8).
    """
    # Where one step to the right (first column) and one down (second) came from, (2, n) each.
    x, y = tf.constant([[1.0], [0.0]]), tf.constant([[0.0], [1.0]])
    for name, move in TRANSFORMS.items():
        if move.undo:
            x, y = move.undo(x, y, amounts[name], tf)
    centre_x, centre_y = (size[0] - 1) / 2, (size[1] - 1) / 2
    from_x, from_y = (
        centre_x + amounts["shift_fraction"][0],
        centre_y + amounts["shift_fraction"][1],
    )
    zero = tf.zeros_like(from_x)
    return tf.stack(
        [
            x[0], x[1], centre_x - x[0] * from_x - x[1] * from_y,
            y[0], y[1], centre_y - y[0] * from_x - y[1] * from_y,
            zero, zero,
        ],
        axis=1,
    )  # fmt: skip
