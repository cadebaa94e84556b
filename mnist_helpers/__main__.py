"""Entry point of `python -m mnist_helpers`."""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit("This project needs Python 3.11, 3.12 or 3.13, not " + sys.version.split()[0] + ".")

from mnist_helpers.runner.cli import main

sys.exit(main())
