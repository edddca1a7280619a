"""The site in a real browser: no serious accessibility violation, no foreign request, no sideways scroll on a phone."""

import functools
import http.server
import threading

import pytest
from render_support import CHROMIUM, continuous_integration, rendered_site

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None and not continuous_integration(), reason="needs chromium on PATH to look at the site"
    ),
    pytest.mark.slow,
]
PAGES = ("index.html", "claims.html", "notebooks/04_tuning.html")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    handler = functools.partial(Quiet, directory=str(rendered_site().html.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "CI has to install chromium: the site must be looked at"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Open a page and return it with what it asked for and what it complained about."""
    contexts = []

    def visit(name, *, width=1280, scheme="light", javascript=True):
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=javascript
        )
        contexts.append(context)
        page = context.new_page()
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(f"{address}/{name}", wait_until="networkidle")
        return page

    yield visit
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1280, "light"),
        (360, "dark"),
        pytest.param(1280, "dark", marks=pytest.mark.long),
        pytest.param(360, "light", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_serious_violation_error_or_foreign_request(name, width, scheme, visit, address):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(name, width=width, scheme=scheme)
    assert page.complaints == []
    assert [url for url in page.asked if not url.startswith((address, "data:"))] == []
    found = Axe().run(page).response["violations"]
    serious = [(v["id"], [n["html"] for n in v["nodes"]]) for v in found if v["impact"] in ("serious", "critical")]
    assert serious == []


@pytest.mark.parametrize("name", PAGES)
def test_phone_wide_window_scrolls_tables_not_the_page(name, visit):
    page = visit(name, width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    if name == "index.html":
        boxes = page.evaluate("[...document.querySelectorAll('.table-scroll')].map(b => b.scrollWidth > b.clientWidth)")
        assert any(boxes)


@pytest.mark.parametrize("width", [1280, 360])
def test_a_wide_tables_caption_and_sentences_can_be_read(width, visit):
    page = visit("index.html", width=width)
    page.evaluate(
        """document.querySelectorAll('.table-scroll tbody tr').forEach(row => {
            for (let more = 0; more < 12; more++) row.insertAdjacentHTML('beforeend', '<td style="text-align: right;">1,234,567</td>') })"""
    )
    beyond = "[...document.querySelectorAll('.table-scroll')].filter(b => b.scrollWidth > b.clientWidth)"
    assert page.evaluate(f"{beyond}.length")
    assert (
        page.evaluate(f"{beyond}.map(b => b.querySelector('caption').clientWidth - b.clientWidth).filter(d => d > 0)")
        == []
    )
    assert page.evaluate("[...document.querySelectorAll('td.words')].every(cell => cell.clientWidth >= 120)")
    assert page.evaluate("document.querySelectorAll('td.words').length")


def test_dark_window_is_dark_and_figures_stay_on_light(visit):
    page = visit("index.html", scheme="dark")
    paint = "s => getComputedStyle(document.querySelector(s)).backgroundColor"
    assert page.evaluate(paint, "body") == "rgb(20, 25, 31)"
    assert page.evaluate(paint, "figure img") == "rgb(255, 255, 255)"


def test_menu_tabs_and_folded_code_work_without_javascript(visit):
    page = visit("index.html", javascript=False)
    page.click("summary:has-text('Notebooks')")
    assert page.is_visible("header a:has-text('Tuning')")
    assert not page.is_visible("text=Table tab.")
    page.click("label:has-text('Table')")
    assert page.is_visible("text=Table tab.")
    page.click("main summary:has-text('Code') >> nth=0")
    assert page.is_visible("text=from IPython.display import SVG")


def test_menu_closes_on_escape_and_contents_stand_open_where_there_is_room(visit):
    page = visit("index.html")
    assert page.is_visible("#TOC a:has-text('Evidence')")
    page.click("summary:has-text('Notebooks')")
    page.keyboard.press("Escape")
    assert not page.is_visible("header a:has-text('Tuning')")
    assert not visit("index.html", width=360).is_visible("#TOC a:has-text('Evidence')")


def test_keyboard_reaches_the_skip_link_first(visit):
    page = visit("index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
