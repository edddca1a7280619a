"""The first page's sentences are made of a run's results, whichever factors it tested, and are true of the tables beside them."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from loantap.analysis.association import analyse
from loantap.exhibits import association, insights
from loantap.report.page import Page
from loantap.report.results import RunFolder

DRIVERS = [{"id": "term", "text": "Long loans default more often (n = 9)."}]
SCORES = {"roc_auc": 0.6, "f2": 0.59, "f0.5": 0.31}
TEST = {
    "n": 100,
    **SCORES,
    "ci": dict.fromkeys(SCORES, (0.3, 0.7)),
    "confusion": {"tn": 40, "fp": 40, "fn": 5, "tp": 15},
}
REFUSAL = ("refused", "defaults_avoided", "good_refused", "amount_defaults_avoided", "amount_good_refused")
MODEL = {
    "without_pincode": {
        "test": TEST, "smote": {"test": TEST}, "beta": 2.0, "confidence": 0.9, "threshold": 0.12, "profit_threshold": 0.5, "capacity": 0.1,
        "capacity_threshold": 0.4, "referred": {"threshold": 0.69, "profit_threshold": 0.03, "capacity_threshold": 0.1},
        "refusal": {name: {"estimate": 0.4, "ci_low": 0.3, "ci_high": 0.5} for name in REFUSAL}, "profit_sentence": "It pays.",
    }, "with_pincode": {"test": TEST},
    "application_only": {"test": TEST, "confidence": 0.9},
    "baselines": [{"name": "grade", "test": TEST}],
}  # fmt: skip


def column(name: str, auc: float, *, verdict: str = "clear", known: str = "application") -> dict[str, Any]:
    return {
        "column": name,
        "known": known,
        "auc": auc,
        "auc_low": auc - 0.03,
        "auc_high": auc + 0.03,
        "verdict": verdict,
    }


def page(
    folder: Path, *factors: str, columns: list[dict[str, Any]] = (), confidence: float = 0.95, alpha: float = 0.05
) -> Page:  # type: ignore[assignment]
    """Return the page of a run with these factors, each of whose levels differ, and these columns in the search for leaks."""
    stages = [{"name": "ingest"}, *({"name": f"association-{factor}"} for factor in factors), {"name": "claims"}]
    (folder / "manifest.json").write_text(json.dumps({"run_id": "r1", "data": {"kind": "file"}, "stages": stages}))
    run = RunFolder(folder)
    shape = {"n": 9_000, "default_rate": 0.2, "ci_low": 0.19, "ci_high": 0.21}
    run.write_result("eda", {"shape": shape, "settings": {"confidence": confidence}, "findings": DRIVERS})
    run.write_result("leaks", {"columns": list(columns), "alpha": alpha})
    run.write_result("model", MODEL)
    for factor in factors:
        counts = pd.DataFrame({"level": ["a", "b", "c"], "n": [3_000] * 3, "defaults": [300, 600, 900]})
        found = analyse(counts, factor=factor)
        run.write_result(f"association_{factor}", found.to_dict() | {"warning": ""})
        run.publish(association.levels(found))
    return Page(run)


def test_the_strongest_column_is_that_of_the_search(tmp_path: Path):
    columns = [column("pincode", 0.83, verdict="leak"), column("sub_grade", 0.70, known="pricing"), column("grade", 0.69, known="pricing"), column("term", 0.6)]  # fmt: skip
    told = insights.headline(page(tmp_path, columns=columns))
    assert told.startswith(
        "**20.0% of 9,000 finished loans defaulted** (95% interval 19.0 to 21.0%), and the single column that"
    )
    assert (
        "is the lender's own sub\\_grade (AUC 0.700, 0.670 to 0.730, out of fold; 95% intervals for all columns at once), hardly apart from grade"
        in told
    )
    assert told.endswith("; pincode (AUC 0.830, 0.800 to 0.860) gives the outcome away and must not be used.")
    assert "term" not in told


def test_without_a_column_that_is_shown_to_tell_anything_none_is_named(tmp_path: Path):
    told = insights.headline(page(tmp_path, columns=[column("grade", 0.51), column("pincode", 0.52)]))
    assert told.endswith("; no single column is shown to go with it.")
    assert not [word for word in ("grade", "pincode", "lender") if word in told]


def test_many_columns_that_are_hardly_apart_are_counted(tmp_path: Path):
    columns = [column(f"c{place}", 0.6) for place in range(6)]
    assert "hardly apart from 5 others" in insights.headline(page(tmp_path, columns=columns))


def test_the_confidence_is_the_one_of_the_run(tmp_path: Path):
    told = insights.headline(page(tmp_path, columns=[column("term", 0.6)], confidence=0.5, alpha=0.2))
    assert "(50% interval" in told
    assert "80% intervals for all columns" in told
    assert "95%" not in told


@pytest.mark.parametrize(
    "factors", [("pincode", "grade", "profession", "home_ownership"), ("grade", "purpose"), ("state",)]
)
def test_findings_are_those_of_the_factors_that_were_tested(tmp_path: Path, factors: tuple[str, ...]):
    shown = page(tmp_path, *factors)
    told = insights.findings(shown)
    linked = [
        factor for factor in ("pincode", "grade", "profession") if f"#fig-association-{factor}-" in " ".join(told)
    ]
    assert linked == [factor for factor in ("pincode", "grade", "profession") if factor in factors]
    assert len(told) == len(linked) + 2
    assert shown.factors == [*factors]


def test_a_finding_says_what_its_table_says(tmp_path: Path):
    shown = page(tmp_path, "grade")
    assert shown.run.exhibit("association-grade-levels", "tables").title in insights.findings(shown)[0]


def test_each_finding_says_the_confidence_of_its_intervals_once(tmp_path: Path):
    shown = page(tmp_path, "pincode", "grade")
    found = shown.run.result("association_grade")
    shown.run.write_result("association_grade", found | {"alpha": 0.5, "warning": ""})
    pincode, grade, _, model = insights.findings(shown)
    assert "0.204, 95% interval 0.183 to 0.225, n = 9,000." in pincode
    assert "0.204, 50% interval 0.183 to 0.225, n = 9,000." in grade
    assert "ROC-AUC 0.600 (90% interval 0.300 to 0.700) and F2 0.590 (0.300 to 0.700)" in model
    assert "ROC-AUC is 0.600 (90% interval 0.300 to 0.700) rather than 0.600 (0.300" in insights.pricing(shown)


def test_a_factor_that_was_left_out_is_said_to_be(tmp_path: Path):
    shown = page(tmp_path, "grade", "home_ownership")
    assert (
        insights.made_by(shown, "grade")
        == "How this was computed: [the notebook on grade](notebooks/association-grade.ipynb)."
    )
    told = insights.made_by(shown, "pincode")
    assert told.startswith("This run did not test pincode: it tested grade and home ownership.")
    assert "-P factors=grade,home_ownership,pincode" in told


def test_the_notice_on_the_pincode_asks_and_the_result_answers(tmp_path: Path):
    shown = page(tmp_path, "pincode")
    shown.run.write_result("association_pincode", {"warning": "No pincode is pure in these loans."})
    assert "Does the pincode give the outcome away?" in insights.warning(shown)
    assert "No pincode is pure in these loans." in insights.warning(shown)


def test_synthetic_titles_are_not_called_the_real_portfolios_own(tmp_path: Path):
    shown = page(tmp_path)
    data = {"kind": "synthetic", "period": ["2010-01", "2016-12"], "rows_read": 9, "rows": 9, "unfinished": 0, "duplicates": 0, "quarantined": 0}  # fmt: skip
    shown.data = data
    told = insights.provenance(shown)
    assert "but for free texts, such as job titles, most of which are invented and say nothing of default" in told


def test_models_are_compared_in_the_score_of_the_run(tmp_path: Path):
    shown = page(tmp_path, "grade")
    assert all("F2 0.590" in told for told in (insights.findings(shown)[-1], insights.pricing(shown)))
    shown.run.write_result("model", MODEL | {"without_pincode": MODEL["without_pincode"] | {"beta": 0.5}})
    shown = Page(shown.run)
    for told in (insights.findings(shown)[-1], insights.pricing(shown)):
        assert "F0.5 0.310" in told
        assert "F2" not in told


def test_the_share_referred_at_all_three_thresholds_comes_first_where_their_price_is_told(
    tmp_path: Path,
):
    shown = page(tmp_path, "grade")
    told = (
        "Of all applications the model refers 69.0% at the F2 threshold (12.0%), 3.0% at the profit threshold (50.0%) and 10.0% at the "
        "threshold for a capacity of 10% (40.0%); n = 100 test loans."
    )
    assert insights.at_f2(shown).startswith(
        f"**{told}** If nobody looked at what is referred, the threshold for F2 would have refused 40.0%"
    )


def test_the_decision_says_what_is_recommended_whom_it_hits_and_what_the_model_refers(tmp_path: Path):
    shown = page(tmp_path, "grade")
    said = {
        "recommendation": "Nothing is recommended.",
        "who": "",
        "against_risk": "",
        "thresholds_sentence": "The model refers 69.0%.",
        "caveat": "Assumed: much.",
    }
    shown.run.write_result("policy", said | {"pincode": {"advice": "Keep it out."}})
    first, *rest = insights.decision(Page(shown.run)).split("\n\n")
    assert first == "**Nothing is recommended.**"
    assert rest[:3] == ["The model refers 69.0%.", "Assumed: much.", "Keep it out."]
    assert "policy.qmd#sec-who" in rest[3]


def test_a_rule_by_grade_that_refuses_everybody_is_said_to(tmp_path: Path):
    shown = page(tmp_path, "grade")
    assert "by grade alone and" in insights.findings(shown)[-1]
    everybody = TEST | {"confusion": {"tn": 0, "fp": 80, "fn": 0, "tp": 20}}
    shown.run.write_result("model", MODEL | {"baselines": [{"name": "grade", "test": everybody}]})
    assert "by grade alone, which refuses every loan," in insights.findings(Page(shown.run))[-1]
