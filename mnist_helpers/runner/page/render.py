"""HTML pages of one file, put together from this folder: a style, scripts, and data."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

PAGE_FOLDER = Path(__file__).parent


def javascript(name: str) -> str:
    """Returns a script of the folder."""
    return (PAGE_FOLDER / f"{name}.js").read_text(encoding="utf-8")


def render(template: str, **values: Any) -> str:
    """Returns a template of the folder, filled in; strings from outside are text on its pages."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader, is_page = FileSystemLoader(PAGE_FOLDER), template.endswith(".html.j2")
    environment = Environment(loader=loader, autoescape=is_page, undefined=StrictUndefined)
    return environment.get_template(template).render(values)


def render_page(template: str, scripts: list[str], data: dict[str, Any], **values: Any) -> str:
    """Returns a page with scripts; strings from outside are data in it, never markup.

    Args:
        template: A template of the folder.
        scripts: What the page runs, in this order.
        data: By the id under which a script reads it, a JSON value.
        **values: What the template uses.
    """
    style = (PAGE_FOLDER / "page.css").read_text(encoding="utf-8")
    script = "\n".join(scripts)
    # JSON that cannot end the `<script>` which holds it.
    embedded = {name: json.dumps(value).replace("<", "\\u003c") for name, value in data.items()}
    return render(
        template, style=style, style_hash=_hash(style), script=script, script_hash=_hash(script),
        data=embedded, **values,
    )  # fmt: skip


def _hash(text: str) -> str:
    """Returns what the page's policy calls the one script, or style, that it allows."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
