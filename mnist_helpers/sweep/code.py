"""The code version of a notebook: a hash of its own code and of the package's that it imports."""

import ast
import hashlib
import importlib.metadata
from functools import cache
from pathlib import Path

PACKAGE_DIR = Path(__file__).resolve().parent.parent
# What computes the numbers, beside our own code.
LIBRARIES = ("keras", "numpy", "tensorflow")


def code_version(sources: list[str]) -> str:
    """Hashes the code that a notebook runs.

    Of the package, only the modules that the notebook imports, directly or through others, count;
    so a change to the command line does not make a finished training worthless.

    Args:
        sources: Sources of its code cells.

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
        versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
        digest.update(repr(versions).encode())
    return digest.hexdigest()


def _cell_imports(source: str) -> set[Path]:
    try:
        return _imports(ast.parse(source))
    except SyntaxError:
        return set()  # IPython's own syntax, or a mistake that will show when the cell runs


@cache
def _module(path: Path, changed: int) -> tuple[str, set[Path]]:
    """Returns a module's code without comments and layout, and the modules it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return ast.dump(tree), _imports(tree)


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
