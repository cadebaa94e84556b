"""A real JupyterLab on a free port, and notebooks to open in it."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat

from mnist_helpers.files import write_json
from mnist_helpers.paths import NOTEBOOKS_DIR, PROJECT, SHIPPED_DIR
from mnist_helpers.training.metrics import read_metrics, write_metrics

SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # All cells stay on the page, so that a test need not scroll to find one.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}


def find_chromium() -> str | None:
    """Returns the path of a Chromium, or None; `CHROMIUM` names one."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, (shutil.which(name) for name in names if name)), None)


def prepare(name: str, folder: Path, last_cell: str, **parameters) -> None:
    """Copies a notebook without outputs up to the cell with a text, and with other parameters."""
    notebook = nbformat.read(NOTEBOOKS_DIR / f"{name}.ipynb", as_version=4)
    last = next(i for i, cell in enumerate(notebook.cells) if last_cell in cell.source)
    notebook.cells = notebook.cells[: last + 1]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if "parameters" in cell.metadata.get("tags", []):
            cell.source += "".join(f"\n{key} = {value!r}" for key, value in parameters.items())
    nbformat.write(notebook, folder / f"{name}.ipynb")


def prepare_models(folder: Path, dataset: str) -> None:
    """Makes an output folder as notebooks 02 and 03 leave it, with the shipped models in it."""
    metrics = read_metrics(SHIPPED_DIR)
    hybrid = metrics["phases"]["hybrid"]["model"]
    folder.mkdir()
    for file_name in ("clean_phase.keras", hybrid):
        shutil.copy(SHIPPED_DIR / file_name, folder)
    shutil.copy(SHIPPED_DIR / "clean_phase.keras", folder / "best_clean_phase.keras")
    epoch = {"epoch": 1, "loss": 0.6, "accuracy": 0.9, "val_loss": 0.6, "val_accuracy": 0.9}
    write_json(folder / "clean_phase_history.json", [epoch])
    phases = {"clean_phase": {"model": "clean_phase.keras"}, "hybrid": {"model": hybrid}}
    write_metrics(folder, {"environment": {"dataset": dataset}, "phases": phases})


@contextlib.contextmanager
def running_lab(folder: Path):
    """Starts JupyterLab on `folder`, apart from the user's own settings; yields its address."""
    private = folder / ".jupyter"
    for name, values in SETTINGS.items():
        path = private / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
        "--expose-app-in-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    environment = os.environ | {
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_DIR": str(private / "config"),
        "JUPYTER_DATA_DIR": str(private / "data"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(private / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"),
        "PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]),
    }
    with (folder / "jupyterlab.log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_until_up(f"http://127.0.0.1:{port}/api?token={token}", server)
            yield f"http://127.0.0.1:{port}/lab/tree/{{path}}?reset&token={token}"
        finally:
            server.terminate()  # ends its kernels too
            server.wait(120)


def _wait_until_up(address: str, server: subprocess.Popen, seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"JupyterLab ended with code {server.returncode}.")
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    raise TimeoutError(f"JupyterLab did not answer within {seconds:g} s.")
