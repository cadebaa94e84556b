"""The code version of a notebook: a hash of its cells and of the rooms that they import."""

import hashlib
import importlib.metadata
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE_DIR = Path(__file__).resolve().parents[2]
# What computes the numbers, beside our own code.
LIBRARIES = ("keras", "numpy", "tensorflow")
# What only shows or checks: a change to it leaves what was computed as it is.
SHOWS = ("parameters", "plotting", "widgets")
SUFFIXES = (".py", ".js", ".css", ".j2")
# Text and not a syntax tree, which differs between Python's versions and takes ten times as long.
# A string comes before what looks like a comment or docstring inside it.
TRIVIA = re.compile(
    r'(?:\A|(?<=:\n))\s*r?"""(?:\\.|[^\\])*?"""(?=\n)'  # a docstring
    r"|(?P<string>(?P<quote>\"\"\"|'''|\"|')(?:\\.|[^\\])*?(?P=quote))"
    r"|#[^\n]*",
    re.S,
)
FROM = re.compile(r"^\s*from mnist_helpers(?:\.(\w+))?[\w.]* import (\([^)]*\)|.*)", re.M)
IMPORT = re.compile(r"^\s*import .*?\bmnist_helpers\b(?:\.(\w+))?", re.M)


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
    rooms: set[str] = set()
    found = _imports("\n".join(sources))
    while found := found - rooms - set(ignored):
        rooms |= found
        found = _imports("\n".join(code for _, code in _code(found)))
    for path, code in _code(sorted(rooms)):
        digest.update(f"{path.relative_to(PACKAGE_DIR)} {code}".encode())
    if rooms:
        versions = {name: importlib.metadata.version(name) for name in libraries}
        digest.update(repr(versions).encode())
    return digest.hexdigest()


def _code(rooms: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """Yields the files of some rooms and the code in them."""
    for room in rooms:
        folder = PACKAGE_DIR / room
        files = sorted(folder.rglob("*")) if folder.is_dir() else [folder.with_suffix(".py")]
        for path in files:
            if path.suffix in SUFFIXES:
                yield path, _read(path, path.stat().st_mtime_ns)


@cache
def _read(path: Path, changed: int) -> str:
    """Returns a file; one of Python without comments, docstrings and empty lines."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return source
    code = TRIVIA.sub(lambda found: found["string"] or "", source)
    return "\n".join(line.rstrip() for line in code.splitlines() if line.strip())


def _imports(code: str) -> set[str]:
    """Finds the rooms that some code imports, in whatever syntax the rest of it is."""
    names = set(IMPORT.findall(code))
    for room, imported in FROM.findall(code):
        names |= {room} if room else set(re.findall(r"\w+", imported))
    return set().union(*map(_rooms, names))


def _rooms(name: str) -> set[str]:
    """Returns the room of that name, or all for the whole package or a name of its `__init__`."""
    if name and ((PACKAGE_DIR / name).is_dir() or (PACKAGE_DIR / f"{name}.py").exists()):
        return {"__init__", name}
    # The whole package, or a name it imports lazily from a room that its `__init__` alone knows.
    rooms = {path.name for path in PACKAGE_DIR.iterdir() if (path / "__init__.py").exists()}
    return {"__init__"} | rooms - {"runner"}
