"""The policy's tables and figures show themselves, and speak of the confidence that was asked for."""

import re
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from IPython.display import Markdown
from policy_parts import basis, books, chain, grade_risk, parts, shown

from loantap.exhibits import policy_sentences as say
from loantap.exhibits.policy import Basis
from loantap.exhibits.words import WITH_INTERVAL, capital, show
from loantap.model.economics import Economics
from loantap.policy.listing import threshold_score
from loantap.policy.segments import EARNS, LOSES
from loantap.settings import notebooks_dir, project_root

pytestmark = pytest.mark.slow

ROUNDED = ("later_told",)  # amounts of money in no finer figures than their interval bears
LEVEL = re.compile(r"(?<![\d.,])(\d+)%(?= )")  # shares of loans have one decimal: 95.0%


@pytest.fixture(scope="module")
def at_half(loans: pd.DataFrame) -> SimpleNamespace:
    return chain(*books(loans, grade_risk(loans), Economics(), seed=0), confidence=0.5)


@pytest.fixture(scope="module")
def usual(loans: pd.DataFrame) -> SimpleNamespace:
    return chain(*books(loans, grade_risk(loans), Economics(), seed=0))


def words(made: SimpleNamespace) -> list[str]:
    found = parts(made)
    result = say.policy_result(**found)
    told = [value for value in result.values() if isinstance(value, str)] + [result["pincode"][name] for name in ("warning", "sentence", "advice")]  # fmt: skip
    told += [
        text
        for entry in made.entries
        for text in (entry["title"], entry["rule"], *entry["reasons"], *entry["conditions"])
    ]
    return told + [text for one in shown(made, found) for text in (one.title, one.caption, one.alt, one.text)]


def test_another_confidence_leaves_no_word_of_the_default_one(at_half: SimpleNamespace, usual: SimpleNamespace):
    assert {level for text in words(at_half) for level in LEVEL.findall(text) if float(level) in (95, 50)} == {"50"}
    assert {level for text in words(usual) for level in LEVEL.findall(text) if float(level) in (95, 50)} == {"95"}
    assert say.policy_result(**parts(at_half))["confidence"] == 0.5


def test_a_model_made_for_another_score_leaves_no_word_of_f2(usual: SimpleNamespace, loans: pd.DataFrame):
    assert any("F2" in text for text in words(usual))
    other = chain(*books(loans, grade_risk(loans), Economics(), seed=0), score="F0.5")
    assert not [text for text in words(other) if "F2" in text]
    card = {"beta": 0.5}
    assert threshold_score(SimpleNamespace(card=card)) == "F0.5"  # type: ignore[arg-type]


def test_intervals_are_as_wide_as_the_confidence_asks(at_half: SimpleNamespace, usual: SimpleNamespace):
    tables = [
        {**parts(made), "effects": made.effects, "evidence": made.designed.found["term_by_grade"].evidence}
        for made in (at_half, usual)
    ]
    for name, column in (
        ("effects", "profit"), ("effects", "gain"), ("effects", "per_year"), ("combined", "approved"), ("segments", "realised"),
        ("segments", "expected"), ("gaps", "gap"), ("gaps", "approval_ratio"), ("evidence", "realised"),
    ):  # fmt: skip
        half, whole = (found[name][f"{column}_high"] - found[name][f"{column}_low"] for found in tables)
        known = half.notna() & whole.notna() & (whole != 0)
        assert (half[known] < whole[known]).all() or name == "combined", (name, column)
        assert (half[known] <= whole[known]).all(), (name, column)


def test_a_sample_is_called_one():
    assert Basis(2, 1, 0.9, sampled=True).words["judged"] == "n = 1 test loans of a stratified sample; 90% bootstrap intervals"  # fmt: skip


def test_every_exhibit_shows_itself(usual: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    seen: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda one, **_: seen.append(one))
    for exhibit in shown(usual, parts(usual)):
        seen.clear()
        exhibit._ipython_display_()
        text = "\n".join(str(one.data) for one in seen if isinstance(one, Markdown))
        assert exhibit.figure is None or exhibit.figure in seen, exhibit.name
        assert exhibit.table is None or "|" in text, exhibit.name
        assert exhibit.notice is None or exhibit.notice in seen
        assert exhibit.line in text or not exhibit.name, exhibit.name


