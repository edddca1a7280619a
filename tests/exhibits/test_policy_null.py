"""On loans whose outcomes depend on nothing, the policy's sentences claim nothing oftener than their error rate allows."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from policy_parts import alike, books, chain, grade_risk, parts
from scipy.special import expit, logit
from scipy.stats import binom

from loantap.exhibits import decision
from loantap.exhibits import policy_sentences as say
from loantap.exhibits import policy_tables as titles
from loantap.exhibits.decision_advice import recommendation
from loantap.exhibits.policy_tables import EVIDENCE
from loantap.model.economics import Economics, value_if_default, value_if_repaid
from loantap.policy.fairness import fairness
from loantap.policy.verdicts import SHOWN

pytestmark = pytest.mark.slow

SHUFFLES = 20
# A claim whose error rate is 5% appears oftener than this in one test of a thousand.
ALLOWED = int(binom.ppf(0.999, SHUFFLES, 0.05))


@pytest.fixture(scope="module")
def claims(loans: pd.DataFrame) -> Counter[str]:
    """How often each sentence claims something, over shuffles of the outcomes; the model's order of the loans stays."""
    probability = grade_risk(loans)
    same, economics = alike(loans)
    rng, told = np.random.default_rng(0), Counter[str]()
    for seed in range(SHUFFLES):
        shuffled = same.assign(default=rng.permutation(same["default"].to_numpy()))
        made = chain(*books(shuffled, probability, economics, seed=seed))
        found = parts(made)
        result = say.policy_result(**found)
        told["recommended"] += bool(result["recommended"]["rules"])
        told["candidate"] += result["recommended"]["candidate"] is not None
        told["adopted"] += not titles.steps_title(found["steps"]).startswith("None of")
        told["plain rules"] += bool(result["plain"]["rules"])
        told["product"] += "none is significantly profitable" not in titles.segments_title(found["segments"])
        told["F2 loses"] += result["f2_sentence"].startswith("Do not")
        told["pincode"] += result["pincode"]["advice"] == say.KEEP_OUT or "must not" in result["pincode"]["warning"]
        for lever in EVIDENCE:
            told[lever] += (made.designed.found[lever].evidence["verdict"] == "loses money").any()
    return told


def test_nothing_is_recommended_or_called_a_loss_oftener_than_by_chance(claims: Counter[str]):
    assert {name: count for name, count in claims.items() if count > ALLOWED} == {}
    assert claims["recommended"] == 0


def test_the_same_sentences_appear_where_there_is_something_to_say(loans: pd.DataFrame):
    same, economics = alike(loans)
    result = say.policy_result(**parts(chain(*books(same, grade_risk(loans), economics, seed=0))))
    assert result["recommended"]["verdict"] == "depends"
    assert result["recommended"]["candidate"]["rule"] in result["recommendation"]
    assert result["pincode"]["advice"] == say.KEEP_OUT


def at_break_even(loans: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Loans whose outcomes are drawn at the probability at which each earns nothing, and a model of it that errs a little.

    Loans that lose even if they are repaid have no such probability and are left out. Of the others no refusal can gain anything.
    """
    repaid, default = value_if_repaid(loans, Economics()), value_if_default(loans, Economics())
    earns = repaid > 0
    true = repaid[earns] / (repaid[earns] - default[earns])
    drawn = loans[earns].assign(default=(rng.random(earns.sum()) < true).astype(int))
    return drawn.reset_index(drop=True), expit(logit(true) + rng.normal(0, 0.4, earns.sum()))


def test_where_no_refusal_can_gain_nothing_is_recommended(loans: pd.DataFrame):
    rng, candidates = np.random.default_rng(2), 0
    for seed in range(SHUFFLES):
        made = chain(*books(*at_break_even(loans, rng), Economics(), seed=seed))
        assert made.effects.set_index("name").loc["own_price", "n_refused"] > 100  # there is something to judge
        told = decision.recommended(made.entries, made.choice)
        assert told["verdict"] != SHOWN
        assert told["rules"] == []
        assert SHOWN not in set(made.verdicts["verdict"])
        said = recommendation(made.choice, made.entries, made.confidence)
        assert said.startswith("Do not change the policy yet")
        candidates += told["candidate"] is not None
    # The interval of some policy lies above 0 in 2.5% of the draws at most, and later loans have to agree.
    assert candidates <= binom.ppf(0.999, SHUFFLES, 0.025)


def test_groups_that_have_nothing_to_do_with_refusals_are_rarely_called_unevenly_treated(loans: pd.DataFrame):
    rng, told = np.random.default_rng(1), 0
    _, test = books(loans, grade_risk(loans), alike(loans)[1], seed=0)
    refused = {say.COMBINED: test.probability > 0.25}
    for _ in range(SHUFFLES):
        shuffled = {name: rng.permutation(test.loans[name].to_numpy()) for name in ("annual_inc", "profession_group")}
        home = test.loans["home_ownership"].sample(frac=1, random_state=rng).to_numpy()
        test.loans[[*shuffled, "home_ownership"]] = pd.DataFrame(shuffled | {"home_ownership": home})
        told += say.gap_title(fairness(test, refused, min_cell=10).gaps).startswith("Unevenly")
    assert told <= ALLOWED
