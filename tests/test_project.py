"""Facts that several files state and that must stay the same."""

import re
import subprocess
import sys
import tomllib

from mnist_helpers.paths import PROJECT

import yaml

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
LOCK = (PROJECT / "requirements.lock").read_text()


def test_the_lock_pins_every_dependency_by_hash():
    pinned = set(re.findall(r"^([a-z0-9._-]+)==", LOCK, re.M))
    named = {
        re.match(r"[A-Za-z0-9_.-]+", d)[0].lower() for d in PYPROJECT["project"]["dependencies"]
    }
    assert named <= pinned
    for entry in re.split(r"\n(?=\S)", LOCK.strip()):
        assert "--hash=sha256:" in entry, entry
    assert "http" not in re.sub(r"^(aio)?http\w*==", "", LOCK, flags=re.M)


def test_every_dependency_earns_a_line_in_contributing():
    text = (PROJECT / "CONTRIBUTING.md").read_text()
    for dependency in PYPROJECT["project"]["dependencies"]:
        name = re.match(r"[A-Za-z0-9_.-]+", dependency)[0]
        assert f"`{name}`" in text, name


def test_conda_brings_python_and_pip_and_the_rest_comes_from_the_project():
    environment = yaml.safe_load((PROJECT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert python == f"python {PYPROJECT['project']['requires-python']}"
    assert pip == "pip" and packages == {"pip": ["-e ."]}


def test_the_keras_home_is_the_projects_data_wherever_one_is(tmp_path):
    code = "import mnist_helpers, os; print(os.environ['KERAS_HOME'])"
    environment = {"PATH": "/usr/bin", "HOME": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert run.stdout.strip() == str(PROJECT / "data"), run.stderr
    environment["KERAS_HOME"] = str(tmp_path / "mine")
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert run.stdout.strip() == str(tmp_path / "mine"), run.stderr


def test_the_readme_table_is_the_shipped_models():
    run = subprocess.run([sys.executable, "benchmarks/update_readme.py", "--check"], cwd=PROJECT)
    assert run.returncode == 0
