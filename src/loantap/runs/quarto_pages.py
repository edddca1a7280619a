"""Hand a staged website to Quarto: pages with their outputs in place, so that nothing runs twice and Quarto needs no Jupyter."""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from loantap.runs.staging import Staged, map_texts
from loantap.runs.word import write_word
from loantap_pages.compose import compose_page
from loantap_pages.execute import execute_page
from loantap_pages.pages import read_page
from loantap_pages.pandoc import HERE as PAGES

HERE = Path(__file__).parent
FILTERS = (
    PAGES / "glossary.lua",
    HERE / "quarto.lua",
    PAGES / "tables.lua",
    PAGES / "links.lua",
)
TYPST = (PAGES / "style.typ", HERE / "quarto.typ")
WORKERS = 2  # as the built-in renderer has


def hand_over(staged: Staged) -> None:
    """Replace the staged pages by what Quarto is to render; raises what running a page raises.

    A page with something that only Quarto knows stays as it is, and Quarto runs it.
    """
    for path in (*FILTERS, *TYPST):
        shutil.copy(path, staged.folder / f"_{path.name}")
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda path: _hand_over_page(staged, path), staged.pages))
    notebooks = {path.as_posix() for path in staged.pages if path.suffix == ".ipynb"}  # which become pages
    config = map_texts(staged.config, lambda text: f"{text[:-6]}.qmd" if text in notebooks else text)
    config["filters"] = [*(config.get("filters") or []), *(f"_{path.name}" for path in FILTERS)]
    _add_to_html(config, staged.notice)
    (staged.folder / "_quarto.yml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), "utf-8")


def finish(site: Path) -> None:
    """Make the rendered pages as reachable by keyboard as the built-in renderer's: a way past the navigation, and what scrolls."""
    for path in site.rglob("*.html"):
        text = re.sub(r"<pre(?=[ >])(?![^>]*tabindex)", '<pre tabindex="0"', path.read_text("utf-8"))
        skip = '<a class="skip-link" href="#quarto-document-content">Skip to content</a>'
        path.write_text(re.sub(r"<body[^>]*>", rf"\g<0>\n{skip}", text, count=1), "utf-8")
    (site / "search.json").unlink(missing_ok=True)  # it is written, and nothing reads it


def _hand_over_page(staged: Staged, path: Path) -> None:
    page = read_page(staged.folder, path, staged.source_name(path))
    if page.problems and path.suffix == ".qmd":
        return
    html = (staged.config.get("format") or {}).get("html")
    layers = [staged.config, html if isinstance(html, dict) else {}, page.front]
    settings: dict[str, Any] = {key: value for layer in layers for key, value in layer.items()}
    settings["execute"] = {key: value for layer in layers for key, value in (layer.get("execute") or {}).items()}
    page = execute_page(page, staged.folder, staged.environment)
    write_word(staged, page)
    text = compose_page(page, settings, staged.folder).text
    front = {**page.front, "engine": "markdown"}
    _add_to_typst(front, staged.notice, up="../" * (len(path.parts) - 1))
    (staged.folder / path).unlink()
    header = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    (staged.folder / path).with_suffix(".qmd").write_text(f"---\n{header}---\n\n{text}", "utf-8")


def _add_to_html(config: dict[str, Any], notice: str | None) -> None:
    """Say above each page's text what is to be said of the data."""
    formats = config.get("format")
    formats = dict(formats) if isinstance(formats, dict) else {str(formats or "html"): {}}
    html = dict(formats["html"]) if isinstance(formats.get("html"), dict) else {}
    html["include-in-header"] = [{"text": '<link rel="icon" href="data:,">'}]  # or a browser asks for an absent one
    if notice:
        html["include-before-body"] = [{"text": f'<div class="data-notice" role="note">{notice}</div>'}]
    config["format"] = {**formats, "html": html}


def _add_to_typst(front: dict[str, Any], notice: str | None, *, up: str) -> None:
    """Give a page that becomes a PDF the look of the built-in renderer's, and the notice at the head of each page."""
    formats = front.get("format")
    if not isinstance(formats, dict) or "typst" not in formats:
        return
    typst = formats["typst"] if isinstance(formats["typst"], dict) else {}
    header: list[dict[str, str]] = [{"file": f"{up}_{path.name}"} for path in TYPST]
    if notice:
        header.append({"text": f"#set page(header: notice-header[{notice}])"})
    header = [*typst.get("include-in-header", []), *header]
    front["format"] = {**formats, "typst": {"papersize": "a4", **typst, "include-in-header": header}}
