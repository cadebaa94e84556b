"""Notebooks that take a second and need no TensorFlow, for tests of what runs notebooks."""

import signal
import subprocess
import sys
import time

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mnist_helpers.paths import PROJECT
from mnist_helpers.runner.notebook.given_parameters import declared_parameters
from mnist_helpers.runner.sweep import plan

# A training as far as a sweep can tell: it resumes, prints as Keras does, and leaves metrics.
PARAMETERS = """\
SEED: int = 0  # of the luck
EPOCHS: int = 2  # passes
SHARE: float = 0.5  # of what is augmented
SECONDS: float = 0.0  # that an epoch takes
OUTPUT_DIR: str = "nowhere"  # folder"""
TRAIN = """\
import json, os, time
state = OUTPUT_DIR + "/{phase}_state.json"
done = json.load(open(state)) if os.path.exists(state) else []
print(f"begins after {{len(done)}} epochs", flush=True)
for epoch in range(len(done) + 1, EPOCHS + 1):
    print(f"Epoch {{epoch}}/{{EPOCHS}}", flush=True)
    time.sleep(SECONDS)
    accuracy = 1 - 1 / (2 + epoch + SEED + SHARE)
    done.append({{
        "epoch": epoch, "loss": 1 / epoch, "val_accuracy": accuracy,
        "seconds": SECONDS, "cpu_seconds": SECONDS / 2,
    }})
    json.dump(done, open(state + ".new", "w"))
    os.replace(state + ".new", state)
    print(f"10/10 - 1s - loss: 0.1 - val_accuracy: {{accuracy:.4f}}", flush=True)"""
SAVE = """\
path = OUTPUT_DIR + "/metrics.json"
metrics = json.load(open(path)) if os.path.exists(path) else {{}}
metrics["{phase}"] = {{
    "test_accuracy": done[-1]["val_accuracy"], "training_seconds": 1.5, "training_cpu_seconds": 0.5
}}
json.dump(metrics, open(path, "w"))
json.dump(done, open(OUTPUT_DIR + "/{phase}_history.json", "w"))"""


def write_notebook(path, *sources, parameters=PARAMETERS):
    """Writes a small notebook made of a parameters cell and the given cells."""
    cells = [
        new_markdown_cell(f"# {path.stem}\n[next](02_second.ipynb)"),
        new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        *map(new_code_cell, sources),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.parent.mkdir(exist_ok=True, parents=True)
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def write_training(path, phase):
    """Writes a notebook that pretends to train."""
    return write_notebook(path, TRAIN.format(phase=phase), SAVE.format(phase=phase))


def forget_notebooks():
    """Has changed notebooks read anew, as another process would."""
    for cached in (plan._content, plan._version, declared_parameters):
        cached.cache_clear()


def start_python(*arguments):
    """Starts Python in the project's folder; Ctrl-C can be sent to it."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        # A shell without job control has background processes ignore Ctrl-C, inherited here.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip


def wait_until(condition, seconds=120):
    """Waits for a condition and returns what it gave."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "took too long"
        time.sleep(0.02)
    return found


def outputs(path):
    """Returns all that the cells of an executed notebook printed."""
    cells = nbformat.read(path, as_version=4).cells
    return "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))
