from dataclasses import replace
from math import log
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2

from loantap.data.panel import Panel
from loantap.watchlist.drift import calibration_drift, calibration_level, drift, poisson_interval, psi, shares

TRAINING = {"dti": np.repeat([10.0, 20.0], [600, 400])}


def panel(dti: Any, *, days_past_due: Any = None, **others: Any) -> Panel:
    dti = np.atleast_2d(np.asarray(dti, dtype=float))
    n, m = dti.shape
    months = np.arange(np.datetime64("2018-01"), np.datetime64("2018-01") + m)
    late = np.zeros((n, m)) if days_past_due is None else np.asarray(days_past_due, dtype=float)
    values = {"revol_util": np.full((n, m), 50.0), "balance": np.full((n, m), 1_000.0)} | others
    return Panel(np.arange(n), months, dti, values["revol_util"], values["balance"], late)


def column(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=float)[:, np.newaxis]


def test_the_index_of_two_cells_by_hand():
    # (0.6 - 0.5) ln(0.6 / 0.5) + (0.4 - 0.5) ln(0.4 / 0.5) = 0.1 * 0.182322 + 0.1 * 0.223144 = 0.040547.
    assert psi(np.array([0.5, 0.5]), np.array([0.6, 0.4])) == pytest.approx(0.040547, abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=12))
def test_the_index_is_symmetric_finite_and_0_for_equal_shares(counts: list[tuple[int, int]]):
    e, a = shares(np.array(counts)[:, 0]), shares(np.array(counts)[:, 1])
    assert psi(e, a) == pytest.approx(psi(a, e), abs=1e-12)
    assert np.isfinite(psi(e, a))
    assert psi(e, a) >= -1e-12
    assert psi(e, e) == 0


def test_half_a_loan_is_added_to_every_cell():
    # (0 + 0.5) / (9 + 1) and (9 + 0.5) / (9 + 1); the smallest share is 1 / (2 * 9 + 2).
    assert shares(np.array([0, 9])).tolist() == [0.05, 0.95]


def test_two_cells_by_hand():
    # Of 1,000 training loans 60% are at 10, of 100 live ones 40%; half a loan more in each cell.
    found = drift(panel(column(np.repeat([10, 20], [40, 60]))), TRAINING).iloc[0]
    e, a = (600.5 / 1_001, 400.5 / 1_001), (40.5 / 101, 60.5 / 101)
    assert found["psi"] == pytest.approx(sum((y - x) * log(y / x) for x, y in zip(e, a, strict=True)), abs=1e-12)
    assert (found["n"], found["missing"], found["light"]) == (100, 0, "amber")


def test_what_chance_gives_by_hand():
    # Ten cells, nobody lacks a value: 9 * (1 / 100 + 1 / 1,000) = 0.099; the 95% point of chi-square with 9 degrees of
    # freedom is 16.919 in any table: 16.919 * 0.011 = 0.18611.
    found = drift(panel(column(range(0, 1_000, 10))), {"dti": np.arange(1_000)}).iloc[0]
    assert found["chance"] == pytest.approx(0.099, abs=1e-12)
    assert found["chance_high"] == pytest.approx(0.18611, abs=1e-5)


def test_the_index_of_loans_from_the_same_population_is_what_chance_gives():
    rng = np.random.default_rng(0)
    found = pd.concat(
        [drift(panel(rng.normal(20, 5, (500, 4))), {"dti": rng.normal(20, 5, 3_000)}) for _ in range(150)]
    )
    # 600 months, whose indices scatter by half of their mean: 2% of it.
    assert found["psi"].mean() == pytest.approx(found["chance"].iloc[0], rel=0.08)
    assert (found["psi"] > found["chance_high"]).mean() == pytest.approx(0.05, abs=0.03)


def test_a_small_month_is_no_alarm():
    rng = np.random.default_rng(1)
    found = drift(panel(rng.normal(20, 5, (40, 20))), {"dti": rng.normal(20, 5, 3_000)})
    assert (found["psi"] > 0.10).mean() > 0.8
    assert (found["light"] == "green").mean() >= 0.8


def test_lights_follow_custom():
    # With half of the loans in each of two cells before, 0.04, 0.14 and 0.37 are found for shares of 0.6, 0.685 and
    # 0.785.
    training = {"dti": np.repeat([10.0, 20.0], 50_000)}
    lights = []
    for share in (0.6, 0.685, 0.785):
        live = np.where(np.arange(10_000) < share * 10_000, 10, 20)
        lights.append(drift(panel(column(live)), training)["light"].iloc[0])
    assert lights == ["green", "amber", "red"]


