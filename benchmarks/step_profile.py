"""Where a training step's time goes, by kind of operation, in the former network and in ours.

Both train on batches of 256 in the machine's native type, without XLA. Times are of all threads
together, from TensorFlow's profiler, so that their sum is more than the wall time of a step on two
cores.
"""

import tempfile
from pathlib import Path

import tensorflow as tf
from common import save_result, seconds_per_call
from cross_validation import BEFORE, build
from tensorflow.tsl.profiler.protobuf import xplane_pb2
from training_speed import keras_step, step_of

from mnist_helpers.training.precision import default_dtype_policy

BATCH, WARM, TIMED = 256, 5, 20
# The first kind whose word occurs in an operation's type takes it.
KINDS = {
    "convolutions: gradient of filters": "Conv2DBackpropFilter",
    "convolutions: gradient of inputs": "Conv2DBackpropInput",
    "convolutions: forward": "Conv2D",
    "batch normalisation, one kernel": "FusedBatchNorm",
    "pooling": "MaxPool",
    "everything else, elementwise and sums": "",
}


def profile(step) -> dict:
    """Returns the wall time of a step and the threads' time by kind of operation, in ms."""
    wall = seconds_per_call(step, TIMED, WARM)
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(TIMED):
            step()
        tf.profiler.experimental.stop()
        space = xplane_pb2.XSpace()
        space.ParseFromString(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    by_kind = dict.fromkeys(KINDS, 0.0)
    for plane in (plane for plane in space.planes if "CPU" in plane.name):
        for event in (event for line in plane.lines for event in line.events):
            name = plane.event_metadata[event.metadata_id].name
            if "/" in name and ":" in name:  # an operation: its path, a colon, its type
                operation = name.rpartition(":")[2]
                kind = next(kind for kind, word in KINDS.items() if word in operation)
                by_kind[kind] += event.duration_ps / 1e9 / TIMED
    return {"wall_ms": 1000 * wall, "threads_ms": by_kind}


def main() -> None:
    """Profiles both networks and writes the result file."""
    former, _ = step_of(build(BEFORE), False, BATCH)
    ours, _ = keras_step(default_dtype_policy(), False, True, BATCH)
    result = {"former": profile(former), "ours": profile(ours)}
    print(result)
    save_result("step_profile", {"batch": BATCH, **result})


if __name__ == "__main__":
    main()
