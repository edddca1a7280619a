"""What a collections team reads: how loans move between buckets, roll and cure rates, vintages, concentrations, what settings cost."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from loantap.exhibits import collection_sentences as say
from loantap.exhibits.exhibit import Exhibit, Exhibits, together
from loantap.exhibits.heads import label
from loantap.exhibits.plots import collections as plots
from loantap.exhibits.words import ABSENT, columns, percent, plain, show, with_confidence
from loantap.watchlist.standing import BUCKETS, GONE, OFF
from loantap.watchlist.transitions import ALL, BACK, NEW

if TYPE_CHECKING:
    from loantap.watchlist.backtest import Backtest
    from loantap.watchlist.vintages import Vintages

_WORSENS = BUCKETS[: OFF + 1]
_MONEY = {"exposure_before": "money", "expected_loss_before": "money", "without_pd": "count"}
_PRICED = " Expected loss: exposure times the probability of default within twelve months times the loss given default, an assumption."
_NO_MONTH_BEFORE = "No loan was delivered the month before, so nothing can be said of how loans moved."
_NO_VINTAGES = (
    "No vintage curves: too few loans of one time of funding are on the panel, or nobody knows when they were funded."
)
_FRACTIONS = ("probability_change", "payment_shortfall")  # whose thresholds are told in percent
_MOST_VINTAGES = 6  # lines that a reader can tell apart


def transitions(
    matrix: pd.DataFrame, *, months: str, min_cell: int, confidence: float, name: str = "transitions"
) -> Exhibits:
    """Show the transition matrix, as from `transitions.transition_matrix`.

    Args:
        matrix: Its cells.
        months: Which months loans move between, in words, such as "from 2018-11 to 2018-12".
        min_cell: The smallest count that is shown.
        confidence: Of the intervals.
        name: Of the exhibit.
    """
    if not (matrix["loans"].sum() or matrix["withheld"].any()):
        return together(Exhibit(text=_NO_MONTH_BEFORE))
    table = matrix.pivot(index="before", columns="now", values="share")
    totals = matrix[matrix["now"] == ALL].set_index("before")
    filled = matrix[(matrix["before"] != ALL) & ((matrix["loans"] > 0) | matrix["withheld"])]
    rows = [one for one in (*BUCKETS[:GONE], NEW, BACK) if totals.loc[one, "loans"] != 0]
    states = [one for one in BUCKETS if one in set(filled["now"])]
    shares = table.loc[rows, states]
    wide = totals.loc[rows, ["loans", "balance"]].join(shares).reset_index()
    kinds: dict[str, Any] = dict.fromkeys(states, "rate")
    note = (
        f"Loans by days past due, {months}; a row is where they were the month before. What is not known stands in the bucket of its last known "
        f"value for as long as the settings carry it. {_withheld(min_cell)}"
    )
    cells = matrix[(matrix["before"] != ALL) & (matrix["now"] != ALL) & (matrix["loans"] != 0)]
    told = columns(
        "before", "now", "loans", "share with interval", "balance", "share_of_balance", share_of_balance="rate"
    )
    title = say.transitions_title(matrix, months=months, confidence=confidence)
    return together(
        Exhibit(
            name, title, note, "A matrix of buckets before and now; stronger colours are larger shares, worse to the right.",
            table=wide, columns=columns("before", "loans", "balance", *states, **kinds),
            figure=plots.plot_transitions(shares, order=_WORSENS),
        ),
        Exhibit(
            f"{name}-cells", f"Every move between buckets, {months}",
            f"{percent(confidence)} Wilson intervals, over loans where several months are put together; balances are those of the month "
            f"before. {_withheld(min_cell)}", table=cells, columns=with_confidence(told, confidence),
        ),
    )  # fmt: skip


def roll_rates(rates: pd.DataFrame, *, month: str, against: str, min_cell: int, confidence: float) -> Exhibit:
    """Show roll and cure rates of a month, as from `transitions.roll_rates`.

    Args:
        rates: The rates.
        month: Which month.
        against: What they are compared with, in words, such as "the month before".
        min_cell: The smallest count that is shown.
        confidence: Of the intervals.
    """
    told = rates[rates["loans"].notna() | rates["withheld"] | rates["loans_before"].notna()]
    if told.empty:
        return Exhibit(text=_NO_MONTH_BEFORE)
    names = told["bucket"] + ": " + told["rate"]
    shown = columns(
        "rate", "bucket", "loans", "not_known", "share with interval", "share_of_balance", "share_before", "difference with interval", "change",
        rate="text", not_known="count", share_of_balance="rate", share_before="rate",
    )  # fmt: skip
    return Exhibit(
        "roll-rates", say.rates_title(rates, month=month, against=against),
        f"Shares of the loans of a bucket the month before that are known now, against {against}. {percent(confidence)} intervals: Wilson, of "
        f"differences Newcombe's and for all rates at once. Loans that are not known now may as well have become worse. {_withheld(min_cell)}",
        "Dots with intervals for each rate, this month above the months before.", table=_with_words(told), columns=with_confidence(shown, confidence),
        figure=plots.plot_rates(told.assign(name=names)),
    )  # fmt: skip


def vintages(found: "Vintages", *, min_cell: int, confidence: float) -> Exhibit:
    """Show vintage curves, as from `vintages.vintage_curves`."""
    if found.curves.empty:
        return Exhibit(text=_NO_VINTAGES)
    late = found.counts.groupby("event")["late_at_entry"].sum()
    left_out = ", ".join(f"{show(number, 'count')} loans {event}" for event, number in late.items())
    curves = found.curves.assign(event=found.curves["event"].map(say.EVENT_WORDS))
    recent = sorted(curves["vintage"].unique())[-_MOST_VINTAGES:]
    unknown = ""
    if found.unknown:
        unknown = f" {show(found.unknown, 'count')} loans without a known month of funding are in no curve."
    shown = columns("event", "vintage", "age", "at_risk", "events", "share with interval", "since", age="count", at_risk="count", events="count",
                    since="count")  # fmt: skip
    return Exhibit(
        "vintage-curves", say.vintages_title(curves, confidence=confidence),
        f"Product-limit estimates from the loans at risk at each age, {percent(confidence)} intervals (Greenwood, log-log) point by point. "
        f"Loans that end early are taken to be as risky as those that stay. Arrears before the first snapshot are not known; loans that were "
        f"late when first seen are left out: {left_out}. A dashed line begins where its loans are first seen.{unknown} Points with fewer than "
        f"{min_cell} loans at risk are withheld.",
        "Step lines by months on book for each vintage, named at their ends: loans ever late, and loans ever in default.",
        table=curves, columns=with_confidence(shown, confidence), figure=plots.plot_vintages(curves[curves["vintage"].isin(recent)]),
    )  # fmt: skip


def states(table: pd.DataFrame, name: str, *, month: str, min_cell: int, confidence: float) -> Exhibit:
    """Show how loans and money are spread over lights or buckets, as from `concentration.exposure_by_state`.

    Args:
        table: Its rows.
        name: What the states are: "light" or "days past due".
        month: Which month.
        min_cell: The smallest count that is shown.
        confidence: Of the intervals.
    """
    loss = [one for one in ("expected_loss", "expected_loss_before", "without_pd") if one in table]
    shares = ("share_before", "share_of_exposure", "share_of_exposure_before")
    kinds: dict[str, Any] = _MONEY | dict.fromkeys(shares, "rate")
    shown = columns("level", "loans", "share with interval", "share_before", "difference with interval", "change", "exposure",
                    "exposure_before", "share_of_exposure", "share_of_exposure_before", *loss, **kinds)  # fmt: skip
    return Exhibit(
        f"exposure-by-{name.replace(' ', '-')}", say.states_title(table, name, month=month),
        f"Loans delivered in {month} by {name}, against the month before. {_paired(confidence, 'states')}{_PRICED if loss else ''} "
        f"{_withheld(min_cell)}".strip(),
        table=_with_words(table), columns=with_confidence(shown, confidence),
    )  # fmt: skip


def concentration(
    table: pd.DataFrame, by: str, *, attention: str, month: str, min_cell: int, confidence: float
) -> Exhibit:
    """Show where exposure and expected loss stand, as from `concentration.concentration`.

    Args:
        table: Its rows.
        by: The feature.
        attention: What flags a loan, in words, such as "red or amber".
        month: Which month.
        min_cell: The smallest count that is shown.
        confidence: Of the intervals.
    """
    name = label(by)
    losses = ("expected_loss", "expected_loss_before", "expected_loss_rate", "without_pd")
    loss = [one for one in losses if one in table]
    shares = ("share_of_exposure", "flagged_share")
    rates = (*shares, *(f"{share}_before" for share in shares), "expected_loss_rate")
    kinds: dict[str, Any] = _MONEY | dict.fromkeys(rates, "rate")
    shown = columns("level", "loans", "exposure", "share_of_exposure", "share_of_exposure_before", "flagged_share with interval",
                    "flagged_share_before", "difference with interval", "change", *loss, **kinds)  # fmt: skip
    return Exhibit(
        f"concentration-{by}", say.concentration_title(table, name, attention=attention, month=month),
        f"Loans of {month} by {name}, against the month before. Flagged: {attention}. {_paired(confidence, 'levels')}"
        f"{_PRICED if loss else ''} Levels of fewer than {min_cell} loans are pooled.",
        table=_with_words(table), columns=with_confidence(shown, confidence),
    )  # fmt: skip


def settings_cost(backtest: "Backtest | None", found: dict[str, Any]) -> Exhibit:
    """Show what each threshold costs in alerts and finds in defaults by itself, or why nobody can tell."""
    if backtest is None:
        return Exhibit(text=plain(found["why_not"]))
    rules, horizon = backtest.costs, found["settings"]["backtest"]["horizon"]
    named = [
        say.FLOORS[row["floor"]] if row["floor"] else say.SIGNAL_WORDS.get(row["signal"], label(row["signal"]))
        for row in rules.to_dict("records")
    ]
    amber, red = (
        [_limit(*pair) for pair in zip(rules["signal"], rules[light], strict=True)] for light in ("amber", "red")
    )
    own = np.where(rules["floor"] == "red", red, amber)
    table = rules.assign(signal=named, amber_from=own, red_from=red)
    shown = columns("signal", "amber_from", "red_from", "flagged_per_1000", "red_per_1000", "precision with interval", "recall with interval",
                    "by_chance", "caught_alone", flagged_per_1000="number", red_per_1000="number", caught_alone="count")  # fmt: skip
    return Exhibit(
        "settings-cost", say.settings_title(table),
        f"Each threshold as if it were the only one, over all months. Recall: of the loans that defaulted, those flagged in the {horizon} months "
        f"before. Precision: flagged loans that default within {horizon} months. Floors include loans that are late already, and days past due come before every default. "
        f"{percent(backtest.confidence)} intervals (Wilson, of precision over loans).",
        table=table, columns=with_confidence(shown, backtest.confidence),
    )  # fmt: skip


def _with_words(table: pd.DataFrame) -> pd.DataFrame:
    return table.replace({"change": {"open": "not shown"}})


def _paired(confidence: float, what: str) -> str:
    return f"{percent(confidence)} intervals: Wilson, of differences with the loans of both months paired and for all {what} at once."


def _limit(signal: str, value: float) -> str:
    return ABSENT if pd.isna(value) else percent(value) if signal in _FRACTIONS else f"{value:g}"


def _withheld(min_cell: int) -> str:
    return f"Counts below {min_cell}, and what would give them away, are withheld." if min_cell > 1 else ""
