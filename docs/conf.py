"""Settings of `make docs`: the project's Markdown and notebooks as pages, and an API reference.

The project's folder is the source, so that links between its files hold in the site as they do in a
repository.
"""

from sphinx.application import Sphinx

from mnist_helpers.paths import PROJECT

project = "MNIST hybrid training"
author = "The developers of the MNIST hybrid-training notebook series"
extensions = ["sphinx.ext.apidoc", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_nb"]
root_doc = "README"
include_patterns = [
    "*.md", "benchmarks/*.md", "data/*.md", "docs/**", "notebooks/*.ipynb", "trained_model/**.md",
]  # fmt: skip
# Folders that are left out here are not even walked through.
exclude_patterns = [".*", "runs", "site", "docs/api/modules.rst", "**/.ipynb_checkpoints"]

# One page per public module. A function is described where it is defined, not again in the package
# that passes it on.
apidoc_modules = [{"path": str(PROJECT / "mnist_helpers"), "destination": "docs/api"}]
apidoc_separate_modules = apidoc_module_first = True
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
docs/sweeps
docs/study
docs/robustness
docs/benchmarks
CONTRIBUTING
API reference <docs/api/mnist_helpers>
benchmarks/results
benchmarks/recipe
benchmarks/robust_policy
trained_model/README
trained_model/shipped/model_card
data/README
SECURITY
CHANGELOG
```
"""


def add_contents(app: Sphinx, name: str, source: list[str]) -> None:
    """Gives the README the site's table of contents, which would be clutter in the file itself."""
    if name == root_doc:
        source[0] += CONTENTS


def skip_field(app: Sphinx, what: str, name: str, member: object, *_) -> bool | None:
    """Leaves out what Python itself says of a named tuple's fields; the class describes them."""
    return True if str(member.__doc__).startswith("Alias for field number") else None


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-skip-member", skip_field)
    app.connect("source-read", add_contents)
