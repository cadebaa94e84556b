"""The command `export`: a model in another runtime's format, checked there."""

import argparse
from pathlib import Path

from mnist_helpers.runner.cli.models import add_model_option

# The names and endings of `runner.export.FORMATS`, without importing TensorFlow for them.
SUFFIXES = {"savedmodel": "", "onnx": ".onnx", "litert": ".tflite"}
IMAGES = 1000


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "export",
        help="write a model for another runtime: " + ", ".join(SUFFIXES),
        description="Exports a model through Keras, loads it in its runtime, and compares the "
        f"answers to {IMAGES:,} test images. onnx and litert need the packages of the "
        "extra `export`, which requirements.lock holds.",
    )
    parser.add_argument("format", choices=SUFFIXES)
    add_model_option(parser)
    parser.add_argument("--dataset", default="mnist", metavar="NAME",
                        help="whose test images: mnist, digits or a path")  # fmt: skip
    parser.add_argument(
        "--output", metavar="PATH", help="by default the model's name, in the working directory"
    )
    parser.set_defaults(execute=execute)


def execute(options: argparse.Namespace) -> int:
    """Runs the command and returns the exit status."""
    from mnist_helpers.data.datasets import load_test
    from mnist_helpers.runner import export
    from mnist_helpers.runner.cli.common import say
    from mnist_helpers.training.artifacts import find_model, load_model
    from mnist_helpers.training.pipeline import to_input

    path = find_model(options.model)
    output = Path(options.output or path.stem + (SUFFIXES[options.format] or "_savedmodel"))
    images = to_input(load_test(options.dataset)[0][:IMAGES])
    try:
        difference = export.export(load_model(path), options.format, output, images)
    except ModuleNotFoundError as error:
        say(f"Refused: {error}")
        return 2
    except export.ExportMismatchError as error:
        say(str(error))
        return 1
    print(
        f"{output}: the same answers to {len(images):,} test images as {path.name}; probabilities "
        f"differ by at most {difference:.1g}."
    )
    return 0
