"""Trends by hand and against scipy; who is live; nothing from later months."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import theilslopes

from loantap.data.panel import Panel
from loantap.watchlist.settings import read_settings
from loantap.watchlist.signals import acceleration, live, signals, theil_sen
from loantap.watchlist.standing import standing

NA = float("nan")
SETTINGS = read_settings()  # a window of six months, caps of 40 and 95%


def panel_of(dti: list, *, util: list | None = None, late: list | None = None) -> Panel:
    """Return a panel of rows of months."""
    values = np.array(dti, dtype=float)
    n, m = values.shape
    return Panel(
        loan_id=np.arange(100, 100 + n),
        months=np.datetime64("2020-01", "M") + np.arange(m),
        dti=values,
        revol_util=np.full((n, m), 50.0) if util is None else np.array(util, dtype=float),
        balance=np.where(np.isnan(values), NA, 1_000.0),
        days_past_due=None if late is None else np.array(late, dtype=float),
    )


def seen(panel: Panel, t: int, **known: Any) -> pd.DataFrame:
    return signals(panel, t, settings=SETTINGS, stands=standing(panel, settings=SETTINGS), **known)


def live_at(panel: Panel, t: int) -> np.ndarray:
    return live(panel, t, stands=standing(panel, settings=SETTINGS))


def test_a_trend_by_hand():
    # 1, 2, 4, 7: slopes of pairs 1, 1.5, 2, 2, 2.5, 3; their median is (2 + 2) / 2.
    assert theil_sen(np.array([[1, 2, 4, 7]]))[0] == 2.0


def test_a_missing_month_keeps_its_place_in_time():
    # 0, ?, 2, 3, 7 in months 0, 2, 3, 4: slopes 1, 1, 7/4, 1, 5/2, 4; sorted 1, 1, 1, 7/4, 5/2, 4: (1 + 7/4) / 2.
    assert theil_sen(np.array([[0, NA, 2, 3, 7]]))[0] == 1.375


def test_one_odd_month_moves_a_steady_trend_little():
    steady, odd = np.arange(6.0), np.array([0, 1, 2, 60, 4, 5])
    # Ten of the fifteen pairs leave the odd month out and have slope 1.
    assert theil_sen(np.array([steady, odd])).tolist() == [1.0, 1.0]


def test_three_known_months_tell_no_trend():
    assert np.isnan(theil_sen(np.array([[1, NA, 3, NA, 5, NA]]))[0])


@given(arrays(float, (12, 6), elements=st.one_of(st.floats(0, 200), st.just(NA))))
def test_trends_are_scipys_to_the_last_digit_whatever_is_missing(values: np.ndarray):
    slopes = theil_sen(values)
    for row, slope in zip(values, slopes, strict=True):
        known = np.flatnonzero(~np.isnan(row))
        expected = theilslopes(row[known], known)[0] if len(known) >= 4 else NA
        assert np.array_equal(slope, expected, equal_nan=True)


def test_many_loans_are_computed_in_parts_and_none_is_left_out():
    values = np.arange(20_000.0)[:, np.newaxis] * np.arange(4.0)
    assert np.array_equal(theil_sen(values), np.arange(20_000.0))


def test_acceleration_is_the_later_trend_less_the_earlier():
    # Halves of three months have the slope of their ends: (15 - 11) / 2 - (12 - 10) / 2 = 1.
    assert acceleration(np.array([[10, 10, 12, 11, 13, 15]]))[0] == 1.0
    # Of five months the third belongs to both halves: (20 - 12) / 2 - (12 - 10) / 2 = 3.
    assert acceleration(np.array([[10, 11, 12, 15, 20]]))[0] == 3.0


def test_acceleration_is_not_told_where_a_half_is_not():
    assert np.isnan(acceleration(np.array([[10, NA, 12, 11, 13, 15]]))[0])


def test_a_loan_is_live_with_a_snapshot_and_before_its_default():
    panel = panel_of([[10, 10, 10], [10, NA, NA], [10, 10, 10]], util=[[50] * 3, [50, NA, NA], [50] * 3],
                     late=[[0, 0, 0], [0, NA, NA], [0, 90, 0]])  # fmt: skip
    # The second has no snapshot from month 1 on; the third defaults in month 1 and stays in default.
    assert live_at(panel, 0).tolist() == [True, True, True]
    assert live_at(panel, 1).tolist() == live_at(panel, 2).tolist() == [True, False, False]


def test_signals_stand_at_the_loans_place_in_the_panel():
    panel = panel_of(
        [[10] * 6, [NA] * 6, [30, 31, 32, 33, 34, 41]], util=[[50] * 6, [NA] * 6, [50, 50, 50, 60, 70, 80]]
    )
    then, now = np.array([0.1, 0.9, 0.2]), np.array([0.1, 0.9, 0.26])
    found = seen(panel, 5, probability_then=then, probability_now=now)
    assert found.index.tolist() == [0, 2]
    assert found["loan_id"].tolist() == [100, 102]
    row = found.loc[2]
    assert row["dti"] == 41
    assert row["dti_trend"] == 1.0  # ten of fifteen pairs have slope 1
    assert (row["util_acceleration"], row["util_trend"]) == (10.0, pytest.approx(20 / 3))
    # Slopes of utilisation, sorted: 0 (three pairs), 10/3, 5, 5, 6, 20/3, 15/2, 10 (six pairs): the eighth of fifteen is 20/3.

    assert row["probability_change"] == pytest.approx(0.06)


def test_only_the_window_makes_a_trend():
    found = seen(panel_of([[90, 80, 10, 11, 12, 13, 14, 15]]), 7)
    assert found["dti_trend"].tolist() == [1.0]


def test_early_months_have_trends_once_four_are_known():
    panel = panel_of([[10, 11, 12, 13, 14, 15]])
    told = [seen(panel, t)["dti_trend"].notna().all() for t in range(6)]
    assert told == [False, False, False, True, True, True]
    # The halves are those of the whole window: of five known months two lie in the earlier half of six.
    assert seen(panel, 4)["dti_acceleration"].isna().all()


def test_what_nobody_knows_is_missing():
    found = seen(panel_of([[10] * 6]), 5)
    assert found[["probability", "probability_change", "days_past_due"]].isna().all(axis=None)


def test_signals_do_not_depend_on_later_months():
    rng = np.random.default_rng(0)
    late = np.where(rng.random((50, 10)) < 0.05, 90, 0)
    panel = panel_of(rng.normal(20, 5, (50, 10)), late=late)
    for t in (3, 6):
        before = seen(panel.until(panel.months[t]), t)
        pd.testing.assert_frame_equal(seen(panel, t), before)


def test_within_the_months_that_are_carried_signals_are_as_they_were():
    rising = [10, 11, 12, 13, 14, 15]
    known, silent = panel_of([rising]), panel_of([[*rising, NA, NA]], util=[[50] * 8], late=[[0] * 8])
    told, carried = seen(known, 5), seen(silent, 7)
    for name in ("dti", "dti_trend", "dti_acceleration"):
        assert carried[name].iloc[0] == told[name].iloc[0]
    assert carried["lost"].iloc[0] == ""


def test_what_was_known_and_is_not_for_too_long_is_lost():
    panel = panel_of([[10, NA, NA, NA]], util=[[50] * 4], late=[[0, 0, 0, 0]])
    assert np.isnan(seen(panel, 3)["dti"].iloc[0])
    assert seen(panel, 3)["lost"].iloc[0] == "balance, debt-to-income"  # the balance is lost with it in these panels
    assert seen(panel, 2)["lost"].iloc[0] == ""


def test_days_past_due_that_are_carried_have_their_month():
    panel = panel_of([[10] * 4], late=[[0, 60, NA, NA]])
    found = seen(panel, 3)
    assert found[["days_past_due", "known_in"]].iloc[0].tolist() == [60, "2020-02"]


@pytest.mark.parametrize(
    ("paid", "balance", "shortfall"),
    [(300.0, 5_000.0, 0.0), (75.0, 5_000.0, 0.75), (900.0, 5_000.0, 0.0), (100.0, 200.0, NA)],
)
def test_an_installment_that_was_not_paid_is_seen(paid: float, balance: float, shortfall: float):
    panel = panel_of([[10, 10]])
    panel = replace(panel, payment=np.array([[300.0, paid]]), balance=np.full((1, 2), balance))
    found = seen(panel, 1, installment=np.array([300.0]))["payment_shortfall"].iloc[0]
    assert found == pytest.approx(shortfall, nan_ok=True)
    assert np.isnan(
        seen(panel, 0, installment=np.array([300.0]))["payment_shortfall"].iloc[0]
    )  # a new loan owes none yet
