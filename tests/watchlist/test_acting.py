"""What to do about a month's loans: offers on what is owed now, and a work list that forgets nobody."""

import numpy as np
import pandas as pd
import pytest
from test_month import LOANS, terms, tiny, watched

from loantap.data.panel import Panel
from loantap.model.economics import Economics
from loantap.watchlist.hazards import MIN_MONTHS, why_not
from loantap.watchlist.offers import options
from loantap.watchlist.settings import read_settings
from loantap.watchlist.worklist import Acting, act

NAN = float("nan")
RISK = pd.Series({"rises": 0.3, "stays": 0.5, "wakes": 0.1})


def acting(panel: Panel | None = None, *, applications: pd.DataFrame | None = None, risk: pd.Series = RISK) -> Acting:
    month = watched(tiny() if panel is None else panel)
    known = terms(*month.panel.loan_id) if applications is None else applications
    return act(month, applications=known, risk=risk, economics=Economics(), saved=read_settings().acting)


def offers_to(name: str, acted: Acting) -> pd.DataFrame:
    return acted.offers[acted.offers["loan_id"] == name].reset_index(drop=True)


def test_red_loans_get_offers_on_a_revolving_balance_that_moved_with_the_utilisation():
    acted = acting(applications=terms("rises", "someone else"))
    assert acted.offers["loan_id"].unique().tolist() == ["rises", "joins"]
    # Utilisation was 48.5% at the application and is 97%, so the revolving balance of 1,000 has become 2,000.
    rises = terms("rises").assign(balance=7_000.0, dti=45.0, revol_bal=2_000.0, probability=0.3)
    pd.testing.assert_frame_equal(offers_to("rises", acted), options(rises, economics=Economics()))
    unknown = offers_to("joins", acted)
    assert unknown["reason"].unique().tolist() == ["int_rate is missing"]
    assert unknown["installment"].isna().all()


@pytest.mark.parametrize("then", [0.0, NAN])
def test_a_revolving_balance_whose_utilisation_was_not_known_stays(then: float):
    acted = acting(applications=terms("rises").assign(revol_util=then))
    rises = terms("rises").assign(balance=7_000.0, dti=45.0, probability=0.3)
    pd.testing.assert_frame_equal(offers_to("rises", acted), options(rises, economics=Economics()))


def test_applications_with_numbers_that_know_missing_values_are_taken():
    nullable = terms("rises").convert_dtypes()
    one, other = (acting(applications=known).offers for known in (nullable, terms("rises")))
    pd.testing.assert_frame_equal(one, other)


def test_without_a_red_loan_there_are_no_offers():
    acted = acting(tiny({"calm": LOANS["calm"], "stays": LOANS["stays"]}))
    assert acted.offers.empty
    assert {"loan_id", "offer", "expected_cost", "reason"} <= set(acted.offers.columns)
    assert acted.worklist["loan_id"].tolist() == ["stays"]


def test_the_work_list_holds_who_is_on_the_list_and_who_was_and_is_gone():
    listed = acting().worklist.set_index("loan_id")
    # 5% of 2,000 x 75% in default; of the others a fifth of risk x balance x 75%; red and gone loans that nobody knows it of come first, amber ones last.
    assert listed["could_save"].dropna().round(2).to_dict() == {
        "stays": 600.0,
        "rises": 315.0,
        "wakes": 135.0,
        "defaults": 75.0,
    }
    assert listed.index.tolist() == ["joins", "leaves", "stays", "rises", "wakes", "defaults", "eases"]
    gone = listed.loc["leaves"]
    assert (gone["light"], gone["exposure"], gone["days_past_due"]) == ("gone", 6_000.0, 0)
    assert gone["reasons"] == "not delivered; amber the month before"
    assert gone["changed"] == "gone: not delivered"
    assert listed.loc["rises", ["since", "changed"]].tolist() == ["2020-02", "worse: now red"]


def test_a_green_loan_that_is_gone_is_on_no_list():
    left = LOANS["leaves"]
    panel = tiny({"calm": LOANS["calm"], "green": ((20.0, NAN), left[1], left[2])})
    assert acting(panel).worklist.empty


def test_days_that_are_carried_say_of_when_they_are():
    panel = tiny({"calm": LOANS["calm"], "silent": ((20.0, 20.0), (50.0, 50.0), (45.0, NAN))})
    row = acting(panel).worklist.iloc[0]
    assert (row["days_past_due"], row["days_past_due_as_of"], row["light"]) == (45, "2020-01", "red")


def test_too_short_a_panel_has_no_probability_and_says_so():
    month = watched(tiny())
    assert f"it needs {MIN_MONTHS} months" in why_not(month.panel, month.standing)
    assert np.isnan(acting(risk=pd.Series(dtype=float)).worklist.set_index("loan_id").loc["rises", "expected_loss"])
