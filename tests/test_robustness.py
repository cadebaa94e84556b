import numpy as np
import pytest
from scipy.ndimage import center_of_mass

from mnist_helpers.evaluation import robustness
from mnist_helpers.evaluation.corruptions import motion_blur
from mnist_helpers.evaluation.robustness import CORRUPTIONS, corrupt

GEOMETRIC = ["rotation", "shift", "zoom", "shear"]
INK_STAYS = {"motion blur": 4, "low resolution": 14, "blur": 1.0}  # at these amounts


@pytest.fixture(scope="module")
def digits():
    """Ellipses and bars of ink, of which some are grey, in the middle of the image."""
    rows, columns = np.mgrid[:28, :28] - 13.5
    ring = np.abs(np.hypot(rows / 1.3, columns) - 6)
    bar = np.abs(columns) + 3 * (np.abs(rows) > 9)
    ink = np.stack([np.clip(2 - ring, 0, 1), np.clip(2 - bar, 0, 1)])
    return (255 * np.tile(ink, (20, 1, 1))).astype(np.uint8)


@pytest.fixture(scope="module")
def described(digits):
    return robustness.describe_corruptions(digits[0], {"ROTATION_DEGREES": 15.0})


def test_motion_smears_as_far_in_each_of_four_directions():
    spot = np.zeros((80, 28, 28), np.float32)
    spot[:, 14, 14] = 1
    rows, columns = np.mgrid[:28, :28] - 14
    smeared = motion_blur(spot, 4, np.random.default_rng(0)).reshape(-1, 28, 28)
    spreads = [(p * rows**2).sum() for p in smeared], [(p * columns**2).sum() for p in smeared]
    across = [(p * rows * columns).sum() for p in smeared]
    found = np.unique(np.round([*spreads, across], 2).T, axis=0)
    # Nine steps of half a pixel, squared: 5/3; rounding to pixels spreads by up to a half.
    assert len(found) == 4
    assert found[:, :2].sum(axis=1) == pytest.approx(5 / 3 + 0.25, abs=0.25)
    assert sorted(found[:, 2]) == pytest.approx([-5 / 6, 0, 0, 5 / 6], abs=0.01)


def applied(images, kind, amount):
    """Corrupts by an amount that need not be one of the five severities."""
    pixels = images / np.float32(255)
    return np.clip(CORRUPTIONS[kind].apply(pixels, amount, np.random.default_rng(0)), 0, 1)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_corruption_is_seeded_stays_in_range_and_grows_with_the_severity(kind, digits, described):
    assert len(CORRUPTIONS) == 20 and len(CORRUPTIONS[kind].amounts) == 5
    assert (CORRUPTIONS[kind].group == "geometric") == (kind in GEOMETRIC)
    clean = digits / np.float32(255)
    first = corrupt(digits, kind, 3, seed=1)
    assert first.shape == digits.shape and first.dtype == np.float32
    assert first.min() >= 0 and first.max() <= 1
    np.testing.assert_array_equal(first, corrupt(digits, kind, 3, seed=1))
    mild, severe = (np.abs(corrupt(digits, kind, s) - clean).mean() for s in (1, 5))
    assert 0 < mild < severe
    if kind in INK_STAYS:
        assert applied(digits, kind, INK_STAYS[kind]).sum() == pytest.approx(clean.sum(), rel=0.01)
    np.testing.assert_array_equal(described[kind].examples[4], corrupt(digits[:1], kind, 5)[0])
    assert described[kind].seen == (2 if kind == "rotation" else 0)


@pytest.mark.parametrize("kind", [k for k in CORRUPTIONS if k not in (
    "blur", "contrast", "brightness", "light background", "low resolution")])  # fmt: skip
def test_corruption_differs_from_image_to_image_and_from_seed_to_seed(kind, digits):
    worse = corrupt(digits, kind, 3)
    assert len(np.unique(worse[::2].reshape(20, -1), axis=0)) > 1
    assert not np.array_equal(worse, corrupt(digits, kind, 3, seed=1))


def dot(row, column):
    image = np.zeros((40, 28, 28), np.uint8)
    image[:, row, column] = 255
    return image


def places(images):
    """Row and column of the centre of mass of each image, as a set of rounded pairs."""
    return {tuple(np.round(center_of_mass(image), 1).tolist()) for image in images}


def test_geometric_corruption_puts_a_pixel_where_the_formula_does():
    # The centre is (13.5, 13.5). Of (-0.5, 6.5) an eighth of a turn makes (-4.95, 4.24) or
    # (4.24, 4.95).
    above, below = sorted(places(applied(dot(13, 20), "rotation", 45)))
    assert above == pytest.approx((8.55, 17.74), abs=0.2)
    assert below == pytest.approx((17.74, 18.45), abs=0.2)
    assert places(applied(dot(13, 13), "shift", 0.25)) == {(6, 6), (6, 20), (20, 6), (20, 20)}
    # 4.5 from the centre becomes 4.5 · 0.55 or 4.5 · 1.45.
    (small, large) = sorted(places(applied(dot(18, 18), "zoom", 0.45)))
    assert small == pytest.approx((16.0, 16.0), abs=0.3)
    assert large == pytest.approx((20.0, 20.0), abs=0.3)
    # 6.5 below the centre slides by 0.4 · 6.5 = 2.6 to one side or the other.
    assert {c for _, c in places(applied(dot(20, 13), "shear", 0.4))} == {10.4, 15.6}