def test_cells_are_those_of_the_training_loans_in_every_month():
    training = np.arange(1_000.0)
    found = drift(panel(np.column_stack([training, training + 100, training + 100])), {"dti": training})
    assert found["psi"].iloc[0] == 0
    # All move up by a cell: the lowest is empty, the highest holds 20%; half a loan more in each.
    e = np.full(10, 0.1)
    a = np.array([0.5, *[100.5] * 8, 200.5]) / 1_005
    assert found["psi"].iloc[1] == pytest.approx(psi(e, a), abs=1e-12)
    assert found["psi"].iloc[2] == found["psi"].iloc[1]


def test_missing_values_are_a_cell_of_their_own():
    values = np.where(np.arange(1_000) % 2, np.arange(1_000.0), np.nan)
    found = drift(panel(column(values)), {"dti": np.arange(1_000)}).iloc[0]
    assert (found["missing"], found["n"], found["light"]) == (0.5, 1_000, "red")
    same = drift(panel(column(values)), {"dti": values}).iloc[0]
    assert same["psi"] == pytest.approx(0, abs=1e-12)


def test_a_value_beyond_those_of_the_training_loans_has_a_cell():
    found = drift(panel(column(np.repeat([10, 25, 30], [60, 30, 10]))), TRAINING).iloc[0]
    wanted = psi(shares(np.array([600, 400, 0])), shares(np.array([60, 0, 40])))  # 10, 20, above
    assert found["psi"] == pytest.approx(wanted, abs=1e-12)
    found = drift(panel(np.full((100, 1), np.nan)), TRAINING).iloc[0]
    assert (found["missing"], found["light"]) == (1, "red")


def test_a_common_value_is_a_cell_of_its_own():
    # Of 1,000 values 900 are 5: cells below, at and above it.
    values = np.repeat([4.0, 5.0, 6.0], [50, 900, 50])
    found = drift(panel(column(values)), {"dti": values}).iloc[0]
    assert found["chance"] == pytest.approx(2 * (1 / 1_000 + 1 / 1_000), abs=1e-12)
    for other in (4.999, 5.001):
        moved = drift(panel(column(np.full(1_000, other))), {"dti": np.full(1_000, 5.0)})
        assert moved["light"].tolist() == ["red"]


def test_only_live_loans_count():
    late = np.zeros((4, 3))
    late[0, 1] = 90  # in default from the second month on
    balance = np.full((4, 3), 1_000.0)
    dti = np.full((4, 3), 20.0)
    gone = panel(dti, days_past_due=late, balance=balance)
    for values in (gone.dti, gone.revol_util, gone.balance, gone.days_past_due):
        values[1, 2] = np.nan
    found = drift(replace(gone, delivered=None), {"dti": np.arange(50), "revol_util": np.arange(50)})
    assert found["month"].tolist() == list(np.repeat(gone.months, 2))
    assert found["variable"].tolist() == ["dti", "revol_util"] * 3
    assert found["n"].tolist() == [4, 4, 3, 3, 2, 2]


def test_a_month_without_live_loans_has_no_light():
    found = drift(panel([[90.0]], days_past_due=[[90]]), {"dti": np.arange(50)}).iloc[0]
    assert found["n"] == 0
    assert found["light"] == ""
    assert found[["psi", "missing", "chance", "chance_high"]].isna().all()


def test_probabilities_are_compared_where_they_are_known():
    training = np.arange(1_000) / 1_000
    now = np.column_stack([np.where(np.arange(1_000) % 2, training, np.nan), training])
    found = drift(panel(np.zeros((1_000, 2))), {"probability": training}, probability=now)
    assert found["n"].tolist() == [500, 1_000]
    assert found["missing"].tolist() == [0, 0]
    assert found["psi"].tolist() == pytest.approx([0, 0], abs=1e-6)
    same = drift(
        panel(np.zeros((1_000, 2))), {"probability": training}, probability=np.column_stack([training, training])
    )
    assert same["psi"].tolist() == [0, 0]


# Chance of default over 36 months with which one in a hundred live loans defaults a month.
P36 = 1 - 0.99**36


def defaults_by_month(n: int, numbers: list[int]) -> Panel:
    """A panel of n loans, of which so many default in each month, the first ones first."""
    late, start = np.zeros((n, len(numbers))), 0
    for month, number in enumerate(numbers):
        late[start : start + number, month:] = 90
        start += number
    return panel(np.full((n, len(numbers)), 20.0), days_past_due=late)


def judged(n: int, numbers: list[int], *, first_months: int = 6, **options: Any) -> pd.DataFrame:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("loantap.watchlist.drift.FIRST_MONTHS", first_months)
        return calibration_drift(defaults_by_month(n, numbers), np.full(n, P36), np.full(n, 36), **options)


