"""The month's list: its order, what changed, and that it follows from data and settings alone."""

import numpy as np
import pandas as pd

from loantap.data.panel import Panel
from loantap.watchlist.lights import COLUMNS, changes, watchlist
from loantap.watchlist.lights import assess as assess_all
from loantap.watchlist.settings import read_settings
from loantap.watchlist.standing import standing
from loantap.watchlist.worklist import LISTED

SETTINGS = read_settings().with_points(2, 4)
MONTHS = np.datetime64("2020-01", "M") + np.arange(12)


def assess(panel: Panel, t: int) -> pd.DataFrame:
    return assess_all(panel, t, settings=SETTINGS, stands=standing(panel, settings=SETTINGS))


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
    lines = {
        "stays": ("amber", "amber"), "rises": ("amber", "red"), "falls": ("red", "amber"), "heals": ("red", "green"),
        "leaves": ("amber", ""), "vanishes": ("green", ""), "defaults": ("red", "in default"), "wakes": ("green", "amber"),
        "sleeps": ("green", "green"), "joins": ("", "red"), "clean": ("", "green"), "silent": ("red", "unknown"), "hush": ("green", "unknown"),
        "mum": ("", "unknown"), "worse": ("unknown", "red"), "speaks": ("unknown", "amber"), "off": ("in default", "charged off"),
        "paid": ("green", "closed"), "performs": ("in default", "green"), "falters": ("in default", "red"), "still": ("in default", "in default"),
        "over": ("closed", ""), "forgotten": ("charged off", ""),
    }  # fmt: skip
    before, after = (
        assessed(**{name: (pair[side], 2, 1.0) for name, pair in lines.items() if pair[side]}) for side in (0, 1)
    )
    found = changes(before, after)
    rows = found.rows.set_index("loan_id")
    assert rows["change"].to_dict() == {
        "rises": "escalated", "falls": "eased", "heals": "resolved", "leaves": "gone", "vanishes": "gone", "defaults": "defaulted",
        "wakes": "new", "joins": "new", "silent": "unknown", "hush": "unknown", "mum": "new", "worse": "escalated", "speaks": "new",
        "off": "charged off", "paid": "closed", "performs": "left default", "falters": "left default",
    }  # fmt: skip
    assert rows.loc["joins", ["before", "after", "words"]].tolist() == ["", "red", "new on the list"]
    assert rows.loc["defaults", ["before", "after", "words"]].tolist() == ["red", "in default", "newly in default"]
    assert rows.loc["leaves", "words"] == "gone: not delivered"
    assert found.counts["unchanged"] == 2  # amber as before, and still in default
    assert sum(found.counts.values()) == len(rows) + 2
    assert found.words == (
        "4 new on the list, 2 worse: now red, 1 better: from red to amber, 1 back to green, 2 no longer known, 1 newly in default, "
        "2 out of default after probation, 1 charged off, 1 closed, 2 gone: not delivered, 2 on the list as before"
    )


def test_the_list_grows_by_what_comes_onto_it_and_shrinks_by_what_leaves_it():
    panel = portfolio()
    for t in range(6, 12):
        before, after = (assess(panel, month) for month in (t - 1, t))
        rows = changes(before, after).rows
        joined = rows["after"].isin(LISTED) & ~rows["before"].isin(LISTED)
        left = rows["before"].isin(LISTED) & ~rows["after"].isin(LISTED)
        assert len(watchlist(after)) == len(watchlist(before)) + joined.sum() - left.sum()


def test_nothing_changes_between_a_month_and_itself():
    same = assess(portfolio(), 8)
    found = changes(same, same)
    assert found.rows.empty
    assert found.counts["unchanged"] == len(watchlist(same)) > 0


def test_a_months_list_does_not_depend_on_later_months_and_comes_out_the_same_again():
    panel = portfolio()
    for t in (5, 8):
        listed = watchlist(assess(panel, t))
        assert not listed.empty
        for other in (panel, panel.until(MONTHS[t])):
            pd.testing.assert_frame_equal(watchlist(assess(other, t)), listed)


def test_loans_in_default_have_a_line_of_their_own():
    panel = portfolio()
    listed = watchlist(assess(panel, 8))
    inside = standing(panel, settings=SETTINGS).in_default[:, 8]
    assert set(listed.loc[listed["light"] == "in default", "loan_id"]) == set(panel.loan_id[inside])
