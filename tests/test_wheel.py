"""The project installed from a wheel works from any folder and leaves its own folder alone."""

import os
import subprocess
import sys
import sysconfig
import venv

import pytest
from PIL import Image, ImageDraw

from mnist_helpers.paths import PROJECT


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment with the wheel in it, which borrows this one's other packages."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    source = folder / "source"
    # A copy, as building leaves folders behind.
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "mnist_helpers", "notebooks", "trained_model", "*.toml", "*.md",
         "LICENSE", "setup.py", "MANIFEST.in"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")[:-1]  # fmt: skip
    for name in tracked:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((PROJECT / name).read_bytes())
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source)]
    subprocess.run(build, check=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", symlinks=os.name != "nt")
    place = sysconfig.get_path("purelib", "venv", {"base": str(folder / "venv")})
    target = ["--python", str(folder / "venv"), "install", "--no-deps", str(wheel)]
    subprocess.run([*pip, *target], check=True)
    with open(os.path.join(place, "borrowed.pth"), "w") as file:
        file.write(sysconfig.get_path("purelib"))
    return folder / "venv", place


def contents(place):
    return {os.path.join(at, name) for at, _, names in os.walk(place) for name in names}


@pytest.mark.slow
def test_a_wheel_predicts_anywhere_and_writes_nothing_beside_its_code(installed, tmp_path):
    environment, place = installed
    before = contents(place)
    seven = Image.new("L", (200, 200), "white")
    ImageDraw.Draw(seven).line([(60, 50), (140, 50), (90, 160)], "black", 14, "curve")
    seven.save(tmp_path / "seven.png")
    keep = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "KERAS_HOME")}
    scripts = sysconfig.get_path("scripts", "venv", {"base": str(environment)})

    def run(program, *arguments):
        return subprocess.run(
            [os.path.join(scripts, program), *arguments], cwd=tmp_path, capture_output=True,
            text=True, env=keep | {"PYTHONDONTWRITEBYTECODE": "1"}, timeout=300,
        )  # fmt: skip

    done = run("mnist", "predict", "seven.png")
    assert done.returncode == 0 and "7" in done.stdout.replace("seven.png", ""), done.stderr
    assert run("mnist", "predict", "missing.png").returncode == 1
    code = (
        "from mnist_helpers.paths import *; import mnist_helpers; "
        "print(PROJECT, len(list(NOTEBOOKS_DIR.glob('*.ipynb'))), mnist_helpers.__file__)"
    )
    project, count, file = run("python", "-c", code).stdout.split()
    assert project == str(tmp_path) and int(count) == len(list(PROJECT.glob("notebooks/*.ipynb")))
    assert file.startswith(str(environment))
    assert contents(place) == before
