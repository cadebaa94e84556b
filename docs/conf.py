"""Settings of `make docs`: the project's Markdown and notebooks as pages, and an API reference.

The project's folder is the source, so that links between its files hold in the site as they do in a
repository.
"""

import json
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.application import Sphinx

from mnist_helpers.data.datasets import load_test
from mnist_helpers.evaluation.reader import READER_MODEL
from mnist_helpers.paths import PROJECT
from mnist_helpers.runner.page.digit_page import model_facts, write_digit_page
from mnist_helpers.runner.page.live_widgets import enliven, frame
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.pipeline import to_input

project = "MNIST hybrid training"
author = "The developers of the MNIST hybrid-training notebook series"
extensions = ["sphinx.ext.apidoc", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_nb"]
root_doc = "README"
include_patterns = [
    "*.md", "benchmarks/*.md", "data/*.md", "docs/**", "notebooks/*.ipynb", "trained_model/**.md",
]  # fmt: skip
# Folders that are left out here are not even walked through.
exclude_patterns = [".*", "runs", "site", "docs/api/modules.rst", "**/.ipynb_checkpoints"]

# One page per room with all its public modules: with a page for each module the site takes half as
# long again, for every page lists all others. A function is described where it is defined, not
# again in the package that passes it on.
apidoc_modules = [{"path": str(PROJECT / "mnist_helpers"), "destination": "docs/api"}]
apidoc_module_first = True
autodoc_default_options = {"ignore-module-all": True}
autodoc_member_order = "bysource"
add_module_names = False
napoleon_use_ivar = True  # fields are described once, by their class
default_role = "code"  # the docstrings put code in single backticks
python_maximum_signature_line_length = 88

nb_execution_mode = "off"  # the pages show the committed outputs
myst_heading_anchors = 3

html_theme = "furo"
html_title = project
html_extra_path = ["front"]  # index.html leads to README.html
html_copy_source = False
html_show_copyright = html_show_sphinx = False

CONTENTS = """
```{toctree}
:hidden:
:caption: Notebooks
:glob:
notebooks/*
```
```{toctree}
:hidden:
:caption: About
docs/install
docs/series
docs/glossary
docs/teaching
docs/sweeps
docs/study
docs/robustness
docs/benchmarks
CONTRIBUTING
API reference <docs/api/mnist_helpers>
benchmarks/results
benchmarks/recipe
benchmarks/robust_policy
benchmarks/reader
trained_model/README
trained_model/shipped/model_card
data/README
SECURITY
CHANGELOG
```
"""


PAD_TITLE = "Draw a digit, and a small network reads it"
# The exported page within the site's first page.
DIGIT_PAGE = f"""
{frame("digits.html", PAD_TITLE)}

<p><a href="digits.html">The pad on a page of its own</a></p>
"""


def add_contents(app: Sphinx, name: str, source: list[str]) -> None:
    """Gives the README the pad and the site's table of contents, which a file cannot hold."""
    if name == root_doc:
        title, text = source[0].split("\n", 1)
        source[0] = f"{title}\n{DIGIT_PAGE}\n{text}{CONTENTS}"


def add_live_widgets(app: Sphinx, name: str, source: list[str]) -> None:
    """Lets pad and sliders work on a notebook's page; all pads are the one exported page."""
    if name.startswith("notebooks/"):
        notebook = json.loads(source[0])
        enliven(notebook, lambda: frame("../digits.html", PAD_TITLE))
        source[0] = json.dumps(notebook)


def add_digit_page(app: Sphinx, error: Exception | None) -> None:
    """Exports the shipped reader as the page that the README of the site shows."""
    target = Path(app.outdir, "digits.html")
    if error is None and not target.exists():
        images = to_input(load_test("digits")[0])
        network, facts = load_model(READER_MODEL), model_facts(READER_MODEL)
        write_digit_page(network, target, images, facts, "README.html")


def add_alternative_texts(app: Sphinx, doctree: nodes.document) -> None:
    """Gives a notebook's figures the alternative texts that MyST-NB leaves in the outputs."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.suffix != ".ipynb":
        return
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    texts = [x.metadata["image/png"]["alt"] for x in outputs if "image/png" in x.get("data", {})]
    figures = [image for image in doctree.findall(nodes.image) if "alt" not in image]
    for figure, text in zip(figures, texts, strict=True):
        figure["alt"] = text


def skip_field(app: Sphinx, what: str, name: str, member: object, *_) -> bool | None:
    """Leaves out what Python itself says of a named tuple's fields; the class describes them."""
    return True if str(member.__doc__).startswith("Alias for field number") else None


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-skip-member", skip_field)
    app.connect("source-read", add_contents)
    app.connect("source-read", add_live_widgets)
    app.connect("doctree-read", add_alternative_texts)
    app.connect("build-finished", add_digit_page)
