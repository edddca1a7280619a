"""The whole job as a user runs it: on synthetic loans and on the real sample, down to what the browser shows."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from pypdf import PdfReader
from readability import TERMS, flesch_reading_ease, raw_names, sentences, unlinked, words_per_sentence
from real_sample import REAL
from site_checks import CHROMIUM, KnownNumbers, numbers_in, prose, served

from loantap.data.columns import CHARGED_OFF
from loantap.model.persistence import load_model
from loantap.model.tuning import split_loans
from loantap.runs.notebooks import STAGES
from loantap.settings import project_root
from loantap_deploy.report import publish_report, read_report
from loantap_deploy.shelf import Folder
from loantap_sources.connectors.config import read_config
from loantap_sources.publish import publish_run
from loantap_sources.warehouse import open_warehouse

PAGES = (
    "index.html", "drivers.html", "model.html", "claims.html", "policy.html", "early-warning.html", "methods.html", "model-card.html", "glossary.html", "changes.html"
)  # fmt: skip
FIRST_SCREEN_WORDS = 260
MOST_FIGURES = 12
# Pages whose sentences are held to the rules of plain English: words in a sentence on average and at most, and Flesch's reading ease.
READ = tuple(name for name in PAGES if name != "index.html")  # its first screen has phrases and no sentences
LINKED = tuple(
    name for name in PAGES if name != "glossary.html"
)  # which link the words of the glossary at their first use
MEAN_WORDS, MOST_WORDS, EASE = 25, 45, 60
LIMIT_MB = 10
ROWS = 5_000
FEW = ["-P", "repetitions=100", "-P", "repeats=1", "-P", "folds=3", "--engine", "builtin"]
in_ci = os.environ.get("CI", "").lower() == "true"
needs_browser = pytest.mark.skipif(CHROMIUM is None and not in_ci, reason="needs chromium on PATH to look at the site")


def loantap(*words: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "loantap", *map(str, words)], capture_output=True, text=True, check=False
    )


@pytest.fixture(
    scope="session",
    params=[
        # The real sample where there is one; synthetic loans are looked at too by make test-long.
        "real",
        pytest.param("synthetic", marks=pytest.mark.long),
    ],
)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param) / "run"
    data = ["--data", REAL] if request.param == "real" and REAL.is_file() else ["--rows", ROWS]
    done = loantap("run", *data, "--out", folder, *FEW)
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(folder / "report" / "index.html") in done.stdout
    for name in ("loantap-insights.pdf", "loantap-insights.docx", "loantap-tables.xlsx"):
        assert str(folder / "report" / name) in done.stdout
    return folder


@pytest.fixture(scope="session")
def known(run: Path) -> KnownNumbers:
    """The numbers that the run's results hold."""
    return KnownNumbers(run)


def result(run: Path, name: str) -> dict:
    return json.loads((run / "results" / f"{name}.json").read_text("utf-8"))


def test_the_manifest_tells_the_whole_story(run: Path):
    manifest = json.loads((run / "manifest.json").read_text())
    assert set(manifest) >= {
        "run_id", "started_at", "finished_at", "status", "git_commit", "parameters", "packages", "data", "stages",
    }  # fmt: skip
    assert manifest["status"] == "done"
    assert [stage["name"] for stage in manifest["stages"]] == [stage.name for stage in STAGES]
    for stage in manifest["stages"]:
        assert stage["status"] == "done"
        assert stage["error"] is None
        assert (run / "notebooks" / f"{stage['name']}.ipynb").is_file()
        assert all((run / name).exists() for name in stage["outputs"])
    assert set(manifest["data"]) >= {"kind", "location", "sha256", "rows", "defaults", "period"}
    assert manifest["report"]["html"] == "report/index.html"


def test_the_report_can_be_published_as_it_is(run: Path, tmp_path: Path):
    published = read_report(run)
    publish_report(published, Folder(tmp_path))
    assert (tmp_path / published.path / "loantap-insights.pdf").is_file()
    assert published.path in (tmp_path / "latest" / "index.html").read_text()


def test_its_scores_can_be_published(run: Path, tmp_path: Path):
    (tmp_path / "loantap.yml").write_text("warehouse: {url: 'sqlite:///w.db'}")
    config = read_config(tmp_path / "loantap.yml")
    written = publish_run(run, config, allow_synthetic=True)
    assert written["loantap_scores"] == json.loads((run / "manifest.json").read_text())["data"]["rows"]
    with open_warehouse(config).connect() as connection:
        scores = pd.read_sql_table("loantap_scores", connection)
    assert scores["probability"].between(0, 1).all()
    assert 0 < scores["flagged"].mean() < 1


