"""One JupyterLab and one Chromium for all browser tests, which are skipped without a Chromium."""

import functools
import io
import os
from pathlib import Path

import pytest

from tests.browser.lab import find_chromium, prepare, prepare_models, running_lab

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
# A folder for screenshots, to be looked at; without it there are none.
SCREENSHOTS = os.environ.get("SCREENSHOTS")
RUN_ALL = """
async () => {
  const notebook = window.jupyterapp.shell.currentWidget;
  await notebook.context.ready;
  await notebook.sessionContext.ready;  // before that, JupyterLab asks which kernel to take
  window.jupyterapp.commands.execute("notebook:run-all-cells");
}
"""
# Of two pictures chosen after each other, the browser has the first one ready last.
SLOW_FIRST = """() => {
  const [open, waits] = [createImageBitmap, [1000, 0]];
  window.createImageBitmap = async (file) => {
    await new Promise((done) => setTimeout(done, waits.shift()));
    return open(file);
  };
}"""
SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
# JupyterLab itself complains of these: it asks for what need not be there.
HARMLESS = ("Failed to load resource", "favicon", "translations")


def as_file(picture, form="PNG"):
    """Returns a picture as a file that can be chosen in a page."""
    content = io.BytesIO()
    picture.save(content, form)
    return {"name": "picture", "mimeType": f"image/{form.lower()}", "buffer": content.getvalue()}


def launch(driver, chromium):
    """Starts a Chromium."""
    return driver.chromium.launch(executable_path=chromium, args=FLAGS, timeout=120_000)


def lab_context(browser):
    """A large window, with time for a notebook to run."""
    context = browser.new_context(viewport={"width": 1300, "height": 1000})
    context.set_default_timeout(60_000)
    return context


@pytest.fixture(scope="session")
def driver():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def chromium():
    """The path of a Chromium."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: install one, or name it in CHROMIUM")
    return path


@pytest.fixture(scope="session")
def browser(driver, chromium):
    browser = launch(driver, chromium)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def context(browser):
    with lab_context(browser) as context:
        yield context


@pytest.fixture(scope="session")
def lab(context, dataset, tmp_path_factory):
    """The address of a running JupyterLab with notebooks 03 and 06 up to their widgets."""
    folder = tmp_path_factory.mktemp("lab")
    models = folder / "models"
    prepare_models(models, dataset)
    common = dict(DATASET=dataset, OUTPUT_DIR=str(models))
    prepare(
        "03_augmented_phase", folder, "explorer.augmentation", MAX_TRAINING_IMAGES=1000, **common
    )
    prepare("06_try_it", folder, "widgets.LayerView", **common)
    with running_lab(folder) as address:
        yield address


@pytest.fixture
def file_page(request, browser, address):
    """A page on the disk, opened; it may say nothing on the console and ask no network."""
    device = request.param.rpartition(" ")[2]
    context = browser.new_context(
        viewport=SIZES[device], has_touch=device == "phone", is_mobile=device == "phone",
        color_scheme="dark" if "dark" in request.param else "light",
    )  # fmt: skip
    page = context.new_page()
    complaints, requests = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: requests.append(asked.url))
    page.goto(address)
    yield page
    if SCREENSHOTS:
        name = f"{request.node.originalname}_{request.param.replace(' ', '_')}.png"
        page.screenshot(path=Path(SCREENSHOTS, name), full_page=True)
    context.close()
    assert complaints == []
    asked = {url for url in requests if not url.startswith(("data:", "blob:"))}
    assert asked <= {address, "about:srcdoc"}


def open_and_run(context, address, name):
    """Opens a notebook and starts all its cells; errors of the page are kept in `page.errors`."""
    page = context.new_page()
    page.errors = []

    def note(entry):
        if entry.type == "error" and not any(known in entry.text for known in HARMLESS):
            page.errors.append(entry.text)

    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", note)
    page.goto(address.format(path=f"{name}.ipynb"))
    page.locator(".jp-Notebook").wait_for()
    page.evaluate(RUN_ALL)
    return page


@pytest.fixture(scope="module")
def open_notebook(context, lab):
    """Returns the page of a notebook, which runs from the first time on."""
    yield functools.cache(functools.partial(open_and_run, context, lab))


@pytest.fixture
def page(request, open_notebook):
    """A notebook's page; the test fails if a callback or the page's own code does."""
    explorer = "explorer" in request.fixturenames
    notebook = open_notebook("03_augmented_phase" if explorer else "06_try_it")
    notebook.bring_to_front()
    yield notebook
    failed = notebook.locator(".mnist-failure").all_inner_texts()
    errors = [*notebook.errors]
    notebook.errors.clear()
    assert not failed and not errors
