"""PD x LGD x EAD of the granted: by hand, and adding up."""

from dataclasses import replace

import numpy as np
import pytest
from policy_books import PLAIN, priced_book, random_book, whole_loans

from loantap.model.economics import Economics
from loantap.policy.composition import expected_loss

# At a rate of 0 a third of the installments leaves two thirds of what is owed: 110 / 36 * 12 = 36.67 paid of 100, so 63.33 is exposed; of
# 200 that bring 180, a loan in name only, 60 is paid and 140 is exposed.
HALF = replace(PLAIN, loss_given_default=0.5, default_after=1 / 3)
LOANS = whole_loans(
    4, grade=["A", "A", "B", "B"], loan_amnt=[100.0, 100.0, 200.0, 200.0], installment=[110 / 36, 110 / 36, 5.0, 5.0]
)
BOOK = priced_book(LOANS, [0.1, 0.2, 0.3, 0.4], HALF)


def test_expected_loss_by_grade_by_hand():
    table = expected_loss(BOOK, {"approve all": np.zeros(4, dtype=bool), "rule": np.array([False, True, True, True])})
    everybody, some = (table[table["name"] == name].set_index("grade") for name in ("approve all", "rule"))
    owed = 100 - 12 * 110 / 36
    assert everybody["n_granted"].to_dict() == {"A": 2, "B": 2}
    assert everybody["amount"].to_dict() == {"A": 200, "B": 400}
    assert everybody["exposure"].to_dict() == pytest.approx({"A": 2 * owed, "B": 280})
    assert everybody["expected_loss"].to_dict() == pytest.approx({"A": 0.3 * 0.5 * owed, "B": 0.7 * 0.5 * 140})
    assert everybody["share"].to_dict() == pytest.approx({"A": 0.15 * owed / 200, "B": 49 / 400})
    assert some[["n_granted", "amount", "expected_loss"]].loc["A"].tolist() == pytest.approx([1, 100, 0.1 * 0.5 * owed])
    assert some[["n_granted", "amount", "exposure", "expected_loss"]].loc["B"].tolist() == [0, 0, 0, 0]
    assert np.isnan(some.loc["B", "share"])  # nothing is lent there


def test_nothing_is_exposed_once_everything_is_paid():
    book = priced_book(LOANS, 0.2, replace(PLAIN, default_after=1.0))
    # 110 is paid of 100: nothing is owed, and not -10. Of the 200, 180 is paid.
    assert expected_loss(book, {"all": np.zeros(4, dtype=bool)})["exposure"].tolist() == pytest.approx([0, 40])


def test_the_granted_and_the_refused_add_up_to_all():
    book = random_book(300, seed=2)
    refused = book.probability > 0.2
    none = np.zeros(300, dtype=bool)
    totals = expected_loss(book, {"all": none, "granted": refused, "refused": ~refused}).groupby("name").sum(numeric_only=True)  # fmt: skip
    for column in ("n_granted", "amount", "exposure", "expected_loss"):
        assert totals.loc["granted", column] + totals.loc["refused", column] == pytest.approx(totals.loc["all", column])
    assert totals.loc["all", "n_granted"] == 300


def test_the_larger_the_loss_given_default_the_larger_the_expected_loss():
    table = [expected_loss(replace(BOOK, economics=Economics(loss_given_default=share)), {"all": np.zeros(4, dtype=bool)})["expected_loss"].sum() for share in (0.4, 0.8)]  # fmt: skip
    assert table[1] == pytest.approx(2 * table[0])
