"""The command `notebooks`: a copy of the series to work on."""

import json
import re
import shutil
from pathlib import Path
from typing import Annotated

import typer

from mnist_helpers.files import write_text
from mnist_helpers.paths import NOTEBOOKS_DIR
from mnist_helpers.runner.notebook.read import read_notebook, without_outputs

SOLUTIONS = re.compile(r"<details><summary>Solutions</summary>.*?</details>\n*", re.DOTALL)
# What notebook 07 compares as long as there is no sweep of one's own.
RESULTS = "sweeps/results/strategy"


def command(
    folder: Annotated[Path, typer.Argument(help="Where to; made if missing.")],
    without_solutions: Annotated[
        bool, typer.Option("--without-solutions", help="Leave the exercises' solutions out.")
    ] = False,
) -> int:
    """Copies the notebooks, without outputs, to a folder to work in.

    Nothing that is in the folder is replaced.
    """
    copies = {folder / source.name: source for source in sorted(NOTEBOOKS_DIR.glob("*.ipynb"))}
    for path in (*copies, folder / RESULTS):
        if path.exists():
            raise FileExistsError(f"{path} is there already; choose another folder.")
    for copy, source in copies.items():
        notebook = without_outputs(read_notebook(source))
        for cell in notebook["cells"]:
            text = SOLUTIONS.sub("", cell["source"]) if without_solutions else cell["source"]
            cell["source"] = text.splitlines(keepends=True)
        write_text(copy, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
    shutil.copytree(NOTEBOOKS_DIR.parent / RESULTS, folder / RESULTS)
    for copy in copies:
        print(copy)
    return 0
