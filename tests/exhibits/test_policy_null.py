"""On loans whose outcomes depend on nothing, the policy's sentences claim nothing oftener than their error rate allows."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from policy_parts import alike, books, grade_risk, parts
from scipy.stats import binom

from loantap.decisions.policy.fairness import fairness
from loantap.exhibits import policy as exhibits
from loantap.exhibits import policy_sentences as say

pytestmark = pytest.mark.slow

SHUFFLES = 20
# A claim whose error rate is 5 % appears oftener than this in one test of a thousand.
ALLOWED = int(binom.ppf(0.999, SHUFFLES, 0.05))


@pytest.fixture(scope="module")
def claims(loans: pd.DataFrame) -> Counter[str]:
    """How often each sentence claims something, over shuffles of the outcomes; the model's order of the loans stays."""
    probability = grade_risk(loans)
    same, economics = alike(loans)
    rng, told = np.random.default_rng(0), Counter[str]()
    for seed in range(SHUFFLES):
        shuffled = same.assign(default=rng.permutation(same["default"].to_numpy()))
        found = parts(*books(shuffled, probability, economics, seed=seed))
        result = say.policy_result(**found)
        told["recommended"] += not result["recommendation"].startswith("Leave the lending policy as it is")
        told["adopted"] += not exhibits.steps_title(found["steps"]).startswith("0 of")
        told["plain rules"] += bool(result["plain"]["rules"])
        told["product"] += "none is shown to earn" not in exhibits.segments_title(found["segments"], "95 %")
        told["F2 loses"] += result["f2_sentence"].startswith("Do not")
        told["pincode"] += result["pincode"]["advice"] == say.KEEP_OUT or "must not" in result["pincode"]["warning"]
        for lever in exhibits.EVIDENCE:
            told[lever] += (found["designed"].found[lever].evidence["verdict"] == "loses money").any()
    return told


def test_nothing_is_recommended_or_called_a_loss_oftener_than_by_chance(claims: Counter[str]):
    assert {name: count for name, count in claims.items() if count > ALLOWED} == {}


def test_the_same_sentences_appear_where_there_is_something_to_say(loans: pd.DataFrame):
    same, economics = alike(loans)
    result = say.policy_result(**parts(*books(same, grade_risk(loans), economics, seed=0)))
    assert not result["recommendation"].startswith("Leave the lending policy as it is")
    assert "that raises profit by" in result["recommendation"]
    assert result["recommended"]["rules"]
    assert result["pincode"]["advice"] == say.KEEP_OUT


def test_groups_that_have_nothing_to_do_with_refusals_are_rarely_called_unevenly_treated(loans: pd.DataFrame):
    rng, told = np.random.default_rng(1), 0
    _, test = books(loans, grade_risk(loans), alike(loans)[1], seed=0)
    refused = {say.COMBINED: test.probability > 0.25}
    for _ in range(SHUFFLES):
        shuffled = {name: rng.permutation(test.loans[name].to_numpy()) for name in ("annual_inc", "profession_group")}
        home = test.loans["home_ownership"].sample(frac=1, random_state=rng).to_numpy()
        test.loans[[*shuffled, "home_ownership"]] = pd.DataFrame(shuffled | {"home_ownership": home})
        told += "unevenly" in say.gap_title(fairness(test, refused, min_cell=10).gaps, "95 %")
    assert told <= ALLOWED
