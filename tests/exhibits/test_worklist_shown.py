"""Exhibits of the work list and of live monitoring: what they say, from their numbers alone."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from loantap.exhibits import early_warning
from loantap.exhibits import worklist as exhibits
from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.words import to_markdown
from loantap.model.economics import Economics
from loantap.watchlist.last_worklist import outcomes
from loantap.watchlist.live_performance import MEASURES, expected_performance
from loantap.watchlist.settings import read_settings
from loantap.watchlist.worklist import worklist

NAN = float("nan")
SAVED = read_settings().acting


def listed() -> pd.DataFrame:
    known = {
        "light": "red", "since": "before 2016\N{NON-BREAKING HYPHEN}01", "reasons": "days past due: 45", "exposure": 10_000.0, "days_past_due": 45.0, "pd_12_months": 0.2,
        "changed": "from amber to red", "offer": "12 months longer", "expected_cost": 12.5, "days_past_due_as_of": "",
    }  # fmt: skip
    rows = [
        known | {"loan_id": "L1"},
        known | {"loan_id": "L2", "days_past_due_as_of": "2016-02", "exposure": 500.0},
        known | {"loan_id": "L3", "days_past_due": NAN, "pd_12_months": NAN, "offer": "", "expected_cost": NAN},
    ]
    return worklist(pd.DataFrame(rows), economics=Economics(loss_given_default=0.5), saved=SAVED)


def shown(exhibit: Exhibit) -> str:
    assert exhibit.table is not None
    return to_markdown(exhibit.table, exhibit.columns)


def test_the_work_list_says_what_acting_could_save_and_that_it_is_assumed():
    found = exhibits.work(listed(), month="2016-05", saved=SAVED, no_risk="")
    # 0.2 x 0.5 x 10,500 = 1,050, of which a fifth.
    assert found.title == (
        "Work list of 2016-05: 3 loans with an expected loss of 1,050, of which acting is assumed to save 210; "
        "of 1 the expected loss is not known"
    )
    assert "These shares are assumptions" in found.caption
    for words in (
        "45 (known in 2016-02)",
        "before 2016\N{NON-BREAKING HYPHEN}01",
        "Default within 12 months",
        "20.0%",
        "Acting could save",
        "–",
    ):
        assert words in shown(found)
    assert "_" not in shown(found)  # no raw name
    assert "Expected loss" in shown(exhibits.by_light(listed()))


def test_the_offers_that_fit_are_counted():
    chosen = pd.DataFrame(
        {"loan_id": list("abcd"), "offer": ["x", "", "x", "y"], "expected_cost": [10.0, NAN, NAN, 5.0]}
    )
    found = exhibits.fitting(chosen, dti_at_most=40.0, relief=0.07, fall=0.3)
    assert found.title == "An offer fits 3 of 4 loans"
    assert "to 40% or less and lowers the debt payments by 7% or more" in found.caption
    assert "more than 30% of the risk" in found.caption
    assert found.table.set_index("offer")["n"].to_dict() == {"x": 2, "none fits": 1, "y": 1}
    assert found.table.set_index("offer")["expected_cost"].dropna().to_dict() == {"x": 10, "y": 5}


def test_what_became_of_the_rows_is_shown_and_what_people_wrote_is_no_markup():
    owner = "<script>alert(1)</script>\n| x |" + "y" * 10_000
    last = pd.DataFrame(
        {
            "loan_id": list("ab"),
            "light": "red",
            "owner": [owner, ""],
            "status": "open",
            "due_date": "2016-05-01",
            "note": "",
        }
    )
    whole, parts = exhibits.became(
        outcomes(last, pd.DataFrame({"loan_id": ["a"], "light": ["green"]}), today=date(2016, 6, 1))
    ).parts
    assert whole.title == "What became of the 2 loans of the last work list"
    assert "Due dates that have passed" in whole.text
    assert whole.table.set_index("outcome")["loans"].to_dict() == {"eased": 1, "gone": 1}
    assert "<script>" not in shown(parts)
    assert len(shown(parts).splitlines()) == 2 + len(parts.table)
    assert max(map(len, shown(parts).splitlines())) < 400


@pytest.fixture(scope="module")
def chances() -> np.ndarray:
    return np.append(np.random.default_rng(0).beta(1.5, 6, 1_000), NAN)


def test_expected_performance_says_what_it_rests_on(chances: np.ndarray):
    found = expected_performance(chances, threshold=0.25, random_state=0, confidence=0.8)
    shown_ = early_warning.expected(found, confidence=0.8, threshold=0.25)
    assert shown_.title.startswith("If the calibration holds, ")
    for words in (
        "80% intervals",
        "from a probability of 25.0%",
        "n = 1,000 loans, 1 left out",
        "only outcomes can show",
    ):
        assert words in shown_.caption
    assert "95%" not in shown_.caption
    assert len(shown_.figure.axes[0].get_yticklabels()) == len(MEASURES)
    assert "Brier score" in shown(shown_)


def test_a_measure_that_is_undefined_is_not_drawn():
    found = expected_performance(np.full(50, 1e-4), threshold=0.25, random_state=0)
    shown_ = early_warning.expected(found, confidence=0.95, threshold=0.25)
    assert [label.get_text() for label in shown_.figure.axes[0].get_yticklabels()] == ["Default rate", "Brier score"]
    assert "nan" not in shown(shown_).lower()


def test_the_strongest_two_reasons_stand_in_the_list():
    rows = pd.DataFrame({"reasons": ["x", "x; y", "x; y; z"]})
    assert exhibits.with_main_reasons(rows)["mainly"].tolist() == ["x", "x; y", "x; y, and 1 more"]


def test_without_probabilities_the_list_says_why_and_shows_no_column_of_dashes():
    unknown = listed().assign(pd_12_months=NAN, expected_loss=NAN, could_save=NAN)
    found = exhibits.work(unknown, month="2016-05", saved=SAVED, no_risk="No probability over time: too short.")
    assert "No probability over time: too short." in found.caption
    assert "could_save" not in found.columns
    assert found.title == "Work list of 2016-05: 3 loans with an exposure of 20,500"
