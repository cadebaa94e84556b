"""The small picture of an executed notebook, which a sweep's page shows beside each run."""

import base64

import nbformat
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from mnist_helpers.plotting.style import figure_png
from mnist_helpers.runner.page.notebook_page import WIDGET, write_page, write_thumbnail


@pytest.fixture
def notebook(tmp_path):
    """Writes a notebook with some outputs and returns its path."""

    def write(*outputs, **more):
        output = [nbformat.v4.new_output("display_data", data, **more) for data in outputs]
        path = tmp_path / "executed.ipynb"
        cells = [nbformat.v4.new_code_cell("", outputs=output)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
        return path

    return write


def png(width, height):
    drawn, axes = plt.subplots(figsize=(width, height))
    axes.plot([0, 1])
    return {"image/png": base64.b64encode(figure_png(drawn).data).decode()}


def test_it_is_the_last_figure_and_not_a_widget_s_picture(notebook):
    path = notebook(png(3, 3), png(6, 2), {**png(3, 3), WIDGET: {}})
    write_thumbnail(path)
    with Image.open(path.with_suffix(".thumbnail.png")) as picture:
        assert picture.width / picture.height == pytest.approx(3, rel=0.3)


def test_there_is_none_without_a_figure(notebook):
    path = notebook({"text/html": "<p>No figure</p>"})
    write_thumbnail(path)
    assert not path.with_suffix(".thumbnail.png").exists()


def test_a_page_has_the_alternative_text_of_its_figures(notebook):
    path = notebook(png(3, 3), metadata={"image/png": {"alt": "one < two", "width": 264}})
    write_page(path)
    page = path.with_suffix(".html").read_text(encoding="utf-8")
    assert 'alt="one &lt; two"' in page and 'width="264"' in page
