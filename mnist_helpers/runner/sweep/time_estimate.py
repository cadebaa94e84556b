"""How long tasks will take, judged by earlier ones."""

import statistics
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from mnist_helpers.runner.sweep.task import Task, read_status

# Core-seconds, for what no earlier run tells; about what the project's notebooks take.
DEFAULT_PER_IMAGE = 24 / 55_000  # for each training image and epoch
DEFAULT_OTHERWISE = 50.0  # for a notebook that does not train
DIGITS_IMAGES = 1_318  # for training, of scikit-learn's small ones
NEWEST = 300  # status files that are read


class Estimate:
    """Core-seconds of a task: the median of earlier ones of its notebook, by images and epochs."""

    def __init__(self, runs_dir: Path):
        """Reads the newest status files under a folder."""
        self.known: dict[tuple[str, bool], list[float]] = defaultdict(list)
        self._medians: dict[tuple[str, bool], float] = {}
        files = [*runs_dir.glob("*/status.json"), *runs_dir.glob("*/*/status.json")]
        files += runs_dir.glob("*/tasks/*/status.json")
        files.sort(key=lambda path: path.stat().st_mtime)
        for path in files[-NEWEST:]:
            # Another run's damaged file, or another program's, is no reason not to start.
            with suppress(ValueError, LookupError, TypeError, AttributeError, OSError):
                for name, entry in read_status(path.parent).items():
                    self.learn(name, entry)

    def learn(self, name: str, entry: dict) -> None:
        """Takes a finished task into account; entries of a sweep name parameters and cores."""
        if entry["state"] == "done" and "cores" in entry:
            size = _size(entry["parameters"])
            kind = name, bool(size)
            self.known[kind].append(entry["seconds"] * entry["cores"] / (size or 1))
            self._medians[kind] = statistics.median(self.known[kind])

    def core_seconds(self, task: Task) -> float:
        """Returns how long a task will take on one core."""
        size = _size(task.parameters)
        default = DEFAULT_PER_IMAGE if size else DEFAULT_OTHERWISE
        return self._medians.get((task.name, bool(size)), default) * (size or 1)

    def is_known(self, tasks: list[Task]) -> bool:
        """Tells whether each of the tasks has an earlier one to go by."""
        return all((task.name, bool(_size(task.parameters))) in self.known for task in tasks)


def _size(parameters: dict) -> int:
    """Returns how many images are trained on, counted in each epoch; 0 without training."""
    images = parameters.get("MAX_TRAINING_IMAGES", 1)
    if parameters.get("DATASET") == "digits":
        images = min(images, DIGITS_IMAGES)
    return parameters.get("EPOCHS", 0) * images


def duration(seconds: float) -> str:
    """Returns a time in the units that suit it."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
