"""The site in a real browser: no serious accessibility violation, no foreign request, no sideways scroll on a phone."""

import functools
import http.server
import threading

import pytest
from render_support import CHROMIUM, ROOT, continuous_integration, rendered_site

from loantap.exhibits.plots.style import canvas, save_svg

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


CLIPPED = """[...document.querySelectorAll('main table')].filter(table => table.scrollWidth > table.parentElement.clientWidth + 1)
    .map(table => table.innerText.slice(0, 60))"""


@pytest.mark.parametrize("width", [1280, 768, 390, 320])
@pytest.mark.parametrize("name", PAGES)
def test_no_window_cuts_a_column_off_or_scrolls_sideways(name, width, visit):
    page = visit(name, width=width, javascript=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CLIPPED) == []


def test_on_a_phone_each_row_of_a_wide_table_is_a_block_with_a_head_over_every_value(visit):
    wide = "table:has(td:text('Truck driver'))"
    assert visit("index.html").locator(wide).evaluate("t => getComputedStyle(t.tHead).display") == "table-header-group"
    page = visit("index.html", width=390, javascript=False)
    table = page.locator(wide)
    assert table.evaluate("t => getComputedStyle(t.tHead).display") == "none"
    shown = table.evaluate("t => [...t.rows[2].cells].map(c => getComputedStyle(c, '::before').content.slice(1, -1))")
    heads = table.evaluate("t => [...t.rows[0].cells].map(c => c.textContent)")
    assert shown[1:] == heads[1:]  # the first names the row
    assert page.locator("table:has(td:text-is('350'))").evaluate("t => getComputedStyle(t.tHead).display") != "none"


COLUMN = "t => [...t.tBodies[0].rows].map(row => row.cells[1].textContent)"


@pytest.mark.parametrize(
    ("values", "turned"),
    [
        (["1,097", "–", "-2", "18.9", "0"], ["1,097", "18.9", "0", "-2", "–"]),
        (["< 0.001", "0.001", "0.040", "–", "1.000"], ["1.000", "0.040", "0.001", "< 0.001", "–"]),
        (["69.2% (66.8 to 71.7%)", "9.3%", "100.0%", "\u22125.0%"], ["100.0%", "69.2% (66.8 to 71.7%)", "9.3%", "\u22125.0%"]),
        (["2018-12", "2017-01", "2018-02", "–"], ["2017-01", "2018-02", "2018-12", "–"]),
        (["Zeta", "alpha", "Item 10", "Item 9"], ["alpha", "Item 9", "Item 10", "Zeta"]),
    ],
)  # fmt: skip
def test_a_head_sorts_its_column_with_mouse_or_keyboard_and_then_restores_it(values, turned, visit):
    page = visit("index.html")
    rows = "".join(f"<tr><td>x</td><td>{value}</td></tr>" for value in values)
    table = f"<main><table><thead><tr><th>Name</th><th>Value</th></tr></thead><tbody>{rows}</tbody></table></main>"
    script = (ROOT / "reports" / "assets" / "_scripts.html").read_text()
    page.set_content(table + script)
    shown, head = page.locator("table"), page.locator("th:has-text('Value')")
    page.locator("th:has-text('Value') button").focus()
    page.keyboard.press("Enter")
    assert shown.evaluate(COLUMN) == turned
    assert head.get_attribute("aria-sort") in ("ascending", "descending")
    head.locator("button").click()
    present = [value for value in turned if value != "–"]
    assert shown.evaluate(COLUMN) == present[::-1] + ["–"] * ("–" in values)
    head.locator("button").click()
    assert shown.evaluate(COLUMN) == values
    assert head.get_attribute("aria-sort") is None


def test_a_figure_becomes_a_document_under_the_pointer_and_keeps_size_and_words(visit):
    page = visit("index.html")
    image = page.locator("main img").first
    size, alt = image.bounding_box(), image.get_attribute("alt")
    image.hover()
    page.wait_for_function("document.querySelector('object.figure')?.contentDocument?.documentElement.tagName == 'svg'")
    page.wait_for_function("getComputedStyle(document.querySelector('object.figure')).visibility == 'visible'")
    figure = page.locator("object.figure").first
    assert figure.get_attribute("aria-label") == alt
    now = figure.bounding_box()
    assert (round(now["width"]), round(now["height"])) == (round(size["width"]), round(size["height"]))


def test_a_bar_under_the_pointer_tells_its_value(visit, tmp_path):
    with canvas(height=2) as (figure, axes):
        axes.bar([0, 1], [3, 4])
        axes.set_xticks([0, 1], ["A", "B"])
    save_svg(figure, tmp_path / "bars.svg")
    page = visit("index.html")
    page.route(
        "**/figures/bars.svg", lambda route: route.fulfill(path=tmp_path / "bars.svg", content_type="image/svg+xml")
    )
    script = (ROOT / "reports" / "assets" / "_scripts.html").read_text()
    page.set_content('<main><img src="figures/bars.svg" alt="Two bars"></main>' + script)
    page.locator("main img").hover()
    page.wait_for_function("document.querySelector('object.figure')?.contentDocument?.querySelector('path > title')")
    told = """() => {
        const inside = document.querySelector("object.figure").contentDocument;
        return [...inside.querySelectorAll("path > title")].map(({ parentElement: bar, textContent }) => {
            const { x, y, width, height } = bar.getBoundingClientRect();
            return [textContent, inside.elementFromPoint(x + width / 2, y + height / 2) === bar];
        });
    }"""
    assert page.evaluate(told) == [["A: 3", True], ["B: 4", True]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_has_contrast_and_every_image_a_text(scheme, visit):
    from axe_playwright_python.sync_playwright import Axe

    rules = ["color-contrast", "image-alt", "object-alt", "link-name", "button-name", "heading-order", "duplicate-id"]
    page = visit("index.html", width=390, scheme=scheme)
    page.click("main summary:has-text('Code') >> nth=0")
    found = Axe().run(page, options={"runOnly": rules}).response["violations"]
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == []


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
