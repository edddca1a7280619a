import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from loantap.model.evaluation import Predictions
from loantap.model.groups import by_group, delong_interval, gains, widest_gap


def scored(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.3).astype(int)
    return y, np.clip(rng.normal(0.3 + 0.1 * y, 0.15), 0, 1)


def test_the_auc_is_scikit_learns_ties_included():
    y, score = scored(500)
    score = score.round(1)
    assert delong_interval(y, score)[0] == pytest.approx(roc_auc_score(y, score), abs=1e-12)


def test_delongs_interval_agrees_with_the_bootstrap():
    y, score = scored(800)
    _, low, high = delong_interval(y, score)
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 800, (2_000, 800))
    defaults = y[rows].sum(axis=1)
    ranks = np.where(y[rows] == 1, rankdata(score[rows], axis=1), 0).sum(axis=1)  # Mann and Whitney's U
    draws = (ranks - defaults * (defaults + 1) / 2) / (defaults * (800 - defaults))
    # 2,000 draws leave an end of a percentile interval uncertain by about 0.001.
    assert (low, high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=0.004)


def test_the_auc_of_one_outcome_is_not_known():
    assert np.isnan(delong_interval(np.ones(5), np.arange(5.0))).all()


def test_a_group_is_described_by_its_own_loans():
    y, score = scored(900)
    group = pd.Series(np.repeat(["a", "b", "c"], 300))
    table = by_group(group, y, score, threshold=0.4, min_cell=10).set_index("group")
    inside = slice(300, 600)
    flags = score[inside] >= 0.4
    assert table.loc["b", "n"] == 300
    assert table.loc["b", "recall"] == flags[y[inside] == 1].mean()
    assert table.loc["b", "false_positive_rate"] == flags[y[inside] == 0].mean()
    low, high = proportion_confint(y[inside].sum(), 300, method="wilson")
    assert (table.loc["b", "default_rate_low"], table.loc["b", "default_rate_high"]) == pytest.approx((low, high))
    assert (table["n"].sum(), table["defaults"].sum()) == (900, y.sum())


def test_small_groups_are_pooled_and_a_missing_group_is_a_group():
    y, score = scored(605)
    group = pd.Series(["a"] * 300 + [None] * 300 + ["tiny"] * 5)
    table = by_group(group, y, score, threshold=0.4, min_cell=10)
    assert "tiny" not in set(table["group"])
    assert table["n"].sum() == 605
    assert table["n"].min() >= 10


def test_gains_go_down_from_the_riskiest_and_end_at_everything():
    y, score = scored(1_000)
    table = gains(Predictions.of(y, score).calibration())
    assert table["predicted"].is_monotonic_decreasing
    assert table["decile"].tolist() == list(range(1, 11))
    top = y[np.argsort(-score)[:100]]
    assert table.loc[0, "cumulative_defaults"] == pytest.approx(top.sum() / y.sum())
    assert table.loc[0, "lift"] == pytest.approx(top.mean() / y.mean())
    assert table.loc[9, ["cumulative_loans", "cumulative_defaults", "lift"]].tolist() == [1, 1, 1]


def test_the_widest_gap_holds_for_whichever_pair_is_picked():
    rates = {"a": 0.2, "b": 0.3, "c": 0.5, "x": 0.1, "y": 0.35}
    groups = pd.DataFrame(
        {
            "factor": ["one"] * 3 + ["two"] * 2,
            "group": list(rates),
            "n": 500,
            "defaults": 100,
            "false_positive_rate": rates.values(),
        }
    )
    gap = widest_gap(groups, confidence=0.9)
    assert gap is not None
    assert (gap.low["group"], gap.high["group"]) == ("a", "c")  # within one factor, though x lies farther from c
    # Three pairs of one factor and one of the other share the error of 10%.
    expected = confint_proportions_2indep(200, 400, 80, 400, method="newcomb", compare="diff", alpha=0.1 / 4)
    assert (gap.ci_low, gap.ci_high) == pytest.approx(expected)
    assert gap.shown
    assert widest_gap(groups.iloc[[0, 3]]) is None