def test_association_results_keep_the_contract(run: Path):
    data = json.loads((run / "manifest.json").read_text())["data"]
    for factor in ("pincode", "grade", "profession"):
        found = result(run, f"association_{factor}")
        assert set(found) >= {
            "factor", "n", "defaults", "chi2", "dof", "p_value", "cramers_v", "cramers_v_low", "cramers_v_high", "levels",
            "reference", "correction", "alpha", "adjusted",
        }  # fmt: skip
        assert (found["factor"], found["n"], found["defaults"]) == (factor, data["rows"], data["defaults"])
        assert found["cramers_v_low"] <= found["cramers_v"] <= found["cramers_v_high"]
        for level in found["levels"]:
            assert set(level) >= {
                "level", "n", "defaults", "default_rate", "ci_low", "ci_high", "odds_ratio", "or_low", "or_high", "p_value",
                "p_adjusted", "separation",
            }  # fmt: skip
            assert level["ci_low"] <= level["default_rate"] <= level["ci_high"]
        assert sum(level["n"] for level in found["levels"]) == data["rows"]


def test_the_pure_pincodes_are_named(run: Path):
    levels = {level["level"]: level["separation"] for level in result(run, "association_pincode")["levels"]}
    assert {level for level, kind in levels.items() if kind == "all_default"} == {"11650", "86630", "93700"}
    assert {level for level, kind in levels.items() if kind == "none_default"} == {"00813", "05113", "29597"}


def test_counts_by_pincode_are_those_of_the_file(run: Path):
    if json.loads((run / "manifest.json").read_text())["data"]["kind"] != "file":
        pytest.skip("the real sample is counted independently below; synthetic counts have tests of their own")
    raw = pd.read_csv(REAL, dtype={"address": "str"})
    counted = raw.groupby(raw["address"].str[-5:])["loan_status"].agg(["size", lambda s: (s == CHARGED_OFF).sum()])
    levels = result(run, "association_pincode")["levels"]
    assert {level["level"]: (level["n"], level["defaults"]) for level in levels} == {
        pincode: tuple(row) for pincode, row in zip(counted.index, counted.to_numpy().tolist(), strict=True)
    }


def test_model_results_keep_the_contract(run: Path):
    model = result(run, "model")
    assert set(model) >= {"with_pincode", "without_pincode", "application_only", "baselines"}
    studies = [model[name] for name in ("with_pincode", "without_pincode", "application_only")]
    for study in studies:
        assert {
            "profit_threshold",
            "capacity_threshold",
            "referred",
            "features",
            "profit",
            "competition",
            "original_protocol",
            "out_of_time",
        } <= set(study)
    assert all(study["smote"]["sampler"] == "SMOTE" for study in studies)
    for part in (*studies, *(study["smote"] for study in studies)):
        assert set(part) >= {"best_params", "sampler", "threshold", "cv", "test"}
        assert set(part["cv"]) >= {"f2_mean", "f2_sd"}
        test = part["test"]
        assert set(test) >= {
            "n", "accuracy", "precision", "recall", "f1", "f2", "roc_auc", "average_precision", "brier",
            "expected_calibration_error", "ks", "gini", "confusion", "ci",
        }  # fmt: skip
        confusion = test["confusion"]
        assert sum(confusion.values()) == test["n"]
        recall = confusion["tp"] / (confusion["tp"] + confusion["fn"])
        precision = confusion["tp"] / (confusion["tp"] + confusion["fp"])
        assert test["recall"] == pytest.approx(recall)
        assert test["f2"] == pytest.approx(5 * precision * recall / (4 * precision + recall))
        assert all(low <= test[name] <= high for name, (low, high) in test["ci"].items())
    assert [rule["name"] for rule in model["baselines"]] == ["reject_all", "pincode", "grade"]
    assert model["with_pincode"]["test"]["roc_auc"] > 0.85 > model["without_pincode"]["test"]["roc_auc"] > 0.6


