"""What a collections team reads: how loans move between buckets, roll and cure rates, vintages, concentrations, what settings cost."""

from typing import Any

import pandas as pd

from loantap.exhibits import collection_sentences as say
from loantap.exhibits.exhibit import Exhibit, Exhibits, together
from loantap.exhibits.heads import label
from loantap.exhibits.plots import collections as plots
from loantap.exhibits.words import ABSENT, columns, percent, plain, show
from loantap.watchlist.backtest import Backtest
from loantap.watchlist.standing import BUCKETS, GONE, OFF
from loantap.watchlist.transitions import ALL, BACK, NEW
from loantap.watchlist.vintages import Vintages

_WORSENS = BUCKETS[: OFF + 1]
_OPEN = {"change": {"open": "not shown"}}
_MONEY = {"exposure_before": "money", "expected_loss_before": "money", "without_pd": "count"}
_PRICED = " Expected loss: exposure times the probability of default within twelve months times the loss given default, an assumption."
_NO_MONTH_BEFORE = "No loan was delivered the month before, so nothing can be said of how loans moved."
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
    totals = matrix[matrix["now"] == ALL].set_index("before")
    single = matrix[matrix["before"] != ALL]
    filled = set(single.loc[(single["loans"] > 0) | single["withheld"], "now"])
    rows = [one for one in (*BUCKETS[:GONE], NEW, BACK) if totals.loc[one, "loans"] != 0]
    states = [one for one in BUCKETS if one in filled]
    shares = matrix.pivot(index="before", columns="now", values="share").loc[rows, states]
    wide = totals.loc[rows, ["loans", "balance"]].join(shares).reset_index()
    kinds: dict[str, Any] = dict.fromkeys(states, "rate")
    caption = (
        f"Loans by days past due, {months}; a row is where they were the month before. What is not known stands in the bucket of its last known "
        f"value for as long as the settings carry it. {_withheld(min_cell)}"
    )
    below = (
        f"{percent(confidence)} Wilson intervals, over loans where several months are put together; balances are those of the month "
        f"before. {_withheld(min_cell)}"
    )
    cells = single[(single["now"] != ALL) & (single["loans"] != 0)]
    shown = columns("before", "now", "loans", "share with interval", "balance", "share_of_balance", share_of_balance="rate", confidence=confidence)  # fmt: skip
    return together(
        Exhibit(
            name, say.transitions_title(matrix, months=months, confidence=confidence), caption,
            "A matrix of buckets before and now; stronger colours are larger shares, worse to the right.", table=wide,
            columns=columns("before", "loans", "balance", *states, **kinds), figure=plots.plot_transitions(shares, order=_WORSENS),
        ),
        Exhibit(f"{name}-cells", f"Every move between buckets, {months}", below, table=cells, columns=shown),
    )  # fmt: skip


def roll_rates(rates: pd.DataFrame, *, month: str, against: str, min_cell: int, confidence: float) -> Exhibit:
    """Show roll and cure rates of a month, as from `transitions.roll_rates`, against other months, in words such as "the month before"."""
    some = rates[rates["loans"].notna() | rates["withheld"] | rates["loans_before"].notna()]
    if some.empty:
        return Exhibit(text=_NO_MONTH_BEFORE)
    shown = columns(
        "rate", "bucket", "loans", "not_known", "share with interval", "share_of_balance", "share_before", "difference with interval", "change",
        rate="text", not_known="count", share_of_balance="rate", share_before="rate", confidence=confidence,
    )  # fmt: skip
    return Exhibit(
        "roll-rates", say.rates_title(rates, month=month, against=against),
        f"Shares of the loans of a bucket the month before that are known now, against {against}. {percent(confidence)} intervals: Wilson, of "
        f"differences Newcombe's and for all rates at once. Loans that are not known now may as well have become worse. {_withheld(min_cell)}",
        "Dots with intervals for each rate, this month above the months before.", table=some.replace(_OPEN), columns=shown,
        figure=plots.plot_rates(some.assign(name=some["bucket"] + ": " + some["rate"])),
    )  # fmt: skip


def vintages(result: Vintages, *, min_cell: int, confidence: float) -> Exhibit:
    """Show vintage curves, as from `vintages.vintage_curves`."""
    if result.curves.empty:
        return Exhibit(
            text="No vintage curves: too few loans of one time of funding are on the panel, or nobody knows when they were funded."
        )
    late = result.counts.groupby("event")["late_at_entry"].sum()
    left_out = ", ".join(f"{show(number, 'count')} loans {event}" for event, number in late.items())
    curves = result.curves.assign(event=result.curves["event"].map(say.EVENT_WORDS))
    recent = sorted(curves["vintage"].unique())[-_MOST_VINTAGES:]
    unknown = f" {result.unknown:,} loans without a known month of funding are in no curve." if result.unknown else ""
    counts: Any = dict.fromkeys(("age", "at_risk", "events", "since"), "count")
    shown = columns("event", "vintage", "age", "at_risk", "events", "share with interval", "since", confidence=confidence, **counts)  # fmt: skip
    return Exhibit(
        "vintage-curves", say.vintages_title(curves, confidence=confidence),
        f"Product-limit estimates from the loans at risk at each age, {percent(confidence)} intervals (Greenwood, log-log) point by point. "
        f"Loans that end early are taken to be as risky as those that stay. Arrears before the first snapshot are not known; loans that were "
        f"late when first seen are left out: {left_out}. A dashed line begins where its loans are first seen.{unknown} Points with fewer than "
        f"{min_cell} loans at risk are withheld.",
        "Step lines by months on book for each vintage, named at their ends: loans ever late, and loans ever in default.",
        table=curves, columns=shown, figure=plots.plot_vintages(curves[curves["vintage"].isin(recent)]),
    )  # fmt: skip


