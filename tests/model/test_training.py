import numpy as np
import pandas as pd

from loantap.model.training import summarise_training


def test_the_summary_agrees_with_the_loans(loans: pd.DataFrame):
    summary = summarise_training(loans, inputs="without_pincode")
    assert (summary.rows, summary.defaults) == (len(loans), loans["default"].sum())
    dti = summary.numbers["dti"]
    assert dti.median == loans["dti"].median()
    assert (dti.low, dti.high) == (np.sort(loans["dti"])[9], np.sort(loans["dti"])[-10])
    assert summary.numbers["mort_acc"].missing == loans["mort_acc"].isna().mean()
    assert summary.categories["purpose"]["credit_card"] == (loans["purpose"] == "credit_card").mean()
    assert summary.period == ("2007-06", "2016-12")


def test_numbers_are_told_as_they_were_before_caps(loans: pd.DataFrame):
    wide = loans.assign(dti=np.linspace(0, 500, len(loans)))
    assert summarise_training(wide, inputs="without_pincode").numbers["dti"].high > 490


def test_levels_and_numbers_of_a_few_loans_are_left_out(loans: pd.DataFrame):
    few = loans.assign(
        purpose=["wedding"] * 9 + ["car"] * (len(loans) - 9),
        mort_acc=[1.0] * 19 + [np.nan] * (len(loans) - 19),
    )
    summary = summarise_training(few, inputs="without_pincode")
    assert set(summary.categories["purpose"]) == {"car"}
    assert "mort_acc" not in summary.numbers
