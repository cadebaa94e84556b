"""The command `evaluate`: the test-set report of a model."""

from typing import Annotated

import typer

from mnist_helpers.parameters import PARAMETERS, check_parameters
from mnist_helpers.runner.cli.common import Model, model_file


def command(
    model: Model = None,
    dataset: Annotated[
        str, typer.Option(metavar="NAME", help=PARAMETERS["DATASET"].constraint + ".")
    ] = "mnist",
    robustness_images: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="How many test images to corrupt: "
            + PARAMETERS["ROBUSTNESS_IMAGES"].constraint + ".",
        ),
    ] = 2000,
    html: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the report with figures as a page.")
    ] = None,
) -> int:  # fmt: skip
    """Lets a model read the test images, corrupted and external digits, and prints the report."""
    check_parameters(ROBUSTNESS_IMAGES=robustness_images, DATASET=dataset)
    from mnist_helpers.runner import report
    from mnist_helpers.training.artifacts import load_model
    from mnist_helpers.training.precision import default_dtype_policy

    path = model_file(model)
    measured = report.measure(
        load_model(path, default_dtype_policy()), dataset, robustness_images,
        report.training_parameters(path),
    )  # fmt: skip
    print(report.text(path.name, measured))
    if html:
        report.write_page(html, path.name, measured)
        print(f"\nPage: {html}")
    return 0
