"""The code version of a notebook: a hash of its cells and of the sub-packages that they import."""

import ast
import hashlib
import importlib.metadata
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

PACKAGE_DIR = Path(__file__).resolve().parent.parent
# What computes the numbers, beside our own code.
LIBRARIES = ("keras", "numpy", "tensorflow")
# What only shows or checks: a change to it leaves what was computed as it is.
SHOWS = ("parameters", "plotting", "widgets")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
SUFFIXES = (".py", ".js", ".css", ".j2")


def code_version(
    sources: list[str], libraries: Iterable[str] = LIBRARIES, ignored: Collection[str] = SHOWS
) -> str:
    """Hashes the code that a notebook runs.

    Of the package, only the rooms count (its sub-packages and top modules) that the notebook
    imports, directly or through others; so a change to the command line does not make a finished
    training worthless. A room counts as a whole, because its names are imported lazily.

    Args:
        sources: Sources of its code cells.
        libraries: Packages whose installed versions count as well.
        ignored: Rooms that do not count.

    Returns:
        A hexadecimal hash.
    """
    digest = hashlib.sha256("\0".join(sources).encode())
    reached, found = set(), set().union(*map(_cell_imports, sources))
    while found:
        room = found.pop()
        if room not in reached and room not in ignored:
            reached.add(room)
            for path in _files(room):
                found |= _read(path, path.stat().st_mtime_ns)[1]
    for room in sorted(reached):
        for path in _files(room):
            code, _ = _read(path, path.stat().st_mtime_ns)
            digest.update(f"{path.relative_to(PACKAGE_DIR)} {code}".encode())
    if reached:
        versions = {name: importlib.metadata.version(name) for name in libraries}
        digest.update(repr(versions).encode())
    return digest.hexdigest()


def _files(room: str) -> list[Path]:
    folder = PACKAGE_DIR / room
    if folder.is_dir():
        return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
    return [folder.with_suffix(".py")]


def _cell_imports(source: str) -> set[str]:
    try:
        return _imports(_nodes(ast.parse(source)))
    except SyntaxError:
        return set()  # IPython's own syntax, or a mistake that will show when the cell runs


@cache
def _read(path: Path, changed: int) -> tuple[str, set[str]]:
    """Returns what a file does, and the rooms it imports."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return source, set()
    nodes = _nodes(ast.parse(source))
    return _essence(source, nodes), _imports(nodes)


def _nodes(tree: ast.AST) -> list[ast.AST]:
    """Returns all nodes of a syntax tree, in half the time that `ast.walk` takes."""
    nodes = [tree]
    for node in nodes:
        for value in vars(node).values():
            if isinstance(value, list):
                nodes.extend(each for each in value if isinstance(each, ast.AST))
            elif isinstance(value, ast.AST):
                nodes.append(value)
    return nodes


def _essence(source: str, nodes: list[ast.AST]) -> str:
    """Returns code without comments, docstrings and empty lines.

    It is text, not the syntax tree, because that differs between Python's versions.
    """
    lines = [line.encode() for line in source.splitlines()]
    inside: dict[int, list[tuple[int, int]]] = {}  # by row, the columns that strings take
    for node in nodes:
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            docstring = node.body[0]
            for row in range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1):
                lines[row - 1] = b""
        elif isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno:
            for row in range(node.lineno, node.end_lineno + 1):
                begin = node.col_offset if row == node.lineno else 0
                end = (node.end_col_offset or 0) if row == node.end_lineno else 10**9
                inside.setdefault(row, []).append((begin, end))
    code = [_without_comment(line, inside.get(row, [])) for row, line in enumerate(lines, 1)]
    return b"\n".join(line.rstrip() for line in code if line.strip()).decode()


def _without_comment(line: bytes, strings: list[tuple[int, int]]) -> bytes:
    place = line.find(b"#")
    while place >= 0:
        if not any(begin <= place < end for begin, end in strings):
            return line[:place]
        place = line.find(b"#", place + 1)
    return line


def _imports(nodes: list[ast.AST]) -> set[str]:
    """Finds the rooms that some code imports."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == PACKAGE_DIR.name:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    rooms = set()
    for name in names:
        package, _, rest = name.partition(".")
        if package == PACKAGE_DIR.name:
            rooms |= {"__init__"} | _room(rest.partition(".")[0])
    return rooms


def _room(name: str) -> set[str]:
    if name and ((PACKAGE_DIR / name).is_dir() or (PACKAGE_DIR / f"{name}.py").exists()):
        return {name}
    # The whole package, or a name it imports lazily from a room that its `__init__` alone knows.
    rooms = {path.name for path in PACKAGE_DIR.iterdir() if (path / "__init__.py").exists()}
    return rooms - {"runner"}
