"""From checked loans to the frame that every analysis reads."""

import pandas as pd

from loantap.data.columns import CHARGED_OFF, COLUMNS, OUTCOMES

_CATEGORIES = [column for column in COLUMNS if column.kind == "category" and column.name not in ("loan_status", "term")]


def clean_loans(checked: pd.DataFrame) -> pd.DataFrame:
    """Turn checked, finished loans into the analysis frame.

    Args:
        checked: The frame of `loantap.data.contract.check_loans` without failing rows, indexed by row number;
            loans with an unfinished status are left out here.

    Returns:
        The same loans with `row` as a column, `term` as a number of months, categories as pandas categories in
        the codebook's order, missing values kept missing, and `default`: 1 for Charged Off, 0 for Fully Paid.
        The postal address is gone; its `state` and `pincode` stay.
    """
    loans = checked.loc[checked["loan_status"].isin(OUTCOMES)]
    cleaned = {
        column.name: pd.Categorical(loans[column.name], categories=list(column.levels), ordered=column.ordered)
        for column in _CATEGORIES
    }
    return loans.assign(
        **cleaned,
        term=loans["term"].str.removesuffix(" months").astype("int16"),
        default=(loans["loan_status"] == CHARGED_OFF).astype("int8"),
    ).reset_index(names="row")
