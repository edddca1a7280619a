"""The features that are computed from raw columns: each declared once, as the columns are in `loantap.data.columns`."""

from numbers import Real
from typing import Any

from loantap.data.declarations import NO_ORDER, Feature, Step


def _some(income: Any) -> Any:
    """Return an income to divide by: one of 0 counts as 1."""
    return max(income, 1.0) if isinstance(income, Real) else income.clip(lower=1)


COMPUTED: tuple[Feature, ...] = (
    Feature(
        "emp_length_years", "years in employment; under one counts as 0, ten or more as 10", ("emp_length",), lambda years: years,
        label="employment", enters="as it is", code="R14", phrase="the time in employment", form="{:.0f} years",
        step=Step("5 more years employed", by=5), unknown="employment not stated", higher="safer", because="an income of long standing is steadier",
    ),
    Feature(
        "credit_history_months", "months from the first credit line to the funding", ("issue_d", "earliest_cr_line"),
        lambda funded, first: funded - first,
        label="credit history", enters="as it is", curved=True, code="R15", phrase="the length of the credit history", form="{:.0f} months",
        step=Step("5 more years of credit history", by=60), higher="safer", because="more years have shown how debts are handled",
    ),
    Feature(
        "loan_to_income", "the amount as a share of annual income", ("loan_amnt", "annual_inc"), lambda amount, income: amount / _some(income),
        label="amount to income", enters="ratio", curved=True, code="R16", phrase="the amount as a share of annual income", form="{:.0%}",
        voice="amount", no_step="follows from amount and income, which have their own",
        higher="riskier", because="the loan takes more of the income",
    ),
    Feature(
        "pincode", "the last five digits of the address; a leak, for comparison with the original figures only", ("address",),
        label="pincode", enters="category", code="R23", phrase="the pincode", form="{}",
        no_step="where all loans of a level end alike, only the penalty bounds it", higher="open", because=NO_ORDER,
    ),
)  # fmt: skip
