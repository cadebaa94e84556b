"""The project installed from a wheel works from any folder and leaves its own folder alone."""

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
import venv

import pytest
from PIL import Image, ImageDraw

from mnist_helpers.paths import PROJECT

PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The project as a wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # A copy, as building leaves folders behind.
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "mnist_helpers", "notebooks", "trained_model", "sweeps/results",
         "*.toml", "*.md", "LICENSE", "setup.py", "MANIFEST.in"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")[:-1]  # fmt: skip
    for name in tracked:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((PROJECT / name).read_bytes())
    build = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source)]
    subprocess.run(build, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel):
    """An environment with the wheel in it, and its folder of packages."""
    folder = wheel.parent / "installed"
    place = empty_environment(folder)
    command = [*PIP, "--python", str(folder), "install", "--no-deps", str(wheel)]
    subprocess.run(command, check=True)
    return folder, place


def empty_environment(folder):
    """Makes an environment that borrows this one's packages; returns its folder of packages."""
    venv.create(folder, symlinks=os.name != "nt")
    place = sysconfig.get_path("purelib", "venv", {"base": str(folder)})
    os.makedirs(place, exist_ok=True)
    # Not this project, even if it is installed: the .pth files of a borrowed folder are not read.
    with open(os.path.join(place, "borrowed.pth"), "w") as file:
        file.write(sysconfig.get_path("purelib"))
    return place


def run_in(environment, folder, program, *arguments, **variables):
    """Runs a program of an environment, in a folder."""
    keep = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "KERAS_HOME")}
    scripts = sysconfig.get_path("scripts", "venv", {"base": str(environment)})
    return subprocess.run(
        [os.path.join(scripts, program), *arguments], cwd=folder, env=keep | variables,
        capture_output=True, text=True, timeout=500,
    )  # fmt: skip


def contents(place):
    return {os.path.join(at, name) for at, _, names in os.walk(place) for name in names}


@pytest.mark.slow
def test_a_wheel_predicts_anywhere_and_writes_nothing_beside_its_code(installed, tmp_path):
    environment, place = installed
    before = contents(place)
    seven = Image.new("L", (200, 200), "white")
    ImageDraw.Draw(seven).line([(60, 50), (140, 50), (90, 160)], "black", 14, "curve")
    seven.save(tmp_path / "seven.png")
    run = functools.partial(run_in, environment, tmp_path, PYTHONDONTWRITEBYTECODE="1")
    done = run("mnist", "predict", "seven.png")
    assert done.returncode == 0 and "7" in done.stdout.replace("seven.png", ""), done.stderr
    code = (
        "from mnist_helpers.paths import *; import mnist_helpers; "
        "print(PROJECT, len(list(NOTEBOOKS_DIR.glob('*.ipynb'))), mnist_helpers.__file__)"
    )
    project, count, file = run("python", "-c", code).stdout.split()
    assert project == str(tmp_path) and int(count) == len(list(PROJECT.glob("notebooks/*.ipynb")))
    assert file.startswith(str(environment))
    assert run("mnist", "notebooks", "mine").returncode == 0
    assert (tmp_path / "mine/sweeps/results/strategy/results.csv").exists()
    assert contents(place) == before


@pytest.mark.slow
def test_a_notebook_copied_alone_installs_the_library_and_runs(wheel, tmp_path):
    """Without a network: pip finds all that the wheel needs among the borrowed packages."""
    environment, folder = tmp_path / "venv", tmp_path / "alone"
    empty_environment(environment)
    folder.mkdir()
    shutil.copy(PROJECT / "notebooks" / "02_clean_phase.ipynb", folder)
    variables = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    code = (
        "import sys; from importlib.util import find_spec; import papermill as p; "
        "assert not find_spec('mnist_helpers'); "
        "p.execute_notebook('02_clean_phase.ipynb', 'out.ipynb', progress_bar=False, "
        "parameters={'DATASET': 'digits', 'EPOCHS': 1, 'BATCH_SIZE': 32})"
    )
    run_in(environment, folder, "python", "-m", "ensurepip").check_returncode()
    done = run_in(environment, folder, "python", "-c", code, MNIST_HELPERS=str(wheel), **variables)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (folder / "trained_model" / "clean_phase.keras").exists()