def test_grey_values_are_the_formula_s():
    half = np.full((2, 28, 28), 51, np.uint8)  # 0.2
    assert applied(half, "contrast", 0.5) == pytest.approx(0.35)  # 0.5 + 0.5 · (0.2 - 0.5)
    assert applied(half, "brightness", 0.3) == pytest.approx(0.5)
    assert applied(4 * half, "brightness", 0.7) == pytest.approx(1.0)
    assert applied(half, "light background", 0.5) == pytest.approx(0.4)  # 0.5 · 0.8
    assert applied(half, "blur", 1.0)[:, 10:18, 10:18] == pytest.approx(0.2)


def test_noise_has_the_deviation_and_specks_the_share_that_they_say():
    grey = np.full((40, 28, 28), 128, np.uint8)
    assert applied(grey, "noise", 0.1).std() == pytest.approx(0.1, rel=0.03)
    specked = applied(grey, "salt and pepper", 0.2)
    assert np.mean(specked == 1) == pytest.approx(0.1, abs=0.01)
    assert np.mean(specked == 0) == pytest.approx(0.1, abs=0.01)


def test_covers_lines_and_bands_have_the_size_that_they_say():
    white, black = np.full((40, 28, 28), 255, np.uint8), np.zeros((40, 28, 28), np.uint8)
    assert (applied(white, "occlusion", 6) == 0).sum((1, 2)).tolist() == [36] * 40
    assert applied(black, "stripes", 0.5).mean() == pytest.approx(0.5)
    drawn = applied(black, "line", 2.0).sum((1, 2))
    assert (drawn > 2 * 20).all() and (drawn < 2 * 28 * 1.5).all()  # width times length


def test_strokes_grow_or_shrink_by_a_pixel_all_around():
    square = np.zeros((40, 28, 28), np.uint8)
    square[:, 10:15, 10:15] = 255
    ink = {round(float(x)) for x in applied(square, "stroke thickness", 1.0).sum((1, 2))}
    assert ink == {25 + 4 * 5, 3 * 3}


def brightness_predictor(images):
    """Says 1 where the image is brighter than 0.5 on average, else 0."""
    return np.eye(10)[(images.mean((1, 2)) > 0.5).astype(int)]


def test_each_model_is_measured_at_each_severity():
    images = np.zeros((10, 28, 28), np.uint8)
    curves = robustness.measure_robustness(
        {"sees": brightness_predictor, "blind": lambda images: np.eye(10)[np.full(10, 3)]},
        images, np.zeros(10, int), ("brightness", "light background"),
    )  # fmt: skip
    # Black images come out at the level itself: 0.1, 0.2, 0.35, 0.5, 0.7 and 0.2, 0.4, ... 1.
    assert curves["sees"] == {"brightness": [1, 1, 1, 1, 0], "light background": [1, 1, 0, 0, 0]}
    assert curves["blind"]["brightness"] == [0] * 5

    assert robustness.group_mean(curves["sees"], "photometric") == pytest.approx(6 / 10)
    mixed = {"rotation": [1.0] * 5, "shear": [0.5] * 5, "noise": [0.0] * 5}
    assert robustness.group_mean(mixed, "geometric") == 0.75


def test_severities_seen_in_training_follow_its_parameters():
    given = {"ROTATION_DEGREES": 15.0, "SHIFT_FRACTION": 0.1, "ZOOM_FRACTION": 0.15}
    met = {kind: robustness.severities_seen_in_training(kind, given) for kind in CORRUPTIONS}
    seen = {kind: count for kind, count in met.items() if count}
    assert seen == {"rotation": 2, "shift": 2, "zoom": 2}
    assert all(robustness.severities_seen_in_training(kind, {}) == 0 for kind in CORRUPTIONS)


def test_the_robust_policy_shows_all_kinds_but_those_held_out():
    given = {"ROTATION_DEGREES": 15, "SHIFT_FRACTION": 0.1, "ZOOM_FRACTION": 0.15}
    given |= {"AUGMENTATION": "robust"}
    met = {kind: robustness.severities_seen_in_training(kind, given) for kind in CORRUPTIONS}
    assert {kind for kind, count in met.items() if count == 0} == set(robustness.HELD_OUT)
    assert met["contrast"] == 4  # of 0.7, 0.5, 0.35, 0.2 and 0.1 down to 0.15


@pytest.mark.parametrize(("kind", "severity", "says"), [
    ("rotation", 6, "severity must"), ("rotation", 0, "severity must"),
    ("noise", 2.5, "severity must"), ("smell", 1, "kind must be one of rotation"),
])  # fmt: skip
def test_an_impossible_corruption_is_an_error(kind, severity, says):
    with pytest.raises(ValueError, match=says):
        corrupt(dot(1, 1), kind, severity)
