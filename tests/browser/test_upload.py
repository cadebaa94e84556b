"""What the upload sends to the kernel, in Chromium without one."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from mnist_helpers.preprocessing import to_mnist
from mnist_helpers.widgets.pad import EXAMPLES, draw_strokes
from mnist_helpers.widgets.upload import PictureUpload
from tests.browser.conftest import SLOW_FIRST, as_file

pytestmark = [pytest.mark.slow, pytest.mark.browser]
# In place of JupyterLab: what the widget sends is kept, in base64.
WIDGET = """
async (script) => {
  window.sent = [];
  const base64 = (view) => btoa(Array.from(new Uint8Array(view.buffer),
    (byte) => String.fromCharCode(byte)).join(""));
  const values = { question: { number: 0 }, reply: { number: 0, html: "" } };
  const model = {
    get: (name) => values[name],
    set: (name, value) => (values[name] = value),
    on() {}, off() {},
    save_changes: () => sent.push(base64(values.question.content)),
  };
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const widget = (await import(address)).default;
  widget.render({ model, el: document.body });
}
"""


@pytest.fixture
def upload(browser):
    page = browser.new_page()
    page.evaluate(WIDGET, PictureUpload._esm)
    yield page
    page.close()


def choose(page, picture):
    file = as_file(picture)
    page.locator("input[type=file]").set_input_files(file)
    return file["buffer"]


def sent(page):
    page.wait_for_function("sent.length > 0")
    page.wait_for_timeout(1500)
    return [base64.b64decode(each) for each in page.evaluate("sent")]


def test_large_white_ink_on_transparency_stays_so(upload):
    ink = 255 - np.asarray(Image.fromarray(draw_strokes(EXAMPLES[3])).resize((2400, 2400)))
    white = np.full((2400, 2400, 3), 255, np.uint8)
    picture = Image.fromarray(np.dstack([white, ink]))
    choose(upload, picture)
    (content,) = sent(upload)
    with Image.open(io.BytesIO(content)) as smaller:
        assert max(smaller.size) == 1600 and smaller.mode == "RGBA"
    assert np.abs(to_mnist(content) - to_mnist(picture)).mean() < 0.01


def test_of_two_pictures_the_later_one_is_sent(upload):
    upload.evaluate(SLOW_FIRST)
    _, later = (choose(upload, Image.fromarray(draw_strokes(EXAMPLES[n]))) for n in (3, 5))
    assert sent(upload) == [later]
