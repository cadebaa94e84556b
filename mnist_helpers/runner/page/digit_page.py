"""A trained network as one HTML page: draw a digit, upload a picture, look inside; no server."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mnist_helpers.evaluation import reader
from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.files import read_json, write_text
from mnist_helpers.preprocessing import (
    background,
    frames,
    image_io,
    lines,
    mnist_format,
    separation,
)
from mnist_helpers.runner.export_formats import ExportError, compare_answers, require_new
from mnist_helpers.runner.page.digit_network import describe_network
from mnist_helpers.runner.page.render import javascript, render_page
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.metrics import read_metrics
from mnist_helpers.training.model_choice import recorded_phase
from mnist_helpers.validation import percent
from mnist_helpers.widgets import base, html, pad

TOLERANCE = 0.01  # of a probability; weights are rounded to 16 bits
NETWORK, DECIDING, FILTERS, TO_MNIST, COMMON, PAGE = (
    javascript(name) for name in ("network", "deciding", "filters", "to_mnist", "common", "page")
)
CANVAS = base.javascript("canvas")
CONSTANTS = "const CONSTANTS = read('constants');"
# What the page shares with the modules of Python that it stands in for.
SHARED = {
    background: (
        *("TINY", "LARGE", "LEAST_CONTRAST", "NOISE_FACTOR", "BLANK"),
        *("LEAST_SHEET", "LEAST_BRIGHT", "LEAST_RECTANGLE", "UNDECIDED", "LEAST_FREE"),
    ),
    image_io: ("WORKING_SIDE", "SMALLEST_SIDE", "GREY_WEIGHTS"),
    lines: ("LEAST_LENGTH", "SLOPES", "LEAST_RULED", "SAG", "SAG_OF_PEN"),
    frames: ("NEAR", "THIN", "LEAST_WITHIN", "LEAST_SIDE", "MOST_INK"),
    separation: ("NO_DIGIT", "LEAST_PART", "HEAVY", "WIDEST_GAPS", "FLAT", "AT_EDGES"),
    mnist_format: ("SIDE", "BOX", "STROKE_WIDTHS", "INKED", "FINER", "FAINT"),
    html: ("CERTAIN", "PROBABLE"),
    pad: ("PAD_SIDE", "PEN_WIDTH", "EXAMPLES"),
}


def constants() -> dict[str, Any]:
    """Returns the constants of Python that the page uses, as JSON values."""
    named = {name: getattr(module, name) for module, names in SHARED.items() for name in names}
    named["SLOPES"] = lines.SLOPES.tolist()
    return named


def write_digit_page(
    model: keras.Model, path: Path, images: np.ndarray, facts: dict[str, str], link: str = ""
) -> float | None:
    """Writes a page once the network in it answers as the model does.

    Args:
        model: A digit classifier.
        path: HTML file to make.
        images: float32 array of shape (n, 28, 28, 1) in [0, 1], to compare answers to.
        facts: What the page tells of the network, such as `model_facts` returns.
        link: Where the page leads to for more, a relative or https address.

    Returns:
        The largest difference between two probabilities; `None` without Node.js to compare.

    Raises:
        FileExistsError: There is something at the path.
        ExportError: The page cannot express the network, or answers otherwise.
    """
    require_new(path)
    network = packed_network(model)
    difference = compare_in_node(network, model, images)
    write_text(path, render(network, facts, link))
    return difference


def packed_network(model: keras.Model) -> list[dict]:
    """Returns a network as JSON values that the page unpacks, with float16 weights in base64."""
    layers = describe_network(model)
    for layer in layers:
        layer["weights"] = {name: _pack(weight) for name, weight in layer["weights"].items()}
    return layers


def _pack(weight: np.ndarray) -> str:
    with np.errstate(over="ignore"):
        halves = weight.astype("<f2")
    if not np.isfinite(halves).all():
        raise ExportError("The network has weights that 16 bits cannot hold.")
    return base64.b64encode(halves.tobytes()).decode()


def compare_in_node(network: list[dict], model: keras.Model, images: np.ndarray) -> float | None:
    """Lets Node.js run the page's network on images and compares it with Keras.

    Args:
        network: As from `packed_network`.
        model: The network.
        images: float32 array of shape (n, 28, 28, 1) in [0, 1].

    Returns:
        The largest difference between two probabilities; `None` where there is no Node.js.

    Raises:
        ExportError: The page predicts another digit, or differs by more than 0.01.
    """
    if shutil.which("node") is None:
        return None
    answers = run_in_node(
        NETWORK,
        "const network = unpack(given.network);"
        "return given.images.map((image) => [...run(network, image).pop().data]);",
        network=network, images=images.reshape(len(images), -1).tolist(),
    )  # fmt: skip
    found = np.array(answers, float)  # JSON's null becomes NaN
    return compare_answers("The page", Predictor(model)(images), found, TOLERANCE)


def run_in_node(script: str, task: str, **given: Any) -> Any:
    """Runs a script in Node.js and returns what the task returns, a JSON value."""
    program = (
        f"{script}\nconst given = {json.dumps(given)};\n"
        f"console.log(JSON.stringify((() => {{{task}}})()));"
    )
    node = subprocess.run(
        [shutil.which("node") or "node", "-"], input=program, capture_output=True,
        encoding="utf-8", timeout=600,
    )  # fmt: skip
    if node.returncode:
        raise ExportError(f"Node.js could not run the page's network: {node.stderr[-1000:]}")
    return json.loads(node.stdout)


def render(network: list[dict], facts: dict[str, str], link: str = "") -> str:
    """Returns the page; strings from outside are text and data in it, never markup.

    Args:
        network: As from `packed_network`.
        facts: As for `write_digit_page`.
        link: As for `write_digit_page`.
    """
    if ":" in link and not link.startswith("https://"):
        raise ValueError(f"A link is relative or begins with https://, not {link[:40]!r}.")
    scripts = [NETWORK, DECIDING, FILTERS, COMMON, CONSTANTS, TO_MNIST, CANVAS, PAGE]
    is_digit = load_model(reader.IS_DIGIT_MODEL, outputs=1)
    data = {
        "network": network,
        "is-digit": packed_network(is_digit),
        "constants": constants() | {"LEAST_SCORE": reader.least_score()},
    }
    return render_page("digit_page.html.j2", scripts, data, facts=facts, link=link)


def model_facts(path: Path) -> dict[str, str]:
    """Returns what `metrics.json` beside a model records, for people to read."""
    if path == reader.READER_MODEL:
        phase = environment = read_json(reader.READER_FACTS)
    else:
        phase, environment = recorded_phase(path), read_metrics(path.parent)["environment"]
    title, date = environment.get("dataset_title"), environment.get("date")
    facts = {"Network": path.stem, "Trained on": title, "Date": date}
    for key in ("test_accuracy", "validation_accuracy"):
        if isinstance(phase.get(key), float):
            facts[key.replace("_", " ").capitalize()] = percent(phase[key])
    return {name: str(fact) for name, fact in facts.items() if fact}
