"""The option that says which model a command means."""

import argparse


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--model`."""
    parser.add_argument(
        "--model",
        metavar="FILE",
        help="a .keras file, or a run's folder; by default your last notebook training, else the "
        "model shipped with the project",
    )
