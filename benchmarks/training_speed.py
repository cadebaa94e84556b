"""Training images per second: ours, the former network, Keras's defaults, and PyTorch.

One training step on a batch of 256 in memory: forward, backward, update. Ours is float32 or the
machine's native 16-bit type with `jit_compile=False` and fused batch normalisation; the former
network is that of cross_validation.py, both as trained, in batches of 128. The defaults are Keras's
own layers in float32 with `jit_compile="auto"`, which this Keras may resolve to no XLA, so XLA is
measured by itself, too. PyTorch is channels-last, eager and compiled, in the same precision. Each
runs in a process of its own, in turn.
"""

from functools import partial
from importlib.util import find_spec

import tensorflow as tf
from common import in_new_process, interleaved, next_step, save_result, seconds_per_call
from cross_validation import BEFORE, FIVE, build

from mnist_helpers.training.model import build_cnn
from mnist_helpers.training.optimizer import adamw_cosine
from mnist_helpers.training.precision import default_dtype_policy, with_dtype_policy

STEPS, ROUNDS = 30, 3


def keras_step(precision: str, jit, fused: bool, batch: int = 256):
    """The network of the notebooks in a precision, with our batch normalisation or Keras's."""
    return step_of(with_dtype_policy(build_cnn(0), precision, fused), jit, batch)


def step_of(network, jit, batch: int):
    """Returns a function that trains one batch that is in memory, and the batch size."""
    network.compile(
        adamw_cosine(0.004, 2000), "categorical_crossentropy", metrics=["accuracy"],
        jit_compile=jit,
    )  # fmt: skip
    x = tf.random.uniform((batch, 28, 28, 1))
    y = tf.one_hot(tf.random.uniform((batch,), 0, 10, tf.int32), 10)
    return next_step(network, tf.data.Dataset.from_tensors((x, y))), batch


def torch_step(compiled: bool, batch: int = 256):
    """The same network and optimiser in PyTorch; bfloat16 by autocast where native."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    blocks, channels = [], 1
    for width, side, padded, pooled in FIVE:
        blocks.append(nn.Conv2d(channels, width, side, padding=int(padded), bias=False))
        blocks += [nn.MaxPool2d(2)] if pooled else []
        blocks += [nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    network = nn.Sequential(*blocks, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(128, 10))
    network = network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3, foreach=True)
    native = default_dtype_policy() == "mixed_bfloat16"
    x = torch.rand(batch, 1, 28, 28).to(memory_format=torch.channels_last)
    y = torch.randint(0, 10, (batch,))

    def loss_of():
        with torch.autocast("cpu", torch.bfloat16, enabled=native):
            return nn.functional.cross_entropy(network(x).float(), y)

    forward = torch.compile(loss_of) if compiled else loss_of

    def step():
        optimiser.zero_grad(set_to_none=True)
        forward().backward()
        optimiser.step()

    return step, batch


SIDES = {
    "ours": lambda: keras_step(default_dtype_policy(), False, True),
    "ours_in_batches_of_128": lambda: keras_step(default_dtype_policy(), False, True, 128),
    "former_in_batches_of_128": lambda: step_of(build(BEFORE), False, 128),
    "keras_defaults": lambda: keras_step("float32", "auto", False),
    "keras_defaults_with_xla": lambda: keras_step("float32", True, False),
    "pytorch_eager": lambda: torch_step(False),
    "pytorch_compiled": lambda: torch_step(True),
}


def rate(side: str) -> float:
    """Returns images per second of one side."""
    step, batch = SIDES[side]()
    return batch / min(seconds_per_call(step, STEPS, warm=5) for _ in range(2))


def matrix_peak() -> float:
    """Returns GFLOP/s of a 2048 x 2048 matrix product in the native type."""
    dtype = tf.bfloat16 if default_dtype_policy() == "mixed_bfloat16" else tf.float32
    a = tf.cast(tf.random.normal((2048, 2048)), dtype)
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(a, a)[0, :1]))
    return 2 * 2048**3 / seconds_per_call(lambda: product().numpy(), 10) / 1e9


def convolution_gflop() -> float:
    """Returns GFLOP of the convolutions in one image's training step, forward and both gradients.

    Two per multiplication and addition. The first convolution has no gradient of its input.
    """
    total = 0
    for layer in build_cnn(0).layers:
        if "conv" in layer.name:
            height, width, in_channels, channels = layer.kernel.shape
            places = layer.output.shape[1] * layer.output.shape[2]
            passes = 2 if in_channels == 1 else 3
            total += passes * 2 * height * width * in_channels * channels * places
    return total / 1e9


def main() -> None:
    """Measures all sides in turn and writes the result file."""
    if not find_spec("torch"):
        print("PyTorch is not installed (group `bench`): its rows are left out.", flush=True)
    sides = [name for name in SIDES if find_spec("torch") or "pytorch" not in name]
    measures = {name: partial(in_new_process, rate, name) for name in sides}
    measures["matrix_product_gflops"] = matrix_peak
    rows = interleaved(measures, ROUNDS)
    rows["convolution_gflop_per_image"] = convolution_gflop()
    save_result("training_speed", rows)


if __name__ == "__main__":
    main()
