"""Notebooks on other machines: links that open them, and the cell that installs the library."""

import io
import json
import re
import sys
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from mnist_helpers.paths import NOTEBOOKS_DIR, PROJECT
from mnist_helpers.runner.cli import main
from mnist_helpers.runner.notebook.read import read_notebook

sys.path.insert(0, str(PROJECT / "docs"))
import badges  # noqa: E402

NOTEBOOKS = sorted(NOTEBOOKS_DIR.glob("*.ipynb"))
ADDRESSES = [None, "https://github.com/someone/digits"]
LINK = re.compile(r"\[(?:Colab|Kaggle|Binder)\]\((.*?)\)")


def headings(path):
    found = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
    return {heading.lower().replace(" ", "-") for heading in found}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_badges_and_the_setup_cell_are_those_of_the_projects_address(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    again = json.loads(json.dumps(notebook))
    badges.add_to_notebook(again, f"notebooks/{path.name}", badges.project_address())
    for cell in (notebook["cells"][1], again["cells"][1]):
        cell["execution_count"], cell["outputs"] = None, []
    assert again == notebook
    source = "".join(notebook["cells"][1]["source"])
    assert len([line for line in source.splitlines() if line]) <= 8 and "def " not in source


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_badges_lead_to_files_that_exist(path, address):
    notebook = read_notebook(path)
    badges.add_to_notebook(notebook, f"notebooks/{path.name}", address)
    links = LINK.findall("".join(notebook["cells"][0]["source"]))
    assert len(links) == 3
    for link in links:
        if address:
            file = re.search(r"someone/digits/(?:blob/main/|HEAD\?labpath=)(.+)", link)[1]
            assert PROJECT / file == path
        else:
            file, heading = link.split("#")
            assert heading in headings(NOTEBOOKS_DIR / file)


def run_setup(monkeypatch, address, importable, colab=None):
    """Runs the set-up cell with an IPython that only notes what it is asked for."""
    code = TransformerManager().transform_cell(badges.setup_source(address))
    shell, asked = Mock(), Mock(return_value="asked.whl")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: importable or None)
    if colab:
        monkeypatch.setitem(sys.modules, "google.colab", colab)
    exec(code, {"get_ipython": lambda: shell, "input": asked})
    return shell.run_line_magic.call_args_list, asked.called


@pytest.mark.parametrize("address, variable, installed_from", [
    (ADDRESSES[1], "", "git+https://github.com/someone/digits"), (None, "", "asked.whl"),
    (ADDRESSES[1], "here.whl", "here.whl"), (None, "here.whl", "here.whl"),
])  # fmt: skip
def test_the_setup_cell_installs_only_what_is_missing(
    monkeypatch, address, variable, installed_from
):
    monkeypatch.setenv("MNIST_HELPERS", variable)
    assert run_setup(monkeypatch, address, importable=True) == ([], False)
    ((magic,), asked) = run_setup(monkeypatch, address, importable=False)
    name, arguments = magic.args
    # IPython puts the variable in.
    assert (name, arguments) == ("pip", 'install -q anywidget "{address}"')
    assert asked == (installed_from == "asked.whl")


def test_the_setup_cell_switches_on_custom_widgets_in_colab(monkeypatch):
    output = Mock()
    run_setup(monkeypatch, None, importable=True, colab=SimpleNamespace(output=output))
    output.enable_custom_widget_manager.assert_called_once_with()


# The copy to work on


def test_the_series_is_copied_with_or_without_solutions(tmp_path, said):
    for options, solutions in (([], True), (["--without-solutions"], False)):
        folder = tmp_path / f"copies {solutions}"
        printed = said(0, "notebooks", folder, *options).splitlines()
        assert printed == [str(folder / path.name) for path in NOTEBOOKS]
        for path in NOTEBOOKS:
            cells = read_notebook(folder / path.name)["cells"]
            assert ("<summary>Solutions" in str(cells)) == solutions
            assert not any(cell.get("outputs") for cell in cells)
            originals = read_notebook(path)["cells"]
            assert [cell["id"] for cell in cells] == [cell["id"] for cell in originals]


def test_a_terminal_of_cp1252_shows_names_it_has_no_letters_for(tmp_path, monkeypatch):
    shown = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(shown, encoding="cp1252"))
    monkeypatch.chdir(tmp_path)
    assert main(["notebooks", "数字"]) == 0
    sys.stdout.flush()
    assert shown.getvalue().startswith(rb"\u6570\u5b57")
    assert len(list((tmp_path / "数字").glob("*.ipynb"))) == len(NOTEBOOKS)
    assert (tmp_path / "数字" / "sweeps/results/strategy/results.csv").exists()  # for 07


def test_a_notebook_one_has_worked_on_is_not_replaced(tmp_path, said):
    mine = tmp_path / NOTEBOOKS[3].name
    mine.write_text("mine")
    assert f"{mine} is there already" in said(2, "notebooks", tmp_path)
    assert list(tmp_path.iterdir()) == [mine] and mine.read_text() == "mine"


def test_results_of_ones_own_are_not_replaced_not_even_in_the_project_itself(tmp_path, capsys):
    for folder in (tmp_path, PROJECT):
        results = folder / "sweeps/results/strategy"
        results.mkdir(parents=True, exist_ok=True)
        assert main(["notebooks", str(folder)]) == 2
        assert f"{results} is there already; choose" in capsys.readouterr().err
        assert not list(folder.glob("0*.ipynb"))
