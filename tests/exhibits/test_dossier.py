import re
import zipfile
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from loantap.exhibits.dossier import BLANK, Material, dossier
from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.single_page import single_page, word_document
from loantap.exhibits.words import columns, percent, show
from loantap.model.economics import Economics
from loantap.settings import reference_dir
from loantap.watchlist import drift
from loantap.watchlist.settings import read_settings

HOSTILE = "<script>alert('x')</script> [a](javascript:b) | **c** `d`"
LINE = "_" * 20
HEADS = (
    "Inventory entry", "Materiality", "Decision sheet", "Purpose and use", "Data", "Assumptions", "Methods", "Performance", "Stability",
    "Limits", "Monitoring triggers", "Supervisors' texts", "Review and sign-off",
)  # fmt: skip


def policies(verdict: str, **changes: Any) -> dict[str, Any]:
    """The part of results/policy.json that the file says anything of."""
    said = {"recommendation": f"The policy “own price” is {verdict}.", "who": "", "against_risk": "It refuses 65.7% of grade A.", "thresholds_sentence": "The model refers 68.8%.", "fairness": ""}  # fmt: skip
    return {
        "n": 1_013, "n_training": 4_057, "confidence": 0.95, "thresholds": {"f2": 0.117, "profit": 1.0000000002, "capacity": 0.36},
        "caveat": "Assumed: a loss of 75.0%.", "policies": [{"name": "own_price"}], **said,
        "recommended": {"verdict": verdict, "effect": {"n_refused": 319}},
    } | changes  # fmt: skip


SHOWN = policies("shown")
CARD = {
    "name": "Probability of default", "synthetic": False, "data": {"rows": 5_070, "defaults": 911, "period": ["2007-08", "2016-12"]}, "sample": "",
    "uses": ["Ranking."], "misuses": ["Deciding alone."], "limits": ["The refused are not in the data."], "features": ["loan_amnt", "dti"],
    "not_features": [{"column": "emp_title", "why": "free text"}], "leaks": ["pincode"], "train_rows": 4_057, "threshold": 0.117, "threshold_rule": "largest F2",
    "recipe": {"encoding": "plain", "sampler": "none", "penalty": "l2", "C": 0.1, "obeys": True, "unknown": "risky", "without": ["pub_rec"]},
    "profit_threshold": 1.0000000002, "capacity": 0.1, "capacity_threshold": 0.36, "beta": 2.0,
    "referred": {"threshold": 0.688, "profit_threshold": 0.0, "capacity_threshold": 0.089}, "economics": vars(Economics()), "test": {"n": 1_013}, "confidence": 0.95,
}  # fmt: skip
WATCH = {
    "synthetic": True, "lights": [{"loans": 41, "balance": 67_801.0}, {"loans": 7, "balance": 9_001.0}], "recommended": None,
    "settings": read_settings().model_dump(),
}  # fmt: skip
RESULTS = {
    "policy": SHOWN,
    "model": {"without_pincode": {"refusal": {"refused": {"estimate": 0.688, "ci_low": 0.661, "ci_high": 0.709}}}},
    "leaks": {"text": "pincode gives the outcome away: AUC 0.826."},
    "eda": {"shape": {"outcomes": [{"amount_lent": 40_003.0}, {"amount_lent": 11_009.0}]}},
    "early_warning": WATCH,
}
TABLES = {
    "ingest-accounts": (Exhibit(columns=columns("what", "records")), pd.DataFrame({"what": ["set aside"], "records": [23]})),
    "ingest-missing": (Exhibit(columns=columns("column", "loans")), pd.DataFrame({"column": ["mort_acc"], "loans": [89]})),
    "policy-sheet": (
        Exhibit(title="Side by side", columns=columns("policy", "refused", "gain with interval", "verdict")),
        pd.DataFrame([{"policy": "Expected profit", "refused": 0.31, "gain": 5_417.0, "gain_low": 1_031.0, "gain_high": 9_733.0, "verdict": "shown"}]),
    ),
    "policy-assumptions": (
        Exhibit(title="Assumed", columns=columns("meaning", "low", "default", "high", "source")),
        pd.DataFrame([{"meaning": "what is lost", "low": 0.4, "default": 0.75, "high": 0.95, "source": "a judgement"}]),
    ),
    "warning-drift": (
        Exhibit(columns=columns("month", "variable", "psi", "light")),
        pd.DataFrame({"month": ["2018-11", "2018-12"], "variable": ["dti", "dti"], "psi": [0.333, 0.024], "light": ["red", "green"]}),
    ),
}  # fmt: skip


