"""Each kind of test against an independent calculation."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn.metrics import accuracy_score, confusion_matrix, fbeta_score, precision_score, recall_score
from statsmodels.stats.proportion import proportion_confint, proportions_ztost
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from loantap.analysis.association import analyse
from loantap.analysis.claim_counts import ByOutcome, Count, Moments, read_counts
from loantap.analysis.claim_tests import factor_effect, level_effect, mean_effect, share_effect, trend_effect
from loantap.analysis.claims import implied_scores, metric_effect, scores_of

COUNTS = read_counts()


def test_the_share_is_statsmodels_equivalence_test():
    found = share_effect(Count(n=7239, defaults=1365), claimed=0.2, margin=0.02, alpha=0.05)
    tost = proportions_ztost(1365, 7239, 0.18, 0.22, prop_var="sample")[0]
    assert found.p_value == pytest.approx(2 * tost, rel=1e-9)  # doubled, to agree with the 95% interval


def test_a_level_is_the_odds_ratio_of_its_table():
    found = level_effect(
        analyse(COUNTS.frame("profession"), factor="profession", min_cell=0), "Manager", direction="less", smallest=0.9
    )
    table = sm.stats.Table2x2([[929, 4250 - 929], [77_673 - 929, 396_030 - 4250 - 77_673 + 929]])
    assert found.estimate == pytest.approx(table.oddsratio)
    assert (found.ci_low, found.ci_high) == pytest.approx(table.oddsratio_confint(0.05))
    chi2 = stats.chi2_contingency(table.table, correction=False)
    assert found.p_value == pytest.approx(chi2.pvalue)
    z = (table.log_oddsratio - np.log(0.9)) / table.log_oddsratio_se
    assert found.p_against == pytest.approx(2 * stats.norm.sf(z))


@pytest.mark.parametrize(("direction", "smallest"), [("less", 0.9), ("more", 1.11)])
def test_the_second_question_agrees_with_the_interval(direction: str, smallest: float):
    frame = COUNTS.frame("profession")
    association = analyse(frame, factor="profession", min_cell=0)
    for level in frame["level"]:
        found = level_effect(association, level, direction=direction, smallest=smallest)
        outside = found.ci_low > smallest if direction == "less" else found.ci_high < smallest
        assert (found.p_against < 0.05) == outside, level


def test_means_are_welch_as_statsmodels_has_it():
    rng = np.random.default_rng(1)
    bad, good = rng.normal(5, 3, 300), rng.normal(4, 2, 900)
    moments = ByOutcome(
        defaulted=Moments(n=300, mean=bad.mean(), sd=bad.std(ddof=1)),
        repaid=Moments(n=900, mean=good.mean(), sd=good.std(ddof=1)),
    )
    found = mean_effect(moments, direction="more", smallest=0.5, alpha=0.05)
    compared = CompareMeans(DescrStatsW(bad), DescrStatsW(good))
    assert found.p_value == pytest.approx(compared.ttest_ind(usevar="unequal")[1])
    assert (found.ci_low, found.ci_high) == pytest.approx(compared.tconfint_diff(usevar="unequal"))
    pooled = np.sqrt((299 * bad.var(ddof=1) + 899 * good.var(ddof=1)) / 1198)
    assert found.facts["standardized"] == pytest.approx((bad.mean() - good.mean()) / pooled)
    smaller = compared.ttest_ind(usevar="unequal", alternative="smaller", value=0.5)[1]
    assert found.p_against == pytest.approx(min(1, 2 * smaller))


def test_the_trend_is_the_logistic_regression_of_the_rows():
    frame = pd.DataFrame({"level": list("ABC"), "n": [40, 50, 60], "defaults": [4, 10, 21]})
    found = trend_effect(frame, direction="more", smallest=1.11, alpha=0.05, shown=("A", "C"))
    place = np.repeat([0, 1, 2], frame["n"])
    default = np.concatenate(
        [[1] * bad + [0] * (n - bad) for n, bad in zip(frame["n"], frame["defaults"], strict=True)]
    )
    fit = sm.Logit(default, sm.add_constant(place)).fit(disp=False)
    assert found.estimate == pytest.approx(np.exp(fit.params[1]), rel=1e-6)
    assert (found.ci_low, found.ci_high) == pytest.approx(np.exp(fit.conf_int()[1]), rel=1e-5)
    assert found.p_value == pytest.approx(fit.pvalues[1], rel=1e-4)
    assert (found.facts["first_rate"], found.facts["last_rate"]) == (0.1, 0.35)


def test_a_trend_needs_two_levels_with_each_outcome():
    frame = pd.DataFrame({"level": list("AB"), "n": [40, 50], "defaults": [0, 10]})
    assert trend_effect(frame, direction="more", smallest=1.11, alpha=0.05, shown=()) is None


def test_the_smallest_cramers_v_agrees_with_its_interval():
    rng = np.random.default_rng(0)
    for smallest in (0.02, 0.05, 0.1):
        for _ in range(20):
            n = rng.integers(400, 900, 5)
            frame = pd.DataFrame(
                {"level": list("abcde"), "n": n, "defaults": rng.binomial(n, rng.uniform(0.17, 0.23, 5))}
            )
            association = analyse(frame, factor="letter", min_cell=0)
            found = factor_effect(association, smallest=smallest)
            assert (found.p_against < 0.05) == (found.ci_high < smallest)


def test_scores_of_counts_are_scikit_learns():
    rng = np.random.default_rng(0)
    y, called = rng.random(500) < 0.2, rng.random(500) < 0.3
    found = scores_of(confusion_matrix(y, called).ravel())
    assert found["accuracy"] == pytest.approx(accuracy_score(y, called))
    assert found["precision"] == pytest.approx(precision_score(y, called))
    assert found["recall"] == pytest.approx(recall_score(y, called))
    assert found["f2"] == pytest.approx(fbeta_score(y, called, beta=2))


def test_a_score_is_judged_by_the_calls_of_its_own_model():
    counts = {"tn": 7_300, "fp": 700, "fn": 700, "tp": 1_300}
    confusions = {"with_pincode": counts, "without_pincode": {"tn": 6_000, "fp": 2_000, "fn": 1_000, "tp": 1_000}}
    at = {name: float(value) for name, value in scores_of(np.array(list(counts.values()))).items()}
    assert implied_scores(at["recall"], at["precision"], 0.2) == pytest.approx(
        {"accuracy": at["accuracy"], "f2": at["f2"]}
    )
    options = {"margin": 0.02, "alpha": 0.05}
    same = metric_effect(confusions, "recall", claimed=at["recall"], **options)
    assert same.estimate == 0.65
    assert (same.facts["flagged_share"], same.facts["without_pincode"]) == (0.2, 0.5)
    low, high = proportion_confint(1_300, 2_000)  # loans drawn again: nearly the binomial one of its defaults
    assert (same.ci_low, same.ci_high) == pytest.approx((low, high), abs=0.003)
    better = metric_effect(confusions, "recall", claimed=at["recall"] + 0.2, **options)
    assert better.p_against < 0.001 < better.p_value
    worse = metric_effect(confusions, "recall", claimed=at["recall"] - 0.2, **options)
    assert worse.p_value < 0.001 < worse.p_against
