"""What a collections team reads shows itself, says what its numbers say, and withholds what is small."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from loantap.data.panel import CHARGED_OFF, Panel
from loantap.exhibits import collection_sentences as sentences
from loantap.exhibits import collections as exhibits
from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.words import to_markdown
from loantap.watchlist.backtest import backtest, why_not
from loantap.watchlist.concentration import concentration, exposure_by_state
from loantap.watchlist.settings import read_settings
from loantap.watchlist.standing import BUCKETS, standing
from loantap.watchlist.transitions import roll_rates, transition_matrix
from loantap.watchlist.vintages import vintage_curves

CONFIDENCE, CELL = 0.5, 7
LEVELS: dict[str, Any] = {"min_cell": CELL, "confidence": CONFIDENCE}


def loans(n: int = 3_000, seed: int = 0) -> Panel:
    """Return 16 months of loans that fall behind a month at a time, and catch up or are written off."""
    rng, months = np.random.default_rng(seed), np.datetime64("2018-01", "M") + np.arange(16)
    days, status = np.zeros((n, 16)), np.zeros((n, 16))
    for t in range(1, 16):
        falls = rng.random(n) < np.where(days[:, t - 1] == 0, 0.03, 0.6)
        days[:, t] = np.where(
            falls, days[:, t - 1] + rng.choice([15, 30], n), np.where(rng.random(n) < 0.5, 0, days[:, t - 1])
        )
        status[:, t] = np.where(days[:, t] > 120, CHARGED_OFF, 0)
    gone = np.cumsum(status == CHARGED_OFF, axis=1) > 1
    dti = 20 + rng.normal(0, 8, (n, 1)) + rng.normal(0, 1, (n, 16))
    known = {
        name: np.where(gone, np.nan, values) for name, values in {"days": days, "status": status, "dti": dti}.items()
    }
    balance = np.where(gone, np.nan, rng.integers(1_000, 9_000, (n, 1)) * 1.0)
    return Panel(np.arange(n), months, known["dti"], known["dti"] + 30, balance, known["days"], status=known["status"])


def all_of(panel: Panel) -> dict[str, Exhibit]:
    """Return every exhibit of a panel, by its name."""
    stands, last = standing(panel, settings=read_settings()), 15
    rng = np.random.default_rng(1)
    months = {"months": "from 2019-03 to 2019-04", "month": "2019-04"}
    frame = pd.DataFrame({"grade": rng.choice(list("ABC"), len(panel.loan_id)), "pd": 0.1, "pd_before": 0.1})
    for ending, t in (("", last), ("_before", last - 1)):
        here = panel.delivered[:, t]
        late = np.where(here, (stands.bucket[:, t] >= 2).astype(object), None)
        names = np.array(BUCKETS, dtype=object)[stands.bucket[:, t]]
        frame[f"flagged{ending}"], frame[f"balance{ending}"] = late, panel.balance[:, t]
        frame[f"bucket{ending}"] = np.where(here, names, None)
    lost = {"loss_given_default": 0.5, **LEVELS}
    settings = read_settings()
    judged = backtest(panel, settings=settings, repetitions=20, random_state=0, confidence=CONFIDENCE)
    found = {"why_not": why_not(panel, settings=settings), "settings": settings.model_dump()}
    matrix = transition_matrix(panel, stands, first=last, last=last, **LEVELS)
    rates = roll_rates(panel, stands, last, earlier=12, **LEVELS)
    funded = pd.Series(rng.choice(pd.date_range("2017-09-01", periods=5, freq="MS"), len(panel.loan_id)))
    curves = vintage_curves(panel, funded, **LEVELS)
    shown = [
        *exhibits.transitions(matrix, months=months["months"], **LEVELS),
        exhibits.roll_rates(rates, month=months["month"], against="the twelve months before", **LEVELS),
        exhibits.vintages(curves, **LEVELS),
        exhibits.states(exposure_by_state(frame, "bucket", "bucket_before", order=BUCKETS, **lost), "days past due", month=months["month"], **LEVELS),
        exhibits.concentration(concentration(frame, "grade", **lost), "grade", attention="30 or more days late", month=months["month"], **LEVELS),
        exhibits.settings_cost(judged, found),
    ]  # fmt: skip
    return {one.name: one for one in shown}


@pytest.fixture(scope="module")
def shown() -> dict[str, Exhibit]:
    return all_of(loans())


def test_every_exhibit_can_be_read(shown: dict[str, Exhibit]):
    assert list(shown) == ["transitions", "transitions-cells", "roll-rates", "vintage-curves", "exposure-by-days-past-due",
                           "concentration-grade", "settings-cost"]  # fmt: skip
    for name, exhibit in shown.items():
        assert exhibit.title, name
        assert "nan" not in to_markdown(exhibit.table, exhibit.columns).lower(), name
        assert "  " not in exhibit.caption, name
    assert [name for name, one in shown.items() if one.figure is not None] == [
        "transitions",
        "roll-rates",
        "vintage-curves",
    ]


def test_numbers_that_are_shown_are_no_texts(shown: dict[str, Exhibit]):
    for name, exhibit in shown.items():
        numbers = exhibit.table[list(exhibit.columns)].select_dtypes("number").columns
        assert [one for one in numbers if exhibit.columns[one] == "text"] == [], name


def test_the_confidence_and_the_smallest_count_are_those_asked_for(shown: dict[str, Exhibit]):
    for name, exhibit in shown.items():
        words = f"{exhibit.title} {exhibit.caption}"
        assert "95%" not in words, name
        if name != "transitions":
            assert "50% " in words, name
        if name != "settings-cost":
            assert f"below {CELL}" in words or f"than {CELL} loans" in words, name


def test_the_title_of_transitions_says_what_the_matrix_holds(shown: dict[str, Exhibit]):
    row = shown["transitions"].table.set_index("before").loc["current"]
    title = shown["transitions"].title
    assert title.startswith(
        f"{row['current']:.1%} of current loans stayed current from 2019-03 to 2019-04 (50% interval "
    )
    assert title.endswith(f"; {row['1 to 29']:.1%} became 1 to 29 days late")


def rates(*rows: tuple[str, str, float, float, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["rate", "bucket", "share", "share_before", "change"])
    return table.assign(difference=table["share"] - table["share_before"])


def test_only_rates_that_are_shown_to_have_changed_are_said_to_have():
    worse = ("rolls to a worse bucket", "30 to 59", 0.4, 0.3, "higher")
    told = sentences.rates_title(
        rates(worse, ("returns to current", "1 to 29", 0.9, 0.8, "open")), month="2019-04", against="the month before"
    )
    assert (
        told
        == "Changed in 2019-04 against the month before: of loans 30 to 59 days late, 40.0% rolled to a worse bucket (30.0% before)"
    )
    none = rates((*worse[:4], "open"))
    assert sentences.rates_title(none, month="2019-04", against="the month before") == (
        "No roll or cure rate of 2019-04 is shown to differ from the month before"
    )
    few = none.assign(difference=np.nan)
    assert "too few loans to compare" in sentences.rates_title(few, month="2019-04", against="the month before")


def test_vintages_are_compared_at_an_age_that_two_of_them_reach():
    ages = {"2016": 12, "2017": 9, "2018": 3}
    curves = pd.DataFrame(
        [
            {"event": "ever in default", "vintage": name, "age": age, "share": age / 100, "share_low": age / 200, "share_high": age / 50, "since": 0}
            for name, last in ages.items() for age in range(1, last + 1)
        ]
    )  # fmt: skip
    assert sentences.vintages_title(curves, confidence=0.9) == (
        "In default by 9 months on book: 9.0% of those of 2016 (90% interval 4.5 to 18.0%) and 9.0% of those of 2017 (90% interval 4.5 to 18.0%)"
    )
    late = curves.assign(since=5)
    assert sentences.vintages_title(late, confidence=0.9).startswith(
        "Loans late or in default by months on book, from the age"
    )


def test_the_title_of_a_concentration_names_where_money_and_loss_stand():
    table = pd.DataFrame(
        {
            "level": ["A", "B", "all"], "exposure": [700.0, 300.0, 1000.0], "share_of_exposure": [0.7, 0.3, 1.0], "expected_loss": [10.0, 30.0, 40.0],
            "change": ["open", "higher", "open"], "flagged_share": [0.1, 0.3, 0.2], "flagged_share_before": [0.1, 0.2, 0.2],
        }
    )  # fmt: skip
    told = sentences.concentration_title(table, "grade", attention="red or amber", month="2019-04")
    assert told == (
        "By grade, A holds the largest share of exposure in 2019-04 (70.0%) and B the largest share of the expected loss (75.0%); the share red or amber changed in B "
        "(30.0%, 20.0% the month before)"
    )
    plainer = sentences.concentration_title(
        table.drop(columns="expected_loss").assign(change="open"), "grade", attention="red", month="2019-04"
    )
    assert plainer == "By grade, A holds the largest share of exposure in 2019-04 (70.0%)"


def test_the_table_of_settings_says_why_it_is_absent():
    panel = loans(50)
    short = panel.until(panel.months[5])
    found = {"why_not": why_not(short, settings=read_settings()), "settings": read_settings().model_dump()}
    assert exhibits.settings_cost(None, found).text.startswith("No back-test: a window of 6 months")


def test_the_table_of_settings_has_the_thresholds_of_the_settings(shown: dict[str, Exhibit]):
    table = shown["settings-cost"].table.set_index("signal")
    limits = read_settings()
    assert table.loc["level of debt-to-income (%)", "amber_from"] == f"{limits.signals.dti.amber:g}"
    assert table.loc["floor of red: days past due", "red_from"] == f"{limits.floors.red:g}"
    assert table.loc["floor of amber: days past due", "amber_from"] == f"{limits.floors.amber:g}"


def test_small_portfolios_withhold_rather_than_fail():
    for name, exhibit in all_of(loans(60)).items():
        if exhibit.table is not None:
            assert to_markdown(exhibit.table, exhibit.columns), name


def test_unchanged_rates_are_not_said_to_have_changed():
    # 95% for all rates at once: of 12 panels more than 3 are said to have changed in 1 of 500 times.
    changed = 0
    for seed in range(12):
        panel = loans(800, seed)
        stands = standing(panel, settings=read_settings())
        table = roll_rates(panel, stands, 15, earlier=6, min_cell=10, confidence=0.95)
        changed += "Changed in" in sentences.rates_title(table, month="2019-04", against="the months before")
    assert changed <= 3


def test_the_first_month_of_a_panel_has_nothing_to_compare():
    panel = loans(200)
    stands = standing(panel, settings=read_settings())
    matrix = transition_matrix(panel, stands, first=0, last=0, **LEVELS)
    rates = roll_rates(panel, stands, 0, earlier=12, **LEVELS)
    for exhibit in (
        *exhibits.transitions(matrix, months="in 2018-01", **LEVELS),
        exhibits.roll_rates(rates, month="2018-01", against="none", **LEVELS),
    ):
        assert exhibit.text.startswith("No loan was delivered the month before")


def test_a_pooled_level_is_not_said_to_hold_most():
    table = pd.DataFrame(
        {
            "level": ["A", "B, C (pooled)", "all"],
            "exposure": [300.0, 700.0, 1000.0],
            "share_of_exposure": [0.3, 0.7, 1.0],
            "change": "open",
        }
    )
    told = sentences.concentration_title(table, "grade", attention="red", month="2019-04")
    assert told == "By grade, A holds the largest share of exposure in 2019-04 (30.0%)"
    pooled = sentences.concentration_title(table[1:], "grade", attention="red", month="2019-04")
    assert pooled == "Exposure by grade in 2019-04"
    none = sentences.concentration_title(table.assign(exposure=0.0), "grade", attention="red", month="2019-04")
    assert none == "No exposure by grade in 2019-04"
