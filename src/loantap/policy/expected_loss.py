"""Expected loss in currency of the loans that a rule grants, by grade: PD x LGD x EAD."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from loantap.analysis.levels import factor_values
from loantap.data.annuity import balance_after
from loantap.model.economics import column, installments_paid
from loantap.policy.book import Book


def expected_loss(book: Book, refusals: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return the expected loss of the granted by grade.

    PD is the model's probability of default, LGD and the exposure at default follow from the assumptions: the exposure is the
    balance after the share of installments that is paid before a default. Undiscounted, over the life of a loan.

    Returns:
        One row per rule and grade: name, grade, n_granted, amount (lent), exposure (at default, if all defaulted) and expected_loss, in
        currency, and share (expected_loss over amount, NaN where nothing is lent).
    """
    loans, economics = book.loans, book.economics
    paid = installments_paid(loans, economics.default_after)
    amount, rate, installment = (column(loans, name) for name in ("loan_amnt", "int_rate", "installment"))
    exposure = np.maximum(balance_after(amount, rate, installment, paid), 0.0)
    each = pd.DataFrame(
        {"n_granted": 1, "amount": book.amount, "exposure": exposure, "expected_loss": book.probability * economics.loss_given_default * exposure}
    )  # fmt: skip
    grade = factor_values(loans, "grade")
    parts = [
        each.mul(~refused, axis=0)
        .groupby(grade, observed=True)
        .sum()
        .rename_axis("grade")
        .reset_index()
        .assign(name=name)
        for name, refused in refusals.items()
    ]
    table = pd.concat(parts, ignore_index=True).astype({"grade": "str"})
    table["share"] = table["expected_loss"] / table["amount"].where(table["amount"] > 0)
    return table[["name", "grade", "n_granted", "amount", "exposure", "expected_loss", "share"]]
