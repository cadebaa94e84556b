"""Runs notebooks in order through papermill, with parameters checked before a kernel starts."""

import difflib
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mnist_helpers.parameters import LIMITS, TYPES, check_type, check_value
from mnist_helpers.paths import PROJECT, read_json, write_json, write_text
from mnist_helpers.progress import Progress, following_papermill

from filelock import FileLock, Timeout

# papermill, nbformat and nbconvert take seconds to import, so functions import them when called.


class NotebookFailed(RuntimeError):
    """A notebook could not be run to its end; says which, in which cell, and why."""


def notebook_parameters(path: str | Path) -> dict[str, dict]:
    """Reads a notebook's cell tagged `parameters`.

    Returns:
        By name, papermill's description: `inferred_type_name`, `default` (as source) and `help`
        (the comment).

    Raises:
        ValueError: A parameter is declared without a type.
    """
    import papermill

    parameters = papermill.inspect_notebook(str(path))
    for name, parameter in parameters.items():
        if parameter["inferred_type_name"] not in TYPES:
            raise ValueError(
                f"{Path(path).name} declares {name} without a type that can be checked; write "
                f"{name}: int = ... (or float, str, bool)."
            )
    return parameters


def parameter_types(notebooks: Sequence[Path]) -> dict[str, str]:
    """Returns the type name of every parameter that at least one of the notebooks has."""
    return {
        name: parameter["inferred_type_name"]
        for notebook in notebooks
        for name, parameter in notebook_parameters(notebook).items()
    }


def check_parameters(notebooks: Sequence[Path], parameters: dict) -> dict[Path, dict]:
    """Checks names, types and values against the notebooks' own parameters cells.

    Args:
        notebooks: Paths of the notebooks.
        parameters: Values by name, for all the notebooks together.

    Returns:
        For each notebook, those of `parameters` that it has.

    Raises:
        ValueError: A name that no notebook has, a wrong type, or an impossible value.
    """
    known = {notebook: notebook_parameters(notebook) for notebook in notebooks}
    names = sorted(set().union(*known.values()))
    for name, value in parameters.items():
        if name not in names:
            near = difflib.get_close_matches(name.upper(), names, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ValueError(
                f"There is no parameter {name}.{hint} The notebooks take {', '.join(names)}."
            )
        for described in known.values():
            if name in described:
                check_type(name, value, described[name]["inferred_type_name"])
        if name in LIMITS:
            check_value(name, value)
    return {
        notebook: {name: value for name, value in parameters.items() if name in described}
        for notebook, described in known.items()
    }


def run_series(
    notebooks: Sequence[str | Path], parameters: dict, folder: str | Path, html: bool = True
) -> None:
    """Runs notebooks one after another into a folder; goes on with a run that was broken off.

    The folder gets the executed notebooks, an HTML page of each, `run.log` with all that they
    print, and `status.json`. A notebook with the parameter OUTPUT_DIR writes into the folder too.

    Args:
        notebooks: Paths, in order; their names must differ.
        parameters: Values by name, for all the notebooks together; each gets those that it has.
        folder: New, empty, or with an unfinished run of the same notebooks and parameters.
        html: Whether to make the HTML pages.

    Raises:
        ValueError: Impossible parameters; nothing was started.
        FileExistsError: The folder holds something else, or another process runs in it.
        NotebookFailed: A notebook failed; what it did until then is in the folder.
    """
    notebooks = [Path(notebook).resolve() for notebook in notebooks]
    folder = Path(folder).resolve()
    for_each = check_parameters(notebooks, parameters)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / "run.lock").acquire(timeout=0)
    except Timeout as error:
        raise FileExistsError(f"Another process is running in {folder}.") from error
    with lock, following_papermill(folder / "run.log") as progress:
        status = _open_run(folder, [notebook.stem for notebook in notebooks], parameters)
        for number, notebook in enumerate(notebooks, 1):
            if status["notebooks"][notebook.stem]["state"] == "done":
                continue
            values = dict(for_each[notebook])
            if "OUTPUT_DIR" in notebook_parameters(notebook):
                values["OUTPUT_DIR"] = str(folder)
            title = f"[{number}/{len(notebooks)}] {notebook.stem}"
            _run_one(notebook, values, folder, status, progress, title, html)


