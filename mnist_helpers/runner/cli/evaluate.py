"""The command `evaluate`: the test-set report of a model."""

from typing import Annotated

import typer

from mnist_helpers.parameters import PARAMETERS, check_parameters
from mnist_helpers.runner.cli.common import Model


def command(
    model: Model = None,
    dataset: Annotated[
        str, typer.Option(metavar="NAME", help=PARAMETERS["DATASET"].constraint + ".")
    ] = "mnist",
    robustness_images: Annotated[
        int,
        typer.Option(
            metavar="N",
            help=f"How many test images to corrupt: {PARAMETERS['ROBUSTNESS_IMAGES'].constraint}.",
        ),
    ] = 2000,
    html: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the report with figures as a page.")
    ] = None,
) -> int:
    """Lets a model read the test images, corrupted and external digits, and prints the report."""
    check_parameters(ROBUSTNESS_IMAGES=robustness_images, DATASET=dataset)
    from mnist_helpers.evaluation.model_evaluation import evaluate_model
    from mnist_helpers.runner.page.model_report import report_text, write_report
    from mnist_helpers.training.model_choice import find_model

    path = find_model(model)
    report = evaluate_model(path, dataset, robustness_images)
    print(report_text(path.name, report))
    if html:
        write_report(html, path.name, report)
        print(f"\nPage: {html}")
    return 0