@pytest.fixture
def material() -> Material:
    files = {"model/pipeline.skops": "99a707", "results/policy.json": "77c435", "results/eda.json": "left out"}
    manifest = {
        "run_id": "20260101-000000", "started_at": "2026-01-01T00:00:00", "finished_at": "2026-01-01T00:09:00", "git_commit": "8102ab", "packages": {"numpy": "2.4.6"},
        "data": {"location": "loantap_sample.csv.gz", "sha256": "4109a8"}, "stages": [{"files": files}],
    }  # fmt: skip
    gates = [
        {"gate": "calibrated", "rule": "the error ends at 0.03", "passed": False, "found": "error 0.0512"},
        {"gate": "no leak column", "rule": "none is used", "passed": True, "found": "without mort_acc"},
    ]
    supervision = (reference_dir() / "supervision.md").read_text("utf-8")
    return Material(manifest, CARD, "d4dbaef4e520", RESULTS, TABLES, gates, supervision)


def with_policy(material: Material, found: dict[str, Any]) -> Material:
    return replace(material, results={**material.results, "policy": found})


def told(material: Material) -> str:
    return "\n\n".join(dossier(material)).replace("\\", "")


def section(text: str, head: str) -> str:
    return text.split(f"\n## {head}\n")[1].split("\n## ")[0]


