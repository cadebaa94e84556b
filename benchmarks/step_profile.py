"""Where a training step's time goes, by kind of operation, before and after the step was tuned.

Both sides train the network on batches of 256 in the machine's native type, without XLA. *Before*:
Keras's own batch normalisation, padding in every convolution, and averaged weights; *after*: the
notebooks' step. Times are of all threads together, from TensorFlow's profiler, so that their sum is
more than the wall time of a step on two cores.
"""

import collections
import tempfile
import time
from pathlib import Path

import keras
import tensorflow as tf
from common import save_result
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from mnist_helpers.training.model import build_cnn
from mnist_helpers.training.optimizer import adamw_cosine
from mnist_helpers.training.precision import default_dtype_policy, with_dtype_policy

BATCH, WARM, TIMED = 256, 5, 20
# The first kind whose words occur in an operation's type takes it.
KINDS = {
    "convolutions: gradient of filters": ("Conv2DBackpropFilter",),
    "convolutions: gradient of inputs": ("Conv2DBackpropInput",),
    "convolutions: forward": ("Conv2D",),
    "batch normalisation, one kernel": ("FusedBatchNorm",),
    "pooling": ("MaxPool",),
    "everything else, elementwise and sums": ("",),
}


def padded(network: keras.Model) -> keras.Model:
    """Returns the network with padding in its first convolution as well; weights are new."""

    def copy(layer):
        settings = layer.get_config()
        if layer.name == "block1_conv1":
            settings["padding"] = "same"
        return type(layer).from_config(settings)

    return keras.models.clone_model(network, clone_function=copy)


def step_of(before: bool):
    """Returns a function that trains one batch that is in memory."""
    network = padded(build_cnn(0)) if before else build_cnn(0)
    network = with_dtype_policy(network, default_dtype_policy(), fused=not before)
    averages = {"use_ema": True, "ema_momentum": 0.998} if before else {}
    optimizer = keras.optimizers.AdamW(1e-3, **averages) if before else adamw_cosine(1e-3, 2000)
    network.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    images = tf.random.uniform((BATCH, 28, 28, 1))
    labels = tf.one_hot(tf.random.uniform((BATCH,), 0, 10, tf.int32), 10)
    network.make_train_function()
    batches = iter(tf.data.Dataset.from_tensors((images, labels)).repeat())
    return lambda: network.train_function(batches)


def profile(step) -> dict:
    """Returns the wall time of a step and the threads' time by kind of operation, in ms."""
    for _ in range(WARM):
        step()
    start = time.perf_counter()
    for _ in range(TIMED):
        step()
    wall = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(TIMED):
            step()
        tf.profiler.experimental.stop()
        space = xplane_pb2.XSpace()
        space.ParseFromString(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    spent = collections.Counter()
    for plane in space.planes:
        if "CPU" in plane.name:
            for line in plane.lines:
                for event in line.events:
                    name = plane.event_metadata[event.metadata_id].name
                    if "/" in name and ":" in name:  # an operation: its path, a colon, its type
                        kind = name.rpartition(":")[2]
                        spent[kind] += event.duration_ps / 1e9 / TIMED
    by_kind = dict.fromkeys(KINDS, 0.0)
    for operation, milliseconds in spent.items():
        kind = next(k for k, words in KINDS.items() if any(w in operation for w in words))
        by_kind[kind] += milliseconds
    return {"wall_ms": 1000 * wall / TIMED, "threads_ms": by_kind}


def main() -> None:
    """Profiles both sides and writes the result file."""
    result = {}
    for name in ("before", "after"):
        result[name] = profile(step_of(name == "before"))
        print(f"  {name}: {result[name]}", flush=True)
    save_result("step_profile", {"batch": BATCH, **result})


if __name__ == "__main__":
    main()
