"""The command `export`: a model in another runtime's format, checked there."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mnist_helpers.runner.cli.common import Model, echo

# The names and endings of `runner.export.FORMATS`, without importing TensorFlow for them.
SUFFIXES = {"savedmodel": "", "onnx": ".onnx", "litert": ".tflite"}
IMAGES = 1000


def command(
    format: Annotated[Literal["savedmodel", "onnx", "litert"], typer.Argument(help="The format.")],
    model: Model = None,
    dataset: Annotated[
        str, typer.Option(metavar="NAME", help="Whose test images: mnist, digits or a path.")
    ] = "mnist",
    output: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="By default the model's name, in the working directory."),
    ] = None,
) -> int:
    """Exports a model for another runtime, and compares their answers to 1,000 test images.

    onnx and litert need the packages of the extra `export`, which requirements.lock holds.
    """
    from mnist_helpers.data.datasets import load_test
    from mnist_helpers.runner import export
    from mnist_helpers.training.artifacts import load_model
    from mnist_helpers.training.model_choice import find_model
    from mnist_helpers.training.pipeline import to_input

    path = find_model(model)
    target = Path(output or path.stem + (SUFFIXES[format] or "_savedmodel"))
    images = to_input(load_test(dataset)[0][:IMAGES])
    try:
        difference = export.export(load_model(path), format, target, images)
    except (export.ExportError, export.ExportMismatchError) as error:
        echo(str(error))
        return 1
    print(
        f"{target}: the same answers to {len(images):,} test images as {path.name}; probabilities "
        f"differ by at most {difference:.1g}."
    )
    return 0
