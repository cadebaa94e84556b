"""The command `export`: a model in another runtime's format or as a web page, checked there."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mnist_helpers.runner.cli.common import Model, echo

# Those of `export_formats.FORMATS`, without importing TensorFlow for them, and the page.
Format = Literal["savedmodel", "onnx", "litert", "page"]
IMAGES = 1000


def command(
    format: Annotated[Format, typer.Argument(help="The format.")],
    model: Model = None,
    dataset: Annotated[
        str, typer.Option(metavar="NAME", help="Whose test images: mnist, digits or a path.")
    ] = "mnist",
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="PATH",
            help="By default the model's name, in the working directory.",
        ),
    ] = None,
) -> int:  # fmt: skip
    """Exports a model for another runtime, and compares their answers to 1,000 test images.

    onnx and litert need the packages of the extra `export`, page those of `notebooks`; the lock
    holds all. page is one HTML file in which anybody can draw digits, offline, by default with the
    reader; it is compared where there is Node.js.
    """
    from mnist_helpers.data.datasets import load_test
    from mnist_helpers.evaluation.reader import READER_MODEL
    from mnist_helpers.runner import export_formats
    from mnist_helpers.training.artifacts import load_model
    from mnist_helpers.training.model_choice import find_model
    from mnist_helpers.training.pipeline import to_input

    path = READER_MODEL if format == "page" and model is None else find_model(model)
    suffixes = {name: each.suffix or f"_{name}" for name, each in export_formats.FORMATS.items()}
    target = Path(output or path.stem + suffixes.get(format, ".html"))
    images = to_input(load_test(dataset)[0][:IMAGES])
    network = load_model(path)
    try:
        if format == "page":
            from mnist_helpers.runner.page import digit_page

            facts = digit_page.model_facts(path.absolute())
            difference = digit_page.write_digit_page(network, target, images, facts)
        else:
            difference = export_formats.export(network, format, target, images)
    except export_formats.ExportError as error:
        echo(str(error))
        return 1
    if difference is None:
        print(f"{target}: not compared with {path.name}, for there is no Node.js on this machine.")
    else:
        print(
            f"{target}: the same answers to {len(images):,} test images as {path.name}; "
            f"probabilities differ by at most {difference:.1g}."
        )
    return 0
