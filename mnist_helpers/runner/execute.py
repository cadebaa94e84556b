"""Runs one notebook through papermill, and says what went wrong in one sentence."""

import base64
import io
import os
import re
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

from mnist_helpers.files import read_json, write_json, write_text
from mnist_helpers.paths import PROJECT
from mnist_helpers.runner.progress import Follower

# papermill, nbformat and nbconvert take seconds to import, so functions import them when called.

KERNEL_FILE = ".kernel.json"  # which process computes in a folder
# As `plotting.style.show` writes them.
FIGURE = re.compile(r"<figure[^>]*><img [^>]*data:image/png;base64,([A-Za-z0-9+/=]+)")
THUMBNAIL_PIXELS = 160
# TensorFlow's C++ start-up notes, which no setting silences and which say nothing of the run.
STARTUP = re.compile(r"^(WARNING: All log messages before absl|[IWE]0000 ).*\n?", re.M)
WIDGET = "application/vnd.jupyter.widget-view+json"
# Wide tables scroll in their own box, words stay whole, and a phone's width goes to the text.
PAGE_STYLE = """<style>
.jp-OutputArea-output { overflow-x: auto }
.jp-OutputArea-output pre { word-break: normal; overflow-wrap: break-word }
@media (max-width: 600px) {
  main { padding: 0 8px }
  .jp-Cell { padding-left: 0; padding-right: 0 }
  .jp-InputPrompt, .jp-OutputPrompt { display: none }
  .jp-RenderedHTMLCommon blockquote { margin: 1em 0; padding: 0 0.8em }
  .jp-RenderedHTMLCommon table { font-size: 12px }
  .jp-RenderedHTMLCommon :is(th, td) { padding: 4px }
}
</style>
"""


class NotebookError(RuntimeError):
    """A notebook could not be run to its end; says which, in which cell, and why."""


def execute(notebook: Path, output: Path, values: dict, follower: Follower) -> None:
    """Runs a notebook; its log goes to `run.log` beside `output`.

    Args:
        notebook: The notebook.
        output: Where the executed one is written, after each cell.
        values: Its parameters, by name.
        follower: Knows which cell is running.

    Raises:
        NotebookError: It failed, or its kernel died, which papermill alone would call completed.
    """
    _await_earlier_kernel(output.parent)
    try:
        # The folder of the kernel's sockets: their paths may not be long.
        with (
            (output.parent / "run.log").open("ab") as log,
            tempfile.TemporaryDirectory(prefix="kernel-") as sockets,
        ):
            _execute(notebook, output, values, log, sockets)
    except Exception as error:
        raise NotebookError(_describe_failure(output, follower.cell, error)) from error
    finally:
        (output.parent / KERNEL_FILE).unlink(missing_ok=True)


def _execute(notebook: Path, output: Path, values: dict, log: BinaryIO, sockets: str) -> None:
    import papermill
    from jupyter_client import AsyncKernelManager
    from traitlets.config import Config

    class LoggedKernel(AsyncKernelManager):
        """A kernel whose libraries' own messages go to the log, not across the progress bar."""

        # The types are those of the manager without `async` and of kernels without a process.
        async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
            await super().start_kernel(stderr=log, **options)
            _note_kernel(output.parent, self.provisioner.pid)  # type: ignore[union-attr]

    # The kernel "python3" must be this interpreter's own, and not one that the user installed.
    own = str(Path(sys.prefix) / "share" / "jupyter")
    os.environ["JUPYTER_PATH"] = os.pathsep.join(
        filter(None, dict.fromkeys([own, *os.environ.get("JUPYTER_PATH", "").split(os.pathsep)]))
    )
    settings = {
        # Without encryption every kernel begins with a warning on the terminal.
        "transport_encryption": "auto",
        # Two kernels that start at once may choose the same TCP port; socket files have names.
        "transport": "tcp" if sys.platform == "win32" else "ipc",
        "connection_file": f"{sockets}/kernel.json",
    }
    papermill.execute_notebook(
        str(notebook),
        str(output),
        parameters=values,
        kernel_name="python3",
        progress_bar=False,
        log_output=True,
        start_timeout=120,
        cwd=str(PROJECT),
        coalesce_streams=True,
        kernel_manager_class=LoggedKernel,
        # A kernel asked politely in mid-cell, after Ctrl-C, prints a traceback of its own.
        shutdown_kernel="immediate",
        config=Config({"KernelManager": settings}),
    )


def _note_kernel(folder: Path, pid: int) -> None:
    import psutil

    started = psutil.Process(pid).create_time()
    kernel = {"host": socket.gethostname(), "pid": pid, "started": started}
    write_json(folder / KERNEL_FILE, kernel)


def _await_earlier_kernel(folder: Path) -> None:
    """Waits until the kernel of a killed run is gone, which takes it a second to notice."""
    import psutil

    kernel = read_json(folder / KERNEL_FILE)
    if kernel is None or kernel["host"] != socket.gethostname():
        return
    try:
        process = psutil.Process(kernel["pid"])
        # The number may belong to another process by now; a second allows for a clock set anew.
        if abs(process.create_time() - kernel["started"]) < 1:
            process.wait(timeout=10)
    except psutil.NoSuchProcess:
        pass  # gone, as it should be
    except psutil.TimeoutExpired as error:
        raise FileExistsError(
            f"A kernel of an earlier run, process {kernel['pid']}, still computes in {folder}; "
            "end it first."
        ) from error


def _describe_failure(output: Path, cell: int, error: Exception) -> str:
    """Says which notebook, cell and first line failed, and with what error."""
    import nbformat
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import remove_error_markers

    where = "before its first cell"
    if cell:
        cells = remove_error_markers(nbformat.read(output, as_version=4)).cells
        line = cells[cell - 1].source.strip().partition("\n")[0]
        where = f"in cell {cell} of {len(cells)}, which begins with: {line}"
    if isinstance(error, PapermillExecutionError):
        reason = f"{error.ename}: {error.evalue}"
    else:
        reason = f"{type(error).__name__}: {error}"
    return f"{output.name} failed {where}\n{reason}"


def write_page(notebook: Path) -> None:
    """Writes an executed notebook as an HTML page beside it, which a phone can show as well.

    Widgets need a kernel, so their still pictures are shown instead.
    """
    import nbformat
    from nbconvert import HTMLExporter

    content = nbformat.read(notebook, as_version=4)
    for cell in content.cells:
        if cell.cell_type == "code":
            cell.outputs = without_widget_views(without_startup_notes(cell.outputs))
    page, _ = HTMLExporter().from_notebook_node(content, {"metadata": {"name": notebook.stem}})
    page = page.replace("</head>", PAGE_STYLE + "</head>", 1)
    # The pages of a run lie side by side, so a link to the next notebook can lead to its page.
    page = re.sub(r'(href="[\w.-]+)\.ipynb"', r'\1.html"', page)
    write_text(notebook.with_suffix(".html"), page)


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

    # Of the cells' outputs alone: the saved state of widgets is full of pictures that say less.
    outputs = [out for cell in read_json(notebook)["cells"] for out in cell.get("outputs", [])]
    pages = ["".join(out.get("data", {}).get("text/html", "")) for out in outputs]
    figures = [figure for page in pages for figure in FIGURE.findall(page)]
    if figures:
        with Image.open(io.BytesIO(base64.b64decode(figures[-1]))) as figure:
            figure.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
            figure.convert("RGB").save(notebook.with_suffix(".thumbnail.png"), optimize=True)
