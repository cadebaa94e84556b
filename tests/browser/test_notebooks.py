"""Notebooks 03 and 06 in a real browser: augmentation explorer, pad, upload, mistakes, layers.

Tests that ask for `explorer` see notebook 03, the others 06.
"""

import re

import pytest
from PIL import Image

from mnist_helpers.widgets.upload import example_photo

pytestmark = [pytest.mark.slow, pytest.mark.browser]
# As a hand would draw them, and not the pad's own examples.
ONE = [(0.52, 0.15), (0.51, 0.35), (0.5, 0.6), (0.49, 0.85)]
ZERO = [(0.5, 0.15), (0.35, 0.22), (0.27, 0.45), (0.3, 0.7), (0.45, 0.85), (0.6, 0.8), (0.71, 0.6),
        (0.7, 0.35), (0.62, 0.2), (0.5, 0.15)]  # fmt: skip
SEVEN = [(0.25, 0.2), (0.45, 0.21), (0.73, 0.2), (0.62, 0.45), (0.5, 0.65), (0.42, 0.88)]


@pytest.fixture
def pad(page):
    widget = page.locator(".mnist-pad")
    widget.locator("canvas").wait_for()
    return widget


def stroke(page, pad, points):
    pad.locator("canvas").scroll_into_view_if_needed()
    box = pad.locator("canvas").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def clear(pad, button="Clear"):
    pad.get_by_role("button", name=button).click()
    pad.get_by_text("Draw a digit.").wait_for()


def test_each_widget_stands_once(page):
    for name in ("pad", "upload", "mistakes", "layers"):
        output = page.locator(".jp-OutputArea-output", has=page.locator(f".mnist-{name}"))
        output.wait_for()
        assert output.locator("xpath=..").locator("..").locator(f".mnist-{name}").count() == 1
    assert page.locator("[alt='A 7, drawn as with a pen.']").count() == 0


def test_the_first_stroke_replaces_the_example(page, pad):
    pad.locator("select").select_option("7")
    pad.get_by_text("This is a 7").wait_for()
    stroke(page, pad, ONE)
    pad.get_by_text("This is a 1").wait_for()
    clear(pad, "Undo")


KERNEL = """
code => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  kernel.requestExecute({ code });
}
"""


def test_a_busy_notebook_is_said_and_no_stroke_is_lost(page, pad):
    clear(pad)
    # Holds the whole kernel: callbacks have a thread of their own where ipykernel has subshells.
    page.evaluate(KERNEL, "import ctypes; ctypes.PyDLL(None).sleep(4)")
    for y in (0.2, 0.4, 0.6, 0.8):
        stroke(page, pad, [(0.2, y), (0.8, y)])
    pad.get_by_text("The notebook is busy").wait_for()
    assert not pad.locator(".mnist-reply").is_visible()  # the answer to another drawing
    pad.locator(".mnist-answer").wait_for()
    assert pad.locator(".mnist-status").inner_text() == ""
    for _ in range(3):
        pad.get_by_role("button", name="Undo").click()
    page.wait_for_timeout(300)
    assert pad.get_by_text("Draw a digit.").count() == 0
    clear(pad, "Undo")


def test_what_the_mouse_draws_is_read_and_undo_takes_the_last_stroke_back(page, pad):
    for digit, points in ((0, ZERO), (7, SEVEN), (1, ONE)):
        clear(pad)
        stroke(page, pad, points)
        pad.get_by_text(f" {digit}, with").first.wait_for()
    assert pad.locator("[aria-label^=Probabilities] > div").count() == 10
    before = pad.locator(".mnist-answer").inner_text()
    stroke(page, pad, [(0.2, 0.2), (0.7, 0.2)])
    page.wait_for_function(
        "old => document.querySelector('.mnist-pad .mnist-answer')?.innerText !== old", arg=before
    )
    pad.get_by_role("button", name="Undo").click()
    pad.get_by_text(before).wait_for()


