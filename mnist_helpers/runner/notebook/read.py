"""Reads notebook files as they lie on disk, without the seconds that Jupyter's libraries import."""

import ast
import json
from pathlib import Path

from mnist_helpers.parameters import TYPES

# What `mnist run` runs; the other notebooks are for looking and trying.
SERIES = (
    "01_data_exploration", "02_clean_phase", "03_augmented_phase", "04_evaluation", "05_robustness"
)  # fmt: skip


def read_notebook(path: str | Path) -> dict:
    """Reads a notebook of format 4 as plain JSON, each cell's source as one text.

    Raises:
        ValueError: The file is no such notebook.
    """
    try:
        notebook = json.loads(Path(path).read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            cell["source"] = "".join(cell["source"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a notebook of format 4.") from error
    return notebook


def code_sources(notebook: dict) -> list[str]:
    """Returns the sources of the code cells but the set-up cell, which computes nothing."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [cell["source"] for cell in cells if "setup" not in cell["metadata"].get("tags", [])]


def without_outputs(notebook: dict) -> dict:
    """Returns a copy whose code cells have not run."""
    fresh: dict = {"outputs": [], "execution_count": None}
    cells = [cell | fresh if cell["cell_type"] == "code" else cell for cell in notebook["cells"]]
    return notebook | {"cells": cells}


def notebook_parameters(path: str | Path) -> dict[str, dict]:
    """Reads a notebook's cell tagged `parameters`.

    Returns:
        By name: `inferred_type_name` and `default` (as source), as papermill describes them; empty
        for a notebook without such a cell.

    Raises:
        ValueError: A parameter is declared without a type, or the cell is not valid Python.
    """
    for cell in read_notebook(path)["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            try:
                return _declarations(cell["source"], Path(path).name)
            except SyntaxError as error:
                raise ValueError(f"{Path(path).name}: the parameters cell: {error}.") from error
    return {}


def _declarations(source: str, file_name: str) -> dict[str, dict]:
    declared = {}
    for statement in ast.parse(source).body:
        if not isinstance(statement, ast.AnnAssign | ast.Assign):
            continue
        target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
        type_name = ast.unparse(statement.annotation) if hasattr(statement, "annotation") else None
        name = ast.unparse(target)
        if type_name not in TYPES or statement.value is None:
            raise ValueError(
                f"{file_name} declares {name} without a type that can be checked or without a "
                f"value; write {name}: int = ... (or float, str, bool)."
            )
        declared[name] = {"inferred_type_name": type_name, "default": ast.unparse(statement.value)}
    return declared
