import numpy as np
import pandas as pd
import pytest

from loantap.data.columns import BY_NAME
from loantap.model.metadata import summarise_training


def test_the_summary_agrees_with_the_loans(loans: pd.DataFrame):
    summary = summarise_training(loans, inputs="without_pincode")
    assert (summary.rows, summary.defaults) == (len(loans), loans["default"].sum())
    dti = summary.numbers["dti"]
    assert dti.median == loans["dti"].median()
    assert dti.low <= np.sort(loans["dti"])[9]
    assert np.sort(loans["dti"])[-10] <= dti.high
    assert summary.categories["purpose"]["credit_card"] == (loans["purpose"] == "credit_card").mean()
    assert summary.period == ("2007-06", "2016-12")


def test_what_is_missing_is_the_share_of_the_loans_of_the_last_two_years(loans: pd.DataFrame):
    recent = loans["issue_d"] > "2014-12-01"
    assert loans["issue_d"].max() == pd.Timestamp("2016-12-01")
    assert 0 < loans.loc[recent, "emp_length"].isna().mean() != loans["emp_length"].isna().mean()
    found = summarise_training(loans, inputs="without_pincode").numbers
    assert found["emp_length_years"].missing == loans.loc[recent, "emp_length"].isna().mean()
    # What nobody asked for in former years says nothing about an application of today.
    former = loans.assign(mort_acc=loans["mort_acc"].fillna(0).where(recent))
    assert summarise_training(former, inputs="without_pincode").numbers["mort_acc"].missing == 0


@pytest.mark.parametrize(("late", "missing"), [(49, 0.49), (50, 1.0)])
def test_of_few_recent_loans_all_say_what_is_missing(loans: pd.DataFrame, late: int, missing: float):
    some = loans.head(100).assign(issue_d=pd.Timestamp("2010-01-01"), mort_acc=1.0)
    some.loc[some.index[:late], "issue_d"] = pd.Timestamp("2014-01-01")
    some.loc[some.index[:late], "mort_acc"] = np.nan
    assert summarise_training(some, inputs="without_pincode").numbers["mort_acc"].missing == missing


def test_numbers_are_told_as_they_were_before_caps(loans: pd.DataFrame):
    wide = loans.assign(dti=np.linspace(0, 500, len(loans)))
    assert summarise_training(wide, inputs="without_pincode").numbers["dti"].high > 490


def test_levels_and_numbers_of_a_few_loans_are_left_out(loans: pd.DataFrame):
    few = loans.assign(
        purpose=["wedding"] * 9 + ["car"] * (len(loans) - 9), mort_acc=[1.0] * 19 + [np.nan] * (len(loans) - 19)
    )
    summary = summarise_training(few, inputs="without_pincode")
    assert set(summary.categories["purpose"]) == {"car"}
    assert "mort_acc" not in summary.numbers


def test_the_ends_of_a_range_are_round_and_nobodys_own(loans: pd.DataFrame):
    summary = summarise_training(
        loans.assign(annual_inc=np.linspace(1234, 987654, len(loans))), inputs="without_pincode"
    )
    income = summary.numbers["annual_inc"]
    tenth = (987654 - 1234) / (len(loans) - 1) * 9
    assert (income.low, income.high) == (3_400, 990_000)
    assert income.low <= 1234 + tenth
    assert income.high >= 987654 - tenth
    for known in summary.numbers.values():
        for end in (known.low, known.high):
            assert float(f"{end:.1e}") == pytest.approx(end, rel=1e-12)


def test_each_sub_grade_has_the_rates_of_loans_enough(loans: pd.DataFrame):
    found = summarise_training(loans, inputs="without_pincode").rates
    levels = list(BY_NAME["sub_grade"].levels)
    assert list(found) == levels
    places = loans["sub_grade"].cat.codes.to_numpy()
    rates = loans["int_rate"].to_numpy()
    for own, level in enumerate(levels):
        near = rates[places == own]
        assert (near <= found[level].high).mean() >= 0.8 or len(near) < 50
        assert (near >= found[level].low).mean() >= 0.8 or len(near) < 50
        # Ten loans at least lie at or beyond each end of the loans that it stands for.
        reach = next(reach for reach in range(35) if (abs(places - own) <= reach).sum() >= 50)
        stands_for = rates[abs(places - own) <= reach]
        assert (stands_for >= found[level].low).sum() >= len(stands_for) - 9
        assert (stands_for <= found[level].high).sum() >= len(stands_for) - 9
        for end in (found[level].low, found[level].high):
            assert float(f"{end:.1e}") == pytest.approx(end, rel=1e-12)


def test_sub_grades_of_too_few_loans_have_no_rates(loans: pd.DataFrame):
    assert summarise_training(loans.head(49), inputs="without_pincode").rates == {}
