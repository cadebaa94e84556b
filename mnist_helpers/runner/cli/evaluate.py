"""The command `evaluate`: the test-set report of a model."""

import argparse

from mnist_helpers.parameters import LIMITS, check_value
from mnist_helpers.runner.cli.models import add_model_option, model_file


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "evaluate",
        help="report how a model does on the test images",
        description="Lets a model read the test images, damaged and foreign digits, and prints the "
        "report.",
    )
    add_model_option(parser)
    parser.add_argument(
        "--dataset", default="mnist", metavar="NAME", help=LIMITS["DATASET"].allowed
    )
    parser.add_argument(
        "--robustness-images", type=int, default=2000, metavar="N",
        help=f"how many test images to damage: {LIMITS['ROBUSTNESS_IMAGES'].allowed}",
    )  # fmt: skip
    parser.add_argument("--html", metavar="FILE", help="write the report with figures as a page")
    parser.set_defaults(execute=execute)


def execute(options: argparse.Namespace) -> int:
    """Runs the command and returns the exit status."""
    check_value("ROBUSTNESS_IMAGES", options.robustness_images)
    check_value("DATASET", options.dataset)
    from mnist_helpers.runner import report
    from mnist_helpers.training.artifacts import load_model
    from mnist_helpers.training.precision import default_dtype_policy

    path = model_file(options.model)
    measured = report.measure(
        load_model(path, default_dtype_policy()), options.dataset, options.robustness_images,
        report.training_parameters(path),
    )  # fmt: skip
    print(report.text(path.name, measured))
    if options.html:
        report.write_page(options.html, path.name, measured)
        print(f"\nPage: {options.html}")
    return 0