def states(table: pd.DataFrame, name: str, *, month: str, min_cell: int, confidence: float) -> Exhibit:
    """Show how loans and money are spread over states ("light" or "days past due"), as from `concentration.exposure_by_state`."""
    loss = [one for one in ("expected_loss", "expected_loss_before", "without_pd") if one in table]
    kinds: Any = _MONEY | dict.fromkeys(("share_before", "share_of_exposure", "share_of_exposure_before"), "rate")
    shown = columns("level", "loans", "share with interval", "share_before", "difference with interval", "change", "exposure",
                    "exposure_before", "share_of_exposure", "share_of_exposure_before", *loss, confidence=confidence, **kinds)  # fmt: skip
    return Exhibit(
        f"exposure-by-{name.replace(' ', '-')}", say.states_title(table, name, month=month),
        f"Loans delivered in {month} by {name}, against the month before. {_paired(confidence, 'states')}{_PRICED if loss else ''} "
        f"{_withheld(min_cell)}".strip(),
        table=table.replace(_OPEN), columns=shown,
    )  # fmt: skip


def concentration(
    table: pd.DataFrame, by: str, *, attention: str, month: str, min_cell: int, confidence: float
) -> Exhibit:
    """Show where exposure and expected loss stand, as from `concentration.concentration`, and what flags a loan: "red or amber"."""
    name = label(by)
    losses = ("expected_loss", "expected_loss_before", "expected_loss_rate", "without_pd")
    loss = [name for name in losses if name in table]
    rates = (
        "share_of_exposure",
        "share_of_exposure_before",
        "flagged_share",
        "flagged_share_before",
        "expected_loss_rate",
    )
    kinds: Any = _MONEY | dict.fromkeys(rates, "rate")
    shown = columns("level", "loans", "exposure", "share_of_exposure", "share_of_exposure_before", "flagged_share with interval",
                    "flagged_share_before", "difference with interval", "change", *loss, confidence=confidence, **kinds)  # fmt: skip
    return Exhibit(
        f"concentration-{by}", say.concentration_title(table, name, attention=attention, month=month),
        f"Loans of {month} by {name}, against the month before. Flagged: {attention}. {_paired(confidence, 'levels')}"
        f"{_PRICED if loss else ''} Levels of fewer than {min_cell} loans are pooled.",
        table=table.replace(_OPEN), columns=shown,
    )  # fmt: skip


def settings_cost(backtest: Backtest | None, result: dict[str, Any]) -> Exhibit:
    """Show what each threshold costs in alerts and finds in defaults by itself, or why nobody can tell."""
    if backtest is None:
        return Exhibit(text=plain(result["why_not"]))
    horizon, rows = result["settings"]["backtest"]["horizon"], []
    for row in backtest.costs.to_dict("records"):
        as_text = percent if row["signal"] in _FRACTIONS else "{:g}".format
        amber, red = (ABSENT if pd.isna(row[light]) else as_text(row[light]) for light in ("amber", "red"))
        name = say.FLOORS[row["floor"]] if row["floor"] else say.SIGNAL_WORDS[row["signal"]]
        rows.append(row | {"signal": name, "amber_from": red if row["floor"] == "red" else amber, "red_from": red})
    table = pd.DataFrame(rows)
    kinds: Any = {"flagged_per_1000": "number", "red_per_1000": "number", "caught_alone": "count"}
    shown = columns("signal", "amber_from", "red_from", "flagged_per_1000", "red_per_1000", "precision with interval", "recall with interval",
                    "by_chance", "caught_alone", confidence=backtest.confidence, **kinds)  # fmt: skip
    return Exhibit(
        "settings-cost", say.settings_title(table),
        f"Each threshold as if it were the only one, over all months. Recall: of the loans that defaulted, those flagged in the {horizon} months "
        f"before. Precision: flagged loans that default within {horizon} months. Floors include loans that are late already, and days past due come before every default. "
        f"{percent(backtest.confidence)} intervals (Wilson, of precision over loans).",
        table=table, columns=shown,
    )  # fmt: skip


def _paired(confidence: float, what: str) -> str:
    return f"{percent(confidence)} intervals: Wilson, of differences with the loans of both months paired and for all {what} at once."


def _withheld(min_cell: int) -> str:
    return f"Counts below {min_cell}, and what would give them away, are withheld." if min_cell > 1 else ""
