"""The rules of imports and dependencies, and facts that several files state."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from mnist_helpers.paths import PROJECT
from tests import stress

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
LOCK = (PROJECT / "requirements.lock").read_text()
EXTRAS, GROUPS = PYPROJECT["project"]["optional-dependencies"], PYPROJECT["dependency-groups"]
IMPORT_NAMES = {
    "pillow_heif": "pillow-heif", "skimage": "scikit-image",
    "ai_edge_litert": "ai-edge-litert", "IPython": "ipython", "lazy_loader": "lazy-loader",
    "PIL": "pillow", "ruamel": "ruamel.yaml", "sklearn": "scikit-learn", "yaml": "pyyaml",
}  # fmt: skip
# Come with what is declared: ipykernel and papermill are nothing without them.
BROUGHT_ALONG = {"annotated_types", "dask", "jupyter_client", "nbclient", "traitlets"}
# Not imported by name: Keras's engine, Jupyter itself, and what `model.export` calls.
BY_NAME_ONLY = {"ipykernel", "jupyterlab", "onnx", "tf2onnx"}


def names(requirements):
    return {re.match(r"[A-Za-z0-9_.-]+", each)[0].lower() for each in requirements}


CORE = names(PYPROJECT["project"]["dependencies"])
INSTALLED = CORE | names(each for extra in EXTRAS.values() for each in extra) - {"mnist-helpers"}


def imported(folder):
    """Returns the top-level names that the modules of a folder import, wherever they do."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"mnist_helpers"}


def test_what_the_library_imports_is_what_it_declares():
    found = {IMPORT_NAMES.get(name, name) for name in imported(PROJECT / "mnist_helpers")}
    assert found - BROUGHT_ALONG == INSTALLED - BY_NAME_ONLY


BROKEN = {
    "data/mnist.py": "from mnist_helpers import training",
    "plotting/style.py": "def f():\n    import papermill",
}


def test_an_import_that_breaks_a_rule_is_found(tmp_path):
    pytest.importorskip("importlinter", reason="the group `lint` is not installed")
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "mnist_helpers", tmp_path / "mnist_helpers", ignore=skipped)
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    for file, bad_import in BROKEN.items():
        with (tmp_path / "mnist_helpers" / file).open("a") as module:
            module.write(f"\n{bad_import}\n")
    code = (
        "import sys; sys.path.insert(0, '.'); "
        "from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stdout + done.stderr
    for rule in ("Rooms import downwards only", "libraries of batch runs"):
        assert f"{rule} BROKEN" in done.stdout, done.stdout


@pytest.mark.promise(9)
def test_the_lock_pins_every_dependency_by_hash():
    pinned = set(re.findall(r"^([a-z0-9-]+)==", LOCK, re.M))
    needed = INSTALLED | names(GROUPS["test"] + GROUPS["lint"] + GROUPS["docs"])
    assert {name.replace(".", "-") for name in needed} <= pinned
    for entry in re.split(r"\n(?=\S)", LOCK.strip()):
        assert "--hash=sha256:" in entry, entry
    assert "http" not in re.sub(r"^(aio)?http\w*==", "", LOCK, flags=re.M)


@pytest.mark.promise(9)
@pytest.mark.parametrize("file", ["Makefile", "docs/install.md"])
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
    workflow = YAML(typ="safe").load(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            assert "uses" not in step or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"]), step


@pytest.mark.promise(9)
def test_the_lock_is_compared_with_known_vulnerabilities_every_week():
    workflow = YAML(typ="safe").load(PROJECT / ".github/workflows/weekly.yml")
    ((_, _, day, month, weekday),) = (each["cron"].split() for each in workflow["on"]["schedule"])
    assert (day, month) == ("*", "*") and weekday in "0123456"
    audit = workflow["jobs"]["audit"]
    assert not {"if", "continue-on-error"} & {*audit, *(key for s in audit["steps"] for key in s)}
    commands = [step.get("run", "") for step in audit["steps"]]
    assert any(re.search(r"/pip-audit .*-r requirements\.lock$", line) for line in commands)


@pytest.mark.slow
def test_the_readme_table_is_the_shipped_models(benchmark, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["update_readme.py", "--check"])
    assert benchmark("update_readme").main() == 0


def test_nothing_that_comes_from_running_is_stale(benchmark):
    assert benchmark("stale").stale() == []


def test_the_table_of_make_stress_says_whether_every_promise_was_kept(capsys):
    table = stress.PromiseTable()
    table.cases |= dict.fromkeys(stress.PROMISES, 1)
    table.specimens |= {kind: [least, 0.1, 1.0] for kind, least in stress.SPECIMENS.items()}
    table.pytest_terminal_summary(SimpleNamespace(write_line=print))
    assert table.kept() and "full disks" in capsys.readouterr().out
    table.failures[3].append("tests/test_locks.py::test")
    assert not table.kept()
    table.failures.clear()
    table.cases[8] = 0
    assert not table.kept()
