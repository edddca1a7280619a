"""With outcomes dealt at random, what would claim a difference is said no oftener than its error rate allows."""

import re
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from loantap.analysis.adjusted import adjusted_odds
from loantap.analysis.association import analyse
from loantap.analysis.claim_counts import counts_of_loans
from loantap.analysis.claim_list import columns_of, factors_of, load_claims
from loantap.analysis.claims import SUPPORTED, evaluate_claims
from loantap.analysis.counts import FrameCounts
from loantap.analysis.leaks import LeakReport, find_leaks
from loantap.analysis.levels import factor_counts, stratified_counts
from loantap.analysis.stratified import mantel_haenszel
from loantap.exhibits import association as exhibits
from loantap.exhibits.association_words import headline, heterogeneity, survival
from loantap.exhibits.first_screen import answer
from loantap.exhibits.leaks import search

pytestmark = pytest.mark.slow

SHUFFLES, ALPHA = 20, 0.05
# So many false sentences of one kind, or more, are met with probability 0.0003 if each has the probability ALPHA.
MOST = int(binom.isf(0.001, SHUFFLES, ALPHA))


@pytest.fixture(scope="module")
def shuffled(loans: pd.DataFrame) -> list[pd.DataFrame]:
    """The loans, with outcomes that know nothing of them."""
    dealt = np.random.default_rng(17)
    return [loans.assign(default=dealt.permutation(loans["default"].to_numpy())) for _ in range(SHUFFLES)]


def claims_of(loans: pd.DataFrame, factor: str) -> list[str]:
    """Return which sentences claim a difference."""
    counts = FrameCounts(loans)
    found = analyse(factor_counts(counts, factor), factor=factor, alpha=ALPHA)
    adjusted = adjusted_odds(found, loans)
    within = mantel_haenszel(found, stratified_counts(counts, factor))
    said = {
        "headline": not headline(found).startswith("Default is not significantly"),
        "a level": "higher odds" in (text := exhibits.in_words(found, adjusted).text) or "lower odds" in text,
        "residuals": not exhibits.residuals(found).title.startswith("None of "),
        "survival": not survival(found, adjusted).startswith("None of "),
        "grades differ": "The odds ratio differs" in heterogeneity(found, within),
        "power": exhibits.power(found).title == "Every level differs significantly",
        "leak": any("Data leakage" in part.caption for part in exhibits.levels(found)),
    }
    return [name for name, claimed in said.items() if claimed]


@pytest.mark.parametrize("factor", ["pincode", "home_ownership", "purpose", "profession"])
def test_no_difference_is_claimed_oftener_than_chance_makes_one(shuffled: list[pd.DataFrame], factor: str):
    counted = Counter(name for loans in shuffled for name in claims_of(loans, factor))
    # A sentence on single levels says two things of each: as observed, and at equal loans.
    allowed = {"a level": int(binom.isf(0.001, SHUFFLES, 2 * ALPHA))}
    assert {name: count for name, count in counted.items() if count > allowed.get(name, MOST)} == {}


def test_no_column_is_called_the_strongest(shuffled: list[pd.DataFrame]):
    columns = ["grade", "sub_grade", "term", "purpose", "home_ownership", "pincode", "default"]
    reports = [find_leaks(loans[columns]) for loans in shuffled]
    told = [f"{search(report).text} {first_answer(report)}" for report in reports]
    assert sum("strongest legitimate" in text for text in told) <= MOST
    assert sum("the outcome away" in text for text in told) <= MOST
    assert (
        sum("No other column predicts" in text and "no single column is shown" in text for text in told)
        >= SHUFFLES - MOST
    )


def first_answer(report: LeakReport) -> str:
    """Return the sentence that the first screen begins with."""
    results = {"eda": {"shape": {"default_rate": 0.2}}, "leaks": {"columns": report.columns.to_dict("records")}}
    return answer(SimpleNamespace(result=results.get))


def test_no_claim_on_a_difference_is_supported(shuffled: list[pd.DataFrame]):
    claims = [claim for claim in load_claims() if claim.test not in ("share", "metric")]
    factors, columns = factors_of(claims), columns_of(claims)
    false = 0
    for loans in shuffled:
        counts = counts_of_loans(FrameCounts(loans), factors=factors, columns=columns)
        false += any(
            tested.verdict == SUPPORTED for tested in evaluate_claims(claims, counts, alpha=ALPHA, min_cell=10)
        )
    assert false <= MOST


def test_on_the_loans_as_they_are_they_are_said(loans: pd.DataFrame):
    assert {"headline", "a level", "residuals", "survival"} <= {*claims_of(loans, "home_ownership")}
    assert "leak" in claims_of(loans, "pincode")
    report = find_leaks(loans[["grade", "pincode", "default"]])
    for told in (search(report).text, first_answer(report)):
        assert "strongest legitimate predictor" in told
        assert re.search(r"gives? the outcome away", told)