def _open_run(folder: Path, names: list[str], parameters: dict) -> dict:
    """Returns the status of the run in `folder`, of a new run if the folder is new."""
    status = read_json(folder / "status.json")
    if status is None:
        if any(path.name not in ("run.lock", "run.log") for path in folder.iterdir()):
            raise FileExistsError(f"{folder} holds other files; choose another --name.")
        waiting = {"state": "waiting", "seconds": None, "error": None}
        status = {"parameters": parameters, "notebooks": {name: dict(waiting) for name in names}}
        write_json(folder / "status.json", status)
    elif status["parameters"] != parameters or list(status["notebooks"]) != names:
        raise FileExistsError(
            f"{folder} holds a run with other parameters or notebooks; choose another --name."
        )
    elif all(entry["state"] == "done" for entry in status["notebooks"].values()):
        raise FileExistsError(f"{folder} holds a finished run; choose another --name.")
    return status


def _run_one(
    notebook: Path,
    values: dict,
    folder: Path,
    status: dict,
    progress: Progress,
    title: str,
    html: bool,
) -> None:
    """Runs one notebook and keeps its state; papermill's own says completed of a dead kernel."""
    import nbformat

    def note(state: str, error: str | None = None) -> None:
        seconds = round(time.monotonic() - start, 1)
        status["notebooks"][notebook.stem] = {"state": state, "seconds": seconds, "error": error}
        write_json(folder / "status.json", status)

    start = time.monotonic()
    note("running")
    cells = len(nbformat.read(notebook, as_version=4).cells)
    progress.start(title, cells + bool(values))  # papermill adds a cell with the values
    output = folder / notebook.name
    try:
        _execute(notebook, output, values)
    except KeyboardInterrupt:
        note("failed", "stopped by the user")
        raise
    except Exception as error:
        failure = NotebookFailed(_describe_failure(output, progress, error))
        note("failed", str(failure))
        raise failure from error
    finally:
        progress.stop()
    if html:
        write_page(output)
    note("done")


def _execute(notebook: Path, output: Path, values: dict) -> None:
    import papermill
    from jupyter_client import AsyncKernelManager
    from traitlets.config import Config

    class LoggedKernel(AsyncKernelManager):
        """A kernel whose libraries' own messages go to the log, not across the progress bar."""

        def start_kernel(self, **options):
            return super().start_kernel(stderr=log, **options)

    # The kernel "python3" must be this interpreter's own, and not one that the user installed.
    own = str(Path(sys.prefix) / "share" / "jupyter")
    os.environ["JUPYTER_PATH"] = os.pathsep.join(
        filter(None, dict.fromkeys([own, *os.environ.get("JUPYTER_PATH", "").split(os.pathsep)]))
    )
    with (output.parent / "run.log").open("ab") as log:
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
            # Without encryption every kernel begins with a warning on the terminal.
            config=Config({"KernelManager": {"transport_encryption": "auto"}}),
        )


def _describe_failure(output: Path, progress: Progress, error: Exception) -> str:
    """Says which notebook, cell and first line failed, and with what error."""
    import nbformat
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import remove_error_markers

    where = "before its first cell"
    if progress.cell:
        cells = remove_error_markers(nbformat.read(output, as_version=4)).cells
        line = cells[progress.cell - 1].source.strip().partition("\n")[0]
        where = f"in cell {progress.cell} of {len(cells)}, which begins with: {line}"
    if isinstance(error, PapermillExecutionError):
        reason = f"{error.ename}: {error.evalue}"
    else:
        reason = f"{type(error).__name__}: {error}"
    return f"{output.name} failed {where}\n{reason}"


def write_page(notebook: Path) -> None:
    """Writes an executed notebook as an HTML page beside it."""
    from nbconvert import HTMLExporter

    page, _ = HTMLExporter().from_filename(str(notebook))
    # The pages of a run lie side by side, so a link to the next notebook can lead to its page.
    page = re.sub(r'(href="[\w.-]+)\.ipynb"', r'\1.html"', page)
    write_text(notebook.with_suffix(".html"), page)
