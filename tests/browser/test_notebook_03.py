"""Notebook 03 in a real browser: the augmentation explorer."""

import re

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.browser]
NOTEBOOK = "03_augmented_phase"


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


@pytest.mark.parametrize("name", ["rotation", "shift", "zoom"])
def test_dragging_a_slider_changes_the_picture(page, explorer, name):
    before = shown(explorer)
    handle = explorer.locator(".widget-slider", has_text=name).locator(".noUi-handle")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 25, y, steps=5)
    page.mouse.up()
    wait_for_another(page, explorer, before)


def test_resample_and_the_seed_field_draw_anew(page, explorer):
    before = shown(explorer)
    explorer.get_by_role("button", name="Resample").click()
    resampled = wait_for_another(page, explorer, before)
    seed = explorer.locator("input[type=number]")
    assert seed.input_value() == "1"
    seed.fill("0")
    seed.press("Enter")
    assert wait_for_another(page, explorer, resampled) == before


def test_one_digit_can_be_chosen(page, explorer):
    before = shown(explorer)
    explorer.locator("select").select_option("7")
    chosen = wait_for_another(page, explorer, before)
    explorer.locator("select").select_option("all")
    assert wait_for_another(page, explorer, chosen) == before


def set_rotation(explorer, degrees):
    field = explorer.locator(".widget-slider", has_text="rotation").locator(".widget-readout")
    field.fill(degrees)
    field.press("Enter")


def test_settings_reach_the_cells_below_and_outlive_the_explorers_cell(page, explorer, photograph):
    outputs = page.locator(".jp-CodeCell", has_text="explorer.augmentation").locator(
        ".jp-OutputArea-output"
    )
    outputs.get_by_text("15°").wait_for()
    set_rotation(explorer, "45")
    explorer.get_by_text(re.compile("Training uses: .*; the sliders show: .*45°")).wait_for()
    explorer.get_by_role("button", name="Use these settings").click()
    explorer.get_by_text("ROTATION_DEGREES: float = 45.0").wait_for()
    for width in (1280, 900):
        photograph(".mnist-explorer", "explorer", width)
    for source in ("widgets.AugmentationExplorer(", "explorer.augmentation"):
        cell = page.locator(".jp-CodeCell", has_text=source)
        cell.locator(".jp-InputArea-editor").click()
        page.keyboard.press("Control+Enter")
    outputs.get_by_text("45°").wait_for()
    set_rotation(page.locator(".mnist-explorer"), "5")
    page.get_by_text(re.compile("Training uses: .*45°.*; the sliders show: .* 5°")).wait_for()
    page.locator(".mnist-explorer").get_by_role("button", name="Reset").click()
    page.get_by_text("as in the parameters cell").wait_for()
