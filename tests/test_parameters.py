import math

import pytest

from mnist_helpers.parameters import LIMITS, check_type, check_value, parse_value

ALLOWED = [
    ("DATASET", "mnist"),
    ("DATASET", "digits"),
    ("SEED", 0),
    ("SEED", 2**31 - 1),
    ("MAX_TRAINING_IMAGES", 100),
    ("EPOCHS", 1),
    ("BATCH_SIZE", 2),
    ("LEARNING_RATE", 1),
    ("LEARNING_RATE", 1e-6),
    ("ROTATION_DEGREES", 180.0),
    ("SHIFT_FRACTION", 0),
    ("ZOOM_FRACTION", 0.99),
    ("AUGMENTED_SHARE", 1.0),
    ("OUTPUT_DIR", "trained_model"),
]
REFUSED = [
    ("DATASET", "fashion"),
    ("DATASET", 3),
    ("SEED", -1),
    ("SEED", 2**31),
    ("MAX_TRAINING_IMAGES", 99),
    ("EPOCHS", 0),
    ("EPOCHS", 3.5),
    ("EPOCHS", True),
    ("EPOCHS", "3"),
    ("BATCH_SIZE", -2),
    ("BATCH_SIZE", 0),
    ("BATCH_SIZE", 255),
    ("LEARNING_RATE", 0.0),
    ("LEARNING_RATE", 1.1),
    ("LEARNING_RATE", math.nan),
    ("LEARNING_RATE", math.inf),
    ("LEARNING_RATE", False),
    ("ROTATION_DEGREES", -1.0),
    ("ROTATION_DEGREES", 180.5),
    ("ROTATION_DEGREES", math.nan),
    ("SHIFT_FRACTION", 1.0),
    ("SHIFT_FRACTION", math.nan),
    ("ZOOM_FRACTION", 1),
    ("ZOOM_FRACTION", -math.inf),
    ("AUGMENTED_SHARE", 1.01),
    ("AUGMENTED_SHARE", math.nan),
    ("OUTPUT_DIR", " "),
]


@pytest.mark.parametrize(("name", "value"), ALLOWED)
def test_allowed_values_pass(name, value):
    check_value(name, value)


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_impossible_values_are_refused_with_name_value_and_what_is_allowed(name, value):
    with pytest.raises(ValueError) as refusal:
        check_value(name, value)
    message = str(refusal.value)
    assert name in message
    assert repr(value) in message
    assert LIMITS[name].allowed in message


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="no parameter EPOCS.*EPOCHS.*OUTPUT_DIR"):
        check_value("EPOCS", 3)


@pytest.mark.parametrize(
    ("value", "type_name"), [(1, "bool"), (True, "int"), (3.0, "int"), ("1", "float"), (1, "str")]
)
def test_another_type_is_refused(value, type_name):
    with pytest.raises(ValueError, match="FLAG must be"):
        check_type("FLAG", value, type_name)


def test_a_whole_number_passes_for_a_float():
    check_type("LEARNING_RATE", 1, "float")


@pytest.mark.parametrize(
    ("text", "type_name", "value"),
    [
        ("3", "int", 3),
        ("55_000", "int", 55_000),
        ("-1", "int", -1),
        ("3.5", "int", 3.5),
        ("1e-3", "float", 0.001),
        ("digits", "str", "digits"),
        ("3", "str", "3"),
        ("nan", "float", "nan"),
        ("__import__('os')", "int", "__import__('os')"),
        ("", "int", ""),
    ],
)
def test_command_line_texts_are_read_as_literals_and_never_run(text, type_name, value):
    parsed = parse_value(text, type_name)
    assert parsed == value
    assert type(parsed) is type(value)
