"""How cost grows: images per second and memory by data set size, batch size and cores, as a plot.

Each point is a training run in a process of its own: the network and pipeline of the notebooks on
images drawn with repetition from the training images, 50/50 mixed, for at most 60 steps after a
warm-up.
"""

import json
import resource
import sys
import time

import matplotlib.pyplot as plt
import numpy as np
from common import RESULTS, compiled_cnn, in_new_process, save_result

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
    steps = size // batch
    epochs = -(-(WARM + TIMED) // max(steps, 1))
    network = compiled_cnn(0, 1000)
    batches = training_dataset(
        x, y, epochs=epochs, batch_size=batch, augmentation=Augmentation()
    ).repeat()
    network.make_train_function()
    iterator = iter(batches)
    for _ in range(WARM):
        network.train_function(iterator)
    # About the same number of images whatever the batch, at most 60 steps.
    timed = min(TIMED, max(10, 15_000 // batch))
    start = time.perf_counter()
    for _ in range(timed):
        network.train_function(iterator)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"images_per_second": timed * batch / seconds, "peak_gib": peak}


def measure(size: int, batch: int, cores: int) -> dict:
    """Measures one point in a new process that is confined to `cores` processors."""
    found = {"images": size, "batch": batch, "cores": cores}
    return found | in_new_process(__file__, size, batch, cores=cores)


def plot(rows: list[dict]) -> None:
    """Draws time per epoch and memory by size, and speed by batch size, beside linear growth."""
    use_style()
    figure, (time_axes, memory, speed) = plt.subplots(1, 3, figsize=(12, 3.6))
    for cores, colour in ((1, CLEAN), (2, HYBRID)):
        by_size = [row for row in rows if row["cores"] == cores and row["batch"] == 256]
        sizes = [row["images"] for row in by_size]
        seconds = [row["images"] / row["images_per_second"] for row in by_size]
        label = f"{cores} core{'s' * (cores > 1)}"
        time_axes.plot(sizes, seconds, "o-", color=colour, label=label)
        linear = [seconds[-1] * size / sizes[-1] for size in sizes]
        time_axes.plot(sizes, linear, ":", color=colour, label=f"linear, {label}")
        memory.plot(sizes, [row["peak_gib"] for row in by_size], "o-", color=colour)
        by_batch = [row for row in rows if row["cores"] == cores and row["images"] == 60_000]
        speed.plot(
            [row["batch"] for row in by_batch],
            [row["images_per_second"] for row in by_batch],
            "o-",
            color=colour,
        )
    time_axes.set(xscale="log", yscale="log", xlabel="images", title="Seconds per epoch")
    memory.set(xscale="log", ylim=0, xlabel="images", title="Peak memory of the process (GiB)")
    speed.set(xscale="log", ylim=0, xlabel="batch size", xticks=BATCHES, title="Images per second")
    speed.set_xticks([], minor=True)
    speed.xaxis.set_major_formatter("{x:.0f}")
    time_axes.legend(fontsize="small")
    figure.savefig(RESULTS / "scaling.png", dpi=100)


def main() -> None:
    """Measures all points, writes the result file and the plot."""
    points = [(size, 256, cores) for cores in (1, 2) for size in SIZES]
    points += [(60_000, batch, cores) for cores in (1, 2) for batch in BATCHES if batch != 256]
    rows = sorted(
        (measure(*each) for each in points),
        key=lambda row: (row["cores"], row["images"], row["batch"]),
    )
    save_result("scaling", {"points": rows})
    plot(rows)


if __name__ == "__main__":
    if sys.argv[1:] == ["--plot"]:
        plot(read_json(RESULTS / "scaling.json")["points"])
    elif len(sys.argv) > 1:
        print(json.dumps(point(*map(int, sys.argv[1:]))))
    else:
        main()