def numbers(value: Any) -> Iterator[str]:
    """Every number in results, as each kind of value would show it."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from numbers([name, one])
    elif isinstance(value, list | tuple | Exhibit):
        for one in value if isinstance(value, list | tuple) else (value.title, value.caption):
            yield from numbers(one)
    elif isinstance(value, pd.DataFrame):
        yield from numbers(value.to_dict("records"))
    elif isinstance(value, str):
        yield from re.findall(r"\d[\d.,]*\d|\d", value)
    elif value is not None and not isinstance(value, bool):
        yield from (
            text
            for kind in ("count", "number", "ratio", "rate", "score")
            for text in re.findall(r"[\d.,]+", show(value, kind))
        )
        yield from (f"{value:g}", percent(value).removesuffix("%"))


def test_its_sections_stand_in_order(material: Material):
    assert tuple(re.findall(r"^## (.*)$", told(material), re.M)) == HEADS


def test_every_number_stands_in_what_it_was_made_from(material: Material):
    known = {text for field in fields(material) for text in numbers(getattr(material, field.name))}
    known |= set(
        numbers(
            [
                sum(line["amount_lent"] for line in RESULTS["eda"]["shape"]["outcomes"]),
                *drift.TOLERANCE,
                drift.AMBER,
                drift.RED,
            ]
        )
    )
    known |= set(numbers([sum(line[name] for line in WATCH["lights"]) for name in ("loans", "balance")]))
    known |= set(numbers(["F2 sha256 " + " ".join(CARD["data"]["period"])]))
    found = set(numbers(told(material)))
    assert len(found) > 75
    assert not found - known


def test_the_decision_sheet_says_what_the_report_says_under_its_tables(material: Material):
    sheet = section(told(material), "Decision sheet")
    assert sheet.startswith("\nThe policy “own price” is shown.")
    assert "It refuses 65.7% of grade A." in sheet
    assert "The model refers 68.8%." in sheet
    assert re.search(r"Expected profit +\| +31.0%", sheet)


def test_only_what_is_shown_counts_as_a_decision_that_rests_on_the_policy(material: Material):
    assert "Decision that rests on the policy" in told(material)
    for verdict in ("depends", "not shown"):
        text = told(with_policy(material, policies(verdict)))
        assert section(text, "Decision sheet").startswith(f"\nThe policy “own price” is {verdict}.")
        assert "Decision that rests on the policy" not in text


def test_a_policy_of_an_older_version_is_said_to_be_one_and_not_repeated(material: Material):
    older = {
        "recommended": {"rules": ["decline an expected profit below 0"], "effect": {}},
        "thresholds": {},
        "caveat": "Assumed.",
    }
    sheet = section(told(with_policy(material, older)), "Decision sheet")
    assert "made by an older version" in sheet
    assert "run again" in sheet
    assert "decline an expected profit" not in sheet


def test_a_run_of_few_results_still_makes_a_whole_file(material: Material):
    few = replace(material, results={name: RESULTS[name] for name in ("model", "policy")}, tables={})
    text = told(few)
    assert tuple(re.findall(r"^## (.*)$", text, re.M)) == HEADS
    assert "Columns that gave the outcome away in this run: pincode." in text
    assert not re.search(r"None|\bnan\b", text)


def test_what_people_have_to_fill_in_is_blank(material: Material):
    text = told(material)
    for field in (
        "Owner",
        "Users",
        "Place in the lender's inventory",
        "Materiality or tier, and why",
        "Uses that the lender allows",
        "Who looks, and how often",
    ):
        assert re.search(rf"\| {re.escape(field)} +\| {LINE} ", text), field
    for role in ("Owner", "Developer", "Independent review", "Approval", "Sign-off", "Next review"):
        assert re.search(rf"\| {role} +(\| {LINE} +){{4}}\|", section(text, "Review and sign-off")), role


def test_limits_of_monitoring_are_those_of_the_code(material: Material):
    triggers = section(told(material), "Monitoring triggers")
    assert f"amber from {drift.AMBER:.2f} and red from {drift.RED:.2f}" in triggers
    assert "does not pass: error 0.0512" in triggers
    assert "Days past due alone make it amber from 1 on, red from 30." in triggers
    assert "0.024" in triggers
    assert "0.333" not in triggers  # a month that is past
    assert "synthetic" in triggers


def test_it_speaks_of_no_key_of_the_code(material: Material):
    text = re.sub(r"_{5,}|\S+\.(gz|html|aspx\S*|skops|json)", "", told(material))
    assert not re.search(r"[a-z]_[a-z]|None|\bnan\b", text)
    assert "mortgage accounts" in text


def test_supervisors_texts_lead_to_sections_that_exist_and_say_what_was_read(material: Material):
    assert "no legal advice" in told(material)
    rows = [line.split(" | ") for line in material.supervision.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    for text, topic, where in rows:
        named = {head for head in HEADS if head in where}
        assert named or "BLANK" in where, topic
        assert "Read: " in text or "the same" in text or "not read" in topic, text
        rest = re.sub("|".join(HEADS), "", where)
        assert not re.findall(r"\b(Validation|Governance|Development)\b", rest)
    assert "BLANK" not in told(material)


def test_texts_of_people_become_no_markup(material: Material, tmp_path: Path):
    found = policies("shown", recommendation=HOSTILE, against_risk=f"::: notice\n# {HOSTILE}")
    leaks = {"text": HOSTILE}
    hostile = replace(
        material,
        manifest={**material.manifest, "run_id": HOSTILE, "git_commit": HOSTILE},
        results={**RESULTS, "policy": found, "leaks": leaks},
    )
    page = single_page("Model and policy file", dossier(hostile))
    body = page.split("</style>")[1]
    assert "<script" not in page
    assert 'href="javascript' not in page
    assert "alert('x')" in body
    assert set(re.findall(r"<h2[^>]*>(.*?)</h2>", body)) == set(HEADS)


def test_the_word_document_opens_and_holds_the_same(material: Material, tmp_path: Path):
    path = tmp_path / "file.docx"
    word_document(path, "A title", dossier(material))
    with zipfile.ZipFile(path) as document:
        assert document.testzip() is None
        text, styles = (document.read(f"word/{name}.xml").decode() for name in ("document", "styles"))
    assert list(tmp_path.iterdir()) == [path]
    assert LINE in text
    assert "d4dbaef4e520" in text
    assert (
        text.count("<w:tbl>") == sum(part.startswith("|") for part in dossier(material)) + 1
    )  # and that of supervisors' texts
    assert "w:insideH" in styles
    assert BLANK not in text
