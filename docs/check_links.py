"""Looks whether every link of a built site leads somewhere: `python docs/check_links.py FOLDER`.

Files and anchors within the site must exist. Links to other sites are not followed, but no page may
need another site to be shown. Nothing is fetched.
"""

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to, as pairs of tag and address, and the anchors that it offers."""

    def __init__(self, path: Path):
        """Reads the page."""
        super().__init__()
        self.links, self.anchors = set(), {"", "top"}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called by the parser."""
        values = {name: value for name, value in attrs if value}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        self.links |= {(tag, values[name]) for name in ("href", "src") if name in values}


read_page = cache(Page)


def fault(page: Path, tag: str, address: str) -> str | None:
    """Returns what is wrong with a link of a page in a few words, or None."""
    parts = urlsplit(address)
    if parts.scheme in ("data", "mailto"):
        return None
    if parts.scheme or parts.netloc:
        return None if tag == "a" else "is loaded from elsewhere"
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return "does not exist"
    if target.suffix == ".html" and unquote(parts.fragment) not in read_page(target).anchors:
        return "has no such anchor"
    return None


def faults(site: Path) -> list[str]:
    """Returns one line for each link of the site that leads nowhere."""
    return [
        f"{page.relative_to(site)}: {address} {words}"
        for page in sorted(site.rglob("*.html"))
        for tag, address in sorted(read_page(page).links)
        if (words := fault(page, tag, address))
    ]


def main() -> int:
    """Checks the folder that the command line names; returns the exit status."""
    site = Path(sys.argv[1]).resolve()
    pages = list(site.rglob("*.html"))
    if not pages:
        sys.exit(f"There is no page in {site}: run make docs.")
    broken = faults(site)
    print("\n".join(broken), file=sys.stderr, end="\n" * bool(broken))
    links = sum(len(read_page(page).links) for page in pages)
    print(f"{len(pages)} pages, {links} links, {len(broken)} of them broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
