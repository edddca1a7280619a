"""From checked loans to the frame that every analysis reads."""

import pandas as pd

from loantap.data.columns import BY_NAME, CHARGED_OFF, OUTCOMES


def clean_loans(checked: pd.DataFrame) -> pd.DataFrame:
    """Turn checked, finished loans into the analysis frame.

    Args:
        checked: The frame of `loantap.data.contract.check_loans` without failing rows, indexed by row number;
            loans with an unfinished status are left out here.

    Returns:
        The same loans, typed, with `row` as a column and `default`: 1 for Charged Off, 0 for Fully Paid.
        The postal address is gone; its `state` and `pincode` stay.
    """
    loans = checked.loc[checked["loan_status"].isin(OUTCOMES)]
    default = (loans["loan_status"] == CHARGED_OFF).astype("int8")
    return typed(loans).assign(default=default).reset_index(names="row")


def typed(checked: pd.DataFrame) -> pd.DataFrame:
    """Return checked loans or applications with `term` as a number of months and categories in the codebook's order.

    Missing values stay missing; the outcome stays a text.
    """
    categories = {
        name: pd.Categorical(checked[name], categories=list(BY_NAME[name].levels), ordered=BY_NAME[name].ordered)
        for name in checked.columns
        if name in BY_NAME and BY_NAME[name].kind == "category" and name not in ("loan_status", "term")
    }
    return checked.assign(**categories, term=checked["term"].str.removesuffix(" months").astype("int16"))
