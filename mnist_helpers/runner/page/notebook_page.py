"""An executed notebook as an HTML page, and its last figure as a small picture."""

import base64
import html
import io
import os
import re
from pathlib import Path

from mnist_helpers.files import atomic_write, read_json, write_text
from mnist_helpers.paths import NOTEBOOKS_DIR, PROJECT
from mnist_helpers.runner.notebook.read import SERIES
from mnist_helpers.runner.page.live_widgets import enliven, pad_with_reader

# TensorFlow's C++ start-up notes, which no setting silences and which say nothing of the run.
STARTUP = re.compile(r"^(WARNING: All log messages before absl|[IWE]0000 ).*\n?", re.M)
WIDGET = "application/vnd.jupyter.widget-view+json"
# A link to a file beside the notebook or in the project.
LINK = re.compile(
    r'<a href="(?P<target>[\w./-]+\.(?:ipynb|md))(?P<anchor>#[^"]*)?"(?P<rest>[^>]*)>'
    r"(?P<words>.*?)</a>",
    re.S,
)
THUMBNAIL_PIXELS = 160
TEMPLATE = Path(__file__).with_name("notebook_page.html.j2")


def write_page(notebook: Path) -> None:
    """Writes an executed notebook as an HTML page beside it, which a phone can show as well.

    Pad and sliders work on it without a kernel; of other widgets it shows the still pictures.
    """
    import nbformat
    from nbconvert import HTMLExporter

    content = nbformat.read(notebook, as_version=4)
    content.metadata.pop("widgets", None)
    content.metadata["title"] = _title(content) or notebook.stem
    for cell in content.cells:
        if cell.cell_type == "code":
            cell.outputs = outputs_to_keep(cell.outputs)
    enliven(content, pad_with_reader)
    exporter = HTMLExporter(raw_template=TEMPLATE.read_text(encoding="utf-8"))
    page, _ = exporter.from_notebook_node(content)
    page = re.sub(LINK, lambda link: _link(link, notebook.parent.absolute()), page)
    write_text(notebook.with_suffix(".html"), _without_places(page, notebook.parent.absolute()))


def _link(link: re.Match, folder: Path) -> str:
    """Returns a notebook's relative link as its page has it; the words alone if it leads nowhere.

    The pages of a run lie side by side. Other notebooks have no page, and the project's documents
    are found from a folder in the project alone.
    """
    target, anchor, rest, words = link["target"], link["anchor"] or "", link["rest"], link["words"]
    path, name = Path(target), Path(target).stem
    if path.suffix == ".ipynb":
        foreign = (NOTEBOOKS_DIR / target).exists() and name not in SERIES
        known = not foreign or (folder / target).exists()
        target, anchor = f"{name}.html", ""
    else:
        document = (NOTEBOOKS_DIR / target).resolve()
        known = document.exists() and folder.is_relative_to(PROJECT)
        target = Path(os.path.relpath(document, folder)).as_posix() if known else ""
    return f'<a href="{target}{anchor}"{rest}>{words}</a>' if known else words


def _without_places(page: str, folder: Path) -> str:
    """Returns a page without where the run's and the project's folder lie on this machine."""
    inside = folder.is_relative_to(PROJECT)
    shown = folder.relative_to(PROJECT).as_posix() if inside else folder.name
    places = {str(folder): shown}
    if Path(PROJECT.anchor) != PROJECT:  # else every path would lose its beginning
        places[f"{PROJECT}{os.sep}"] = ""
    for place, name in places.items():
        # Not within a word: a picture's base64 may spell a short path.
        beginning = rf"(?<![\w/+.-]){re.escape(html.escape(place))}"
        page = re.sub(beginning, html.escape(name).replace("\\", r"\\"), page)
    return page


def _title(content: dict) -> str:
    """Returns the notebook's first heading, without Markdown's marks."""
    prose = (cell["source"] for cell in content["cells"] if cell["cell_type"] == "markdown")
    found = re.search(r"^# +(.+)$", "\n".join(prose), re.M)
    return html.unescape(re.sub(r"[*`_]", "", found[1]).strip()) if found else ""


def outputs_to_keep(outputs: list) -> list:
    """Returns what of a code cell's outputs still says something without the kernel.

    The lines that TensorFlow writes when it starts are left out, and of widgets the live views,
    in whose place their still pictures stand.
    """
    for output in outputs:
        if output.get("name") == "stderr":
            output.text = STARTUP.sub("", output.text)
        data = output.get("data", {})
        if data.pop(WIDGET, None) and "text/html" not in data:
            data.clear()  # all that is left is the line of code that made it
    return [each for each in outputs if each.get("text") != "" and each.get("data") != {}]


def write_thumbnail(notebook: Path) -> None:
    """Writes an executed notebook's last figure beside it, small, if it shows a figure."""
    from PIL import Image

    cells = read_json(notebook)["cells"]
    shown = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    figures = [data["image/png"] for data in shown if "image/png" in data and WIDGET not in data]
    if figures:
        with Image.open(io.BytesIO(base64.b64decode("".join(figures[-1])))) as figure:
            figure.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
            with atomic_write(notebook.with_suffix(".thumbnail.png")) as temporary:
                figure.convert("RGB").save(temporary, "png", optimize=True)
