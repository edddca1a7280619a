"""The thresholds that a policy is compared with are the model's own."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from loantap.decisions.policy.book import make_book
from loantap.decisions.policy.thresholds import model_thresholds
from loantap.model.economics import Economics
from loantap.model.persistence import load_model

pytestmark = pytest.mark.slow


def test_f2_profit_and_capacity_are_the_models_own(loans: pd.DataFrame, model_folder: Path):
    saved, economics = load_model(model_folder), Economics()
    model = replace(saved, card={"economics": vars(economics)})
    book, dear = (
        make_book(loans, saved.probability(loans), one) for one in (economics, replace(economics, funding_cost=0.15))
    )
    facts = saved.facts
    own = {"f2": facts.threshold, "profit": facts.profit_threshold, "capacity": facts.capacity_threshold}
    assert model_thresholds(model, book) == own
    other = model_thresholds(model, dear)
    assert other["profit"] < own["profit"]  # money that costs more is lent to fewer
    assert other | {"profit": own["profit"]} == own
