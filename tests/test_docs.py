"""The site of `make docs`: it builds without a warning, and its links lead somewhere."""

import os
import subprocess
import sys
from html import unescape
from importlib.util import find_spec

import nbformat
import pytest

from mnist_helpers.paths import NOTEBOOKS_DIR, PROJECT

MISSING = [name for name in ("sphinx", "myst_nb", "furo") if find_spec(name) is None]


def check_links(folder):
    return subprocess.run(
        [sys.executable, "docs/check_links.py", str(folder)],
        cwd=PROJECT, capture_output=True, text=True,
    )  # fmt: skip


GOOD = """<p id="café"> <a href="other.html#there"> <a href="#caf%C3%A9">
<a href="sub/../other.html?a=b"> <a href="https://example.org/page.html">
<img src="data:image/png;base64,AAAA">"""
BAD = {
    '<a href="missing.html">': "missing.html does not exist",
    '<a href="other.html#gone">': "other.html#gone has no such anchor",
    '<a href="#gone">': "#gone has no such anchor",
    '<img src="picture.png">': "picture.png does not exist",
    '<script src="https://example.org/a.js"></script>': "a.js is loaded from elsewhere",
    '<link href="//example.org/a.css">': "a.css is loaded from elsewhere",
}


def test_links_that_lead_nowhere_are_named_and_a_folder_without_pages_is_refused(tmp_path):
    done = check_links(tmp_path)
    assert done.returncode == 1 and "There is no page" in done.stderr
    (tmp_path / "sub").mkdir()
    (tmp_path / "index.html").write_text(GOOD, encoding="utf-8")
    (tmp_path / "other.html").write_text('<h2 id="there">')
    done = check_links(tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "index.html").write_text(GOOD + "".join(BAD), encoding="utf-8")
    done = check_links(tmp_path)
    faults = [line for line in done.stderr.splitlines() if line.startswith("index.html: ")]
    assert done.returncode == 1 and len(faults) == len(BAD), done.stderr
    assert all(any(line.endswith(words) for line in faults) for words in BAD.values())


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=f"the extra `docs` is not installed: no {MISSING}")
def test_the_site_builds_without_a_warning_and_holds_every_module_and_notebook(tmp_path):
    site = tmp_path / "html"
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet",
         "-c", "docs", "-d", str(tmp_path / "doctrees"), ".", str(site)],
        cwd=PROJECT, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True,
        timeout=500,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr[-4000:]
    checked = check_links(site)
    assert checked.returncode == 0, checked.stderr
    for path in (PROJECT / "mnist_helpers").rglob("[!_]*.py"):
        *room, module = path.relative_to(PROJECT).with_suffix("").parts
        page = (site / f"docs/api/{'.'.join(room)}.html").read_text(encoding="utf-8")
        assert f'id="module-{".".join(room)}.{module}"' in page, path
        # What a package passes on is described where it is defined.
        assert f'id="{".".join(room)}.accuracy_interval"' not in page
    for path in NOTEBOOKS_DIR.glob("*.ipynb"):
        page = (site / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
        notebook = nbformat.read(path, as_version=4)
        outputs = [o for cell in notebook.cells for o in cell.get("outputs", ())]
        images = [o for o in outputs if "image/png" in o.get("data", {})]
        live = [o for o in outputs if "data-live" in str(o.get("data"))]
        still = [str(o.get("data")) for o in outputs if o not in live]
        inline = sum(text.count("data:image/png;base64") for text in still)
        assert images or inline, path.name
        assert page.count("<img ") >= len(images) + inline, path.name
        assert page.count("<iframe ") == len(live), path.name
        for output in images:
            assert output.metadata["image/png"]["alt"] in unescape(page), path.name
    assert "url=README.html" in (site / "index.html").read_text()