def test_the_report_says_whether_the_champion_is_the_smote_model(run: Path):
    for study in (result(run, "model")[name] for name in ("with_pincode", "without_pincode", "application_only")):
        competition = study["competition"]
        assert competition["uses_smote"] == study["sampler"].startswith("SMOTE")
        assert ("It does not use SMOTE" in competition["why"]) != competition["uses_smote"]
        names = [row["name"] for row in competition["table"]]
        assert {competition["champion"], competition["reference"], competition["best_f2"]} <= set(names)
        assert {"plain, SMOTE", "plain, class weights", "histogram gradient boosting"} <= set(names)
    why = result(run, "model")["without_pincode"]["competition"]["why"].replace("**", "")
    assert why.split(". ")[0].split(", ")[-1] in prose(run / "report" / "index.html")


def test_the_saved_model_gives_the_probabilities_behind_the_report(run: Path):
    study, saved = result(run, "model")["without_pincode"], load_model(run / "model")
    loans = pd.read_parquet(run / "data" / "loans.parquet")
    _, test_rows = split_loans(loans["default"], test_share=0.2, random_state=0)
    held_out = loans.iloc[test_rows]
    flagged = saved.probability(held_out) >= saved.threshold
    assert saved.threshold == study["threshold"]
    assert int((flagged & (held_out["default"] == 1)).sum()) == study["test"]["confusion"]["tp"]
    assert int(flagged.sum()) == study["test"]["confusion"]["tp"] + study["test"]["confusion"]["fp"]


def test_claims_keep_the_contract(run: Path):
    entries = json.loads((run / "results" / "claims.json").read_text("utf-8"))
    assert len({entry["id"] for entry in entries}) == len(entries)
    verdicts = {"supported", "contradicted", "no evidence", "cannot be tested"}
    for entry in entries:
        assert set(entry) >= {
            "id", "claim", "estimate", "ci_low", "ci_high", "p_adjusted", "verdict", "evidence", "effect", "n", "wording",
            "basis", "exhibit", "this_run",
        }  # fmt: skip
        assert entry["basis"] == "published counts of the real portfolio"
        assert entry["this_run"]["basis"] == "loans of this run"
        assert {entry["verdict"], entry["this_run"]["verdict"]} <= verdicts
    of = {entry["id"]: entry for entry in entries}
    # Whatever the loans of the run: the real portfolio's counts have the first word.
    assert {name for name in of if of[name]["verdict"] == "contradicted"} == {
        "pincode-48052", "pincode-70466", "pincode-30723", "managers",
    }  # fmt: skip
    scores = [of[f"model-{name}"]["this_run"] for name in ("accuracy", "recall", "precision", "f2")]
    if json.loads((run / "manifest.json").read_text())["data"]["kind"] == "file":
        assert all(score["estimate"] for score in scores)
    else:  # a score on made loans says nothing of the model that was claimed
        assert {score["verdict"] for score in scores} == {"cannot be tested"}
    assert of["term"]["this_run"]["verdict"] == "supported"


def test_nothing_is_recommended_that_is_not_shown(run: Path):
    policy = result(run, "policy")
    told, entries = policy["recommended"], policy["policies"]
    assert bool(told["rules"]) == (told["verdict"] == "shown")
    assert (told["candidate"] is not None) == (told["verdict"] == "depends")
    assert policy["recommendation"].startswith("Do not change the policy yet") == (told["verdict"] != "shown")
    for one in entries:
        if one["verdict"] == "shown":
            assert min(one["gain_low"], one["gain_least"], one["out_of_time"]["gain"]) > 0
        if one["verdict"] == "depends":
            assert one["gain_low"] > 0 >= one["gain_least"]
            assert one["conditions"]
        for levels in one["composition"].values():
            assert (sum(row["n"] for row in levels), sum(row["n_refused"] for row in levels)) == (
                one["n"],
                one["n_refused"],
            )


def test_policy_results_keep_the_contract(run: Path):
    policy = result(run, "policy")
    assert set(policy) >= {"recommendation", "recommended", "thresholds", "levers", "steps", "segments", "gaps", "pincode", "assumptions", "sensitivity", "n", "policies"}  # fmt: skip
    study = result(run, "model")["without_pincode"]
    own = {"f2": study["threshold"], "profit": study["profit_threshold"], "capacity": study["capacity_threshold"]}
    assert policy["thresholds"] == own
    assert policy["n"] == study["test"]["n"]
    confusion = study["test"]["confusion"]
    at_f2 = policy["effects"]["threshold_f2"]
    assert (at_f2["n_refused"], at_f2["n_defaults_avoided"]) == (confusion["tp"] + confusion["fp"], confusion["tp"])
    assert at_f2["profit_change_low"] <= at_f2["profit_change"] <= at_f2["profit_change_high"]
    assert policy["effects"]["approve all"]["profit_change"] == 0
    assert policy["effects"]["approve all"]["profit"] == pytest.approx(100 * study["profit"][0]["profit"])
    assert set(policy["pincode"]["pure"]) == {"11650", "86630", "93700", "00813", "05113", "29597"}
    assert "Do not use these tiers" in policy["pincode"]["warning"]
    # The page begins with the decision in short.
    words = re.sub(r"(?<=[“(]) | (?=[”).,;])", "", prose(run / "report" / "policy.html"))
    assert 0 < words.index(policy["recommended"]["short"]) < 80


