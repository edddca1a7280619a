"""How a raw loan is coded as numbers: levels in the order that risk or rank follows, months, latent columns."""

import numpy as np
import pandas as pd

from loantap.data.applications import MONTH_NAMES
from loantap.data.columns import BY_NAME, OUTCOMES

STATUSES = OUTCOMES
FIRST_YEAR = 2007

# The levels of each category, ordered so that a rank correlation with them has a meaning.
LEVEL_ORDER: dict[str, tuple[str, ...]] = {
    **{
        name: BY_NAME[name].levels
        for name in ("sub_grade", "term", "verification_status", "emp_length", "initial_list_status")
    },
    "home_ownership": ("RENT", "OTHER", "NONE", "ANY", "OWN", "MORTGAGE"),
}

# The numeric columns drawn from intervals, with the step of their values; credit_months is issue_d - earliest_cr_line.
MEASURE_STEPS: dict[str, float] = {
    "loan_amnt": 25,
    "annual_inc": 1,
    "dti": 0.01,
    "open_acc": 1,
    "total_acc": 1,
    "revol_bal": 1,
    "revol_util": 0.1,
    "credit_months": 1,
}

# Steps that values outside the spikes are rounded to: hardly anyone reports an income to the single unit.
MEASURE_GRAINS: dict[str, int] = {"annual_inc": 10}

# The columns that hang together through rank correlations; no_employment marks a missing emp_length.
LATENTS = (
    "sub_grade",
    "term",
    "loan_amnt",
    "annual_inc",
    "dti",
    "open_acc",
    "total_acc",
    "revol_bal",
    "revol_util",
    "pub_rec",
    "pub_rec_bankruptcies",
    "mort_acc",
    "emp_length",
    "no_employment",
    "home_ownership",
    "verification_status",
    "issue_d",
    "credit_months",
    "initial_list_status",
)


def month_number(dates: pd.Series) -> pd.Series:
    """Return months since January 2007 of dates such as "Jan-2015"."""
    parsed = pd.to_datetime(dates, format="%b-%Y")
    return (parsed.dt.year - FIRST_YEAR) * 12 + parsed.dt.month - 1


def month_label(months: np.ndarray) -> list[str]:
    """Return dates such as "Jan-2015" of months since January 2007."""
    return [f"{MONTH_NAMES[m % 12]}-{FIRST_YEAR + m // 12}" for m in np.asarray(months).tolist()]


def code_columns(loans: pd.DataFrame) -> pd.DataFrame:
    """Return the LATENTS of raw loans as numbers, in that order; missing stays missing."""
    issued = month_number(loans["issue_d"])
    made = {
        "issue_d": issued,
        "credit_months": issued - month_number(loans["earliest_cr_line"]),
        "no_employment": loans["emp_length"].isna(),
    }
    codes = {}
    for name in LATENTS:
        if name in made:
            codes[name] = made[name]
        elif name in LEVEL_ORDER:
            numbers = {level: i for i, level in enumerate(LEVEL_ORDER[name])}
            codes[name] = loans[name].str.strip().map(numbers)
        else:
            codes[name] = loans[name]
    return pd.DataFrame(codes).astype(float)
