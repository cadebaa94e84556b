"""What each notebook parameter may be, said once for notebooks, library and command line."""

import math
from dataclasses import dataclass

DATASETS = ("mnist", "digits")


@dataclass(frozen=True)
class Limit:
    """The type of a parameter and the range of a number, in words and in figures."""

    type: type
    says: str
    low: float = -math.inf
    high: float = math.inf
    below_high: bool = False

    def allows(self, value) -> bool:
        """Whether `value` has the type (an integer passes for a float) and lies in the range."""
        if isinstance(value, bool) or not isinstance(
            value, (int, float) if self.type is float else self.type
        ):
            return False
        if self.type is str:
            return True
        # A NaN fails both comparisons.
        return self.low <= value and (value < self.high if self.below_high else value <= self.high)


LIMITS = {
    "DATASET": Limit(str, f"one of {', '.join(DATASETS)}"),
    "OUTPUT_DIR": Limit(str, "the path of a folder"),
    "SEED": Limit(int, "a whole number from 0 to 2147483647", 0, 2**31 - 1),
    "MAX_TRAINING_IMAGES": Limit(int, "a whole number of at least 100", 100),
    "EPOCHS": Limit(int, "a whole number of at least 1", 1),
    "BATCH_SIZE": Limit(int, "a whole number of at least 2", 2),
    "LEARNING_RATE": Limit(float, "a number above 0 and up to 1", 1e-12, 1),
    "ROTATION_DEGREES": Limit(float, "a number of degrees from 0 to 180", 0, 180),
    "SHIFT_FRACTION": Limit(float, "a number from 0 to below 1", 0, 1, below_high=True),
    "ZOOM_FRACTION": Limit(float, "a number from 0 to below 1", 0, 1, below_high=True),
    "AUGMENTED_SHARE": Limit(float, "a number from 0 to 1", 0, 1),
}


def check_value(name: str, value) -> None:
    """Refuses an impossible value of a notebook parameter.

    Args:
        name: A key of `LIMITS`.
        value: What it was set to.

    Raises:
        ValueError: The type or the value is not allowed; says what is.
    """
    limit = LIMITS[name]
    if not limit.allows(value) or (name == "DATASET" and value not in DATASETS):
        raise ValueError(f"{name} is {value!r}; it must be {limit.says}.")