def test_early_warning_results_keep_the_contract(run: Path):
    found = result(run, "early_warning")
    assert set(found) >= {"month", "synthetic", "lights", "changes", "performance", "comparisons", "drift", "settings"}
    assert found["synthetic"]
    listed = pd.read_csv(run / "results" / "tables" / "watchlist.csv")
    lights = {line["light"]: line["loans"] for line in found["lights"]}
    assert listed["light"].value_counts().reindex(["red", "amber"], fill_value=0).to_dict() == {name: lights[name] for name in ("red", "amber")}  # fmt: skip
    assert listed["reasons"].notna().all()
    assert "Synthetic snapshots" in prose(run / "report" / "early-warning.html")


def test_every_claim_links_an_exhibit_that_is_there(run: Path):
    claims = json.loads((run / "results" / "claims.json").read_text("utf-8"))
    page = (run / "report" / "claims.html").read_text("utf-8")
    for target in {entry["exhibit"] for entry in claims}:
        name, _, anchor = target.partition("#")
        assert f'href="{target}"' in page
        assert not anchor or f'id="{anchor}"' in (run / "report" / name).read_text("utf-8"), target


def test_no_half_written_file_is_left(run: Path):
    assert [path for path in run.rglob("*") if path.name.startswith(".writing-")] == []
    assert not [path for path in run.iterdir() if path.name.startswith("rendering-")]


def test_no_address_is_in_what_is_published(run: Path):
    if json.loads((run / "manifest.json").read_text())["data"]["kind"] != "file":
        pytest.skip("only real loans have addresses to hide")
    raw = pd.read_csv(REAL, dtype="str")
    texts = [
        path.read_text("utf-8", errors="ignore")
        for path in run.rglob("*")
        if path.suffix in {".json", ".csv", ".html", ".ipynb"}
    ]
    published = "\n".join(texts)
    for address in raw["address"].sample(300, random_state=0):
        assert address.splitlines()[0] not in published


def test_no_folder_of_this_machine_is_in_what_is_published(run: Path):
    given = json.loads((run / "manifest.json").read_text())["parameters"].values()
    folders = {str(run), str(project_root()), f"{Path.home()}/", sys.prefix}
    folders |= {str(Path(path).parent) for path in map(str, given) if path.startswith("/")}
    published = {path: path.read_bytes().decode("latin-1") for path in (run / "report").rglob("*") if path.is_file()}
    pdf = PdfReader(run / "report" / "loantap-insights.pdf")
    told = "".join([page.extract_text() for page in pdf.pages] + [str(pdf.metadata)])
    published[Path("text of the PDF")] = "".join(told.split())  # a long path may be broken over lines
    assert {path.suffix for path in published} >= {".html", ".csv", ".json", ".svg", ".pdf"}
    found = [(path.name, folder) for path, text in published.items() for folder in folders if folder in text]
    assert found == []


def test_a_second_resume_runs_nothing(run: Path):
    before = json.loads((run / "manifest.json").read_text())["stages"]
    done = loantap("run", "--resume", run, "--engine", "builtin")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("unchanged, not run again") == len(STAGES)
    assert json.loads((run / "manifest.json").read_text())["stages"] == before


def test_synthetic_loans_are_said_to_be_so_on_every_page(run: Path):
    kind = json.loads((run / "manifest.json").read_text())["data"]["kind"]
    for page in (run / "report").rglob("*.html"):
        assert ("Synthetic data: these loans" in page.read_text("utf-8")) == (kind == "synthetic"), page.name


def test_the_pdf_says_what_the_page_says(run: Path):
    manifest = json.loads((run / "manifest.json").read_text())
    pages = [page.extract_text() for page in PdfReader(run / "report" / "loantap-insights.pdf").pages]
    text = " ".join(" ".join(pages).split())
    rate = manifest["data"]["defaults"] / manifest["data"]["rows"]
    assert f"{rate:.1%}" in text
    assert f"{manifest['data']['rows']:,} finished loans" in text
    assert "The decision" in text
    assert "What these loans cannot tell" in text
    assert manifest["run_id"] in text
    if manifest["data"]["kind"] == "synthetic":
        assert all("Synthetic data" in page for page in pages)


