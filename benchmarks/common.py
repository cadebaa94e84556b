"""What the benchmarks share: the recipe of notebooks 02 and 03, machine facts, result files."""

import datetime
import multiprocessing
import os
import platform
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from importlib.util import find_spec

import jinja2
import keras

from mnist_helpers import training
from mnist_helpers.files import write_json
from mnist_helpers.paths import PROJECT
from mnist_helpers.training import metrics
from mnist_helpers.training.model import build_cnn
from mnist_helpers.training.pipeline import training_dataset, validation_dataset

RESULTS = PROJECT / "benchmarks" / "results"
BATCH_SIZE = 128
LEARNING_RATE = 0.003
LABEL_SMOOTHING = 0.1
PACKAGES = ("tensorflow", "keras", "numpy", "torch")
NETWORK = "five convolutions"  # results without a name are of the former network, which had six


def save_result(name: str, rows: dict) -> None:
    """Writes `benchmarks/results/<name>.json`: the rows with machine, versions and date."""
    versions = {
        package: metadata.version(package) if find_spec(package) else "not installed"
        for package in PACKAGES
    }
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


def spreads(rows: list[dict]) -> dict:
    """Returns the spread of each number that all of some measurements have."""
    return {key: spread(row[key] for row in rows) for key in rows[0]}


def in_new_process(function, *arguments):
    """Calls a function of a script in a new Python, where nothing is traced or warm beforehand."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as new_process:
        found = new_process.submit(function, *arguments).result()
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


def fit_resumably(network, resumable, digits, validation, last, verbose=0, **options) -> None:
    """Trains up to epoch `last`, from where the training was interrupted if it was.

    Args:
        network: Compiled for this phase.
        resumable: The phase's `ResumableTraining`.
        digits: Images and labels to train on.
        validation: Images and labels to validate on.
        last: Number of the last epoch.
        verbose: As for `fit`.
        **options: Of `training_dataset`.
    """
    first = resumable.resume(network)
    network.fit(
        training_dataset(*digits, epochs=last, first_epoch=first, batch_size=BATCH_SIZE, **options),
        validation_data=validation_dataset(*validation), epochs=last, initial_epoch=first,
        steps_per_epoch=len(digits[0]) // BATCH_SIZE, callbacks=resumable.callbacks,
        shuffle=False, verbose=verbose,
    )  # fmt: skip


def next_step(network, batches):
    """Returns a function that trains a compiled network on the next of the batches."""
    network.make_train_function()
    iterator = iter(batches.repeat())
    return lambda: network.train_function(iterator)


def seconds_per_call(function, calls: int, warm: int = 2) -> float:
    """Returns the mean wall time of a call, after `warm` calls that do not count."""
    for _ in range(warm):
        function()
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


def markdown_table(*rows) -> str:
    """Returns a table in Markdown; the first row is its head."""
    head, *lines = (f"| {' | '.join(map(str, row))} |" for row in rows)
    return "\n".join([head.replace("|  |", "| |"), "|---" * len(rows[0]) + "|", *lines])


def from_template(name: str, **values) -> str:
    """Fills `benchmarks/templates/<name>.j2`; returns it without the last line's end."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(RESULTS.parent / "templates"),
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    templates.filters["to"] = format  # as the built-in function, `{{ 0.5 | to(".0%") }}`
    return templates.get_template(f"{name}.j2").render(values).strip()
