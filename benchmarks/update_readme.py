"""Fills README.md and the pages of results from metrics.json and the result files.

Run `python benchmarks/update_readme.py`; with `--check` it changes nothing and fails when stale.
"""

import sys

import reader_report
import report
import robust_report
import strategy_report
from common import from_template

from mnist_helpers.files import write_text
from mnist_helpers.paths import PROJECT, SHIPPED_DIR
from mnist_helpers.training.metrics import read_metrics


def filled(text: str, block: str, content: str) -> str:
    """Returns `text` with `content` between the two comments that mark a block."""
    begin, end = f"<!-- {block}: begin -->", f"<!-- {block}: end -->"
    before, rest = text.split(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}"


def pages() -> dict:
    """Returns what the README and the pages of results should contain, by their files."""
    blocks = {
        "README.md": ("results", from_template("shipped.md", **read_metrics(SHIPPED_DIR))),
        "docs/benchmarks.md": ("benchmarks", report.measured()),
        "docs/study.md": ("strategy", strategy_report.summary()),
        "docs/robustness.md": ("robust", robust_report.summary()),
    }
    found = {each.PAGE: each.page() for each in (report, robust_report, reader_report)}
    for name, (block, content) in blocks.items():
        found[PROJECT / name] = filled((PROJECT / name).read_text("utf-8"), block, content)
    return found


def main() -> int:
    """Writes the tables, or checks them; returns the exit status."""
    wanted = pages()
    stale = [
        path.name
        for path, text in wanted.items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    if "--check" not in sys.argv[1:]:
        for path, text in wanted.items():
            write_text(path, text)
    elif stale:
        print(f"{', '.join(stale)}: run python benchmarks/update_readme.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
