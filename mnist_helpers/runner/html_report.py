"""The results of a sweep as one HTML page that sorts by a click and needs no server."""

import html
import os
from urllib.parse import quote

from mnist_helpers.runner.plan import Run, Step

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem; color: #222 }}
table {{ border-collapse: collapse }}
th, td {{ padding: .3rem .6rem; border-bottom: 1px solid #ccc; text-align: left;
  vertical-align: top }}
th button {{ font: inherit; font-weight: 600; border: 0; background: none; padding: 0;
  cursor: pointer; text-align: left }}
th[aria-sort=ascending] button::after {{ content: " ▲" }}
th[aria-sort=descending] button::after {{ content: " ▼" }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums }}
td.error {{ max-width: 30rem; color: #a00 }}
td.notebooks {{ white-space: nowrap }}
td a {{ display: inline-block; margin-right: .6rem; font-size: .8rem }}
td img {{ display: block; max-width: 160px; max-height: 70px }}
</style>
<h1>{title}</h1>
<p>{summary} A click on a heading sorts by its column.</p>
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
<script>
document.querySelectorAll("th button").forEach(button => {{
  button.onclick = () => {{
    const heading = button.parentElement, body = document.querySelector("tbody");
    const down = heading.getAttribute("aria-sort") === "ascending";
    document.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = row => row.cells[heading.cellIndex].textContent;
    const number = text => text.trim() === "" ? NaN : Number(text);
    const rows = [...body.rows].sort((one, two) => {{
      const [a, b] = [value(one), value(two)], [x, y] = [number(a), number(b)];
      if (a === "" || b === "") return (a === "") - (b === "");  // what is missing comes last
      const order = isNaN(x) || isNaN(y) ? a.localeCompare(b) : x - y;
      return down ? -order : order;
    }});
    body.append(...rows);
  }};
}});
</script>
</html>
"""


def results_page(title: str, runs: list[Run], rows: list[dict], names: list[str]) -> str:
    """Makes the page.

    Args:
        title: Of the page.
        runs: The sweep's runs, whose notebooks are linked relatively to its folder.
        rows: Of each run, in the same order.
        names: The columns.

    Returns:
        HTML.
    """
    states = [row["state"] for row in rows]
    summary = ", ".join(f"{states.count(state)} {state}" for state in ("done", "failed", "waiting"))
    head = [f'<th scope="col"><button>{html.escape(name)}</button></th>' for name in names]
    head.insert(1, '<th scope="col">notebooks</th>')
    body = []
    for run, row in zip(runs, rows, strict=True):
        cells = [_cell(name, row.get(name, "")) for name in names]
        cells.insert(1, _links(run))
        body.append(f"<tr>{''.join(cells)}</tr>")
    return PAGE.format(
        title=html.escape(title),
        summary=f"{len(runs)} runs: {summary}.",
        head="".join(head),
        body="\n".join(body),
    )


def _cell(name: str, value: object) -> str:
    if type(value) is float:
        return f'<td class="number">{value:.6g}</td>'
    if type(value) is int:
        return f'<td class="number">{value}</td>'
    return f'<td class="{"error" if name == "error" else "text"}">{html.escape(str(value))}</td>'


def _links(run: Run) -> str:
    return '<td class="notebooks">' + "".join(_link(run, step) for step in run.steps) + "</td>"


def _link(run: Run, step: Step) -> str:
    """Links a step's page, or else its notebook, by a small picture; "" if it did not run."""
    base = run.folder if (run.folder / f"{step.name}.ipynb").exists() else step.folder
    notebook = base / f"{step.name}.ipynb"
    if not notebook.exists():
        return ""
    page, picture = notebook.with_suffix(".html"), notebook.with_suffix(".thumbnail.png")
    sweep = run.folder.parent if run.folder.parent.name != "steps" else run.folder.parent.parent
    target, image = (
        quote(os.path.relpath(path, sweep).replace(os.sep, "/"))
        for path in (page if page.exists() else notebook, picture)
    )
    shown = ""
    if picture.exists():
        shown = f'<img src="{image}" alt="last figure of {step.name}" loading="lazy">'
    return f'<a href="{target}">{shown}{html.escape(step.name)}</a>'
