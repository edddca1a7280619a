"""The dashboard in a real browser, each page used as a person would, on a desktop and on a phone.

Screenshots are kept in the folder that LOANTAP_ARTIFACTS names, or else in pytest's own temporary folder.
"""

import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from absences import absent
from policy_sheet import write_sheet
from serve_run import write_run
from site_checks import CHROMIUM

from loantap.data.columns import BY_NAME, FEATURE_BY_NAME
from loantap.exhibits.decision import who
from loantap.exhibits.words import capital, show
from loantap.model.fitted import FittedModel
from loantap.model.persistence import load_model
from loantap.runs.results import RunFolder
from loantap.scoring.application import REASONS
from loantap_serving.form import ASKED

# What a page shows last.
PAGES = {
    "": "button:has-text('Score the application')",
    "explore": "[data-testid=stDataFrame]",
    "portfolio": "input[type=file]",
    "policy": "[data-testid=stVegaLiteChart]",
    "watchlist": "text=This run has no watchlist",
}
PHONE = 390
_START = "import sys; from pathlib import Path; from loantap_serving.commands.dashboard import dashboard; dashboard(None, Path(sys.argv[1]), int(sys.argv[2]))"  # fmt: skip
_WAIT = 15_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, fitted: FittedModel, loans: pd.DataFrame) -> Path:
    folder = write_run(tmp_path_factory.mktemp("shown") / "run", fitted, loans)
    write_sheet(folder)
    return folder


