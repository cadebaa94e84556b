"""`make lab` serves this machine only, and only who has the token."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
import requests

from mnist_helpers.paths import PROJECT

pytestmark = pytest.mark.promise(8)


def command(pattern):
    """Returns a command of the Makefile, with this interpreter in place of .venv's."""
    recipe = re.search(pattern, (PROJECT / "Makefile").read_text(), re.MULTILINE)[1]
    program, *arguments = recipe.split()
    assert program == "$(BIN)/python"
    return [sys.executable, *arguments]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server started as `make lab` does, and the address with token that it prints."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lab = [*command(r"^lab:.*\n\t(.+)$"), "--no-browser", f"--port={port}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        lab.append("--allow-root")
    places = {name: str(home / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    foreign = home / "jupyter-labextension"  # of another JupyterLab, which comes first on the path
    foreign.write_text("#!/bin/sh\nexit 1\n")
    foreign.chmod(0o755)
    path = os.pathsep.join([str(home), os.environ["PATH"]])
    environment = {**os.environ, **places, "PATH": path}
    install = [*command(r"^\t(.+labextension.+)$"), "--level=user"]  # not into this environment
    subprocess.run(install, check=True, capture_output=True, env=environment, timeout=120)
    log = home / "log"
    with log.open("w") as file:
        process = subprocess.Popen(lab, cwd=PROJECT, stdout=file, stderr=file, env=environment)
    deadline = time.monotonic() + 120
    while not (found := re.search(r"(http://\S+)\?token=([0-9a-f]+)", log.read_text())):
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    yield port, found[2], process.pid
    process.send_signal(signal.SIGTERM)
    process.wait(30)


@pytest.mark.slow
def test_it_listens_on_the_loopback_address_alone(server):
    port, _, pid = server
    sockets = psutil.Process(pid).net_connections("tcp")
    listening = [each.laddr for each in sockets if each.status == psutil.CONN_LISTEN]
    assert [address.ip for address in listening if address.port == port] == ["127.0.0.1"]


@pytest.mark.parametrize("path", ["/api/contents", "/api/kernels", "/api/sessions", "/lab"])
@pytest.mark.slow
def test_without_the_token_nothing_is_served(server, path):
    address = f"http://127.0.0.1:{server[0]}{path}"
    for headers in ({}, {"Authorization": "token 0000"}):
        answer = requests.get(address, headers=headers, allow_redirects=False, timeout=30)
        assert answer.status_code == 403 or (
            answer.status_code == 302 and "/login" in answer.headers["Location"]
        )


@pytest.mark.slow
def test_a_page_elsewhere_cannot_start_a_kernel(server):
    """Even with the token's cookie: the request lacks what only pages of this server know."""
    session = requests.Session()
    address = f"http://127.0.0.1:{server[0]}"
    session.get(f"{address}/lab?token={server[1]}", timeout=30)
    answer = session.post(
        f"{address}/api/kernels", headers={"Origin": "http://evil.example"}, timeout=30
    )
    assert answer.status_code in (403, 404)
    listed = requests.get(f"{address}/api/contents?token={server[1]}", timeout=30)
    names = [entry["name"] for entry in listed.json()["content"]]
    assert listed.status_code == 200 and {"notebooks", "README.md"} <= set(names)


@pytest.mark.slow
def test_it_opens_the_first_notebook_and_asks_no_question_about_news(server):
    address = f"http://127.0.0.1:{server[0]}"
    session = requests.Session()
    opened = session.get(f"{address}/?token={server[1]}", timeout=30)
    assert opened.url.split("?")[0].endswith("/lab/tree/notebooks/01_data_exploration.ipynb")
    page = session.get(f"{address}/lab", timeout=30).text
    disabled = re.search(r'"disabledExtensions": \[([^\]]*)\]', page)[1]
    announcements = "@jupyterlab/apputils-extension:announcements"
    assert announcements in disabled
    # This environment may have had it off before, so a look at the recipe as well.
    assert command(r"^\t(.+labextension.+)$")[-2:] == ["disable", announcements]


# What turns a check off, in pieces, so that this file does not find itself.
OFF = [
    "allow_" + "root=True", "disable_check_" + "xsrf", r"token ?= ?['\"]['\"]", "allow_" + "origin",
    r"--ip=(?!127\.0\.0\.1)", r"0\.0\.0\." + "0", "verify=" + "False", "trusted-" + "host",
    "safe_mode=" + "False", "allow_pickle=" + "True", "unsafe_" + "deserialization",
    "disable_" + "warnings", "no-check-" + "certificate", "StrictHostKey" + "Checking",
]  # fmt: skip


# Tests that such a switch is not used.
LOOKING = {"tests/test_server.py", "tests/test_safe_loading.py"}


def test_nothing_in_the_project_turns_a_check_off():
    files = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True)
    names = [name for name in files.stdout.split() if not name.endswith((".keras", ".lock"))]
    assert files.returncode or names
    for name in names:
        text = (PROJECT / name).read_text(encoding="utf-8", errors="replace")
        if name not in LOOKING:
            assert not (found := re.search("|".join(OFF), text)), (name, found)
