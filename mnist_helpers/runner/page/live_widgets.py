"""Widgets that live without a kernel, in place of their still pictures on HTML pages."""

import html
import json
import re
from collections.abc import Callable

from mnist_helpers.runner.page.render import javascript, render_page
from mnist_helpers.training.transforms import TRANSFORMS, transform_name

MARKER = re.compile(r'<span hidden data-live="([^"]*)"></span>')  # of `widgets.html.live_marker`
IN_JAVASCRIPT = {"rotation_degrees", "shift_fraction", "zoom_fraction"}  # in page/affine.js


class StillPictureError(ValueError):
    """A widget cannot live on a page; the message says why."""


def frame(address: str, title: str, *, inline: bool = False) -> str:
    """Returns a page within a page.

    Args:
        address: Of the page; its whole text if `inline`.
        title: What it is, for readers who do not see it.
        inline: The page is contained, not linked.
    """
    source = "srcdoc" if inline else "src"
    return (
        f'<iframe {source}="{html.escape(address)}" title="{html.escape(title)}" style="width: '
        '100%; height: 34rem; box-sizing: border-box; border: 1px solid #888; border-radius: 4px">'
        "</iframe>"
    )


def enliven(notebook: dict, pad: Callable[[], str]) -> None:
    """Puts live widgets in the place of the still pictures in a notebook's outputs.

    Args:
        notebook: Its JSON; changed in place.
        pad: Returns the pad as HTML; is called once, for a page holds a network once. May raise a
            `StillPictureError`.
    """
    pads = 0
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            found = MARKER.search("".join(data.get("text/html", "")))
            if not found:
                continue
            settings = json.loads(html.unescape(found[1]))
            still = MARKER.sub("", "".join(data["text/html"]))
            try:
                if settings["widget"] == "augmentation":
                    data["text/html"] = _sliders(settings)
                elif pads:
                    raise StillPictureError("The pad further up works.")
                else:
                    data["text/html"] = pad()
                    pads = 1
            except StillPictureError as error:
                data["text/html"] = f"{still}<p>A still picture. {html.escape(str(error))}</p>"


def _sliders(settings: dict) -> str:
    """Returns the explorer as sliders that work without a kernel."""
    ranges = settings["ranges"]
    lacking = [transform_name(key) for key in ranges if ranges[key] and key not in IN_JAVASCRIPT]
    if lacking:
        raise StillPictureError(f"Without a kernel there are no sliders for: {', '.join(lacking)}.")
    transforms = [
        {
            "name": name,
            "title": transform_name(name),
            "value": ranges[name],
            "max": max(kind.slider[0], ranges[name]),
            "step": kind.slider[1],
            "percent": kind.unit != "degrees",
            "scale": kind.scale,
        }
        for name, kind in TRANSFORMS.items()
        if name in IN_JAVASCRIPT and name in ranges
    ]
    scripts = [javascript(name) for name in ("affine", "common", "sliders")]
    data = {"settings": settings | {"transforms": transforms}}
    page = render_page("sliders.html.j2", scripts, data, transforms=transforms)
    note = "Here the sliders work without a kernel; they change the picture, not the training."
    if not settings["affine"]:
        note += " Of the augmentation they show rotation, shift and zoom, not the corruptions."
    return f"{frame(page, 'Sliders over the augmentation', inline=True)}<p>{note}</p>"


def pad_with_reader() -> str:
    """Returns the pad with the reader that comes with the project.

    Raises:
        StillPictureError: The reader cannot be loaded, or has layers that the page lacks.
    """
    from mnist_helpers.evaluation.reader import READER_MODEL
    from mnist_helpers.runner.export_formats import ExportError
    from mnist_helpers.runner.page import digit_page
    from mnist_helpers.training.artifacts import load_model

    try:
        network = digit_page.packed_network(load_model(READER_MODEL))
    except (OSError, ValueError, ExportError) as error:
        raise StillPictureError(f"The page cannot have this network: {error}") from error
    page = digit_page.render(network, digit_page.model_facts(READER_MODEL))
    return (
        f"{frame(page, 'Draw a digit, and the network reads it', inline=True)}"
        f"<p>Here <code>{READER_MODEL.name}</code> runs in your browser, without a kernel.</p>"
    )
