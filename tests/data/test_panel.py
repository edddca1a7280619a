import numpy as np
import pytest

from loantap.data.panel import DEFAULT_DAYS, Panel

NAN = np.nan


@pytest.fixture
def panel() -> Panel:
    """Three loans in four months: one defaults in the third, one was lost before it was late, one never is."""
    late = np.array([[0.0, 60, 90, 120], [0, 89, NAN, NAN], [0, 0, 0, 0]])
    values = np.arange(12.0).reshape(3, 4)
    months = np.arange(np.datetime64("2016-01"), np.datetime64("2016-05"))
    return Panel(np.array(["a", "b", "c"], dtype=object), months, values, values + 100, values + 1000, late)


def test_default_is_the_first_month_90_days_past_due(panel: Panel):
    assert DEFAULT_DAYS == 90
    assert panel.default_month().tolist() == [2, 4, 4]


def test_without_days_past_due_nobody_defaults(panel: Panel):
    untold = Panel(panel.loan_id, panel.months, panel.dti, panel.revol_util, panel.balance)
    assert untold.default_month().tolist() == [4, 4, 4]


def test_until_a_month_keeps_it_and_forgets_what_follows(panel: Panel):
    early = panel.until(np.datetime64("2016-02"))
    assert early.months.astype(str).tolist() == ["2016-01", "2016-02"]
    for name in ("dti", "revol_util", "balance", "days_past_due"):
        np.testing.assert_array_equal(getattr(early, name), getattr(panel, name)[:, :2])
    assert early.default_month().tolist() == [2, 2, 2]  # nobody has defaulted yet


def test_until_a_day_is_until_its_month(panel: Panel):
    assert len(panel.until(np.datetime64("2016-02-29")).months) == 2


def test_until_leaves_out_days_past_due_that_nobody_tells(panel: Panel):
    untold = Panel(panel.loan_id, panel.months, panel.dti, panel.revol_util, panel.balance)
    assert untold.until(np.datetime64("2016-02")).days_past_due is None