def test_the_keyboard_gives_examples_and_clears(page, pad):
    canvas = pad.locator("canvas")
    canvas.focus()
    page.keyboard.press("3")
    pad.get_by_text("This is a 3").wait_for()
    canvas.focus()
    page.keyboard.press("Backspace")
    pad.get_by_text("Draw a digit.").wait_for()
    page.keyboard.press("5")
    pad.get_by_text("This is a 5").wait_for()
    page.keyboard.press("Delete")
    pad.get_by_text("Draw a digit.").wait_for()
    assert "Drawing pad" in canvas.get_attribute("aria-label")


def test_a_finger_draws_as_well(page, pad):
    clear(pad)
    box = pad.locator("canvas").bounding_box()

    def touch(kind, place):
        x, y = place
        pad.locator("canvas").dispatch_event(
            kind,
            {
                "pointerId": 1, "pointerType": "touch", "button": 0, "bubbles": True,
                "clientX": box["x"] + x * box["width"], "clientY": box["y"] + y * box["height"],
            },
        )  # fmt: skip

    page.evaluate("Element.prototype.setPointerCapture = () => {}")  # no such finger to capture
    touch("pointerdown", SEVEN[0])
    for place in SEVEN[1:]:
        touch("pointermove", place)
    touch("pointerup", SEVEN[-1])
    pad.get_by_text("This is a 7").wait_for()


def choose_file(page, path):
    with page.expect_file_chooser() as chooser:
        page.locator(".mnist-upload").get_by_role("button").click()
    chooser.value.set_files(path)


def test_uploads_are_read_step_by_step_after_errors_too(page, tmp_path):
    widget = page.locator(".mnist-upload")
    widget.get_by_text("This is a 3").wait_for()  # the example
    (tmp_path / "not.png").write_text("not a picture")
    choose_file(page, tmp_path / "not.png")
    widget.get_by_text("cannot be read as a picture").wait_for()
    assert widget.locator("img").count() == 0
    (tmp_path / "large.heic").write_bytes(bytes(3_000_000))
    choose_file(page, tmp_path / "large.heic")
    widget.get_by_text("The browser cannot open this picture").wait_for()
    photo = Image.fromarray(example_photo(4)).resize((500, 500))
    photo.convert("RGB").save(tmp_path / "four.jpg")
    choose_file(page, tmp_path / "four.jpg")
    widget.get_by_text("This is a 4").wait_for()
    assert widget.locator("img").count() == 4
    large = Image.fromarray(example_photo(2)).resize((4000, 3000)).convert("RGB")
    large.save(tmp_path / "two.bmp")  # 36 MB, made smaller before they travel
    choose_file(page, tmp_path / "two.bmp")
    widget.get_by_text("This is a 2").wait_for()


def test_the_digits_behind_a_cell_can_be_browsed(page):
    widget = page.locator(".mnist-mistakes")
    button = widget.locator(".mnist-matrix tbody tr:nth-child(8) td:nth-of-type(8) button")
    button.click()  # row 7, column 7
    widget.get_by_text(re.compile("7 read as 7 by .*: .* least confident first")).wait_for()
    enabled = widget.locator(".mnist-matrix button:enabled").all()
    titles = "\n".join(button.get_attribute("title") for button in enabled)
    mistake = r"^(\d) read as (?!\1)(\d) by [^:\n]*: ([1-9]\d*)"
    digit, answer, count = re.search(mistake, titles, re.M).groups()
    widget.locator(f'button[title^="{digit} read as {answer}"]').click()
    widget.get_by_text(re.compile(f"{digit} read as {answer} by .*: {count} image")).wait_for()
    assert widget.locator("img").count() == min(int(count), 24)
    assert "dashed" in widget.locator(".mnist-matrix").inner_html()
    other = widget.locator(".mnist-matrix button:enabled", has_text=re.compile("^0$")).first
    cell = re.match(r"(\d read as \d) .*: 0; by (.*): (\d+)$", other.get_attribute("title"))
    other.click()
    widget.get_by_text(f"{cell[1]} by {cell[2]}: {cell[3]} image").wait_for()
    assert widget.locator("img").count() == min(int(cell[3]), 24)