@pytest.fixture(scope="module")
def server(run: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    port = free_port()
    environment = os.environ | {"LOANTAP_MODELS": str(run / "no-models")}
    words = [sys.executable, "-c", _START, str(run), str(port)]
    with (run / "server.log").open("w") as log, subprocess.Popen(words, env=environment, stdout=log, stderr=log) as process:  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        for _ in range(600):  # it reads run and model before it listens
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, (run / "server.log").read_text()
                time.sleep(0.2)
        yield address, process
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One context for all pages, so that Streamlit's own scripts are fetched once; each page is a session of its own."""
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        absent("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_context(accept_downloads=True)
        browser.close()


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chosen = os.environ.get("LOANTAP_ARTIFACTS")
    folder = Path(chosen) / "dashboard" if chosen else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def visit(browser: Any, server: tuple[str, subprocess.Popen], artifacts: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:  # fmt: skip
    """Open a page; at the end it is photographed, and nobody may have seen an exception or asked another host."""
    opened = []

    def visit(name: str, *, width: int = 1280, height: int = 900) -> Any:
        page = browser.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(_WAIT)
        asked: list[str] = []
        page.on("request", lambda sent: asked.append(sent.url))
        opened.append((page, asked))
        page.goto(f"{server[0]}/{name}")
        page.wait_for_selector(PAGES[name], state="attached")
        page.wait_for_load_state("networkidle")  # Streamlit fetches its widgets when it first needs them
        settled(page)
        return page

    yield visit
    for number, (page, asked) in enumerate(opened):
        settled(page)
        height = page.locator("[data-testid=stMainBlockContainer]").evaluate("box => box.scrollHeight")
        page.set_viewport_size({"width": page.viewport_size["width"], "height": min(int(height) + 80, 5000)})
        name = re.sub(r"\W+", "-", request.node.name).strip("-")
        page.screenshot(path=str(artifacts / f"{name}-{number}.png"))
        assert page.locator("[data-testid=stException]").count() == 0
        assert "Traceback" not in page.inner_text("body")
        assert [url for url in asked if not url.startswith((server[0], "data:", "blob:"))] == []
        page.close()


def settled(page: Any) -> None:
    """Wait until a page is there and no longer running."""
    page.wait_for_selector("h1")
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")


def choose(page: Any, label: str, option: str) -> None:
    """Choose an option by its first letters, as a long list is not drawn as a whole."""
    box = page.get_by_role("combobox", name=label)
    box.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+a")
    page.keyboard.type(option)
    page.get_by_role("option", name=option, exact=True).click()
    page.keyboard.press("Escape")
    settled(page)


def field(page: Any, label: str) -> Any:
    return page.get_by_label(label, exact=True)


def test_an_application_is_filled_in_and_scored(visit: Callable[..., Any], run: Path):
    page = visit("", height=800)
    field(page, "Amount").fill("30000")
    field(page, "Interest rate (%)").fill("24.5")
    choose(page, "Sub-grade", "E4")
    page.get_by_role("button", name="Score the application").click()
    page.get_by_role("heading", name="Refer to a person").wait_for()
    asked, answered = (page.locator(part).bounding_box() for part in ("[data-testid=stForm]", "h2#answer"))
    assert answered["x"] > asked["x"] + asked["width"]  # beside the form, and to be seen without scrolling
    assert answered["y"] < 400
    page.get_by_text("All else stays as it is.").wait_for()  # the end of the answer
    text = page.inner_text("[data-testid=stMainBlockContainer]")
    threshold = show(load_model(run / "model").threshold, "rate")
    told = re.search(r"probability of default is ([\d.]+)%, at or above the threshold of ([\d.]+%)", text)
    assert told
    assert told[2] == threshold
    drawn = f"Probability of default {told[1]}%, threshold {threshold}: refer"
    page.get_by_role("img", name=drawn).wait_for()
    reasons = re.findall(r"(?:this raises|together they raise) the risk\. \(R\d\d\)", text)
    assert 1 <= len(reasons) <= REASONS
    assert "The lender's sub-grade is E4, worse than the portfolio's median of" in text
    assert "debt-to-income" in text.split("What would change the answer")[1].lower()
    page.get_by_text("Everything that moves this score").click()
    page.get_by_label("What each input adds to the log-odds of default").first.wait_for()


def test_wrong_values_are_told_by_field(visit: Callable[..., Any]):
    page = visit("")
    field(page, "Interest rate (%)").fill("99")
    field(page, "First credit line").fill("June 1990")
    page.get_by_role("button", name="Score the application").click()
    page.get_by_text("Nothing was scored: 2 fields need another value").wait_for()
    assert page.get_by_text("Interest rate (%) Expected a number, 1 to 60, in percent a year. Got 99.0.").is_visible()
    assert page.get_by_text("First credit line Expected a month such as Jan-2015. Got 'June 1990'.").is_visible()
    assert field(page, "Interest rate (%)").input_value() == "99.00"


def test_the_form_is_filled_in_and_sent_by_keyboard_alone(visit: Callable[..., Any], run: Path):
    page = visit("")
    reached: list[str] = []
    while "Score the application" not in reached and len(reached) < 100:
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.ariaLabel || document.activeElement.innerText.trim()"))
        if reached[-1] == "Amount":
            page.keyboard.press("Control+a")
            page.keyboard.type("15000")
    seen = {source for name in load_model(run / "model").metadata.features for source in FEATURE_BY_NAME[name].sources}
    asked = [column.label.capitalize() for column in ASKED if column.name in seen]
    assert [name for name in (text.removesuffix(" (%)") for text in reached) if name in asked] == asked
    assert reached[-1] == "Score the application"
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="What would change the answer").wait_for()
    page.get_by_text("Everything that moves this score").click()
    page.get_by_text("The amount is 15,000").first.wait_for()


def test_enter_in_a_field_sends_the_form(visit: Callable[..., Any]):
    page = visit("")
    field(page, "Amount").fill("8000")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="What would change the answer").wait_for()


def test_a_factor_and_a_filter_are_chosen(visit: Callable[..., Any], loans: pd.DataFrame):
    page = visit("explore")
    assert page.locator("[data-testid=stMetricValue]").first.inner_text() == f"{len(loans):,}"
    choose(page, "Factor", "Number of monthly payments")
    choose(page, "Only some loans, by", "Risk grade given by the lender")
    choose(page, "Only these: Risk grade given by the lender", "C")
    expected = f"{(loans['grade'] == 'C').sum():,}"
    page.locator("[data-testid=stMetricValue]").first.get_by_text(expected, exact=True).wait_for()
    assert page.get_by_label(f"Default rate with 95% intervals: {BY_NAME['term'].meaning}").first.is_visible()


def test_a_file_is_uploaded_and_its_scores_are_downloaded(visit: Callable[..., Any], raw_loans: pd.DataFrame, tmp_path: Path):  # fmt: skip
    spoilt = raw_loans.head(40).astype({"dti": "object"})
    spoilt.loc[spoilt.index[5], "dti"] = "a lot"
    spoilt.to_csv(tmp_path / "loans.csv", index=False)
    page = visit("portfolio")
    page.set_input_files("input[type=file]", str(tmp_path / "loans.csv"))
    found = {}
    for label in ("Download the scores", "Download the rejected rows"):
        with page.expect_download() as download:
            page.get_by_role("button", name=label).click()
        found[label] = pd.read_csv(io.BytesIO(Path(download.value.path()).read_bytes()))
    scores = found["Download the scores"]
    assert len(scores) == 39
    assert scores["probability_of_default"].between(0, 1).all()
    assert found["Download the rejected rows"]["column"].tolist() == ["dti"]
    metrics = page.locator("[data-testid=stMetricValue]").all_inner_texts()
    assert metrics == ["40", "39", "1", str((scores["decision"] == "refer").sum()), show(scores["probability_of_default"].mean(), "rate")]  # fmt: skip


def test_sliders_move_the_numbers(visit: Callable[..., Any]):
    page = visit("policy")
    page.get_by_role("tab", name="Try another threshold").click()
    table = page.locator("table").filter(has_text="Chosen here")

    def chosen() -> list[str]:  # read in one go, as a page that runs again may draw the table anew in between
        settled(page)
        return list(table.evaluate("table => [...table.tBodies[0].rows].map(row => row.querySelector('td').innerText)"))

    before = chosen()
    threshold, loss = page.get_by_role("slider").all()
    threshold.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    moved = page.locator("[data-testid=stSliderThumbValue]").first.inner_text()
    table.get_by_text(f"Chosen here: {moved}%").wait_for()
    after = chosen()
    assert all(
        float(new.split("%")[0]) <= float(old.split("%")[0]) for new, old in zip(after[:3], before[:3], strict=True)
    )
    assert after[0] != before[0]
    loss.focus()
    page.keyboard.press("End")
    page.wait_for_function(
        "text => [...document.querySelectorAll('table')].some(table => table.innerText.includes('Chosen here') && !table.innerText.includes(text))",
        arg=after[4],
    )
    worst = chosen()
    assert float(worst[4].split()[0]) < float(after[4].split()[0])
    assert worst[:4] == after[:4]


def test_the_decision_sheet_is_shown_and_a_policy_is_chosen(visit: Callable[..., Any], run: Path):
    page = visit("policy", height=3000)
    sheet = RunFolder(run).result("policy")
    assert page.get_by_text(sheet["recommendation"]).is_visible()
    rows = page.locator("table").first.locator("tbody tr").all()
    assert [row.locator("td").first.inner_text() for row in rows] == [
        capital(entry["title"]) for entry in sheet["policies"]
    ]
    assert page.get_by_label("Defaults avoided against good customers declined").first.is_visible()
    page.get_by_role("tab", name="Who is declined?").click()
    entry = sheet["policies"][2]
    choose(page, "Policy", capital(entry["title"]))
    page.get_by_text(who(entry)).wait_for()
    for by in ("grade", "term", "risk decile", "income", "home ownership"):
        assert page.get_by_label(f"Share declined by {by}").first.is_visible()


def test_the_watchlist_says_that_there_is_none(visit: Callable[..., Any]):
    assert visit("watchlist").get_by_text("This run has no watchlist").is_visible()


@pytest.mark.parametrize("name", PAGES)
def test_each_page_names_its_data_fits_a_phone_and_has_no_serious_violation(name: str, visit: Callable[..., Any]):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(name, width=PHONE)
    assert page.get_by_text("SYNTHETIC DATA").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    box = page.locator("[data-testid=stMain]")
    assert box.evaluate("box => box.scrollWidth - box.clientWidth") <= 0
    found = Axe().run(page).response["violations"]
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found if v["impact"] in ("serious", "critical")] == []


def test_the_form_is_usable_on_a_phone(visit: Callable[..., Any]):
    page = visit("", width=PHONE)
    amount = field(page, "Amount")
    amount.tap() if page.evaluate("'ontouchstart' in window") else amount.click()
    amount.fill("9000")
    box = amount.bounding_box()
    assert box["width"] > 150
    page.get_by_role("button", name="Score the application").click()
    page.get_by_role("heading", name="What would change the answer").wait_for()
    assert page.locator("[data-testid=stMain]").evaluate("box => box.scrollWidth - box.clientWidth") <= 0


def test_the_menu_leads_to_each_page(visit: Callable[..., Any]):
    page = visit("")
    for title, heading in (("Explore", "Explore the loans"), ("Policy", "Policy"), ("Score", "Score an application")):
        page.get_by_role("link", name=title).click()
        page.get_by_role("heading", name=heading, exact=True).wait_for()


def test_a_signal_ends_it_and_the_log_holds_no_traceback(server: tuple[str, subprocess.Popen], run: Path):
    """The last test of this module: the server is gone afterwards."""
    server[1].send_signal(signal.SIGTERM)
    server[1].wait(10)
    assert "Traceback" not in (run / "server.log").read_text()
