"""Measures what the interactive parts promise, and writes `benchmarks/results/widgets.json`.

PYTHONPATH=. python benchmarks/widgets.py            # all; needs a Chromium for the browser's part
PYTHONPATH=. python benchmarks/widgets.py --no-browser
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from common import RESULTS, save_result

from mnist_helpers.data.mnist import load_mnist
from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.evaluation.reader import Reader
from mnist_helpers.paths import SHIPPED_DIR
from mnist_helpers.preprocessing.mnist_format import to_mnist
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.augmentation import Augmentation
from mnist_helpers.training.model_choice import find_model
from mnist_helpers.widgets import AugmentationExplorer, DigitPad
from mnist_helpers.widgets.explorer import augmentation_picture
from mnist_helpers.widgets.html import image_html
from mnist_helpers.widgets.pad import EXAMPLES, draw_strokes

TRANSFORMS = 100


def milliseconds(function, repeats: int = 50) -> dict[str, float]:
    """Returns the median and the slowest of `repeats` calls, after one that is not counted."""
    function()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        taken.append(1000 * (time.perf_counter() - start))
    return median_and_slowest(taken)


def median_and_slowest(taken: list[float]) -> dict[str, float]:
    """Returns both of some times in milliseconds."""
    return {"median_ms": round(statistics.median(taken), 2), "slowest_ms": round(max(taken), 2)}


def measure_callbacks(predict) -> dict:
    """Times what happens in the kernel: pictures, readings, and memory over slider moves."""
    (images, labels), _ = load_mnist()

    def picture():
        pixels = augmentation_picture(images[:12], Augmentation(), 0)
        image_html(pixels, "digits", 2 * pixels.shape[1])

    drawing = draw_strokes(EXAMPLES[7])
    seen = to_mnist(drawing)
    pad = DigitPad(Reader(predict.model))

    def stroke():
        pad.question = {"number": pad.question["number"] + 1, "strokes": EXAMPLES[3]}

    results = {
        "explorer_picture": milliseconds(picture),
        "to_mnist_of_a_drawing": milliseconds(lambda: to_mnist(drawing)),
        "reading_one_image": milliseconds(lambda: predict(seen[None])),
        "stroke_in_the_kernel": milliseconds(stroke),
        "traces": predict.step.experimental_get_tracing_count(),
    }
    explorer = AugmentationExplorer(images[:500], labels[:500], Augmentation())
    places = np.linspace(0, 180, TRANSFORMS + 1)
    explorer.sliders["rotation_degrees"].value = float(places[-1])
    memory = psutil.Process().memory_info
    before = memory().rss
    for degrees in places[:-1]:
        explorer.sliders["rotation_degrees"].value = float(degrees)
    results["memory_after_100_moves_mb"] = round((memory().rss - before) / 2**20, 1)
    return results


def measure_browser() -> dict:
    """Times opening notebook 06 to a pad that answers, strokes, and a slider of notebook 03."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import lab_context, launch, open_and_run
    from tests.browser.lab import find_chromium, prepare, prepare_models, running_lab

    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        prepare_models(folder / "models", "mnist")
        parameters = dict(OUTPUT_DIR=str(folder / "models"))
        prepare("06_try_it", folder, "layers", **parameters)
        prepare("03_augmented_phase", folder, "explorer.augmentation", **parameters)
        context = lab_context(launch(driver, find_chromium()))
        with running_lab(folder) as address:
            start = time.perf_counter()
            page = open_and_run(context, address, "06_try_it")
            page.locator(".mnist-pad canvas").wait_for()
            page.locator(".mnist-pad canvas").focus()
            page.keyboard.press("3")
            page.locator(".mnist-pad").get_by_text("This is a 3").wait_for()
            opened = time.perf_counter() - start
            page.locator(".mnist-layers img").first.wait_for()  # all cells have run
            strokes = [stroke_to_answer(page, key) for key in "0123456789" * 3]
            page.close()
            page = open_and_run(context, address, "03_augmented_phase")
            page.locator(".mnist-explorer img").wait_for()
            page.get_by_text("at most").last.wait_for()
            moves = [slider_to_picture(page, number) for number in range(30)]
        context.close()
    return {
        "open_06_to_a_pad_that_answers_s": round(opened, 1),
        "stroke_to_answer_on_screen": median_and_slowest(strokes),
        "slider_to_picture_on_screen": median_and_slowest(moves),
    }


# Presses a key in the page and waits there until another picture has been painted.
WAIT_FOR_CHANGE = """
([place, target, key]) => new Promise((done) => {
  const start = performance.now();
  const watched = document.querySelector(place);
  const picture = () => watched.querySelector("img")?.src;
  const before = picture();
  const changed = new MutationObserver(() => {
    if (!picture() || picture() === before) return;
    changed.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
  });
  changed.observe(watched, { childList: true, subtree: true, characterData: true });
  const press = new KeyboardEvent("keydown", { key, bubbles: true });
  document.querySelector(target).dispatchEvent(press);
})
"""


def stroke_to_answer(page, key: str) -> float:
    """Returns the milliseconds from drawn strokes to the answer on the screen."""
    page.locator(".mnist-pad canvas").press("Delete")
    page.locator(".mnist-pad").get_by_text("Draw a digit.").wait_for()
    return page.evaluate(WAIT_FOR_CHANGE, [".mnist-pad", ".mnist-pad canvas", key])


def slider_to_picture(page, number: int) -> float:
    """Returns the milliseconds from a slider's new place to its picture on the screen."""
    key = "ArrowRight" if number % 2 == 0 else "ArrowLeft"
    handle = ".mnist-explorer .noUi-handle"
    return page.evaluate(WAIT_FOR_CHANGE, [".mnist-explorer", handle, key])


def main() -> None:
    """Measures, writes the file and prints it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-browser", action="store_true", help="only what runs in the kernel")
    arguments = parser.parse_args()
    hybrid = find_model(SHIPPED_DIR)
    results = {"model": hybrid.name, **measure_callbacks(Predictor(load_model(hybrid)))}
    if not arguments.no_browser:
        results |= measure_browser()
    save_result("widgets", results)
    print((RESULTS / "widgets.json").read_text())


if __name__ == "__main__":
    main()
