"""Names what is committed and came from running other code: `python benchmarks/stale.py`.

`refresh.py` and `refresh_comparison.py` record a hash in what they renew; this compares it with the
present code's. The exit status is 1 where something is stale.
"""

import sys

from mnist_helpers.paths import NOTEBOOKS_DIR, SHIPPED_DIR
from mnist_helpers.runner.notebook.read import code_sources, read_notebook
from mnist_helpers.runner.sweep.code_hash import code_version
from mnist_helpers.training.metrics import read_metrics

TRAINING = ("02_clean_phase", "03_augmented_phase")


def version(notebook: dict) -> str:
    """Returns the hash of a notebook's code cells, its parameters among them, and what they import.

    The versions of libraries are left out: which ones made a result stands beside it, and another
    one does not make it stale. What only shows counts here, since the outputs are committed.
    """
    return code_version(code_sources(notebook), libraries=(), ignored=())


def stale() -> list[str]:
    """Names what is committed and came from running other code than the present."""
    notebooks = {path.stem: read_notebook(path) for path in sorted(NOTEBOOKS_DIR.glob("*.ipynb"))}
    recorded = {
        name: notebook["metadata"].get("mnist_helpers", {}).get("code")
        for name, notebook in notebooks.items()
    }
    found = [name for name, notebook in notebooks.items() if recorded[name] != version(notebook)]
    trained_by = read_metrics(SHIPPED_DIR).get("code", {})
    if any(trained_by.get(name) != version(notebooks[name]) for name in TRAINING):
        found.append("the shipped models")
    return found


if __name__ == "__main__":
    remedy = "run make refresh (for 07, benchmarks/refresh_comparison.py)"
    found = stale()
    sys.exit(f"Stale, {remedy}: {', '.join(found)}" if found else 0)
