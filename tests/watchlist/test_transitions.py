"""How loans move between buckets, against a crosstab of a long frame and by hand."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from loantap.data.panel import CHARGED_OFF, CLOSED, OPEN, Panel
from loantap.watchlist.measures import clustered_interval
from loantap.watchlist.settings import read_settings
from loantap.watchlist.standing import BUCKETS, CURRENT, GONE, NOT_YET, Standing, standing
from loantap.watchlist.transitions import ALL, BACK, CURES, LEAVES, NEW, ROWS, WORSE, roll_rates, transition_matrix

X = np.nan
AS_USUAL = {"settings": read_settings()}  # carried for two months, a probation of three, good below 30 days


def panel_of(
    days: list, *, status: list | None = None, balance: list | None = None, delivered: list | None = None
) -> Panel:
    late = np.array(days, dtype=float)
    n, m = late.shape
    owed = np.where(np.isnan(late), np.nan, 100.0) if balance is None else np.array(balance, dtype=float)
    return Panel(
        np.arange(n), np.datetime64("2020-01", "M") + np.arange(m), late * np.nan, late * np.nan, owed, late,
        status=None if status is None else np.array(status, dtype=float),
        delivered=None if delivered is None else np.array(delivered, dtype=bool),
    )  # fmt: skip


@pytest.fixture(scope="module")
def walk() -> tuple[Panel, Standing]:
    """Return 4,000 loans over 8 months that fall behind, catch up, are written off, end, vanish, and come back."""
    rng = np.random.default_rng(0)
    n, m = 4_000, 8
    steps = rng.choice([-40, 0, 0, 0, 0, 0, 15, 30], (n, m)).cumsum(axis=1)
    days = np.clip(steps, 0, 150).astype(float)
    days[rng.random((n, m)) < 0.05] = np.nan
    status = np.where(
        rng.random((n, m)) < 0.01, CLOSED, np.where((days > 120) & (rng.random((n, m)) < 0.3), CHARGED_OFF, OPEN)
    )
    here = (np.arange(m) >= rng.integers(0, 4, n)[:, np.newaxis]) & (rng.random((n, m)) > 0.04)
    days, status = (np.where(here, values, np.nan) for values in (days, status))
    owed = np.where(here, rng.integers(1, 900, (n, m)) * 1.0, np.nan)
    panel = panel_of(days, status=status, balance=owed, delivered=here)
    return panel, standing(panel, **AS_USUAL)


def long_frame(panel: Panel, stands: Standing, first: int, last: int) -> pd.DataFrame:
    """Return one row per loan and month, put together loan by loan: the independent computation."""
    rows = []
    for loan in range(len(panel.loan_id)):
        for t in range(first, last + 1):
            was, here = panel.delivered[loan, t - 1], panel.delivered[loan, t]
            if not (was or here):
                continue
            code = stands.bucket[loan, t - 1]
            before = BUCKETS[code] if was else NEW if code == NOT_YET else BACK
            now = BUCKETS[stands.bucket[loan, t]] if here else "gone"
            rows.append((loan, t, before, now, panel.balance[loan, t - 1] if was else panel.balance[loan, t]))
    return pd.DataFrame(rows, columns=["loan", "month", "before", "now", "balance"])


@pytest.mark.parametrize(("first", "last"), [(7, 7), (1, 7)])
def test_the_matrix_is_the_crosstab_of_a_long_frame(walk: tuple[Panel, Standing], first: int, last: int):
    panel, stands = walk
    table = transition_matrix(panel, stands, first=first, last=last, min_cell=0, confidence=0.95)
    rows = long_frame(panel, stands, first, last)
    counts = pd.crosstab(rows["before"], rows["now"], margins=True, margins_name=ALL)
    money = pd.crosstab(
        rows["before"], rows["now"], values=rows["balance"], aggfunc="sum", margins=True, margins_name=ALL
    )
    shape = [*ROWS, ALL], [*BUCKETS, ALL]
    for name, expected in (("loans", counts), ("balance", money)):
        found = table.pivot(index="before", columns="now", values=name).reindex(index=shape[0], columns=shape[1])
        assert np.allclose(found, expected.reindex(index=shape[0], columns=shape[1]).fillna(0), rtol=1e-12)
    cell = table.set_index(["before", "now"]).loc[("current", "1 to 29")]
    assert cell["share"] == counts.loc["current", "1 to 29"] / counts.loc["current", ALL]


def test_rows_and_columns_add_up_to_the_deliveries(walk: tuple[Panel, Standing]):
    panel, stands = walk
    table = transition_matrix(panel, stands, first=5, last=5, min_cell=0, confidence=0.95).set_index(["before", "now"])[
        "loans"
    ]
    rows = table[:, ALL].drop([NEW, BACK, ALL])
    assert rows.sum() == panel.delivered[:, 4].sum()
    columns = table[ALL].drop(["gone", ALL])
    assert columns.sum() == panel.delivered[:, 5].sum()


def test_a_months_interval_is_wilsons_and_several_months_are_judged_by_loan(walk: tuple[Panel, Standing]):
    panel, stands = walk
    one = transition_matrix(panel, stands, first=7, last=7, min_cell=0, confidence=0.9).set_index(["before", "now"])
    cell, total = one.loc[("current", "30 to 59")], one.loc[("current", ALL), "loans"]
    assert (cell["share_low"], cell["share_high"]) == pytest.approx(
        proportion_confint(cell["loans"], total, method="wilson", alpha=0.1)
    )
    many = transition_matrix(panel, stands, first=1, last=7, min_cell=0, confidence=0.9).set_index(["before", "now"])
    rows = long_frame(panel, stands, 1, 7).query("before == 'current'")
    by_loan = rows.assign(hit=rows["now"] == "1 to 29").groupby("loan")["hit"].agg(["sum", "size"])
    expected = clustered_interval(by_loan["sum"].to_numpy(), by_loan["size"].to_numpy(), confidence=0.9)
    found = many.loc[("current", "1 to 29"), ["share_low", "share_high"]]
    assert tuple(found) == pytest.approx(expected, rel=1e-9)


def test_small_cells_are_withheld_and_do_not_follow_from_the_sums(walk: tuple[Panel, Standing]):
    panel, stands = walk
    shown = transition_matrix(panel, stands, first=7, last=7, min_cell=10, confidence=0.95)
    known = transition_matrix(panel, stands, first=7, last=7, min_cell=0, confidence=0.95)
    small = known["loans"].between(1, 9)
    assert small.any()
    assert shown.loc[small, "withheld"].all()
    assert shown.loc[shown["withheld"], ["loans", "share", "balance"]].isna().all(axis=None)
    for _, row in shown[shown["before"] != ALL].groupby("before"):
        assert row["withheld"].sum() != 1
    assert shown.loc[known["loans"] == 0, "loans"].dropna().eq(0).all()


# Ten times each of: five loans at 30 to 59, of which two roll, two cure and one is blank; so that none is small.
SIDES = [[45, 60], [45, 90], [45, 0], [45, 0], [45, X]]


def test_roll_and_cure_rates_by_hand():
    panel = panel_of(SIDES * 10, balance=[[10, 10], [20, 20], [30, 30], [40, 40], [50, 50]] * 10)
    rates = roll_rates(panel, standing(panel, **AS_USUAL), 1, earlier=1, min_cell=10, confidence=0.95).set_index(
        ["rate", "bucket"]
    )
    rolls, cures = rates.loc[(WORSE, "30 to 59")], rates.loc[(CURES, "30 to 59")]
    # Blank is not known: carried in its bucket it would count as having stayed.
    assert (rolls["loans"], rolls["count"], rolls["not_known"], rolls["share"]) == (40, 20, 10, 0.5)
    assert rolls["share_of_balance"] == 30 / 100
    assert cures["share_of_balance"] == 70 / 100
    assert (rolls["share_low"], rolls["share_high"]) == pytest.approx(proportion_confint(20, 40, method="wilson"))
    # Nobody was at 1 to 29, so there is nothing to tell, and nothing to withhold.
    assert np.isnan(rates.loc[(WORSE, "1 to 29"), "share"])
    assert not rates.loc[(WORSE, "1 to 29"), "withheld"]


def test_a_loan_leaves_default_after_its_probation_only():
    months = [[100, 0, 0, 0, 0], [100, 0, 0, 0, 35]] * 10
    panel = panel_of(months)
    stands = standing(panel, **AS_USUAL)
    by_month = [
        roll_rates(panel, stands, t, earlier=1, min_cell=10, confidence=0.95).set_index("rate").loc[LEAVES]
        for t in (1, 2, 3, 4)
    ]
    assert [row["share"] for row in by_month] == [0, 0, 0, 0.5]
    assert by_month[3]["bucket"] == "in default"


def test_a_difference_is_newcombes_of_all_rates_at_once():
    # From current: 20 of 100 roll in the first month; the 80 others and no more are at risk in the second, of which 40 roll.
    panel = panel_of([[0, 10, 10]] * 20 + [[0, 0, 10]] * 40 + [[0, 0, 0]] * 40)
    rates = roll_rates(panel, standing(panel, **AS_USUAL), 2, earlier=1, min_cell=10, confidence=0.95)
    row = rates.iloc[0]
    # Compared: rolling from current only; nobody was at 1 to 29 before the first month.
    low, high = confint_proportions_2indep(40, 80, 20, 100, method="newcomb", compare="diff", alpha=0.05)
    assert (row["difference"], row["difference_low"], row["difference_high"]) == pytest.approx((0.3, low, high))
    assert row["change"] == "higher"
    assert (row["loans_before"], row["share_of_balance_before"]) == (100, 0.2)
    assert rates["difference"].notna().sum() == 1


def test_the_first_months_rates_are_compared_with_nothing():
    panel = panel_of(SIDES * 10)
    rates = roll_rates(panel, standing(panel, **AS_USUAL), 1, earlier=12, min_cell=10, confidence=0.95)
    assert rates["share"].notna().any()
    assert rates["difference"].isna().all()
    assert set(rates["change"]) == {"open"}


def test_few_loans_give_no_rate():
    panel = panel_of(SIDES)
    rates = roll_rates(panel, standing(panel, **AS_USUAL), 1, earlier=1, min_cell=10, confidence=0.95)
    assert rates[["loans", "count", "share"]].isna().all(axis=None)
    assert rates.query("bucket == '30 to 59'")["withheld"].all()


def test_rates_of_unchanged_risk_are_not_said_to_have_changed():
    changed = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        late = np.where(rng.random((400, 3)) < 0.3, 45.0, 0.0)
        panel = panel_of(late)
        rates = roll_rates(panel, standing(panel, **AS_USUAL), 2, earlier=1, min_cell=10, confidence=0.95)
        changed += (rates["change"] != "open").any()
    # 5% of 40 is 2; more than 7 in 1 of 1,000 times.
    assert changed <= 7


def test_what_is_in_no_bucket_yet_is_in_no_row():
    panel = panel_of([[X, 0], [0, X]], delivered=[[0, 1], [1, 0]])
    stands = standing(panel, **AS_USUAL)
    assert stands.bucket.tolist() == [[NOT_YET, CURRENT], [CURRENT, GONE]]
    table = transition_matrix(panel, stands, first=1, last=1, min_cell=0, confidence=0.95).query("loans > 0")
    inner = table[(table["before"] != ALL) & (table["now"] != ALL)]
    assert inner[["before", "now", "loans"]].to_numpy().tolist() == [["new", "current", 1], ["current", "gone", 1]]
