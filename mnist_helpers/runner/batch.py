"""Runs notebooks in order through papermill, with parameters checked before a kernel starts."""

import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from mnist_helpers.files import read_json, write_json
from mnist_helpers.parameters import check_declared, values_for
from mnist_helpers.runner.execute import NotebookError, execute, write_page
from mnist_helpers.runner.notebooks import notebook_parameters, read_notebook
from mnist_helpers.runner.progress import Progress, following_papermill


def parameter_types(notebooks: Sequence[Path]) -> dict[str, str]:
    """Returns the type name of every parameter, by its name with and without its notebook's."""
    return {
        name: parameter["inferred_type_name"]
        for notebook in notebooks
        for plain, parameter in notebook_parameters(notebook).items()
        for name in (plain, f"{Path(notebook).stem}.{plain}")
    }


def check_parameters(notebooks: Sequence[Path], parameters: dict) -> dict[Path, dict]:
    """Checks names, types and values against the notebooks' own parameters cells.

    Args:
        notebooks: Paths of the notebooks.
        parameters: Values by name, for all the notebooks together; a name with a notebook's and a
            dot before it is for that one alone.

    Returns:
        For each notebook, those of `parameters` that are for it.

    Raises:
        ValueError: A name that no notebook has, a wrong type, or an impossible value.
    """
    known = {notebook: notebook_parameters(notebook) for notebook in notebooks}
    declared = {Path(notebook).stem: parameters for notebook, parameters in known.items()}
    for name, value in parameters.items():
        check_declared(name, value, declared)
    return {
        notebook: values_for(Path(notebook).stem, parameters, described)
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
        NotebookError: A notebook failed; what it did until then is in the folder.
    """
    paths = [Path(notebook).resolve() for notebook in notebooks]
    folder = Path(folder).resolve()
    for_each = check_parameters(paths, parameters)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / "run.lock").acquire(timeout=0)
    except Timeout as error:
        raise FileExistsError(f"Another process is running in {folder}.") from error
    progress = Progress()
    with lock, following_papermill(folder / "run.log", progress):
        status = _open_run(folder, [path.stem for path in paths], parameters)
        for number, path in enumerate(paths, 1):
            if status["notebooks"][path.stem]["state"] == "done":
                continue
            values = dict(for_each[path])
            if "OUTPUT_DIR" in notebook_parameters(path):
                values["OUTPUT_DIR"] = str(folder)
            title = f"[{number}/{len(paths)}] {path.stem}"
            _run_one(path, values, folder, status, progress, title, html)


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

    def note(state: str, error: str | None = None) -> None:
        seconds = round(time.monotonic() - start, 1)
        status["notebooks"][notebook.stem] = {"state": state, "seconds": seconds, "error": error}
        write_json(folder / "status.json", status)

    start = time.monotonic()
    note("running")
    cells = len(read_notebook(notebook)["cells"])
    progress.start(title, cells + bool(values))  # papermill adds a cell with the values
    output = folder / notebook.name
    try:
        execute(notebook, output, values, progress)
    except KeyboardInterrupt:
        note("failed", "stopped by the user")
        raise
    except NotebookError as failure:
        note("failed", str(failure))
        raise
    finally:
        progress.stop()
    if html:
        write_page(output)
    note("done")
