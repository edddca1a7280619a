"""What each threshold costs and finds by itself, by hand on four loans."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from loantap.data.panel import Panel
from loantap.watchlist.choice import make_history, settings_cost
from loantap.watchlist.measures import Period
from loantap.watchlist.settings import SIGNALS, Settings, read_settings

RAW = read_settings().model_dump()
SETTINGS = Settings.model_validate(RAW | {"window": 5, "backtest": RAW["backtest"] | {"horizon": 2, "early_days": 30}})
X = np.nan
PERIOD = Period(first=4, last=9, horizon=2)


def four_loans() -> Panel:
    """Return ten months of four loans; windows end in months 4 to 9, defaults of months 6 to 9 count."""
    late = np.array(
        [
            [0, 0, 0, 0, 0, 0, 12, 40, 90, X],  # high debt-to-income, late in months 6 and 7, in default in 8
            [0, 0, 0, 0, 0, 12, 12, 90, X, X],  # late in 5 and 6 without any other sign, in default in 7
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],  # high debt-to-income, well
            [0, 0, 0, 0, 0, 0, 0, 35, 0, 0],  # 35 days late in month 7, and pays up
        ]
    )
    here = ~np.isnan(late)
    dti = np.where(here, [[50], [10], [35], [10]], X)
    return Panel(
        np.arange(4),
        np.datetime64("2020-01", "M") + np.arange(10),
        dti,
        np.where(here, 20.0, X),
        np.where(here, 1.0, X),
        late,
    )


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    panel = four_loans()
    history = make_history(panel, settings=SETTINGS)
    return settings_cost(panel, history, settings=SETTINGS, period=PERIOD, confidence=0.9).set_index(
        ["signal", "floor"]
    )


def test_a_level_by_hand(table: pd.DataFrame):
    row = table.loc[("dti", "")]
    assert (row["amber"], row["red"]) == (SETTINGS.signals.dti.amber, SETTINGS.signals.dti.red)
    # Evaluation in months 4 to 8: loan 0 three (in 7 it is 40 days late), loan 1 three, loan 2 five, loan 3 four. Flagged: 0 and 2.
    assert row["flagged_per_1000"] == pytest.approx(1000 * 8 / 15)
    assert row["red_per_1000"] == pytest.approx(1000 * 3 / 15)  # loan 2 lies between the two thresholds
    # Alerts of months 4 to 7: loan 0 in 4, 5, 6, of which 6 is right; loan 2 in all four, none right.
    assert (row["alerts"], row["precision"]) == (7, 1 / 7)
    assert (row["defaults"], row["caught"], row["caught_alone"]) == (2, 1, 0)  # days past due found loan 0 too
    assert (row["recall_low"], row["recall_high"]) == pytest.approx(
        proportion_confint(1, 2, alpha=0.1, method="wilson")
    )


def test_floors_count_loans_that_are_late_already(table: pd.DataFrame):
    amber, red = table.loc[("days_past_due", "amber")], table.loc[("days_past_due", "red")]
    assert (amber["amber"], red["red"]) == (1, 30)
    assert np.isnan([amber["red"], red["amber"]]).all()
    # Live in months 4 to 8: loan 0 four months, loan 1 three, the others five. Late: 0 in 6 and 7, 1 in 5 and 6, 3 in 7.
    assert amber["flagged_per_1000"] == pytest.approx(1000 * 5 / 17)
    assert (amber["alerts"], amber["precision"]) == (5, 4 / 5)
    # 30 days or more: loan 0 in 7, right; loan 3 in 7, wrong. One of two defaults, which debt-to-income flagged too.
    assert (red["alerts"], red["precision"], red["caught"], red["caught_alone"]) == (2, 0.5, 1, 0)
    assert amber["caught_alone"] == 1


def test_every_signal_that_is_known_has_a_row(table: pd.DataFrame):
    assert [name for name, floor in table.index if not floor] == [
        name for name in SIGNALS if name not in ("probability_change", "payment_shortfall", "inquiries")
    ]


def test_without_days_past_due_there_are_no_floors():
    panel = four_loans()
    silent = Panel(panel.loan_id, panel.months, panel.dti, panel.revol_util, panel.balance)
    history = make_history(silent, settings=SETTINGS)
    found = settings_cost(silent, history, settings=SETTINGS, period=PERIOD)
    assert set(found["floor"]) == {""}
    assert "days_past_due" not in set(found["signal"])


def test_a_higher_threshold_flags_no_more():
    panel, flagged = four_loans(), []
    for factor in (1.0, 1.5):
        strict = SETTINGS.stricter(factor)
        history = make_history(panel, settings=strict)
        found = settings_cost(panel, history, settings=strict, period=PERIOD)
        flagged.append(found["flagged_per_1000"])
    assert (flagged[1] <= flagged[0]).all()
    assert (flagged[1] < flagged[0]).any()
