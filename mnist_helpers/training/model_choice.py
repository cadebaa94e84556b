"""Which models a notebook or a command works with, and a word where they are poor."""

import os
from pathlib import Path

from mnist_helpers.data.datasets import dataset_title
from mnist_helpers.paths import PROJECT, RUNS_DIR, SHIPPED_DIR, TRAINED_DIR, input_dir
from mnist_helpers.training.metrics import read_metrics
from mnist_helpers.validation import plain_text

PHASES = {"clean_phase": "clean phase", "hybrid": "hybrid"}
AT_CHANCE = 0.2
POOR = 0.9


def find_models(
    choice: str = "mine", dataset: str = "mnist", folder: str | Path = TRAINED_DIR
) -> dict[str, Path]:
    """Finds the models to work with, says which they are, and warns of poor ones.

    Args:
        choice: "mine" for those in `folder`, "shipped" for those that come with the project, or
            the path of another run's folder or of a `.keras` file.
        dataset: The data set that the models must have been trained on.
        folder: OUTPUT_DIR of the notebooks. As long as there is no model in the default one,
            `trained_model`, "mine" stands for the shipped models.

    Returns:
        Paths by "clean phase" and "hybrid", as far as there are such models; a file that no
        `metrics.json` mentions goes by its own name.

    Raises:
        FileNotFoundError: There is no such model, or it was trained on other data.
    """
    path = input_dir({"mine": folder, "shipped": SHIPPED_DIR}.get(choice, choice))
    if choice == "mine" and path == TRAINED_DIR and dataset == "mnist" and not _holds_models(path):
        print(f"There is no model in {path.name}, so here are those that come with the project.")
        path = SHIPPED_DIR
        runs = [file for file in RUNS_DIR.glob("*/metrics.json") if _holds_models(file.parent)]
        if runs:
            newest = max(runs, key=os.path.getmtime).parent
            print(f'For those of your last run, set MODEL = "runs/{newest.name}".')
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist. Choose another OUTPUT_DIR or model, or run "
            "02_clean_phase.ipynb first, with the same OUTPUT_DIR."
        )
    home = path if path.is_dir() else path.parent
    trained_on = read_metrics(home)["environment"].get("dataset", dataset)
    if trained_on != dataset:
        raise FileNotFoundError(
            f"The models in {home} were trained on {dataset_title(trained_on)}, not on "
            f"{dataset_title(dataset)}: run 02_clean_phase.ipynb first, or set DATASET."
        )
    models = _recorded_models(home)
    if path.is_file():
        recorded = {name: file for name, file in models.items() if file == path}
        models = recorded or {plain_text(path.stem): path}
    missing = [file.name for file in models.values() if not file.exists()]
    if missing:
        raise FileNotFoundError(
            f"{missing[0]} is not in {home}, although metrics.json there names it: run the "
            "notebook that makes it again, with the same OUTPUT_DIR."
        )
    if not models:
        raise FileNotFoundError(
            f"There is no trained model in {path}: run 02_clean_phase.ipynb first, with the same "
            'OUTPUT_DIR, or choose the model "shipped".'
        )
    place = home.relative_to(PROJECT).as_posix() if home.is_relative_to(PROJECT) else home
    print(f"Using {' and '.join(file.name for file in models.values())} from {place}.")
    for file in models.values():
        print(quality_warning(recorded_phase(file).get("validation_accuracy"), file.name), end="")
    return models


def find_model(given: str | Path | None = None) -> Path:
    """Returns the file of one model.

    Args:
        given: A `.keras` file or a folder with `metrics.json`; `None` for your own last training,
            else the model shipped with the project.

    Raises:
        FileNotFoundError: The folder holds no model.
        ValueError: The name is empty.
    """
    if given == "":
        raise ValueError("The name of the model is empty; give a .keras file or a run's folder.")
    if given and not Path(given).is_dir():
        return Path(given)
    folders = [Path(given).absolute()] if given else [TRAINED_DIR, SHIPPED_DIR]
    for folder in folders:
        for model in reversed(_recorded_models(folder).values()):
            if model.exists():
                return model
    raise FileNotFoundError(
        f"There is no model in {folders[-1]}: give a .keras file, or a folder with one."
    )


def recorded_phase(model_file: Path) -> dict:
    """Returns what `metrics.json` beside a model records of its phase; `{}` if nothing."""
    for phase in read_metrics(model_file.absolute().parent)["phases"].values():
        if phase.get("model") == model_file.name:
            return phase
    return {}


def _holds_models(folder: Path) -> bool:
    return any(folder.glob("[!.]*.keras"))  # a hidden one was being written


def _recorded_models(folder: Path) -> dict[str, Path]:
    phases = read_metrics(folder)["phases"]
    return {
        title: folder / phases[phase]["model"]
        for phase, title in PHASES.items()
        if phases.get(phase, {}).get("model")
    }


def quality_warning(accuracy: float | None, name: str = "This network") -> str:
    """Returns a sentence about a poor network, with a line break; nothing about a good one.

    Args:
        accuracy: On validation or test images, in [0, 1]; `None` if it is unknown.
        name: The network, for the sentence.
    """
    if accuracy is None or accuracy >= POOR:
        return ""
    read = f"{name} reads only {accuracy:.1%} of held-out digits correctly"
    remedy = (
        "Train it for longer or on more images (EPOCHS, MAX_TRAINING_IMAGES), or use the model "
        'that comes with the project: choose "shipped".\n'
    )
    if accuracy < AT_CHANCE:
        return (
            f"WARNING: {read}, and guessing gives 10%. It has learnt next to nothing, and "
            f"what it says about a digit means nothing. {remedy}"
        )
    return f"Note: {read}; a good one reads more than 99%. {remedy}"
