"""The hooks of `.pre-commit-config.yaml`: each runs, and finds what it is there for."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from mnist_helpers.paths import PROJECT

CONFIG = PROJECT / ".pre-commit-config.yaml"
needs_pre_commit = pytest.mark.skipif(
    find_spec("pre_commit") is None or shutil.which("git") is None,
    reason="pre-commit or git is not installed",
)


def run(folder, cache, *arguments, timeout=60):
    environment = {
        **os.environ,
        "PRE_COMMIT_HOME": str(cache),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip


@needs_pre_commit
@pytest.mark.parametrize(
    "hook, name, content, words",
    [
        ("ruff-lint", "unused.py", '"""A module."""\n\nimport os\n', "F401"),
        ("ruff-format", "quotes.py", '"""A module."""\n\nNAME = \'x\'\n', "would be reformatted"),
        ("large-files", "large.bin", "0" * 2_000_001, "large.bin"),
        (
            "mypy",
            "mnist_helpers/wrong.py",
            '"""A module."""\n\nNUMBER: int = "one"\n',
            "[assignment]",
        ),
    ],
)
@pytest.mark.slow
def test_a_hook_stops_what_it_is_there_for(hook, name, content, words, tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    for file in (CONFIG, PROJECT / "pyproject.toml"):
        shutil.copy(file, folder)
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    done = run(folder, tmp_path / "cache", "run", hook, "--all-files")
    assert done.returncode == 1 and words in done.stdout, done.stdout + done.stderr
