"""Where a loan stands month after month: by hand, and whatever else is on the panel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loantap.data.panel import CHARGED_OFF, CLOSED, DEFAULT_DAYS, OPEN, Panel
from loantap.watchlist.settings import read_settings
from loantap.watchlist.standing import BUCKETS, NEVER, Standing, standing

NA = float("nan")
HOW = {"settings": read_settings()}  # carried for two months, a probation of three, good below 30 days


def panel(days: list, *, status: list | None = None, balance: list | None = None, absent: list | None = None) -> Panel:
    """Return a panel of rows of days past due; `absent` are cells that were not delivered."""
    late = np.array(days, dtype=float)
    delivered = np.ones(late.shape, dtype=bool)
    for row, month in absent or []:
        delivered[row, month] = False
    values = np.full(late.shape, 20.0)
    owed = np.full(late.shape, 1_000.0) if balance is None else np.array(balance, dtype=float)
    months = np.datetime64("2020-01", "M") + np.arange(late.shape[1])
    return Panel(np.arange(len(late)), months, values, values, owed, late, None if status is None else np.array(status, dtype=float), delivered=delivered)  # fmt: skip


def buckets(found: Standing, row: int = 0) -> list[str]:
    return ["" if code < 0 else BUCKETS[code] for code in found.bucket[row]]


def test_days_past_due_fall_into_the_buckets_of_the_field():
    found = standing(panel([[0, 1, 29, 30, 59, 60, 89, 90, 400]]), **HOW)
    names = (
        "current",
        "1 to 29",
        "1 to 29",
        "30 to 59",
        "30 to 59",
        "60 to 89",
        "60 to 89",
        "90 and more",
        "90 and more",
    )
    assert tuple(buckets(found)) == names


def test_unknown_days_are_carried_with_their_age_and_then_unknown():
    found = standing(panel([[30, NA, NA, NA, 0, NA]]), **HOW)
    assert found.days[0].tolist()[:3] == [30, 30, 30]
    assert np.isnan(found.days[0, 3])
    assert found.age[0].tolist() == [0, 1, 2, 3, 0, 1]
    assert buckets(found) == ["30 to 59", "30 to 59", "30 to 59", "unknown", "current", "current"]


def test_days_that_never_were_known_have_no_age():
    found = standing(panel([[NA, NA]]), **HOW)
    assert found.age[0].tolist() == [NEVER, NEVER]
    assert buckets(found) == ["unknown", "unknown"]


def test_a_loan_that_is_not_delivered_is_gone_and_before_its_first_month_nothing():
    found = standing(panel([[NA, 0, NA, 0]], absent=[(0, 0), (0, 2)]), **HOW)
    assert buckets(found) == ["", "current", "gone", "current"]


@pytest.mark.parametrize(
    ("days", "inside"),
    [
        ([90, 0, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0]),
        ([90, 0, 29, 0, 29, 0], [1, 1, 1, 1, 0, 0]),  # good is what stays below the red floor
        ([90, 0, 0, 30, 0, 0], [1, 1, 1, 1, 1, 1]),
        ([90, 0, NA, NA, 0, 0], [1, 1, 1, 1, 1, 1]),  # months that are not known are not good
        ([90, 0, NA, 0, 0, 0], [1, 1, 1, 1, 1, 0]),
        ([0, 89, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]),
    ],
)
def test_default_ends_with_its_probation(days: list[float], inside: list[int]):
    assert standing(panel([days]), **HOW).in_default[0].tolist() == [bool(one) for one in inside]


def test_what_is_charged_off_stays_so_and_what_is_closed_stays_closed_when_it_leaves():
    status = [[NA, CHARGED_OFF, NA, NA], [NA, CLOSED, NA, NA], [OPEN, CHARGED_OFF, OPEN, OPEN]]
    found = standing(
        panel([[120, 150, 0, 0], [0, 0, NA, NA], [0, 0, 0, 30]], status=status, absent=[(1, 2), (1, 3)]), **HOW
    )
    assert buckets(found) == ["90 and more", "charged off", "charged off", "charged off"]
    assert buckets(found, 1) == ["current", "closed", "closed", "closed"]
    assert buckets(found, 2) == [
        "current",
        "charged off",
        "current",
        "30 to 59",
    ]  # until somebody says that it is open again


def test_a_balance_of_nothing_ends_a_loan_unless_it_defaulted_or_is_late():
    found = standing(panel([[0, 0], [0, 5], [90, 90], [60, NA]], balance=[[1, 0]] * 4), **HOW)
    assert [buckets(found, row)[1] for row in range(4)] == ["closed", "1 to 29", "90 and more", "60 to 89"]


def test_a_closed_loan_that_is_late_is_not_over():
    found = standing(panel([[60, 75], [60, NA]], status=[[OPEN, CLOSED]] * 2), **HOW)
    assert [buckets(found, row)[1] for row in range(2)] == ["60 to 89", "60 to 89"]


@given(st.lists(st.lists(st.sampled_from([0, 15, 45, 75, 95, NA]), min_size=8, max_size=8), min_size=1, max_size=9))
def test_a_month_depends_on_nothing_after_it_and_a_loan_on_no_other(days: list[list[float]]):
    whole = panel(days)
    expected = standing(whole, **HOW)
    for last in (3, 6):
        before = standing(whole.until(whole.months[last]), **HOW)
        for name in vars(expected):
            np.testing.assert_array_equal(getattr(before, name), getattr(expected, name)[:, : last + 1])
    for row in range(len(days)):
        alone = standing(whole.only(np.array([row])), **HOW)
        for name, values in vars(expected).items():
            np.testing.assert_array_equal(getattr(alone, name)[0], values[row])


@given(st.lists(st.sampled_from([0, 15, 45, 75, 95, NA]), min_size=8, max_size=8), st.integers(0, 7))
def test_a_month_that_is_not_known_never_ends_a_default(days: list[float], silent: int):
    """Wherever a month is silenced that told no default, default lasts at least as long as with it."""
    if days[silent] >= DEFAULT_DAYS:
        return
    known = standing(panel([days]), **HOW).in_default[0]
    silenced = standing(
        panel([[NA if month == silent else late for month, late in enumerate(days)]]), **HOW
    ).in_default[0]
    assert (silenced >= known).all()
