"""The thresholds that a policy is compared with are the model's own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from policy_books import PLAIN, priced_book, random_book, whole_loans
from sklearn.metrics import fbeta_score

from loantap.model.economics import Economics
from loantap.model.persistence import load_model
from loantap.policy.book import make_book
from loantap.policy.listing import model_thresholds, thresholds_on

pytestmark = pytest.mark.slow


def test_f2_profit_and_capacity_are_the_models_own(loans: pd.DataFrame, model_folder: Path):
    saved, economics = load_model(model_folder), Economics()
    model = replace(saved, card={"economics": vars(economics)})
    book, dear = (
        make_book(loans, saved.probability(loans), one) for one in (economics, replace(economics, funding_cost=0.15))
    )
    metadata = saved.metadata
    own = {"f2": metadata.threshold, "profit": metadata.profit_threshold, "capacity": metadata.capacity_threshold}
    assert model_thresholds(model, book) == own
    other = model_thresholds(model, dear)
    assert other["profit"] < own["profit"]  # money that costs more is lent to fewer
    assert other | {"profit": own["profit"]} == own


def test_a_book_suggests_the_same_three():
    # Riskiest first: two defaults, which lose 100 each, a good loan between them, and two safe ones, which earn 10 each: refusing the first
    # three keeps 20.
    five = priced_book(whole_loans(5, default=[1, 0, 1, 0, 0]), [0.9, 0.7, 0.5, 0.2, 0.1], PLAIN)
    told = thresholds_on(five, beta=2, capacity=0.4)
    assert 0.2 < told["profit"] <= 0.5
    assert (five.probability >= told["capacity"]).sum() == 2
    book = random_book(400, seed=1)
    told = thresholds_on(book, beta=2, capacity=0.1)
    assert (book.probability >= told["capacity"]).sum() == 40
    scores = [fbeta_score(book.default, book.probability >= at, beta=2) for at in np.unique(book.probability)]
    assert fbeta_score(book.default, book.probability >= told["f2"], beta=2) == pytest.approx(max(scores))
