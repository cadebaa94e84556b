"""How long steps will take, judged by earlier ones."""

import statistics
from collections import defaultdict
from pathlib import Path

from mnist_helpers.files import read_json
from mnist_helpers.runner.plan import Step

# Core-seconds, for what no earlier run tells; about what the project's notebooks take.
DEFAULT_PER_IMAGE = 42 / 55_000  # for each training image and epoch
DEFAULT_OTHERWISE = 115.0  # for a notebook that does not train
DIGITS_IMAGES = 1_318  # for training, of scikit-learn's small ones
NEWEST = 300  # status files that are read


class Estimate:
    """Core-seconds of a step: the median of earlier ones of its notebook, by images and epochs."""

    def __init__(self, runs_dir: Path):
        """Reads the newest status files under a folder."""
        self.known: dict[tuple[str, bool], list[float]] = defaultdict(list)
        files = [*runs_dir.glob("*/status.json"), *runs_dir.glob("*/*/status.json")]
        files += runs_dir.glob("*/steps/*/status.json")
        files.sort(key=lambda path: path.stat().st_mtime)
        for path in files[-NEWEST:]:
            for name, entry in read_json(path)["notebooks"].items():
                self.learn(name, entry)

    def learn(self, name: str, entry: dict) -> None:
        """Takes a finished step into account; entries of a sweep name parameters and cores."""
        if entry["state"] == "done" and "cores" in entry:
            size = _size(entry["parameters"])
            self.known[name, bool(size)].append(entry["seconds"] * entry["cores"] / (size or 1))

    def core_seconds(self, step: Step) -> float:
        """Returns how long a step will take on one core."""
        size = _size(step.parameters)
        earlier = self.known.get((step.name, bool(size)))
        if earlier:
            return statistics.median(earlier) * (size or 1)
        return DEFAULT_PER_IMAGE * size if size else DEFAULT_OTHERWISE

    def is_known(self, steps: list[Step]) -> bool:
        """Tells whether each of the steps has an earlier one to go by."""
        return all((step.name, bool(_size(step.parameters))) in self.known for step in steps)


def _size(parameters: dict) -> int:
    """Returns how many images are trained on, counted in each epoch; 0 without training."""
    images = parameters.get("MAX_TRAINING_IMAGES", 1)
    if parameters.get("DATASET") == "digits":
        images = min(images, DIGITS_IMAGES)
    return parameters.get("EPOCHS", 0) * images
