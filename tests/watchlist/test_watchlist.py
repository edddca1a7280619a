"""The month's list: its order, what changed, and that it follows from data and settings alone."""

import numpy as np
import pandas as pd

from loantap.data.panel import Panel
from loantap.watchlist.settings import read_settings
from loantap.watchlist.watchlist import COLUMNS, assess, changes, watchlist

SETTINGS = read_settings().with_points(2, 4)
MONTHS = np.datetime64("2020-01", "M") + np.arange(12)


def portfolio(n: int = 400) -> Panel:
    rng = np.random.default_rng(5)
    walk = rng.normal(0, 1, (n, 12)).cumsum(axis=1)
    late = np.where(rng.random((n, 12)) < 0.04, 30.0, 0.0) + np.where(rng.random((n, 12)) < 0.01, 60.0, 0.0)
    return Panel(np.arange(n), MONTHS, 25 + walk * 3, 70 + walk * 8, rng.uniform(500, 9_000, (n, 12)), late)


def assessed(**lights: tuple[str, int, float]) -> pd.DataFrame:
    """Return loans by name as (light, points, balance)."""
    frame = pd.DataFrame.from_dict(lights, orient="index", columns=["light", "points", "balance"])
    frame = frame.rename_axis("loan_id").reset_index()
    return frame.assign(**{name: 0.0 for name in COLUMNS if name not in frame})


def test_red_comes_first_then_points_then_balance_at_risk():
    loans = assessed(a=("amber", 3, 9e9), b=("red", 2, 10.0), c=("red", 5, 10.0), d=("red", 5, 20.0), e=("green", 1, 1.0),
                     f=("red", 5, float("nan")))  # fmt: skip
    listed = watchlist(loans)
    assert listed["loan_id"].tolist() == ["d", "c", "f", "b", "a"]
    assert tuple(listed.columns) == COLUMNS


def test_equal_loans_stand_in_the_order_of_their_numbers():
    loans = assessed(b=("red", 5, 1.0), a=("red", 5, 1.0))
    assert watchlist(loans)["loan_id"].tolist() == ["a", "b"]


def test_what_changed_is_told_loan_by_loan():
    before = assessed(
        stays=("amber", 2, 1.0), rises=("amber", 2, 1.0), falls=("red", 4, 1.0), heals=("red", 4, 1.0), leaves=("amber", 2, 1.0),
        defaults=("red", 6, 1.0), wakes=("green", 0, 1.0), sleeps=("green", 0, 1.0), ends=("green", 0, 1.0),
    )  # fmt: skip
    after = assessed(
        stays=("amber", 3, 1.0), rises=("red", 4, 1.0), falls=("amber", 2, 1.0), heals=("green", 0, 1.0),
        wakes=("amber", 2, 1.0), sleeps=("green", 0, 1.0), joins=("red", 4, 1.0),
    )  # fmt: skip
    found = changes(before, after, defaulted=np.array(["defaults"]))
    rows = found.rows.set_index("loan_id")
    assert rows["change"].to_dict() == {
        "rises": "escalated", "falls": "eased", "heals": "resolved", "leaves": "gone", "defaults": "gone", "wakes": "new", "joins": "new",
    }  # fmt: skip
    assert rows.loc["joins", ["before", "after", "words"]].tolist() == ["", "red", "new on the list"]
    assert rows.loc["defaults", ["before", "after", "words"]].tolist() == ["red", "", "in default"]
    assert rows.loc["leaves", "words"] == "no longer live or without a snapshot"
    assert found.counts == {"new": 2, "escalated": 1, "eased": 1, "resolved": 1, "gone": 2, "unchanged": 1}
    assert found.words == (
        "2 new on the list, 1 from amber to red, 1 from red to amber, 1 back to green, 2 no longer live or without a snapshot "
        "(1 of them in default); "
        "1 unchanged"
    )


def test_the_list_grows_by_what_is_new_and_shrinks_by_what_resolved_or_is_gone():
    panel = portfolio()
    for t in range(6, 12):
        before, after = (assess(panel, month, settings=SETTINGS) for month in (t - 1, t))
        counts = changes(before, after, defaulted=np.array([])).counts
        assert len(watchlist(after)) == len(watchlist(before)) + counts["new"] - counts["resolved"] - counts["gone"]


def test_nothing_changes_between_a_month_and_itself():
    same = assess(portfolio(), 8, settings=SETTINGS)
    found = changes(same, same, defaulted=np.array([]))
    assert found.rows.empty
    assert found.counts["unchanged"] == len(watchlist(same)) > 0


def test_a_months_list_does_not_depend_on_later_months_and_comes_out_the_same_again():
    panel = portfolio()
    for t in (5, 8):
        listed = watchlist(assess(panel, t, settings=SETTINGS))
        assert not listed.empty
        for other in (panel, panel.until(MONTHS[t])):
            pd.testing.assert_frame_equal(watchlist(assess(other, t, settings=SETTINGS)), listed)


def test_loans_that_have_defaulted_are_not_listed():
    panel = portfolio()
    listed = watchlist(assess(panel, 8, settings=SETTINGS))
    assert not set(listed["loan_id"]) & set(panel.loan_id[panel.default_month() <= 8])
