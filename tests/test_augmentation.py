import numpy as np
import pytest

from mnist_helpers.training.augmentation import Augmentation, affine_transforms

SEED = (3, 4)


def dot(x, y, n=1):
    images = np.zeros((n, 28, 28, 1), np.uint8)
    images[:, y, x] = 255
    return images


def move(images, angle=0.0, shift=(0.0, 0.0), zoom=1.0):
    import tensorflow as tf

    n = len(images)
    amounts = {
        "rotation_degrees": tf.fill([1, n], np.float32(angle)),
        "shift_fraction": tf.constant([[shift[0]] * n, [shift[1]] * n], tf.float32),
        "zoom_fraction": tf.fill([1, n], np.float32(zoom - 1)),
    }
    transforms = affine_transforms(amounts, size=tf.constant([28.0, 28.0]))
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32), transforms=transforms, output_shape=[28, 28],
        interpolation="BILINEAR", fill_mode="CONSTANT", fill_value=0.0,
    ).numpy()  # fmt: skip


@pytest.mark.parametrize("start, amounts, end", [
    ((10, 12), {"shift": (3, 5)}, (13, 17)),  # right and down
    # A quarter turn is counter-clockwise: right of the centre goes to above the centre.
    ((20, 13), {"angle": np.pi / 2}, (13, 7)),
    # 4.5 pixels right of the centre (13.5) become 9, half a pixel above it one.
    ((18, 13), {"zoom": 2.0}, (22.5, 12.5)),
    ((20, 13), {"angle": np.pi / 2, "shift": (4, 0)}, (17, 7)),  # the shift comes last
])  # fmt: skip
def test_a_pixel_moves_to_where_it_should(start, amounts, end):
    image = move(dot(*start), **amounts)[0, ..., 0]
    y, x = np.unravel_index(image.argmax(), image.shape)
    assert (x, y) == pytest.approx(end, abs=0.5)


def test_identity_changes_nothing():
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), np.uint8)
    same = Augmentation(0, 0, 0)(images, SEED).numpy()
    np.testing.assert_array_equal(same, images.astype(np.float32) / 255)


def test_outside_is_background():
    white = np.full((50, 28, 28, 1), 255, np.uint8)
    moved = Augmentation(0, 0.5, 0)(white, SEED).numpy()
    assert set(np.unique(moved[:, [0, -1]].round(3))) >= {0.0, 1.0}
    assert moved.min() == 0.0 and moved.max() <= 1.0


def test_bytes_and_floats_give_the_same():
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), np.uint8)
    augmentation = Augmentation()
    np.testing.assert_allclose(
        augmentation(images, SEED), augmentation(images.astype(np.float32) / 255, SEED), atol=1e-6
    )


def test_the_seed_decides_the_draw():
    images = dot(10, 10, n=20)
    augmentation = Augmentation()
    first = augmentation(images, (1, 2)).numpy()
    np.testing.assert_array_equal(first, augmentation(images, (1, 2)).numpy())
    assert not np.array_equal(first, augmentation(images, (1, 3)).numpy())
    assert len(np.unique(first.reshape(20, -1), axis=0)) == 20  # each image its own draw


def test_shifts_fill_their_range_and_no_more():
    moved = Augmentation(0, 0.25, 0)(dot(14, 14, n=2000), SEED).numpy()
    centre = (moved[..., 0] * np.arange(28)).sum((1, 2)) / moved.sum((1, 2, 3)) - 14
    assert np.abs(centre).max() <= 7.0 + 1e-4
    assert centre.min() < -6.5 and centre.max() > 6.5
    assert abs(centre.mean()) < 0.5


@pytest.mark.parametrize(
    "wrong",
    [dict(rotation_degrees=-1), dict(shift_fraction=1.0), dict(zoom_fraction=1.0),
     dict(zoom_fraction=float("nan"))],
)  # fmt: skip
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be a number of at least 0"):
        Augmentation(**wrong)