def test_no_number_of_a_table_is_shown_as_text(usual: SimpleNamespace):
    for exhibit in shown(usual, parts(usual)):
        for column, kind in exhibit.columns.items():
            assert exhibit.table is not None
            values = pd.to_numeric(exhibit.table[column].dropna(), errors="coerce")
            assert kind != "text" or values.isna().all() or column in ("pincode", *ROUNDED), (exhibit.name, column)


def test_what_is_said_of_a_table_is_true_of_it(usual: SimpleNamespace):
    found = parts(usual)
    by_name = {exhibit.name: exhibit for exhibit in shown(usual, found)}
    swings, curve, products = (by_name[f"policy-{name}"] for name in ("tornado", "trade-off", "segments"))
    widest = found["swings"].loc[found["swings"]["swing"].idxmax(), "label"]
    assert swings.title.startswith(f"{capital(f'the {widest}')} moves profit most: ")
    near = curve.table.iloc[(curve.table["good_refused"] - 0.1).abs().argmin()]
    for share in ("good_refused", "defaults_avoided"):
        assert show(near[share], "rate") in curve.title
    counts = found["segments"]["verdict"].value_counts()
    for verdict, none in (
        (LOSES, "No segment is significantly loss-making"),
        (EARNS, "; none is significantly profitable"),
    ):
        assert (none in products.title) == (counts.get(verdict, 0) == 0)
        assert not counts.get(verdict, 0) or f"{counts[verdict]} of {len(found['segments'])} " in products.title


NUMBER = re.compile(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?(?![\w.]*[A-Za-z])")


def test_every_number_above_a_table_of_the_sheet_stands_in_it(usual: SimpleNamespace):
    told = {one.name: one for one in shown(usual, parts(usual)) if one.table is not None}
    for name in ("sheet", "surety", "verdicts", "intervals", "composition", "scenarios", "stress", "turns", "gaps"):
        one = told[f"policy-{name}"]
        cells = {text for column, kind in one.columns.items() for text in cell_texts(one.table, column, kind)}
        cells |= {
            show(len(one.table), "count"),
            *(show(n, "count") for n in one.table.get("verdict", pd.Series()).value_counts()),
            "0",
            "100",  # of each amount lent
        }
        assert set(NUMBER.findall(without_names(one.title, one.table))) <= numbers(cells), name
    # A sum over grades, and its share.
    losses = told["policy-expected-loss"]
    total = losses.table.groupby("policy", sort=False)[["expected_loss", "amount"]].sum()
    share = total["expected_loss"] / total["amount"]
    first, least = share.index[0], share.idxmin()
    assert f"{show(share[first], 'rate')} of the money lent under “{first}”" in losses.title
    assert first == least or f"least under “{least}” ({show(share[least], 'rate')})" in losses.title


def without_names(title: str, table: pd.DataFrame) -> str:
    """A title without the texts of its table, in which there may be numbers."""
    for column in table.columns:
        if table[column].map(lambda value: isinstance(value, str)).all():
            for text in sorted(set(table[column]), key=len, reverse=True):
                title = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", "", title)
    for name in sorted(map(str, table.columns), key=len, reverse=True):
        title = title.replace(name, "")
    return title


def cell_texts(table: pd.DataFrame, column: str, kind: str) -> list[str]:
    base = kind.removesuffix(WITH_INTERVAL)
    names = [column] if base == kind else [column, f"{column}_low", f"{column}_high"]
    return [show(value, base) for name in names if name in table for value in table[name]]


def numbers(texts: set[str]) -> set[str]:
    return {number for text in texts for number in NUMBER.findall(text)}


def test_captions_hold_no_number_but_the_counts_of_loans_and_the_confidence(usual: SimpleNamespace):
    rests = basis(usual)
    known = {show(rests.training, "count"), show(rests.test, "count"), f"{100 * rests.confidence:g}", "100"}
    for one in shown(usual, parts(usual)):
        assert set(NUMBER.findall(one.caption)) <= known, one.name


@pytest.mark.parametrize(
    "path",
    [
        notebooks_dir() / "05_policy.ipynb",
        *(project_root() / "src" / "loantap" / "exhibits" / f"{name}.py" for name in ("decision", "policy", "policy_sentences", "policy_tables", "plots/policy")),
        project_root() / "reports" / "policy.qmd",
    ],
    ids=lambda path: path.name,
)  # fmt: skip
def test_no_level_of_confidence_and_no_verdict_is_typed(path):
    text = path.read_text("utf-8")
    assert not re.search(r"\b\d+%", text)
    assert "must not be used" not in text.lower()
    assert not re.search(r"^#.*\bnot\b", "\n".join(re.findall(r"(?m)^## .*$", text)))
