"""The order of the modules: each imports only what stands above it in CONTRIBUTING.md's table."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter

from mnist_helpers.paths import PROJECT

import pytest

PACKAGE = PROJECT / "mnist_helpers"
MODULES = sorted(
    path.stem if path.is_file() else path.name
    for path in PACKAGE.iterdir()
    if (path.suffix == ".py" and not path.stem.startswith("__")) or (path / "__init__.py").exists()
)
WITHOUT_TENSORFLOW = ("data", "parameters", "batch", "sweep", "cli")


def table():
    """Returns the modules in the order of CONTRIBUTING.md's table."""
    text = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.search(r"\| module \|.*\n\|---\|---\|\n((?:\|.*\n)+)", text)[1].splitlines()
    return [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]


def name_of(path):
    """Returns a file's dotted name below the package; "" for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


FILES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(source):
    """Returns what some code imports from the package, at its top or anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "an import names its module from the package on"
            # What is imported may be a module or something in one.
            for alias in node.names:
                whole = f"{node.module}.{alias.name}".removeprefix("mnist_helpers.")
                found.add(f"mnist_helpers.{whole}" if whole in FILES else node.module)
    return {
        name.removeprefix("mnist_helpers").removeprefix(".")
        for name in found
        if name.split(".")[0] == "mnist_helpers"
    }


def test_imports_are_found_wherever_they_stand():
    code = (
        "import numpy, mnist_helpers\nfrom mnist_helpers import batch, paths\n"
        "if TYPE_CHECKING:\n    from mnist_helpers.checks import SIDE\n"
        "def later():\n    import mnist_helpers.sweep.plan\n"
    )
    assert imports(code) == {"", "batch", "paths", "checks", "sweep.plan"}


def test_the_table_names_each_module_once():
    assert sorted(table()) == MODULES


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("__")])
def test_a_module_imports_only_what_stands_above_it(name):
    order = table()
    own = name.split(".")[0]
    # Importing the package runs its own code first, which may therefore know the first row alone.
    above = order[: order.index(own)] if own else order[:1]
    others = {other.split(".")[0] for other in imports(FILES[name].read_text(encoding="utf-8"))}
    assert others - {own, ""} <= set(above), f"{name} imports what stands below it"


def test_no_module_imports_itself_by_way_of_others():
    """Matters inside `sweep`, `widgets` and the like, whose modules share a row of the table."""
    graph = {name: imports(path.read_text(encoding="utf-8")) for name, path in FILES.items()}
    assert list(TopologicalSorter(graph).static_order())


def test_the_command_line_needs_no_tensorflow():
    names = [name for name in FILES if name.split(".")[0] in WITHOUT_TENSORFLOW]
    assert {name.split(".")[0] for name in names} == set(WITHOUT_TENSORFLOW)
    code = (
        "import importlib, sys\n"
        f"for name in {names}:\n"
        "    importlib.import_module(f'mnist_helpers.{name}')\n"
        "    heavy = {'tensorflow', 'keras'} & set(sys.modules)\n"
        "    assert not heavy, f'{name} imports {heavy}'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
