"""The code version of a notebook: a hash of its own code and of the package's that it imports."""

import ast
import hashlib
import importlib.metadata
import io
import tokenize
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE_DIR = Path(__file__).resolve().parent.parent
# What computes the numbers, beside our own code.
LIBRARIES = ("keras", "numpy", "tensorflow")


def code_version(sources: list[str], libraries: Iterable[str] = LIBRARIES) -> str:
    """Hashes the code that a notebook runs.

    Of the package, only the modules that the notebook imports, directly or through others, count;
    so a change to the command line does not make a finished training worthless.

    Args:
        sources: Sources of its code cells.
        libraries: Packages whose installed versions count as well.

    Returns:
        A hexadecimal hash.
    """
    digest = hashlib.sha256("\0".join(sources).encode())
    reached, found = set(), set().union(*map(_cell_imports, sources))
    while found:
        module = found.pop()
        if module not in reached:
            reached.add(module)
            code, imports = _module(module, module.stat().st_mtime_ns)
            found |= imports
    for module in sorted(reached):
        code, _ = _module(module, module.stat().st_mtime_ns)
        digest.update(f"{module.relative_to(PACKAGE_DIR)} {code}".encode())
    if reached:
        versions = {name: importlib.metadata.version(name) for name in libraries}
        digest.update(repr(versions).encode())
    return digest.hexdigest()


def _cell_imports(source: str) -> set[Path]:
    try:
        return _imports(ast.parse(source))
    except SyntaxError:
        return set()  # IPython's own syntax, or a mistake that will show when the cell runs


@cache
def _module(path: Path, changed: int) -> tuple[str, set[Path]]:
    """Returns what a module does, and the modules it imports."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    return _essence(source, tree), _imports(tree)


def _essence(source: str, tree: ast.Module) -> str:
    """Returns code without comments, docstrings and empty lines.

    It is text, not the syntax tree, because that differs between Python's versions.
    """
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(tree):
        documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            docstring = node.body[0]
            for row in range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1):
                lines[row - 1] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _imports(tree: ast.Module) -> set[Path]:
    """Finds the package's modules that some code imports."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    found = set()
    for name in names:
        package, *rest = name.split(".")
        if package == PACKAGE_DIR.name:
            # Importing a module runs the packages around it, too.
            found.update(_files(rest))
    return found


def _files(parts: list[str]) -> list[Path]:
    folders = [PACKAGE_DIR.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]
    files = [folder / "__init__.py" for folder in folders]
    files += [folder.with_suffix(".py") for folder in folders[1:]]
    return [file for file in files if file.exists()]
