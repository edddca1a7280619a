"""Who is refused: the refused by grade, term, decile of risk, income band and home ownership."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from loantap.analysis.levels import factor_values
from loantap.data.annuity import balance_after
from loantap.model.economics import loan_terms
from loantap.policy.book import Book
from loantap.policy.fairness import income_bands

_DECILES = 10


def composition(book: Book, refusals: Mapping[str, np.ndarray], *, min_cell: int) -> pd.DataFrame:
    """Return how many loans of each level each rule refuses, as `composition_of` does for the loans of a book."""
    return composition_of(book.loans, book.probability, refusals, min_cell=min_cell)


def composition_of(
    loans: pd.DataFrame, probability: np.ndarray, refusals: Mapping[str, np.ndarray], *, min_cell: int
) -> pd.DataFrame:
    """Return how many loans of each level each rule refuses.

    Args:
        loans: grade, term, annual_inc and home_ownership of n loans.
        probability: Predicted probability of default, shape (n,).
        refusals: Whether each rule refuses each loan, shape (n,), by the name of the rule.
        min_cell: Levels with fewer loans are joined to one, and the smallest of the others with them if that is still small or one level.

    Returns:
        One row per rule, attribute and level: name, attribute, level, n (loans of the level), n_refused, refused (n_refused / n)
        and of_refused (n_refused over all that the rule refuses; NaN where it refuses nobody). Over the levels of an attribute n adds up
        to the loans of the book, and n_refused to those that the rule refuses. The first decile of risk is the safest tenth.
    """
    levels = {name: _joined(level, min_cell=min_cell) for name, level in _levels(loans, probability).items()}
    rows = []
    for name, refused in refusals.items():
        for attribute, level in levels.items():
            counts = pd.DataFrame({"n": 1, "n_refused": np.asarray(refused, dtype=int)}).groupby(level, observed=True)
            rows.append(counts.sum().rename_axis("level").reset_index().assign(name=name, attribute=attribute))
    table = pd.concat(rows, ignore_index=True).astype({"level": "str"})
    total = table.groupby(["name", "attribute"])["n_refused"].transform("sum")
    table = table.assign(
        refused=table["n_refused"] / table["n"], of_refused=table["n_refused"] / total.where(total > 0)
    )
    return table[["name", "attribute", "level", "n", "n_refused", "refused", "of_refused"]]


def _levels(loans: pd.DataFrame, probability: np.ndarray) -> dict[str, pd.Series]:
    place = pd.Series(probability).rank(method="first")
    decile = (_DECILES * (place - 1) // len(place) + 1).astype(int)
    bands = pd.DataFrame({"income_band": income_bands(loans["annual_inc"])})
    return {
        "grade": factor_values(loans, "grade"),
        "term": factor_values(loans, "term"),
        "risk_decile": decile.astype("category"),
        "income_band": factor_values(bands, "income_band"),
        "home_ownership": factor_values(loans, "home_ownership"),
    }


def _joined(level: pd.Series, *, min_cell: int) -> pd.Series:
    """Return the levels in their order, with the small ones as one, which stands last."""
    counts = level.value_counts(sort=False)
    counts = counts[counts > 0]
    small, others = list(counts.index[counts < min_cell]), counts[counts >= min_cell].sort_values(kind="stable")
    for name in others.index:  # one level's loans would follow from the total
        if not small or (len(small) > 1 and counts[small].sum() >= min_cell):
            break
        small.append(name)
    joined = " or ".join(map(str, small))
    order = [str(name) for name in counts.index if name not in small] + ([joined] if small else [])
    texts = [joined if name in small else str(name) for name in level]
    return pd.Series(pd.Categorical(texts, categories=order, ordered=True))


def expected_loss(book: Book, refusals: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return the expected loss of the granted by grade.

    PD is the model's probability of default, LGD and the exposure at default follow from the assumptions: the exposure is the
    balance after the share of installments that is paid before a default. Undiscounted, over the life of a loan.

    Returns:
        One row per rule and grade: name, grade, n_granted, amount (lent), exposure (at default, if all defaulted) and expected_loss, in
        currency, and share (expected_loss over amount, NaN where nothing is lent).
    """
    loans, economics = book.loans, book.economics
    amount, rate, installment, paid = loan_terms(loans, economics.default_after)
    exposure = np.maximum(balance_after(amount, rate, installment, paid), 0.0)
    each = pd.DataFrame(
        {"n_granted": 1, "amount": book.amount, "exposure": exposure, "expected_loss": book.probability * economics.loss_given_default * exposure}
    )  # fmt: skip
    grade = factor_values(loans, "grade")
    parts = {name: each.mul(~refused, axis=0).groupby(grade, observed=True).sum() for name, refused in refusals.items()}
    table = pd.concat(parts, names=["name", "grade"]).reset_index().astype({"grade": "str"})
    table["share"] = table["expected_loss"] / table["amount"].where(table["amount"] > 0)
    return table[["name", "grade", "n_granted", "amount", "exposure", "expected_loss", "share"]]
