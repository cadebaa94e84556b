"""What several commands need."""

import argparse
import sys
from pathlib import Path


def say(text: str) -> None:
    """Writes to stderr, which holds what is not a result."""
    print(text, file=sys.stderr, flush=True)


def folder_name(text: str) -> str:
    """Takes the name of one folder from the command line, and refuses a path."""
    if not text or text == ".." or Path(text).name != text:
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of one folder")
    return text
