"""The policy's tables and figures show themselves, and speak of the confidence that was asked for."""

import re
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from IPython.display import Markdown
from policy_parts import books, grade_risk, parts, shown

from loantap.decisions.policy.levers import Threshold
from loantap.decisions.policy.thresholds import threshold_score
from loantap.exhibits import insights
from loantap.exhibits import policy_sentences as say
from loantap.exhibits.policy import Basis
from loantap.model.economics import Economics
from loantap.settings import notebooks_dir, project_root

pytestmark = pytest.mark.slow

LEVEL = re.compile(r"(?<![\d.,])(\d+(?:\.\d+)?) %(?= )")  # shares of loans have one decimal: 95.0 %


@pytest.fixture(scope="module")
def at_half(loans: pd.DataFrame) -> dict[str, Any]:
    return parts(*books(loans, grade_risk(loans), Economics(), seed=0), confidence=0.5)


@pytest.fixture(scope="module")
def usual(loans: pd.DataFrame) -> dict[str, Any]:
    return parts(*books(loans, grade_risk(loans), Economics(), seed=0))


def words(found: dict[str, Any]) -> list[str]:
    result = say.policy_result(**found)
    told = [value for value in result.values() if isinstance(value, str)] + [result["pincode"][name] for name in ("warning", "sentence", "advice")]  # fmt: skip
    return told + [text for one in shown(found) for text in (one.title, one.caption, one.alt, one.text)]


def test_another_confidence_leaves_no_word_of_the_default_one(at_half: dict[str, Any], usual: dict[str, Any]):
    assert {level for text in words(at_half) for level in LEVEL.findall(text) if float(level) in (95, 50)} == {"50"}
    assert {level for text in words(usual) for level in LEVEL.findall(text) if float(level) in (95, 50)} == {"95"}
    assert say.policy_result(**at_half)["confidence"] == 0.5


def test_a_model_made_for_another_score_leaves_no_word_of_f2(usual: dict[str, Any]):
    assert any("F2" in text for text in words(usual))
    assert not [text for text in words(usual | {"score": "F0.5"}) if "F2" in text]
    card = {"beta": 0.5}
    assert threshold_score(SimpleNamespace(card=card)) == "F0.5"  # type: ignore[arg-type]
    assert Threshold("f2", 0.12, "F0.5").title == "F0.5 threshold of the model"


def test_intervals_are_as_wide_as_the_confidence_asks(at_half: dict[str, Any], usual: dict[str, Any]):
    for name, column in (
        ("effects", "profit"), ("combined", "approved"), ("plain", "good_refused"), ("segments", "realised"), ("segments", "expected"),
        ("gaps", "gap"), ("swings", "profit"),
    ):  # fmt: skip
        half, whole = (found[name].iloc[-1] for found in (at_half, usual))
        assert abs(half[f"{column}_high"] - half[f"{column}_low"]) <= abs(whole[f"{column}_high"] - whole[f"{column}_low"]), name  # fmt: skip
    evidence = [found["designed"].found["term_by_grade"].evidence for found in (at_half, usual)]
    half, whole = (table["realised_high"] - table["realised_low"] for table in evidence)
    assert (half < whole)[whole.notna()].all()


def test_a_sample_is_called_one():
    assert Basis(2, 1, 0.9, sampled=True).words["judged"] == "n = 1 test loans of a stratified sample; 90 % bootstrap intervals"  # fmt: skip


def test_every_exhibit_shows_itself(usual: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    seen: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda one, **_: seen.append(one))
    for exhibit in shown(usual):
        seen.clear()
        exhibit._ipython_display_()
        text = "\n".join(str(one.data) for one in seen if isinstance(one, Markdown))
        assert exhibit.figure is None or exhibit.figure in seen, exhibit.name
        assert exhibit.table is None or "|" in text, exhibit.name
        assert exhibit.notice is None or exhibit.notice in seen
        assert exhibit.line in text or not exhibit.name, exhibit.name


def test_no_number_of_a_table_is_shown_as_text(usual: dict[str, Any]):
    for exhibit in shown(usual):
        for column, kind in exhibit.columns.items():
            assert exhibit.table is not None
            values = pd.to_numeric(exhibit.table[column].dropna(), errors="coerce")
            assert kind != "text" or values.isna().all() or column == "pincode", (exhibit.name, column)


def test_what_is_said_of_a_table_is_true_of_it(usual: dict[str, Any]):
    by_name = {exhibit.name: exhibit for exhibit in shown(usual)}
    swings, curve, products = (by_name[f"policy-{name}"] for name in ("tornado", "trade-off", "segments"))
    widest = usual["swings"].loc[usual["swings"]["swing"].idxmax(), "label"]
    assert f"the {widest} moves" in swings.title
    assert curve.title.startswith("Thresholds of the model earned from ")
    counts = usual["segments"]["verdict"].value_counts()
    assert products.title.startswith(f"Of {len(usual['segments'])} products ")
    assert ("earn" not in products.title.replace("none is shown to earn or to lose money", "")) == (counts.get("earns", 0) == 0)  # fmt: skip


def decided(*, pure: tuple[str, ...], high: float) -> str:
    row = {"approved": 0.7, "good_refused": 0.2, "profit_change": -1.0}
    row |= {f"{name}_{end}": value for name, value in row.items() for end in ("low", "high")} | {"profit_change_high": high}  # fmt: skip
    policy = {
        "recommendation": "Leave it.", "caveat": "Assumed: much.", "f2_sentence": say.f2_sentence(row, "F2", 0.95),
        "pincode": {"advice": say.pincode_advice(pure)},
    }  # fmt: skip
    return insights.decision(SimpleNamespace(result=lambda _: policy))  # type: ignore[arg-type]


def test_the_decision_asked_for_follows_from_results():
    told = decided(pure=("93700",), high=-0.5)
    assert told.startswith(
        "**Leave it.** Keep the pincode out of every model and policy. Do not let F2 set the approval threshold: at"
    )
    assert told.endswith("Assumed: much. [The policy and its evidence](policy.qmd).")
    told = decided(pure=(), high=0.5)
    assert told.startswith(
        "**Leave it.** Where a borrower lives is also a fair-lending question: it can stand for race or origin. At the"
    )
    assert "Keep the pincode" not in told
    assert "Do not" not in told


@pytest.mark.parametrize(
    "path",
    [
        notebooks_dir() / "05_policy.ipynb",
        *(project_root() / "src" / "loantap" / "exhibits" / f"{name}.py" for name in ("policy", "policy_sentences", "plots/policy")),
        project_root() / "reports" / "policy.qmd",
    ],
    ids=lambda path: path.name,
)  # fmt: skip
def test_no_level_of_confidence_and_no_verdict_is_typed(path):
    text = path.read_text("utf-8")
    assert not re.search(r"\b\d+ %", text)
    assert "must not be used" not in text.lower()
    assert not re.search(r"^#.*\bnot\b", "\n".join(re.findall(r"(?m)^## .*$", text)))
