"""Writes the badges and the set-up cells of the notebooks: `python docs/badges.py`.

The project's address stands in CITATION.cff, as `repository-code`, and is written from there to
wherever it is needed. While there is none, the badges lead to docs/install.md, and a set-up cell
asks where to install the library from.
"""

import json
import re
from pathlib import Path

from ruamel.yaml import YAML

from mnist_helpers.files import write_text
from mnist_helpers.paths import NOTEBOOKS_DIR, PROJECT

HOSTS = {
    "Colab": "https://colab.research.google.com/github/{name}/blob/main/{file}",
    "Kaggle": "https://kaggle.com/kernels/welcome?src=https://github.com/{name}/blob/main/{file}",
    "Binder": "https://mybinder.org/v2/gh/{name}/HEAD?labpath={file}",
}
SETUP = """\
import os
import sys
from importlib.util import find_spec

if not find_spec("mnist_helpers"):
    address = os.environ.get("MNIST_HELPERS") or {address}
    %pip install -q anywidget "{{address}}"
if "google.colab" in sys.modules:
    sys.modules["google.colab"].output.enable_custom_widget_manager()"""
BADGES = re.compile(r"^Open in \[Colab\].*\n\n", re.M)


def project_address(citation: Path = PROJECT / "CITATION.cff") -> str | None:
    """Returns the address of the project's repository, if it has one."""
    address = YAML(typ="safe").load(citation).get("repository-code")
    return address.removesuffix("/").removesuffix(".git") if address else None


def badges(address: str | None, file: str, to_docs: str) -> str:
    """Returns the line of links that open a file of the project on other people's machines.

    Args:
        address: As from `project_address`.
        file: The file, as a path from the project's folder.
        to_docs: How the text that holds the links reaches the folder docs/.
    """
    links = {host: f"{to_docs}install.md#{host.lower()}" for host in HOSTS}
    if address:
        name = address.removeprefix("https://github.com/")
        links = {host: link.format(name=name, file=file) for host, link in HOSTS.items()}
    return "Open in " + " · ".join(f"[{host}]({link})" for host, link in links.items())


def setup_source(address: str | None) -> str:
    """Returns the source of the set-up cell."""
    known = json.dumps(f"git+{address}") if address else 'input("Install mnist_helpers from: ")'
    return SETUP.format(address=known)


def with_badges(text: str, line: str) -> str:
    """Returns Markdown with the line of badges beneath its first heading."""
    heading, _, rest = BADGES.sub("", text).partition("\n\n")
    return f"{heading}\n\n{line}\n\n{rest}"


def add_to_notebook(notebook: dict, file: str, address: str | None) -> None:
    """Writes the badges to a notebook's first cell and the set-up cell beneath it."""
    head, *rest = notebook["cells"]
    text = with_badges("".join(head["source"]), badges(address, file, "../docs/"))
    head["source"] = text.splitlines(keepends=True)
    rest = [cell for cell in rest if "setup" not in cell["metadata"].get("tags", [])]
    setup = {
        "cell_type": "code", "execution_count": None, "id": "5e7c0de5",
        "metadata": {"tags": ["setup"]}, "outputs": [],
        "source": setup_source(address).splitlines(keepends=True),
    }  # fmt: skip
    notebook["cells"] = [head, setup, *rest]


def main() -> None:
    """Writes all badges and set-up cells."""
    address = project_address()
    for path in sorted(NOTEBOOKS_DIR.glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        add_to_notebook(notebook, f"notebooks/{path.name}", address)
        write_text(path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
    readme = PROJECT / "README.md"
    line = badges(address, "notebooks/01_data_exploration.ipynb", "docs/")
    write_text(readme, with_badges(readme.read_text(encoding="utf-8"), line))


if __name__ == "__main__":
    main()