def test_observed_and_expected_by_hand():
    # Nobody is at risk in the first month. Then four loans with a hazard of 0.01 each, one of which defaults; then
    # three.
    found = judged(4, [0, 1, 0])
    assert found["n"].tolist() == [0, 4, 3]
    assert found["defaults"].tolist() == [0, 1, 0]
    assert found["expected"].tolist() == pytest.approx([0, 0.04, 0.03], abs=1e-12)
    assert found["ratio"].tolist()[1:] == pytest.approx([25, 0], abs=1e-9)
    # From a table of exact Poisson limits: 1 has 0.0253 and 5.572, 0 has 0 and 3.689.
    assert found["ci_low"].tolist()[1:] == pytest.approx([0.0253 / 0.04, 0], abs=0.01)
    assert found["ci_high"].tolist()[1:] == pytest.approx([5.572 / 0.04, 3.689 / 0.03], abs=0.02)
    assert found.loc[0, ["ratio", "ci_low", "ci_high"]].isna().all()
    assert found.loc[0, "light"] == ""


def test_poisson_limits_are_those_of_the_table():
    low, high = poisson_interval(np.array([0, 1, 10, 100]))
    assert low == pytest.approx([0, 0.0253, 4.795, 81.36], abs=0.005)
    assert high == pytest.approx([3.689, 5.572, 18.39, 121.63], abs=0.005)


def test_loans_have_the_hazard_of_their_own_probability_and_term():
    # 1 - p = (1 - h)^term: a hazard of 0.1 over 2 months is p = 0.19, one of 0.5 over 3 is p = 0.875.
    found = calibration_drift(panel(np.full((2, 2), 20.0)), np.array([0.19, 0.875]), np.array([2, 3]))
    assert found["expected"].iloc[1] == pytest.approx(0.1 + 0.5, abs=1e-12)


def test_a_loan_that_comes_in_default_is_not_counted():
    found = judged(1_000, [50, 10, 0])
    assert found["n"].tolist() == [0, 950, 940]
    assert found["defaults"].tolist() == [0, 10, 0]


def test_a_loan_is_at_risk_from_its_second_snapshot_until_it_defaults():
    late = np.array([[np.nan, 0, 0, 0, 0], [0, 0, 90, 0, 0], [0, np.nan, 0, 0, 95], [np.nan, 95, 0, 0, 0]])
    gone = np.isnan(late)
    values = [np.where(gone, np.nan, value) for value in (20.0, 50.0, 1_000.0)]
    book = panel(values[0], days_past_due=late, revol_util=values[1], balance=values[2])
    found = calibration_drift(book, np.full(4, P36), np.full(4, 36))
    # The second loan in months 2 and 3, the third in 3, 4 and 5, the first in 3, 4 and 5; the fourth comes in default.
    assert found["n"].tolist() == [0, 1, 3, 2, 2]
    assert found["defaults"].tolist() == [0, 0, 1, 0, 1]


def test_loans_without_a_probability_are_left_out_of_both():
    probability = np.full(1_000, P36)
    probability[:5] = np.nan  # five of the ten that default
    found = calibration_drift(defaults_by_month(1_000, [0, 10]), probability, np.full(1_000, 36))
    assert (found["n"].iloc[1], found["defaults"].iloc[1]) == (995, 5)
    assert found["expected"].iloc[1] == pytest.approx(9.95, abs=1e-9)


@pytest.mark.parametrize(
    ("defaults", "light"),
    [
        (100, "green"),
        (115, "green"),  # 0.95 to 1.38: holds 1
        (124, "green"),  # 1.03 to 1.48, but the ratio is within 1.25
        (130, "amber"),  # 1.09 to 1.54: not 1, but perhaps within 1.25
        (170, "red"),  # 1.45 to 1.98
        (70, "amber"),  # 0.55 to 0.88
        (50, "red"),  # 0.37 to 0.66
    ],
)
def test_a_ratio_has_a_light(defaults: int, light: str):
    assert judged(10_000, [0, defaults])["light"].tolist() == ["", light]


def test_the_change_is_against_the_first_months_together():
    # 10 of 10 expected, then 20 of 9.9, then 15 of 9.7: against the first, 2.0202 and 1.5464; against the first two,
    # 15 / 9.7 over 30 / 19.9.
    one, two = judged(1_000, [0, 10, 20, 15], first_months=1), judged(1_000, [0, 10, 20, 15], first_months=2)
    assert one["change"].tolist()[2:] == pytest.approx([2.0202, 1.5464], abs=1e-4)
    assert two["change"].iloc[3] == pytest.approx(15 / 9.7 * 19.9 / 30, abs=1e-9)
    assert two["change"].iloc[:3].isna().all()
    assert two["change_light"].tolist() == ["", "", "", "green"]
    # Of the 30 defaults of both months, 20 in the later one: exact binomial limits, as odds.
    ends = binomtest(20, 30).proportion_ci(method="exact")
    wanted = [end / (1 - end) * 10 / 9.9 for end in (ends.low, ends.high)]
    assert one.loc[2, ["change_low", "change_high"]].tolist() == pytest.approx(wanted, abs=1e-9)