def test_a_digit_and_a_layer_can_be_chosen(page):
    widget = page.locator(".mnist-layers")
    widget.locator("img").first.wait_for()
    before = widget.locator("img").first.get_attribute("src")
    layer = widget.locator("select").nth(1)
    layer.select_option(index=0)
    page.wait_for_function(
        "src => document.querySelector('.mnist-layers img').src !== src", arg=before
    )
    layer.select_option(index=layer.locator("option").count() - 1)
    page.wait_for_function(
        "src => document.querySelector('.mnist-layers img').src === src", arg=before
    )


# The augmentation explorer


@pytest.fixture
def explorer(page):
    widget = page.locator(".mnist-explorer")
    widget.locator("img").wait_for()
    settle(page)
    return widget


def settle(page):
    """Waits until the picture has stayed the same for half a second: a drag makes many."""
    page.wait_for_function(
        """() => {
            const picture = document.querySelector('.mnist-explorer img').src;
            const same = window.earlierPicture === picture;
            window.earlierPicture = picture;
            return same;
        }""",
        polling=500,
    )


def shown(widget):
    return widget.locator("img").get_attribute("src")


def wait_for_another(page, widget, before):
    page.wait_for_function(
        "src => document.querySelector('.mnist-explorer img').src !== src", arg=before
    )
    settle(page)
    return shown(widget)


def test_slider_seed_resample_and_choice_of_digit_change_the_picture(page, explorer):
    first = shown(explorer)
    explorer.get_by_role("button", name="Resample").click()
    resampled = wait_for_another(page, explorer, first)
    seed = explorer.locator("input[type=number]")
    assert seed.input_value() == "1"
    seed.fill("0")
    seed.press("Enter")
    assert wait_for_another(page, explorer, resampled) == first
    explorer.locator("select").select_option("7")
    chosen = wait_for_another(page, explorer, first)
    explorer.locator("select").select_option("all")
    assert wait_for_another(page, explorer, chosen) == first
    handle = explorer.locator(".widget-slider", has_text="zoom").locator(".noUi-handle")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 25, y, steps=5)
    page.mouse.up()
    wait_for_another(page, explorer, first)


def set_rotation(explorer, degrees):
    field = explorer.locator(".widget-slider", has_text="rotation").locator(".widget-readout")
    field.fill(degrees)
    field.press("Enter")


def test_settings_reach_the_cells_below_and_outlive_the_explorers_cell(page, explorer):
    outputs = page.locator(".jp-CodeCell", has_text="explorer.augmentation").locator(
        ".jp-OutputArea-output"
    )
    outputs.get_by_text("15°").wait_for()
    set_rotation(explorer, "45")
    explorer.get_by_text(re.compile("Training uses: .*; the sliders show: .*45°")).wait_for()
    explorer.get_by_role("button", name="Use these settings").click()
    explorer.get_by_text("ROTATION_DEGREES: float = 45.0").wait_for()
    for source in ("widgets.AugmentationExplorer(", "explorer.augmentation"):
        cell = page.locator(".jp-CodeCell", has_text=source)
        cell.locator(".jp-InputArea-editor").click()
        page.keyboard.press("Control+Enter")
    outputs.get_by_text("45°").wait_for()
    set_rotation(page.locator(".mnist-explorer"), "5")
    page.get_by_text(re.compile("Training uses: .*45°.*; the sliders show: .* 5°")).wait_for()
    page.locator(".mnist-explorer").get_by_role("button", name="Reset").click()
    page.get_by_text("as in the parameters cell").wait_for()
