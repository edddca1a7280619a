"""From checked loans to the frame that every analysis reads."""

import numpy as np
import pandas as pd

from loantap.data.columns import BY_NAME, CHARGED_OFF, OUTCOMES
from loantap.data.declarations import Column
from loantap.data.values import by_level


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
        name: _coded(checked[name], BY_NAME[name])
        for name in checked.columns
        if name in BY_NAME and BY_NAME[name].kind == "category" and name not in ("loan_status", "term")
    }
    term = by_level(checked["term"], lambda found: found.str.removesuffix(" months").astype("int16"))
    return checked.assign(**categories, term=term)


def _coded(values: pd.Series, column: Column) -> "pd.Categorical[str]":
    """Return a category in the codebook's order; each distinct level is looked up once."""
    codes, found = pd.factorize(values)
    places = {level: place for place, level in enumerate(column.levels)}
    of_found = np.array([*(places.get(level, -1) for level in found), -1], dtype=np.int8)
    return pd.Categorical.from_codes(of_found[codes], categories=pd.Index(column.levels), ordered=column.ordered)