def test_a_month_without_defaults_has_a_change_of_0():
    found = judged(1_000, [0, 10, 0], first_months=1).iloc[2]
    assert (found["change"], found["change_low"]) == (0, 0)
    # 1 - 0.025^(1/10) = 0.3085 is the upper limit of none in ten; as odds 0.4461, times 10 / 9.9.
    assert found["change_high"] == pytest.approx(0.4461 * 10 / 9.9, abs=1e-3)


def test_first_months_without_defaults_say_nothing_of_a_change():
    found = judged(1_000, [0, 0, 10], first_months=1).iloc[2]
    assert found[["change", "change_low", "change_high"]].isna().all()
    assert found["change_light"] == ""


def test_a_level_that_the_assumption_gets_wrong_is_no_change():
    found = judged(10_000, [0, *[200] * 9])
    assert (found["light"].iloc[1:] == "red").all()
    assert (found["change_light"].iloc[7:] == "green").all()


def test_a_model_that_is_right_has_green_lights():
    rng = np.random.default_rng(0)
    p = rng.beta(2, 8, 20_000)
    hazard = 1 - (1 - p) ** (1 / 36)
    month = rng.geometric(hazard)
    late = 90.0 * (np.arange(12) >= month[:, np.newaxis])
    found = calibration_drift(panel(np.full((20_000, 12), 20.0), days_past_due=late), p, np.full(20_000, 36))
    assert (found["light"].iloc[1:] == "green").all()
    assert ((found["ci_low"] <= 1) & (found["ci_high"] >= 1)).iloc[1:].mean() >= 0.8
    assert (found["change_light"].iloc[7:] == "green").all()


# All months together.


def months_of(defaults: list[int], expected: list[float], first: int) -> pd.DataFrame:
    later = np.where(np.arange(len(defaults)) < first, np.nan, 1.0)
    return pd.DataFrame({"defaults": defaults, "expected": expected, "change_high": later})


def test_the_ratio_is_of_all_months_together():
    found = calibration_level(months_of([3, 5, 9, 13], [4, 4, 6, 6], 2), confidence=0.9)
    assert (found.defaults, found.expected) == (30, 20)
    # Garwood's interval of 30, from chi-square: 0.05 and 0.95 of 60 and 62 degrees of freedom, halved.
    assert found.ratio == pytest.approx((1.5, chi2.ppf(0.05, 60) / 40, chi2.ppf(0.95, 62) / 40))
    assert found.light == "amber"  # the interval leaves out 1, and reaches into what needs no action


def test_the_change_is_the_exact_ratio_of_two_rates():
    found = calibration_level(months_of([3, 5, 9, 13], [4, 4, 6, 6], 2), confidence=0.9)
    # 22 of 12 expected against 8 of 8: given 30 defaults, Clopper and Pearson's interval of the later months' share.
    low, high = binomtest(22, 30).proportion_ci(0.9)
    assert found.change == pytest.approx((22 / 12, 8 / 12 * low / (1 - low), 8 / 12 * high / (1 - high)))
    assert found.change_light == "green"  # the interval holds 1


def test_nothing_expected_is_nothing_said():
    none = calibration_level(months_of([0, 0], [0.0, 0.0], 1))
    assert (none.light, none.change_light) == ("", "")
    assert np.isnan(none.ratio).all()
    quiet = calibration_level(months_of([0, 4], [2.0, 2.0], 1))
    assert quiet.light
    assert np.isnan(quiet.change).all()  # no default in the first months to compare with


def test_it_agrees_with_the_months_it_is_made_of():
    rng = np.random.default_rng(0)
    days = np.where(rng.random((400, 14)) < 0.02, 90.0, 0.0)
    ones = np.ones((400, 14))
    panel = Panel(np.arange(400), np.datetime64("2018-01", "M") + np.arange(14), ones, ones, ones, days)
    table = calibration_drift(panel, np.full(400, 0.3), np.full(400, 36.0))
    found = calibration_level(table)
    assert found.defaults == table["defaults"].sum()
    assert found.expected == pytest.approx(table["expected"].sum())
    first = table[table["change"].isna()]
    later = table[table["change"].notna()]
    assert found.change[0] == pytest.approx(
        later["defaults"].sum() / later["expected"].sum() / (first["defaults"].sum() / first["expected"].sum())
    )
