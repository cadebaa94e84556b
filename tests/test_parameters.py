import math

import pytest

from mnist_helpers.parameters import PARAMETERS, check_parameters, check_type
from mnist_helpers.runner.notebook.given_parameters import parse_value

# What passes, and what does not.
VALUES = {
    "DATASET": (["mnist", "digits", "fashion.npz", "C:\\fashion"], ["fashion", "mnist2", 3]),
    "SEED": ([0, 2**31 - 1], [-1, 2**31]),
    "MAX_TRAINING_IMAGES": ([128], [127]),
    "EPOCHS": ([1], [0, 3.5, True, "3"]),
    "BATCH_SIZE": ([1, 255], [-2, 0]),
    "LEARNING_RATE": ([1, 1e-6], [0.0, 1.1, math.nan, math.inf, False]),
    "ROTATION_DEGREES": ([180.0], [-1.0, 180.5, math.nan]),
    "SHIFT_FRACTION": ([0], [1.0]),
    "ZOOM_FRACTION": ([0.99], [1, -math.inf]),
    "AUGMENTED_SHARE": ([1.0], [1.01]),
    "OUTPUT_DIR": (["x"], [" "]),
}


@pytest.mark.parametrize("name", VALUES)
def test_possible_values_pass_and_others_are_errors_that_say_what_is_possible(name):
    possible, impossible = VALUES[name]
    for value in possible:
        assert check_parameters(**{name: value}) == {name: value}
    for value in impossible:
        with pytest.raises(ValueError) as error:
            check_parameters(**{name: value})
        assert str(error.value) == f"{name} must be {PARAMETERS[name].constraint}, not {value!r}."


def test_all_that_is_wrong_is_said_at_once_with_the_nearest_names():
    with pytest.raises(ValueError) as error:
        check_parameters(EPOCS=3, SEED=0, LABEL_SMOOTHING=1.5, LEARNING_RATE=10, EPOCHS=10**9999)
    assert str(error.value).splitlines() == [
        "There is no parameter EPOCS. Did you mean EPOCHS?",
        "LABEL_SMOOTHING must be a number from 0 to below 1, not 1.5.",
        "LEARNING_RATE must be a number above 0 and at most 1, not 10.",
        "EPOCHS must be an integer from 1 to 100000, not so large a number.",
    ]


@pytest.mark.parametrize(
    ("value", "type_name"), [(1, "bool"), (True, "int"), (3.0, "int"), ("1", "float"), (1, "str")]
)
def test_another_type_is_an_error(value, type_name):
    with pytest.raises(ValueError, match="FLAG must be"):
        check_type("FLAG", value, type_name)
    check_type("LEARNING_RATE", 1, "float")  # an integer passes for a float


@pytest.mark.parametrize(
    ("text", "type_name", "value"),
    [("55_000", "int", 55_000), ("-1", "int", -1), ("3.5", "int", 3.5), ("1e-3", "float", 0.001),
     ("digits", "str", "digits"), ("3", "str", "3"), ("nan", "float", "nan"), ("", "int", ""),
     ("__import__('os')", "int", "__import__('os')")],
)  # fmt: skip
def test_command_line_texts_are_read_as_literals_and_never_run(text, type_name, value):
    parsed = parse_value(text, type_name)
    assert parsed == value
    assert type(parsed) is type(value)
