"""Pad and sliders on a run's HTML page in Chromium, from `file://`, without a kernel."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from mnist_helpers import widgets
from mnist_helpers.data import load_test
from mnist_helpers.runner.page.notebook_page import write_page
from mnist_helpers.training.augmentation import Augmentation
from tests.browser.test_page import reads

pytestmark = [pytest.mark.slow, pytest.mark.browser]
PICTURE = "document.getElementById('picture').toDataURL()"


@pytest.fixture(scope="module")
def address(dataset, reader, tmp_path_factory):
    """The page of a notebook with the explorer and two pads."""
    if dataset != "mnist":
        pytest.skip("no MNIST on this machine")
    digits = load_test("mnist")
    shown = [
        widgets.AugmentationExplorer(*digits, Augmentation()),
        widgets.DigitPad(reader),
        widgets.DigitPad(reader),
    ]
    outputs = [new_output("display_data", widget._repr_mimebundle_()[0]) for widget in shown]
    path = tmp_path_factory.mktemp("run") / "06_try_it.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("x", outputs=outputs)]), path)
    write_page(path)
    return path.with_suffix(".html").as_uri()


def frame_of(page, words):
    """The frame whose title contains the words, loaded."""
    element = page.locator(f"iframe[title*='{words}']")
    frame = element.element_handle().content_frame()
    frame.wait_for_load_state()
    return frame


@pytest.mark.parametrize("file_page", ["desk", "dark phone"], indirect=True)
def test_sliders_and_pad_work_without_a_kernel(file_page):
    page = file_page
    assert page.content().count("id=&quot;network&quot;") == 1  # of one pad
    assert page.get_by_text("The pad further up works.").is_visible()
    sliders = frame_of(page, "Sliders")
    first = sliders.evaluate(PICTURE)
    sliders.get_by_role("slider", name="rotation").focus()
    page.keyboard.press("End")
    assert sliders.locator("#rotation_degrees_shown").inner_text() == "180°"
    turned = sliders.evaluate(PICTURE)
    sliders.locator("#resample").click()
    assert len({first, turned, sliders.evaluate(PICTURE)}) == 3
    sliders.locator("#reset").click()
    assert sliders.evaluate(PICTURE) == first
    pad = frame_of(page, "Draw")
    pad.locator("#pad").focus()
    page.keyboard.press("5")
    assert reads(pad.locator("#answer").inner_text(), 5)
    pad.locator("#inside summary").click()
    pad.locator("#layer").select_option(index=0)
    assert pad.locator("#deciding").is_visible()
    for frame in (sliders, pad):
        widths = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        needed, there = frame.evaluate(widths)
        assert needed <= there
        frame.wait_for_function("() => document.documentElement.scrollHeight <= innerHeight")
