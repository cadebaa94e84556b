"""The small picture of an executed notebook, which a sweep's page shows beside each run."""

import nbformat
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from mnist_helpers.plotting import style
from mnist_helpers.runner.pages import write_thumbnail


@pytest.fixture
def notebook(tmp_path):
    """Writes a notebook with some HTML outputs and a widget's state, and returns its path."""

    def write(*outputs, state=""):
        output = [nbformat.v4.new_output("display_data", {"text/html": text}) for text in outputs]
        cells = [nbformat.v4.new_code_cell("", outputs=output)]
        path = tmp_path / "executed.ipynb"
        widgets = {"widgets": {"application/vnd.jupyter.widget-state+json": {"state": state}}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=widgets), path)
        return path

    return write


def figure(width, height):
    drawn, axes = plt.subplots(figsize=(width, height))
    axes.plot([0, 1])
    return drawn


def test_it_is_the_last_figure_and_not_a_widget_s_picture(notebook, monkeypatch):
    shown = []
    monkeypatch.setattr(style, "display", lambda output: shown.append(output.data))
    style.show(figure(3, 3), "A square")
    style.show(figure(6, 2), 'A "flat" figure with a > b', "As read")
    picture = style.picture_html(figure(3, 3), "A widget's picture")
    path = notebook(*shown, picture, state=f"<figure>{picture}</figure>")
    write_thumbnail(path)
    with Image.open(path.with_suffix(".thumbnail.png")) as picture:
        assert picture.width / picture.height == pytest.approx(3, rel=0.3)


def test_there_is_none_without_a_figure(notebook):
    path = notebook("<p>No figure</p>", state=f"<figure>{style.picture_html(figure(3, 3), '')}")
    write_thumbnail(path)
    assert not path.with_suffix(".thumbnail.png").exists()
