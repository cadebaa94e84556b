"""The command `evaluate`: the test-set report of a model."""

import argparse

from mnist_helpers.parameters import LIMITS, check_value
from mnist_helpers.runner.cli.models import add_model_option


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "evaluate",
        help="report how a model does on the test images",
        description="Tests a model on the test images, corrupted and external digits, and prints "
        "the report.",
    )
    add_model_option(parser)
    parser.add_argument(
        "--dataset", default="mnist", metavar="NAME", help=LIMITS["DATASET"].allowed
    )
    parser.add_argument(
        "--robustness-images", type=int, default=2000, metavar="N",
        help=f"how many test images to corrupt: {LIMITS['ROBUSTNESS_IMAGES'].allowed}",
    )  # fmt: skip
    parser.add_argument("--html", metavar="FILE", help="write the report with figures as a page")
    parser.set_defaults(execute=execute)


def execute(options: argparse.Namespace) -> int:
    """Runs the command and returns the exit status."""
    check_value("ROBUSTNESS_IMAGES", options.robustness_images)
    check_value("DATASET", options.dataset)
    from mnist_helpers.evaluation.report import evaluate_model
    from mnist_helpers.runner.report import report_text, write_report
    from mnist_helpers.training.artifacts import find_model, load_model, training_parameters

    path = find_model(options.model)
    report = evaluate_model(
        load_model(path), options.dataset, robustness_images=options.robustness_images,
        parameters=training_parameters(path),
    )  # fmt: skip
    print(report_text(path.name, report))
    if options.html:
        write_report(options.html, path.name, report)
        print(f"\nPage: {options.html}")
    return 0
