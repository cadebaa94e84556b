"""Facts that several files state and that must stay the same."""

import re
import subprocess
import sys
import tomllib
import zipfile

import pytest
import yaml

from mnist_helpers.paths import PROJECT

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
LOCK = (PROJECT / "requirements.lock").read_text()


@pytest.mark.promise(9)
def test_the_lock_pins_every_dependency_by_hash():
    pinned = set(re.findall(r"^([a-z0-9._-]+)==", LOCK, re.M))
    named = {
        re.match(r"[A-Za-z0-9_.-]+", d)[0].lower() for d in PYPROJECT["project"]["dependencies"]
    }
    assert named <= pinned
    for entry in re.split(r"\n(?=\S)", LOCK.strip()):
        assert "--hash=sha256:" in entry, entry
    assert "http" not in re.sub(r"^(aio)?http\w*==", "", LOCK, flags=re.M)


@pytest.mark.promise(9)
@pytest.mark.parametrize("file", ["Makefile", "README.md"])
def test_every_installation_demands_the_hashes(file):
    commands = re.compile(r"^\s*[^\s`]*python\S* -m pip install (.+)", re.MULTILINE)
    installs = commands.findall((PROJECT / file).read_text())
    assert installs
    for options in installs:
        # The project itself has no hash; it is installed without any package and without a build
        # environment, for which pip would fetch more.
        assert "--require-hashes" in options or "--no-deps --no-build-isolation" in options


@pytest.mark.promise(9)
def test_a_package_with_another_hash_is_not_installed(tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "tqdm-0.1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tqdm-0.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tqdm\n")
    other = f"tqdm==0.1 --hash=sha256:{64 * '0'}"
    for lock, words in (("tqdm==0.1", "hashes are required"), (other, "do not match the hashes")):
        (tmp_path / "lock").write_text(lock + "\n")
        run = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--dry-run", "--require-hashes", "--no-index",
             "--ignore-installed", "--find-links", str(wheels), "-r", str(tmp_path / "lock")],
            capture_output=True, text=True,
        )  # fmt: skip
        assert run.returncode and words in run.stderr.lower(), run.stderr


@pytest.mark.promise(9)
@pytest.mark.parametrize("path", sorted((PROJECT / ".github/workflows").glob("*.yml")), ids=str)
def test_actions_are_pinned_by_commit_and_may_only_read(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            assert "uses" not in step or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"]), step


@pytest.mark.promise(9)
def test_the_lock_is_audited_every_week():
    workflow = yaml.safe_load((PROJECT / ".github/workflows/weekly.yml").read_text())
    assert "schedule" in workflow[True]  # YAML reads `on` as true
    commands = [step.get("run", "") for step in workflow["jobs"]["audit"]["steps"]]
    assert any(
        "pip-audit --require-hashes" in run and "requirements.lock" in run for run in commands
    )


def test_new_versions_are_tried_every_week():
    workflow = yaml.safe_load((PROJECT / ".github/workflows/weekly.yml").read_text())
    commands = [step.get("run", "") for step in workflow["jobs"]["newest"]["steps"]]
    (install,) = (run for run in commands if "pip install" in run)
    # `make install` would put the lock's versions back, were it not for the marker that it leaves.
    assert commands.index(install) < commands.index("touch .venv/bin/.installed")
    assert commands.index("touch .venv/bin/.installed") < commands.index("make test")
    assert "requirements.lock" not in install and "--upgrade-strategy eager" in install
    extras = set(re.search(r"\[(.+)\]", install)[1].split(","))
    assert extras == set(PYPROJECT["project"]["optional-dependencies"]) - {"bench"}


def test_the_citation_agrees_with_the_project():
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)  # its schema demands
    assert citation["version"] == PYPROJECT["project"]["version"]
    assert citation["license"] == PYPROJECT["project"]["license"]
    (author,) = citation["authors"]
    assert author["name"].lower() in (PROJECT / "LICENSE").read_text().lower()


@pytest.mark.parametrize("name", ["bug", "idea"])
def test_issue_forms_have_what_forms_need(name):
    form = yaml.safe_load((PROJECT / f".github/ISSUE_TEMPLATE/{name}.yml").read_text())
    assert {"name", "description", "body"} <= set(form)
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    assert all(part["attributes"]["label"] for part in asked)
    assert len({part["id"] for part in asked}) == len(asked)
    assert any(part.get("validations", {}).get("required") for part in asked)


def test_every_make_target_is_listed_by_help():
    text = (PROJECT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.+)", text, re.M)[1].split()
    assert re.findall(r"^(\w+):", text, re.M) == targets
    listed = subprocess.run(["make", "help"], cwd=PROJECT, capture_output=True, text=True).stdout
    assert re.findall(r"make (\w+)\t", listed) == targets


def test_every_dependency_earns_a_line_in_contributing():
    text = (PROJECT / "CONTRIBUTING.md").read_text()
    for dependency in PYPROJECT["project"]["dependencies"]:
        name = re.match(r"[A-Za-z0-9_.-]+", dependency)[0]
        assert f"`{name}`" in text, name


@pytest.mark.promise(9)
def test_conda_brings_python_and_pip_and_the_rest_comes_from_the_lock():
    environment = yaml.safe_load((PROJECT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert python == f"python {PYPROJECT['project']['requires-python']}"
    assert pip == "pip" and packages == {"pip": ["-r requirements.lock"]}


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


def test_nothing_that_comes_from_running_is_stale():
    done = subprocess.run(
        [sys.executable, "benchmarks/stale.py"],
        cwd=PROJECT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
