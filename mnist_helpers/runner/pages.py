"""An executed notebook as an HTML page, and its last figure as a small picture."""

import base64
import html
import io
import re
from pathlib import Path

from mnist_helpers.files import atomic_write, read_json, write_text

# TensorFlow's C++ start-up notes, which no setting silences and which say nothing of the run.
STARTUP = re.compile(r"^(WARNING: All log messages before absl|[IWE]0000 ).*\n?", re.M)
WIDGET = "application/vnd.jupyter.widget-view+json"
THUMBNAIL_PIXELS = 160
TEMPLATE = Path(__file__).with_name("page.html.j2")


def write_page(notebook: Path) -> None:
    """Writes an executed notebook as an HTML page beside it, which a phone can show as well.

    Widgets need a kernel, so their still pictures are shown instead.
    """
    import nbformat
    from nbconvert import HTMLExporter

    content = nbformat.read(notebook, as_version=4)
    content.metadata.pop("widgets", None)
    content.metadata["title"] = _title(content) or notebook.stem
    for cell in content.cells:
        if cell.cell_type == "code":
            cell.outputs = without_widget_views(without_startup_notes(cell.outputs))
    exporter = HTMLExporter(raw_template=TEMPLATE.read_text(encoding="utf-8"))
    page, _ = exporter.from_notebook_node(content)
    # The pages of a run lie side by side, so a link to the next notebook can lead to its page.
    page = re.sub(r'(href="[\w.-]+)\.ipynb"', r'\1.html"', page)
    write_text(notebook.with_suffix(".html"), page)


def _title(content: dict) -> str:
    """Returns the notebook's first heading, without Markdown's marks."""
    prose = (cell["source"] for cell in content["cells"] if cell["cell_type"] == "markdown")
    found = re.search(r"^# +(.+)$", "\n".join(prose), re.M)
    return html.unescape(re.sub(r"[*`_]", "", found[1]).strip()) if found else ""


def without_startup_notes(outputs: list) -> list:
    """Returns a code cell's outputs without the lines that TensorFlow writes when it starts."""
    for output in outputs:
        if output.get("name") == "stderr":
            output.text = STARTUP.sub("", output.text)
    return [output for output in outputs if output.get("text") != ""]


def without_widget_views(outputs: list) -> list:
    """Returns a code cell's outputs with widgets' still pictures instead of their live views."""
    for output in outputs:
        data = output.get("data", {})
        if data.pop(WIDGET, None) and "text/html" not in data:
            data.clear()  # all that is left is the line of code that made it
    return [output for output in outputs if output.get("data") != {}]


def write_thumbnail(notebook: Path) -> None:
    """Writes an executed notebook's last figure beside it, small, if it shows a figure."""
    from PIL import Image

    figures = _figures(read_json(notebook))
    if figures:
        small = io.BytesIO()
        with Image.open(io.BytesIO(base64.b64decode(figures[-1]))) as figure:
            figure.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
            figure.convert("RGB").save(small, "png", optimize=True)
        with atomic_write(notebook.with_suffix(".thumbnail.png")) as temporary:
            temporary.write_bytes(small.getvalue())


def _figures(notebook: dict) -> list[str]:
    """Returns the figures among the cells' outputs, as base64 of PNG, without widgets' pictures."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    data = [output["data"] for output in outputs if "data" in output]
    return ["".join(d["image/png"]) for d in data if "image/png" in d and WIDGET not in d]
