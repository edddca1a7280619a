"""What has to hold of a report, whichever engine made it. Where there is no Quarto, its half is skipped, and only that."""

from collections.abc import Callable, Iterator
from typing import Any

import made_checks
import pytest
from render_support import CHROMIUM, continuous_integration, rendered_site

from loantap.runs.quarto import find_quarto
from loantap.runs.render import RenderedReport

pytestmark = pytest.mark.slow
QUARTO = pytest.mark.skipif(find_quarto() is None, reason="no Quarto is installed here")
BROWSER = pytest.mark.skipif(CHROMIUM is None and not continuous_integration(), reason="needs chromium on PATH")
BY_EITHER = pytest.mark.parametrize("made", ["builtin", pytest.param("quarto", marks=QUARTO)], indirect=True)
IN_EACH_WINDOW = pytest.mark.parametrize("scheme", ["light", "dark"])


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest) -> RenderedReport:
    return rendered_site(engine=request.param)


@pytest.fixture(scope="module")
def visit(made: RenderedReport) -> Iterator[Callable[..., Any]]:
    from playwright.sync_api import sync_playwright

    with made_checks.served(made.html.parent) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def visit(name: str, *, scheme: str = "light", width: int = made_checks.WIDE) -> Any:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page = context.new_page()
            page.goto(f"{address}/{name}", wait_until="networkidle")
            return page

        yield visit
        browser.close()


@BY_EITHER
def test_each_image_has_its_text(made: RenderedReport):
    assert made_checks.images_without_text(made.html.parent) == []


@BY_EITHER
def test_no_table_has_relative_widths(made: RenderedReport):
    assert made_checks.relative_widths(made.html.parent) == []


@BY_EITHER
def test_nothing_is_loaded_from_the_network(made: RenderedReport):
    assert made_checks.foreign_addresses(made.html.parent) == []


@BY_EITHER
def test_the_pdf_is_on_a4(made: RenderedReport):
    assert made_checks.pages_not_a4(made.pdf) == []


@BY_EITHER
def test_no_heading_stands_alone_at_the_end_of_a_page(made: RenderedReport):
    assert made_checks.lonely_headings(made.pdf) == []


@BY_EITHER
def test_word_and_excel_stand_beside_the_pdf(made: RenderedReport):
    assert {"loantap-insights.docx", "loantap-tables.xlsx"} <= {path.name for path in made.html.parent.iterdir()}


@BY_EITHER
def test_the_pdf_is_offered_by_its_name(made: RenderedReport):
    text = made.html.read_text("utf-8")
    assert 'href="loantap-insights.pdf"' in text
    assert "This page as PDF" in text
    assert "Typst" not in text


@BY_EITHER
def test_synthetic_data_is_said_and_the_navigation_can_be_passed_over_on_each_page(made: RenderedReport):
    site = made.html.parent
    for name in made_checks.pages_of(site):
        text = (site / name).read_text("utf-8")
        assert text.count('class="data-notice"') == 1, name
        assert text.index('class="skip-link"') < text.index("<nav"), name


@BY_EITHER
def test_pages_say_what_the_built_in_renderer_says(made: RenderedReport):
    built_in = rendered_site().html.parent
    for name in made_checks.pages_of(built_in):
        assert made_checks.told(made.html.parent / name) == made_checks.told(built_in / name), name


@BROWSER
@BY_EITHER
@IN_EACH_WINDOW
def test_all_text_can_be_told_from_its_ground(scheme: str, made: RenderedReport, visit: Callable[..., Any]):
    site = made.html.parent
    found = {name: made_checks.low_contrast(visit(name, scheme=scheme)) for name in made_checks.pages_of(site)}
    assert {name: low for name, low in found.items() if low} == {}


@BROWSER
@BY_EITHER
def test_no_column_is_clipped_on_a_screen(made: RenderedReport, visit: Callable[..., Any]):
    found = {name: made_checks.clipped_columns(visit(name)) for name in made_checks.pages_of(made.html.parent)}
    assert {name: clipped for name, clipped in found.items() if clipped} == {}


@BROWSER
@BY_EITHER
@IN_EACH_WINDOW
def test_the_window_is_as_the_reader_has_it(scheme: str, made: RenderedReport, visit: Callable[..., Any]):
    ground = visit("index.html", scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
    light = sum(int(part) for part in ground.removeprefix("rgb(").removesuffix(")").split(", ")[:3]) > 380
    assert light == (scheme == "light")


@BROWSER
@BY_EITHER
def test_no_page_is_wider_than_a_phone(made: RenderedReport, visit: Callable[..., Any]):
    found = {name: made_checks.sideways(visit(name, width=390)) for name in made_checks.pages_of(made.html.parent)}
    assert {name: more for name, more in found.items() if more} == {}
