"""The level of calibration of all months together, by hand and against SciPy's exact tests."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, chi2

from loantap.data.panel import Panel
from loantap.watchlist.drift import calibration_drift, calibration_level


def outcomes(defaults: list[int], expected: list[float], first: int) -> pd.DataFrame:
    later = np.where(np.arange(len(defaults)) < first, np.nan, 1.0)
    return pd.DataFrame({"defaults": defaults, "expected": expected, "change_high": later})


def test_the_ratio_is_of_all_months_together():
    found = calibration_level(outcomes([3, 5, 9, 13], [4, 4, 6, 6], 2), confidence=0.9)
    assert (found.defaults, found.expected) == (30, 20)
    # Garwood's interval of 30, from chi-square: 0.05 and 0.95 of 60 and 62 degrees of freedom, halved.
    assert found.ratio == pytest.approx((1.5, chi2.ppf(0.05, 60) / 40, chi2.ppf(0.95, 62) / 40))
    assert found.light == "amber"  # the interval leaves out 1, and reaches into what needs no action


def test_the_change_is_the_exact_ratio_of_two_rates():
    found = calibration_level(outcomes([3, 5, 9, 13], [4, 4, 6, 6], 2), confidence=0.9)
    # 22 of 12 expected against 8 of 8: given 30 defaults, Clopper and Pearson's interval of the later months' share.
    low, high = binomtest(22, 30).proportion_ci(0.9)
    assert found.change == pytest.approx((22 / 12, 8 / 12 * low / (1 - low), 8 / 12 * high / (1 - high)))
    assert found.change_light == "green"  # the interval holds 1


def test_nothing_expected_is_nothing_said():
    none = calibration_level(outcomes([0, 0], [0.0, 0.0], 1))
    assert (none.light, none.change_light) == ("", "")
    assert np.isnan(none.ratio).all()
    quiet = calibration_level(outcomes([0, 4], [2.0, 2.0], 1))
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