@pytest.mark.parametrize("name", PAGES)
def test_every_number_in_prose_comes_from_the_results(run: Path, known: KnownNumbers, name: str):
    text = prose(run / "report" / name)
    strangers = [number for number in numbers_in(text) if not known.explains(number)]
    assert strangers == []


@pytest.mark.parametrize("name", READ)
def test_a_page_is_written_in_plain_english(run: Path, name: str):
    page = (run / "report" / name).read_text("utf-8")
    told = sentences(page)
    assert words_per_sentence(told) <= MEAN_WORDS
    assert [sentence for sentence in told if len(sentence.split()) > MOST_WORDS] == []
    assert flesch_reading_ease(told) >= EASE
    assert raw_names(page) == []


@pytest.mark.parametrize("name", LINKED)
def test_the_words_of_the_glossary_are_linked_at_their_first_use(run: Path, name: str):
    assert unlinked((run / "report" / name).read_text("utf-8"), TERMS) == []


@pytest.mark.parametrize("name", PAGES)
def test_every_link_to_the_glossary_goes_to_an_entry(run: Path, name: str):
    linked = re.findall(r'href="glossary\.html#([^"]+)"', (run / "report" / name).read_text("utf-8"))
    entries = re.findall(r'\bid="([^"]+)"', (run / "report" / "glossary.html").read_text("utf-8"))
    assert set(linked) <= set(entries)


def test_a_number_typed_by_hand_would_be_found(known: KnownNumbers):
    assert not known.explains("83.4271")
    assert not known.explains("987,654,321")


def test_the_first_screen_answers_in_few_words(run: Path):
    html = (run / "report" / "index.html").read_text("utf-8")
    first = html[html.index('<main id="main"') : html.index("<h2")]
    text = re.sub(r"<[^>]+>", " ", first)
    assert len(re.findall(r"\S*\w\S*", text)) <= FIRST_SCREEN_WORDS
    order = [
        "What drives default?",
        "defaulted, and",
        "finished loans",
        "The decision",
        "Asked of the committee",
        "Term",
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert first.count("<img") >= 7


def test_the_site_is_small(run: Path):
    size = sum(path.stat().st_size for path in (run / "report").rglob("*") if path.is_file())
    assert size < LIMIT_MB * 1_000_000


def test_every_figure_can_be_read_aloud_and_every_table_downloaded(run: Path):
    html = (run / "report" / "index.html").read_text("utf-8")
    images = re.findall(r"<img\b[^>]*>", html)
    assert 8 <= len(images) <= MOST_FIGURES
    assert all(re.search(r'alt="[^"]{20,}"', image) for image in images)
    tables = html.count("<table")
    assert tables >= 1
    assert len(re.findall(r'href="tables/[^"]+\.csv"', html)) == tables


@needs_browser
def test_the_site_in_a_browser(run: Path):
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "CI has to install chromium: the site must be looked at"
    with served(run / "report") as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        names = [str(path.relative_to(run / "report")) for path in sorted((run / "report").rglob("*.html"))]
        assert set(PAGES) < set(names)
        assert len(names) == len(PAGES) + len(STAGES)
        links: set[str] = set()
        for name in names:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            complaints: list[str] = []
            asked: list[str] = []
            page.on("console", lambda message, into=complaints: into.append(message.text))
            page.on("pageerror", lambda error, into=complaints: into.append(str(error)))
            page.on("request", lambda request, into=asked: into.append(request.url))
            page.goto(f"{address}/{name}", wait_until="networkidle")
            assert complaints == [], name
            assert [url for url in asked if not url.startswith((address, "data:"))] == [], name
            violations = Axe().run(page).response["violations"]
            serious = [found["id"] for found in violations if found["impact"] in ("serious", "critical")]
            assert serious == [], name
            assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)"), name
            links |= set(page.evaluate("[...document.querySelectorAll('a[href]')].map(link => link.href)"))
            page.set_viewport_size({"width": 360, "height": 740})
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
            page.close()
        assert all(link.startswith(address) for link in links), "a link leaves the site"
        page = browser.new_page()
        for target in {link.split("#")[0] for link in links}:
            assert page.request.get(target).ok, target
        browser.close()
