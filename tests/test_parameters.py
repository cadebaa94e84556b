from mnist_helpers.parameters import LIMITS, check_value

import pytest

GOOD = {
    "DATASET": ["mnist", "digits"],
    "OUTPUT_DIR": ["trained_model"],
    "SEED": [0, 2**31 - 1],
    "MAX_TRAINING_IMAGES": [100, 55_000],
    "EPOCHS": [1, 10],
    "BATCH_SIZE": [2, 256],
    "LEARNING_RATE": [0.004, 1, 1.0],
    "ROTATION_DEGREES": [0, 15.0, 180],
    "SHIFT_FRACTION": [0, 0.999],
    "ZOOM_FRACTION": [0, 0.15],
    "AUGMENTED_SHARE": [0, 0.5, 1],
}
BAD = {
    "DATASET": ["fashion", 3],
    "OUTPUT_DIR": [3],
    "SEED": [-1, 2**31, 0.5],
    "MAX_TRAINING_IMAGES": [99, 1000.0],
    "EPOCHS": [0, -1, 2.5, "3", True],
    "BATCH_SIZE": [-2, 1],
    "LEARNING_RATE": [0, 1.5, "fast", float("nan")],
    "ROTATION_DEGREES": [-1, 181, float("inf")],
    "SHIFT_FRACTION": [1, -0.1],
    "ZOOM_FRACTION": [1, 1.0, float("nan")],
    "AUGMENTED_SHARE": [1.01, -0.5],
}


def test_every_parameter_is_tried():
    assert set(GOOD) == set(BAD) == set(LIMITS)


@pytest.mark.parametrize("name, value", [(n, v) for n, values in GOOD.items() for v in values])
def test_possible_values_pass(name, value):
    check_value(name, value)


@pytest.mark.parametrize("name, value", [(n, v) for n, values in BAD.items() for v in values])
def test_impossible_values_are_refused_with_what_is_allowed(name, value):
    with pytest.raises(ValueError, match=f"{name} is .*; it must be .*"):
        check_value(name, value)
