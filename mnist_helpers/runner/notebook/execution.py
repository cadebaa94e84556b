"""Runs one notebook through papermill, and says what went wrong in one sentence."""

import json
import logging
import socket
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from mnist_helpers.files import read_json, write_json, write_text
from mnist_helpers.paths import PROJECT
from mnist_helpers.runner.notebook.output import Output, merge_streams

# papermill and nbformat take seconds to import, so functions import them when called.

KERNEL_FILE = ".kernel.json"  # which process computes in a folder
LONGEST_SOCKET_FOLDER = 80  # a socket's path takes 107 characters at most
# papermill takes paths for templates and reads back what it wrote, so it gets no paths.
INPUT, OUTPUT = "notebook://input.ipynb", "notebook://output.ipynb"


class NotebookError(RuntimeError):
    """A notebook could not be run to its end; says which, in which cell, and why."""


def execute(notebook: dict, output: Path, values: dict, printed: Output) -> None:
    """Runs a notebook.

    Args:
        notebook: Its content, as `read_notebook` returns it.
        output: Where the executed one is written, after each cell.
        values: Its parameters, by name.
        printed: Takes what it prints.

    Raises:
        NotebookError: It failed, or its kernel died, which papermill alone would call completed.
    """
    _await_earlier_kernel(output.parent)
    try:
        with tempfile.TemporaryDirectory(prefix="kernel-") as sockets:
            _execute(notebook, output, values, printed, sockets)
    except Exception as error:
        cells = len(notebook["cells"]) + bool(values)  # papermill adds a cell with the values
        raise NotebookError(_describe_failure(output, cells, printed, error)) from error
    finally:
        (output.parent / KERNEL_FILE).unlink(missing_ok=True)


class _Files:
    """papermill's way to the notebook that runs and to its file, which is written atomically."""

    notebook: dict
    output: Path

    def read(self, path: str) -> str:
        return json.dumps(self.notebook)

    def write(self, content: str, path: str) -> None:
        write_text(self.output, content)

    def pretty_path(self, path: str) -> str:
        return path


@cache
def _files() -> _Files:
    from papermill.iorw import papermill_io

    files = _Files()
    papermill_io.register("notebook://", files)
    return files


def _execute(notebook: dict, output: Path, values: dict, printed: Output, sockets: str) -> None:
    import papermill
    from traitlets.config import Config

    files = _files()
    files.notebook, files.output = notebook, output
    # Two kernels that start at once may choose the same TCP port; socket files have names.
    tcp = sys.platform == "win32" or len(sockets) > LONGEST_SOCKET_FOLDER
    settings = {
        # Without encryption every kernel begins with a warning on the terminal.
        "transport_encryption": "auto",
        "transport": "tcp" if tcp else "ipc",
        "connection_file": f"{sockets}/kernel.json",
    }
    # papermill's own warnings belong into the log. Nobody else in this process uses papermill.
    logger = logging.getLogger("papermill")
    logger.handlers, logger.propagate = [logging.StreamHandler(printed)], False
    papermill.execute_notebook(
        INPUT,
        OUTPUT,
        parameters=values,
        kernel_name="python3",
        progress_bar=False,
        stdout_file=printed,
        stderr_file=printed,
        start_timeout=120,
        cwd=str(PROJECT),
        on_cell_start=printed.on_cell_start,
        on_cell_executed=merge_streams,
        kernel_manager_class=_kernel_manager(output.parent, printed.file),
        # A kernel asked politely in mid-cell, after Ctrl-C, prints a traceback of its own.
        shutdown_kernel="immediate",
        config=Config({"KernelManager": settings}),
    )


def _kernel_manager(folder: Path, log: BinaryIO) -> type:
    import psutil
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager
    from traitlets import Instance

    class LoggedKernel(AsyncKernelManager):
        """A kernel whose libraries' own messages go to the log, not across the display."""

        # The kernel "python3" is this interpreter's own, and not one that the user installed.
        kernel_spec_manager = Instance(KernelSpecManager, kw={"kernel_dirs": []})

        # The types are those of the manager without `async` and of kernels without a process.
        async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
            await super().start_kernel(stderr=log, **options)
            pid: int = self.provisioner.pid  # type: ignore[union-attr]
            started = psutil.Process(pid).create_time()
            kernel = {"host": socket.gethostname(), "pid": pid, "started": started}
            write_json(folder / KERNEL_FILE, kernel)

    return LoggedKernel


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


def _describe_failure(output: Path, cells: int, printed: Output, error: Exception) -> str:
    """Says which notebook, cell and first line failed, and with what error."""
    from papermill.exceptions import PapermillExecutionError

    where = "before its first cell"
    if printed.cell:
        line = printed.source.strip().partition("\n")[0]
        where = f"in cell {printed.cell} of {cells}, which begins with: {line}"
    if isinstance(error, PapermillExecutionError):
        reason = f"{error.ename}: {error.evalue}"
    else:
        reason = f"{type(error).__name__}: {error}"
    return f"{output.name} failed {where}\n{reason}"
