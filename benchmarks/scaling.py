"""How cost grows: images per second and memory by data set size, batch size and cores, as a plot.

Each point is a training run in a process of its own: the network and pipeline of the notebooks on
images drawn with repetition from the training images, 50/50 mixed, for at most 60 steps after a
warm-up.
"""

import os
import resource
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from common import RESULTS, compiled_cnn, in_new_process, next_step, save_result, seconds_per_call

from mnist_helpers import data
from mnist_helpers.files import read_json
from mnist_helpers.plotting.style import CLEAN, HYBRID, use_style
from mnist_helpers.training.augmentation import Augmentation
from mnist_helpers.training.pipeline import training_dataset

SIZES = (1_000, 10_000, 60_000, 240_000)
BATCHES = (64, 128, 256, 512, 1024)
WARM, TIMED = 5, 60


def point(size: int, batch: int) -> dict:
    """Returns images per second and the peak memory of this process."""
    (x, y), _ = data.load_training("mnist")
    chosen = np.random.default_rng(0).integers(0, len(x), size)
    x, y = x[chosen], y[chosen]
    epochs = -(-(WARM + TIMED) // max(size // batch, 1))
    batches = training_dataset(x, y, epochs=epochs, batch_size=batch, augmentation=Augmentation())
    # About the same number of images whatever the batch, at most 60 steps.
    timed = min(TIMED, max(10, 15_000 // batch))
    seconds = seconds_per_call(next_step(compiled_cnn(0, 1000), batches), timed, WARM)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"images_per_second": batch / seconds, "peak_gib": peak}


def measure(cores: int, size: int, batch: int) -> dict:
    """Measures one point in a new process that is confined to `cores` processors, on Linux."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, range(cores))  # the new process inherits it
    found = in_new_process(point, size, batch)
    return {"images": size, "batch": batch, "cores": cores} | found


def plot(rows: list[dict]) -> None:
    """Draws time per epoch and memory by size, and speed by batch size, beside linear growth."""
    use_style()
    table = pd.DataFrame(rows)
    figure, (time_axes, memory, speed) = plt.subplots(1, 3, figsize=(12, 3.6))
    for cores, colour, label in ((1, CLEAN, "1 core"), (2, HYBRID, "2 cores")):
        points = table[table["cores"] == cores]
        by_size, by_batch = points.query("batch == 256"), points.query("images == 60_000")
        sizes, seconds = by_size["images"], by_size["images"] / by_size["images_per_second"]
        time_axes.plot(sizes, seconds, "o-", color=colour, label=label)
        linear = seconds.iloc[-1] * sizes / sizes.iloc[-1]
        time_axes.plot(sizes, linear, ":", color=colour, label=f"linear, {label}")
        memory.plot(sizes, by_size["peak_gib"], "o-", color=colour)
        speed.plot(by_batch["batch"], by_batch["images_per_second"], "o-", color=colour)
    time_axes.set(xscale="log", yscale="log", xlabel="images", title="Seconds per epoch")
    memory.set(xscale="log", ylim=0, xlabel="images", title="Peak memory of the process (GiB)")
    speed.set(xscale="log", ylim=0, xlabel="batch size", xticks=BATCHES, title="Images per second")
    speed.set_xticks([], minor=True)
    speed.xaxis.set_major_formatter("{x:.0f}")
    time_axes.legend(fontsize="small")
    figure.savefig(RESULTS / "scaling.png", dpi=100)


def main() -> None:
    """Measures all points, writes the result file and the plot."""
    pairs = {(size, 256) for size in SIZES} | {(60_000, batch) for batch in BATCHES}
    rows = [measure(cores, *pair) for cores in (1, 2) for pair in sorted(pairs)]
    save_result("scaling", {"points": rows})
    plot(rows)


if __name__ == "__main__":
    if sys.argv[1:] == ["--plot"]:
        plot(read_json(RESULTS / "scaling.json")["points"])
    else:
        main()
