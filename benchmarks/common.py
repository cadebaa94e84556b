"""What the benchmarks share: the recipe of notebooks 02 and 03, machine facts, result files."""

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib import metadata

import keras

from mnist_helpers import training
from mnist_helpers.files import write_json
from mnist_helpers.paths import PROJECT
from mnist_helpers.training import metrics
from mnist_helpers.training.model import build_cnn
from mnist_helpers.training.pipeline import to_input, training_dataset

RESULTS = PROJECT / "benchmarks" / "results"
BATCH_SIZE = 128
LEARNING_RATE = 0.003
LABEL_SMOOTHING = 0.1
PACKAGES = ("tensorflow", "keras", "numpy", "torch")
NETWORK = "five convolutions"  # results without a name are of the former network, which had six


def save_result(name: str, rows: dict) -> None:
    """Writes `benchmarks/results/<name>.json`: the rows with machine, versions and date."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    facts = {
        "date": datetime.date.today().isoformat(),
        "processor": metrics.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "precision": training.default_dtype_policy(),
        "network": NETWORK,
        "versions": versions,
    }
    write_json(RESULTS / f"{name}.json", {"machine": facts, **rows})
    print(f"{name}: written", flush=True)


def spread(values) -> dict:
    """Returns median, mean, standard deviation, minimum, maximum and n of some numbers."""
    values = [float(value) for value in values]
    return {
        "median": statistics.median(values),
        "mean": statistics.fmean(values),
        "sd": statistics.stdev(values) if len(values) > 1 else None,
        "min": min(values),
        "max": max(values),
        "n": len(values),
        "values": values,
    }


def in_new_process(script: str, *arguments, cores: int = 0) -> dict:
    """Runs a benchmark's script by itself, so that nothing is traced or warm beforehand.

    Args:
        script: Its path; the last line that it prints is the result as JSON.
        arguments: Of the script.
        cores: Confines it to that many processors, on Linux; 0 leaves it all.
    """
    confined = cores and sys.platform == "linux"
    prefix = ["taskset", "--cpu-list", f"0-{cores - 1}"] if confined else []
    command = [*prefix, sys.executable, script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    if done.returncode:
        raise RuntimeError(f"{script} {arguments} failed: {done.stderr[-800:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"  {' '.join(map(str, arguments))}: {found}", flush=True)
    return found


def interleaved(measures: dict, repeats: int) -> dict:
    """Calls each measure once a round, so that a drifting machine hurts all alike.

    Args:
        measures: Name to a function without arguments that returns a number.
        repeats: Number of rounds.
    """
    values = {name: [] for name in measures}
    for number in range(repeats):
        for name, measure in measures.items():
            values[name].append(measure())
            print(f"  round {number + 1}/{repeats} {name}: {values[name][-1]:.4g}", flush=True)
    return {name: spread(found) for name, found in values.items()}


def compiled_cnn(
    seed: int, steps: int, learning_rate: float = LEARNING_RATE, **options
) -> keras.Model:
    """Builds and compiles the network as notebook 02 does, for a schedule of `steps`."""
    keras.config.set_dtype_policy(training.default_dtype_policy())
    network = build_cnn(seed, **options)
    compile_phase(network, steps, learning_rate)
    return network


def compile_phase(network: keras.Model, steps: int, learning_rate: float = LEARNING_RATE) -> None:
    """Compiles a network for one phase, as the notebooks do."""
    network.compile(
        training.adamw_cosine(learning_rate, steps),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING),
        metrics=["accuracy"],
        jit_compile=False,
    )
    # As `ResumableTraining.resume` does: else `fit` traces the step twice.
    network.optimizer.build(network.trainable_variables)


def fit_steps(network, images, labels, steps: int, seed: int, callbacks=()):
    """Trains for exactly `steps` clean batches, as many epochs as that takes; no validation."""
    epochs = -(-steps // (len(images) // BATCH_SIZE))
    batches = training_dataset(images, labels, epochs=epochs, batch_size=BATCH_SIZE, seed=seed)
    network.fit(batches.take(steps), epochs=1, shuffle=False, verbose=0, callbacks=[*callbacks])


def accuracy(network, images, labels, batch_size: int = 1000) -> float:
    """Returns the share of right answers; images uint8 (n, 28, 28)."""
    right = 0
    for first in range(0, len(images), batch_size):
        chunk = slice(first, first + batch_size)
        answers = network.predict_on_batch(to_input(images[chunk])).argmax(axis=1)
        right += int((answers == labels[chunk]).sum())
    return right / len(images)


def seconds_per_call(function, calls: int, warm: int = 2) -> float:
    """Returns the mean wall time of a call, after `warm` calls that do not count."""
    for _ in range(warm):
        function()
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls
