"""Vintage curves against statsmodels' product-limit estimate with delayed entry, and by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from statsmodels.duration.survfunc import SurvfuncRight

from loantap.data.panel import CHARGED_OFF, OPEN, Panel
from loantap.watchlist.live import Live
from loantap.watchlist.vintages import EVENTS, funding_months, vintage_curves

X = np.nan
LATE, DEFAULT = EVENTS
MONTHS = np.datetime64("2020-01", "M") + np.arange(24)


def panel_of(days: np.ndarray, status: np.ndarray | None = None) -> Panel:
    late = np.asarray(days, dtype=float)
    owed = np.where(np.isnan(late), np.nan, 1.0)
    return Panel(np.arange(len(late)), MONTHS[: late.shape[1]], late * np.nan, late * np.nan, owed, late, status=status)


def drawn(n: int = 3_000, seed: int = 0) -> tuple[Panel, pd.Series]:
    """Return loans of eight quarters of which some were funded before the panel, and the months of funding."""
    rng, at = np.random.default_rng(seed), np.arange(24)
    funded = rng.integers(-12, 12, n)
    late = np.where(rng.random((n, 24)) < 0.02, 35.0, 0.0)
    late[rng.random((n, 24)) < 0.005] = 100.0
    ends = funded + rng.geometric(0.02, n)
    here = (at >= funded[:, np.newaxis]) & (at <= ends[:, np.newaxis])
    issue_d = pd.Series((MONTHS[0] + funded).astype("datetime64[ns]"))
    return panel_of(np.where(here, late, np.nan)), issue_d


@pytest.mark.parametrize(("event", "days"), EVENTS.items())
@pytest.mark.parametrize("min_cell", [1, 25])
def test_curves_are_the_product_limit_of_the_loans_at_risk(event: str, days: int, min_cell: int):
    panel, issue_d = drawn()
    found = vintage_curves(panel, issue_d, min_cell=min_cell, confidence=0.9).curves
    compared = 0
    for vintage, rows in found[found["event"] == event].groupby("vintage"):
        ages, hits, entries = [], [], []
        since = rows["since"].iloc[0]
        for loan in np.flatnonzero(issue_d.dt.year.astype(str) == vintage):
            months = np.flatnonzero(panel.delivered[loan])
            if not len(months):
                continue
            age = [int((MONTHS[t] - issue_d[loan].to_datetime64().astype("datetime64[M]")).astype(int)) for t in months]
            late = [
                t for t, one in zip(range(len(months)), months, strict=True) if panel.days_past_due[loan, one] >= days
            ]
            if late and late[0] == 0:
                continue
            leaves = age[late[0]] if late else age[-1]
            if leaves > max(age[0], since):  # conditional on what is seen after the curve has begun
                entries.append(max(age[0], since))
                ages.append(leaves)
                hits.append(bool(late))
        reference = SurvfuncRight(np.array(ages), np.array(hits).astype(int), entry=np.array(entries))
        told = rows.set_index("age")
        for time, survival, error in zip(
            reference.surv_times, reference.surv_prob, reference.surv_prob_se, strict=True
        ):
            if time in told.index and told.loc[time, "events"] and survival > 0:
                assert told.loc[time, "share"] == pytest.approx(1 - survival, rel=1e-9)
                reach = norm.ppf(0.95) * error / survival / abs(np.log(survival))
                assert told.loc[time, "share_low"] == pytest.approx(1 - survival ** np.exp(-reach), rel=1e-9)
                assert told.loc[time, "share_high"] == pytest.approx(1 - survival ** np.exp(reach), rel=1e-9)
                compared += 1
    assert compared > 10


def test_a_curve_by_hand():
    # Funded in 2020-01 and seen from then on, but the last, which is first seen at an age of 2 months.
    days = [[0, 40, 0, 0], [0, 0, 95, 0], [0, 0, 0, 0], [0, 0, X, X], [X, X, 0, 31]]
    found = vintage_curves(panel_of(days), pd.Series([MONTHS[0]] * 5), min_cell=1, confidence=0.95)
    late = found.curves[found.curves["event"] == LATE]
    # Age 1: one of the four that are seen. Age 2: one of two. Age 3: the loan that came at age 2, of two.
    assert late["vintage"].unique().tolist() == ["2020"]
    assert late[["age", "at_risk", "events"]].to_numpy().tolist() == [[1, 4, 1], [2, 2, 1], [3, 2, 1]]
    assert late["share"].to_numpy() == pytest.approx([1 - 3 / 4, 1 - 3 / 8, 1 - 3 / 16])
    default = found.curves[found.curves["event"] == DEFAULT]
    assert default["share"].to_numpy() == pytest.approx([0, 1 / 3, 1 / 3])


def test_a_loan_that_is_late_when_it_is_first_seen_is_left_out_and_counted():
    days = [[45, 0, 0]] * 3 + [[0, 0, 45]] * 2 + [[0, 0, 0]] * 5
    found = vintage_curves(panel_of(days), pd.Series([MONTHS[0]] * 10), min_cell=1, confidence=0.95)
    counts = found.counts.set_index("event").loc[LATE]
    assert (counts["loans"], counts["events"], counts["late_at_entry"]) == (7, 2, 3)
    assert found.curves.query("event == @LATE")["share"].to_numpy() == pytest.approx([0, 2 / 7])


def test_a_vintage_that_is_seen_late_begins_late():
    found = vintage_curves(panel_of([[0, 0, 45]] * 4 + [[0, 0, 0]] * 4), pd.Series(pd.Timestamp("2019-01-01")).repeat(8),
                           min_cell=5, confidence=0.95)  # fmt: skip
    rows = found.curves.query("event == @LATE")
    assert rows["age"].tolist() == [13, 14]
    assert rows["since"].tolist() == [12, 12]
    assert rows["share"].tolist() == [0, 0.5]


def test_points_of_few_loans_are_withheld():
    ends = [[0, 0, 45, X]] * 8 + [[0, 0, 0, 45]] * 3
    found = vintage_curves(panel_of(ends), pd.Series([MONTHS[0]] * 11), min_cell=10, confidence=0.95)
    assert found.curves.query("event == @LATE")["age"].tolist() == [1, 2]


def test_charged_off_is_default_whatever_the_days():
    status = np.array([[OPEN, CHARGED_OFF]] * 10)
    found = vintage_curves(panel_of([[0, 0]] * 10, status), pd.Series([MONTHS[0]] * 10), min_cell=1, confidence=0.95)
    assert found.curves["share"].tolist() == [1, 1]
    assert found.curves["share_low"].isna().all()


def test_loans_without_a_month_of_funding_are_counted_and_in_no_curve():
    issue_d = pd.Series([pd.NaT, pd.Timestamp("2021-06-01"), MONTHS[0]])
    found = vintage_curves(panel_of([[0, 0]] * 3), issue_d, min_cell=1, confidence=0.95)
    assert found.unknown == 2  # one is not told, one lies after the first snapshot
    assert found.counts["loans"].tolist() == [1, 1]


def test_nothing_that_was_late_yet_is_not_known_to_be_nothing():
    found = vintage_curves(panel_of([[0, 0, 0]] * 30), pd.Series([MONTHS[0]] * 30), min_cell=10, confidence=0.95).curves
    assert (found["share"] == 0).all()
    # The exact interval of none of 30: up to 1 - 0.025 ** (1 / 30).
    assert found["share_high"].to_numpy() == pytest.approx(np.full(4, 1 - 0.025 ** (1 / 30)))


@pytest.mark.slow
def test_the_interval_covers_the_truth():
    # Hazard 3% a month from age 1 on, entry at ages 0 to 6, leaving at 4% a month: 1 - 0.97 ** 12 by age 12, conditional on nothing.
    rng, inside, draws = np.random.default_rng(5), 0, 300
    for _ in range(draws):
        n, at = 250, np.arange(14)
        event = rng.geometric(0.03, n)
        entry, leaves = rng.integers(0, 4, n), rng.geometric(0.04, n) + 3
        days = np.where(at == event[:, np.newaxis], 35.0, 0.0)
        days = np.where((at >= entry[:, np.newaxis]) & (at <= leaves[:, np.newaxis]), days, np.nan)
        # Who is late before it is first seen is late already: first seen at 30 days.
        gone = event <= entry
        panel = panel_of(days[~gone])
        row = vintage_curves(panel, pd.Series([MONTHS[0]] * len(days[~gone])), min_cell=10, confidence=0.9)
        told = row.curves.query("event == @LATE and age == 12").iloc[0]
        inside += told["share_low"] <= 1 - 0.97**12 <= told["share_high"]
    # 90% of 300 is 270, standard deviation 5.2: within 4 of them.
    assert 249 <= inside <= 291


def test_without_any_vintage_there_are_no_curves():
    found = vintage_curves(panel_of([[0, 0]]), pd.Series([pd.NaT]), min_cell=1, confidence=0.95)
    assert len(found.curves) == 0
    assert found.unknown == 1


def test_the_month_of_funding_is_the_applications_or_the_synthetic_truths():
    panel = panel_of([[0, 0]] * 3)
    applications = pd.DataFrame({"loan_id": [2, 0], "issue_d": pd.to_datetime(["2019-05-01", "2018-01-01"])})
    told = funding_months(Live(panel, applications, "a file"))
    assert told.dt.strftime("%Y-%m").fillna("").tolist() == ["2018-01", "", "2019-05"]
    truth = pd.DataFrame({"loan_id": range(3), "funded": [-1, 0, 1]})
    drawn = funding_months(Live(panel, applications, "synthetic", truth=truth))
    assert drawn.dt.strftime("%Y-%m").tolist() == ["2019-12", "2020-01", "2020-02"]
    assert funding_months(Live(panel, applications, "synthetic", truth=truth[["loan_id"]])).isna().all()
    assert funding_months(Live(panel, applications[["loan_id"]], "a file")).isna().all()
