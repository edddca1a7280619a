"""What has to hold of a rendered report whichever engine made it: each check returns what is wrong, one line for each finding."""

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lxml.html
from pypdf import PdfReader

A4 = (595, 842)  # points
FOOT = 70  # points from the lower edge: the footer stands there
HEADING = 36  # points that a heading of two lines reaches down
WIDE = 1280


def pages_of(site: Path) -> list[str]:
    """Return the site's pages, as addresses within it."""
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))


def told(page: Path) -> list[str]:
    """Return what a page says in its headings, lists and tables, and under its figures but for their numbers."""
    main = lxml.html.fromstring(page.read_text("utf-8")).xpath("//main")[0]
    for unseen in main.xpath(
        ".//math|.//script|.//nav|.//*[contains(@class, 'tab-content') or contains(@class, 'nav-tabs')]"
    ):
        unseen.drop_tree()
    texts = (" ".join(element.text_content().split()) for element in main.xpath(".//h2|.//h3|.//li|.//td|.//th"))
    return [text for text in texts if text]


def images_without_text(site: Path) -> list[str]:
    """Find images that say nothing to those who cannot see them."""
    return [
        f"{name}: {image[:160]}"
        for name in pages_of(site)
        for image in re.findall(r"<img\b[^>]*>", (site / name).read_text("utf-8"))
        if not re.search(r'\balt="(?!Output of cell )[^"]+"', image)
    ]


def relative_widths(site: Path) -> list[str]:
    """Find tables whose columns have a share of the width whatever they hold."""
    return [
        f"{name}: {found}"
        for name in pages_of(site)
        for found in re.findall(r"<(?:col|table|th|td)\b[^>]*width[^>]*%[^>]*>", (site / name).read_text("utf-8"))
    ]


def foreign_addresses(site: Path) -> list[str]:
    """Find what a browser would load from the network by itself."""
    loaded = (
        r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"(?:https?:)?//[^>]*>|<link\b[^>]*\bhref=\"(?:https?:)?//[^>]*>"
    )
    sheets = r"@import[^;]*//[^;]*;|url\(['\"]?(?:https?:)?//[^)]*\)"
    return [
        f"{path.relative_to(site)}: {found[:160]}"
        for path in (*site.rglob("*.html"), *site.rglob("*.css"))
        for found in re.findall(sheets if path.suffix == ".css" else loaded, path.read_text("utf-8"))
    ]


def pages_not_a4(pdf: Path) -> list[str]:
    """Find pages of another paper."""
    return [
        f"page {number}: {size}"
        for number, page in enumerate(PdfReader(pdf).pages, 1)
        if (size := (round(float(page.mediabox.width)), round(float(page.mediabox.height)))) != A4
    ]


def lonely_headings(pdf: Path) -> list[str]:
    """Find headings with nothing of their section below them on the page."""
    reader = PdfReader(pdf)
    found: list[str] = []
    for title, number, top in _headings(reader.outline, reader):
        heights: list[float] = []

        def note(text: str, cm: Any, tm: Any, _font: Any, _size: Any, heights: list[float] = heights) -> None:
            if text.strip():
                heights.append(cm[5] + tm[5] * cm[3] + tm[4] * cm[1])

        reader.pages[number].extract_text(visitor_text=note)
        if not any(FOOT < height < top - HEADING for height in heights):
            found.append(f"page {number + 1}: {title}")
    return found


def _headings(outline: Any, reader: PdfReader) -> Iterator[tuple[str, int, float]]:
    for entry in outline:
        if isinstance(entry, list):
            yield from _headings(entry, reader)
        else:
            number = reader.get_destination_page_number(entry)
            assert number is not None
            yield str(entry.title), number, float(entry.top)


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a site on this machine for as long as the block runs."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def unopened(page: Any) -> None:
    """Open what is folded on a browser's page, so that checks see it too."""
    page.evaluate("document.querySelectorAll('details').forEach((found) => { found.open = true; })")


def low_contrast(page: Any) -> list[str]:
    """Find text on a browser's page that has less contrast than 4.5 (3 if it is large)."""
    from axe_playwright_python.sync_playwright import Axe

    unopened(page)
    result = Axe().run(page, options={"runOnly": ["color-contrast"]}).response
    return [
        f"{node['any'][0]['data']['contrastRatio']} {node['any'][0]['data']['fgColor']} on {node['any'][0]['data']['bgColor']}: {node['html'][:120]}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


def clipped_columns(page: Any) -> list[str]:
    """Find tables on a browser's page of which a part lies outside the window or needs scrolling sideways."""
    found = page.evaluate(
        """() => [...document.querySelectorAll('main table')].filter((table) => table.getClientRects().length).flatMap((table) => {
             const right = Math.max(...[...table.rows].map((row) => row.getBoundingClientRect().right), table.getBoundingClientRect().right);
             let edge = innerWidth;
             for (let box = table.parentElement; box; box = box.parentElement)
               if (getComputedStyle(box).overflowX !== 'visible') edge = Math.min(edge, box.getBoundingClientRect().right);
             return right > edge + 1 ? [`${Math.round(right - edge)} px: ${table.innerText.slice(0, 80)}`] : [];
           })"""
    )
    return [str(one) for one in found]


def sideways(page: Any) -> list[str]:
    """Find whether a browser's page is wider than its window."""
    more = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{more} px wider than the window"] if more > 0 else []
