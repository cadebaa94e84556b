"""A trained model in the formats of other runtimes, checked by reading test images in them."""

import errno
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.training.precision import with_dtype_policy

# Rounding differs from runtime to runtime; probabilities that differ by more are another model's.
TOLERANCE = 1e-3


class ExportError(RuntimeError):
    """A model cannot be written in a format or read from it, or answers otherwise there."""


class Format(NamedTuple):
    """A format to export to.

    Attributes:
        keras_name: What `keras.Model.export` calls it.
        suffix: Of the file; empty for a folder.
        packages: What it needs beside the project's own packages, all in the extra `export`.
        load: Function from a path to a function from images to probabilities.
    """

    keras_name: str
    suffix: str
    packages: tuple[str, ...]
    load: Callable[[str], Callable]


def _load_savedmodel(path: str) -> Callable:
    loaded = tf.saved_model.load(path)
    return lambda images: loaded.serve(tf.constant(images)).numpy()


def _load_onnx(path: str) -> Callable:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (entrance,) = session.get_inputs()
    return lambda images: session.run(None, {entrance.name: images})[0]


def _load_litert(path: str) -> Callable:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=path).get_signature_runner()
    (entrance,), (exit_,) = runner.get_input_details(), runner.get_output_details()
    return lambda images: runner(**{entrance: images})[exit_]


FORMATS = {
    "savedmodel": Format("tf_saved_model", "", (), _load_savedmodel),
    "onnx": Format("onnx", ".onnx", ("onnx", "tf2onnx", "onnxruntime"), _load_onnx),
    "litert": Format("litert", ".tflite", ("ai_edge_litert",), _load_litert),
}


def export(model: keras.Model, name: str, path: str | Path, images: np.ndarray) -> float:
    """Exports a model by Keras's own `export`, reads images in the runtime, and compares.

    The file gets its name only once its answers are those of the model.

    Args:
        model: A float32 digit classifier.
        name: One of `FORMATS`.
        path: File to make, or folder for "savedmodel".
        images: float32 array of shape (n, 28, 28, 1) in [0, 1].

    Returns:
        The largest difference between two probabilities.

    Raises:
        ModuleNotFoundError: The format needs packages that are not installed; names the extra.
        FileExistsError: There is something at the path.
        ExportError: Keras or the runtime cannot write or read the format, or the runtime does not
            answer as the model does; nothing is kept.
        OSError: The disk is full, for example; names the file, nothing is kept.
    """
    chosen, path = FORMATS[name], Path(path)
    require_packages(name)
    require_new(path)
    plain = with_dtype_policy(model, "float32", fused=False)
    # One image in and one answer out, where Keras's copies take and give lists of them.
    graph = keras.Model(plain.inputs[0], plain.outputs[0])
    graph(images[:1])  # Keras exports to ONNX only what was called before
    try:
        with TemporaryDirectory(prefix=".", dir=path.parent) as folder:
            temporary = Path(folder, f"model{chosen.suffix}")
            with warnings.catch_warnings():
                # Keras asks NumPy for a name that is about to change its meaning.
                warnings.simplefilter("ignore", FutureWarning)
                graph.export(temporary, format=chosen.keras_name, verbose=False)
            found = chosen.load(str(temporary))(images)
            expected = Predictor(model)(images)
            difference = compare_answers(f"The {name} model", expected, found, TOLERANCE)
            temporary.rename(path)
    except ExportError:
        raise
    except Exception as error:  # each format brings exporters with exceptions of their own
        raise _export_error(error, name, path) from error
    return difference


def _export_error(error: Exception, name: str, path: Path) -> Exception:
    """Says in one sentence what an exporter or a runtime stumbled over."""
    # TensorFlow has an exception of its own for a full disk, and puts the cause behind a long path.
    for cause in (os.strerror(errno.ENOSPC), os.strerror(errno.EFBIG)):
        if cause in str(error):
            return OSError(f"{path} could not be written ({cause}); nothing was kept.")
    reason = str(error).strip().partition("\n")[0][:200] or type(error).__name__
    if isinstance(error, OSError):
        return OSError(f"{path} could not be written ({reason}); nothing was kept.")
    return ExportError(f"The model cannot be exported to {name}: {reason}")


def require_packages(name: str) -> None:
    """Refuses a format whose packages are missing or too old.

    Raises:
        ModuleNotFoundError: Names them, and the command that installs them.
    """
    from importlib.util import find_spec

    missing = [package for package in FORMATS[name].packages if find_spec(package) is None]
    if name == "litert" and tuple(map(int, keras.__version__.split(".")[:2])) < (3, 13):
        missing.append(f"Keras 3.13 or newer (this is {keras.__version__})")
    if missing:
        raise ModuleNotFoundError(
            f"Exporting to {name} needs {', '.join(missing)}, which the lock holds. "
            "Run in the project: python -m pip install --require-hashes -r requirements.lock"
        )


def compare_answers(name: str, expected: np.ndarray, found: np.ndarray, tolerance: float) -> float:
    """Returns the largest difference between two probabilities.

    Args:
        name: What is compared with the model, for the message.
        expected: Float array of shape (n, 10), the model's probabilities.
        found: The same from elsewhere, perhaps with NaN.
        tolerance: The largest difference that is none.

    Raises:
        ExportError: The difference is larger, or an answer is another digit.
    """
    other = int(np.sum(expected.argmax(axis=1) != found.argmax(axis=1)))
    difference = float(np.abs(expected - found).max())
    if not other and difference <= tolerance:
        return difference
    raise ExportError(
        f"{name} gives other answers to {other} of {len(expected):,} images, and probabilities "
        f"differ by up to {difference:.2g}; nothing was written."
    )


def require_new(path: Path) -> None:
    """Refuses a path where there is something; makes the folder that it is in.

    Raises:
        FileExistsError: There is something.
    """
    if path.exists():
        raise FileExistsError(f"{path} is there already; move it or choose another --output.")
    path.parent.mkdir(parents=True, exist_ok=True)
