"""What early warning shows: whom to look at, what can be offered, what the lights were worth, and how far the loans drift."""

from typing import TYPE_CHECKING

import pandas as pd

from loantap.decisions.early_warning.drift import AMBER, RED
from loantap.exhibits.exhibit import Exhibit, Exhibits, Notice, together
from loantap.exhibits.plots import early_warning as plots
from loantap.exhibits.warning_sentences import (
    Result,
    backtest_row,
    calibration_title,
    drift_title,
    trade_off_title,
    truth_sentence,
)
from loantap.exhibits.watch_page import (
    LIGHT_COLUMNS,
    LIST_COLUMNS,
    MEDIAN_COLUMNS,
    OFFER_COLUMNS,
    OFFERS_NOTE,
    SYNTHETIC,
    with_main_reasons,
)
from loantap.exhibits.words import columns, plain, show

if TYPE_CHECKING:
    from loantap.data.panel import Panel
    from loantap.decisions.early_warning.backtest import Backtest
    from loantap.decisions.early_warning.live import Live
    from loantap.decisions.early_warning.month import Month

METHODS = {"caps": "caps alone", "probability": "model alone"}
NAMES_LOANS = Exhibit(text="Single loans are shown in the report only.")
INVENTED = Notice("Invented snapshots", SYNTHETIC)


def source(live: "Live") -> Exhibit:
    """Say where the snapshots come from, and what was seen when reading them."""
    text = "\n".join([f"Snapshots: {plain(live.source)}.\n", *(f"- {plain(note)}" for note in live.notes)])
    return Exhibit(text=text, notice=None if live.truth is None else INVENTED)


def watchlist(month: "Month", panel: "Panel") -> Exhibits:
    """Show the loans to look at, and those whose light has changed."""
    listed, told = month.watchlist, month.changes.words
    red = int((listed["light"] == "red").sum())
    return together(
        Exhibit(
            "watchlist",
            f"{show(red, 'count')} red and {show(len(listed) - red, 'count')} amber loans in {month.month}",
            f"Red first, then most points, then most balance; reasons are strongest first; {_loans(panel)}.",
            table=with_main_reasons(listed),
            columns=LIST_COLUMNS,
        ),
        Exhibit(
            "watchlist-changes",
            "What has changed since the month before",
            f"{told}.",
            table=month.changes.rows,
            columns=columns("loan_id", "words", "before", "after"),
        ),
    )


def lights(month: "Month") -> Exhibit:
    """Show how many loans have which light, and what has changed; it names no loan."""
    title, changed = f"Lights in {month.month}", f"Since the month before: {month.changes.words}."
    return Exhibit(title=title, caption=changed, table=month.lights, columns=LIGHT_COLUMNS)


def offers(offered: pd.DataFrame) -> Exhibit:
    """Show what each offer changes, loan by loan, as from `restructuring.options`."""
    title, caption = "What each offer changes for borrower and lender", f"{OFFERS_NOTE} {_red(offered)}."
    return Exhibit("watchlist-offers", title, caption, table=offered, columns=OFFER_COLUMNS)


def offer_medians(medians: pd.DataFrame, offered: pd.DataFrame) -> Exhibit:
    """Show what each offer changes in the middle of the red loans: offer, and the medians of MEDIAN_COLUMNS."""
    title, caption = (
        "What each offer changes, in the middle of the red loans",
        f"Medians over {_red(offered)}; {OFFERS_NOTE}",
    )
    return Exhibit("watchlist-offers-medians", title, caption, table=medians, columns=MEDIAN_COLUMNS)


def _red(offered: pd.DataFrame) -> str:
    return f"n = {show(offered['loan_id'].nunique(), 'count')} red loans"


def warned(found: Result) -> Exhibit:
    """Say what the lights would have found, or why nobody can tell."""
    told = [found["sentence"], found["chosen"], found["against_baselines"]]
    return Exhibit(
        text="\n\n".join(
            [plain(text) for text in told if text] + [f"- {plain(note)}" for note in found["backtest_notes"]]
        )
    )


def performance(judged: "Backtest | None", found: Result, panel: "Panel") -> Exhibit:
    """Show how well the lights would have warned, beside simpler ways to alert as many loans."""
    if judged is None:
        return Exhibit(text=plain(found["why_not"]))
    return Exhibit(
        "warning-performance",
        "How well the lights would have warned",
        f"Alerts per 1,000 loans a month; 95 % intervals (Wilson; for precision over loans); lead in months; {_loans(panel)}.",
        table=judged.performance.assign(method=judged.performance["method"].replace(METHODS)),
        columns=columns(
            "period", "setting", "method", "alerts_per_1000", "precision with interval", "red_precision",
            "recall with interval", "by_chance", "lead_median", "flip_flop",
        ),
    )  # fmt: skip


def trade_off(judged: "Backtest | None", found: Result, panel: "Panel") -> Exhibits:
    """Draw what alerts cost and bring, and keep every setting that was tried."""
    if judged is None:
        return together(Exhibit(text=plain(found["why_not"])))
    tried = judged.trade_off
    lines = tried[(tried["method"] != "rule") | tried["frontier"]]
    return together(
        Exhibit(
            "warning-trade-off",
            "Alerts against defaults warned of, at every setting",
            f"On the later months; {_loans(panel)}.",
            table=tried,
            columns=columns("method", "strictness", "points", "alerts_per_1000", "recall", "by_chance", "precision", strictness="ratio", points="count"),
        ),
        Exhibit(
            "warning-trade-off",
            trade_off_title(found),
            f"The rule's line runs through the settings that were best on the earlier months; baselines alert as often; {_loans(panel)}.",
            "Two panels of lines against alerts per 1,000 loans: the share of defaults warned of, and the share of alerts that were right.",
            figure=plots.plot_alerts(lines.assign(method=lines["method"].replace(METHODS)), chosen=backtest_row(found["performance"])),
        ),
    )  # fmt: skip


def months(by_month: pd.DataFrame | None, found: Result, panel: "Panel") -> Exhibits:
    """Show how many lights there would have been in each month, and how many of them were right.

    Args:
        by_month: month (text), loans, amber, red, defaults, right.
        found: As from `record`; says why there is no back-test.
        panel: The snapshots.
    """
    if by_month is None:
        return together(Exhibit(text=plain(found["why_not"])))
    shares = by_month.assign(amber=by_month["amber"] / by_month["loans"], red=by_month["red"] / by_month["loans"])
    counts = ("loans", "amber", "red", "defaults", "right")
    return together(
        Exhibit(
            "warning-months",
            "Lights of the recommended setting by month",
            f"Loans less than 30 days late; {_loans(panel)}.",
            table=by_month,
            columns=columns("month", *counts, **dict.fromkeys(counts, "count")),
        ),
        Exhibit(
            "warning-months",
            "How many lights there would have been",
            f"Amber and red lights of the recommended setting, on loans less than 30 days late; {_loans(panel)}.",
            "Stacked bars by month: the share of live loans that are red, and amber above it.",
            figure=plots.plot_lights(shares),
        ),
    )


def drift(moved: pd.DataFrame, panel: "Panel") -> Exhibits:
    """Show how far the live loans have moved from the training loans.

    Args:
        moved: As from `drift.drift`, with months as text.
        panel: The snapshots.
    """
    title = drift_title(moved)
    return together(
        Exhibit(
            "warning-drift",
            title,
            f"Population stability index of the probability, characteristic stability index of the others; {_loans(panel)}.",
            table=moved,
            columns=columns("month", "variable", "n", "missing", "psi", "chance_95", "light"),
        ),
        Exhibit(
            "warning-drift",
            title,
            f"Stability index against the training loans by month, with the customary limits; {_loans(panel)}.",
            "Lines of the stability index by month for each variable, with dashed lines at the amber and the red limit.",
            figure=plots.plot_drift(moved, amber=AMBER, red=RED),
        ),
    )


def calibration(outcomes: pd.DataFrame | None, panel: "Panel") -> Exhibits:
    """Show the defaults that came against those that the model lets expect.

    Args:
        outcomes: As from `drift.calibration_drift`; None where the snapshots do not tell days past due.
        panel: The snapshots.
    """
    if outcomes is None:
        return together(Exhibit(text="The snapshots do not tell days past due, so nobody knows which loans defaulted."))
    outcomes = as_months(outcomes)
    return together(
        Exhibit(
            "warning-calibration",
            "Defaults that came against those the model lets expect",
            f"Exact Poisson intervals, 95 %; expected: an even hazard over the term (an assumption, so the change counts, not the level); {_loans(panel)}.",
            table=outcomes,
            columns=columns(
                "month", "n", "defaults", "expected", "ratio", "ci_low", "ci_high", "light", "change", "change_light",
                ci_low="ratio", ci_high="ratio", change="ratio",
            ),
        ),
        Exhibit(
            "warning-calibration",
            calibration_title(outcomes),
            f"Observed over expected defaults by month, exact Poisson intervals, 95 %; {_loans(panel)}.",
            "Dots with intervals by month around a line at one.",
            figure=plots.plot_outcomes(outcomes.dropna(subset=["ratio"])),
        ),
    )  # fmt: skip


def truth(live: "Live", listed: pd.DataFrame, position: int) -> Exhibit:
    """Say how the lights of a month meet the hidden distress that synthetic snapshots were drawn from, if they were."""
    return Exhibit(text="" if live.truth is None else truth_sentence(live.truth, listed, position))


def as_months(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its months as texts such as 2016-05."""
    return table.assign(month=table["month"].astype("datetime64[s]").dt.strftime("%Y-%m"))


def _loans(panel: "Panel") -> str:
    return f"n = {show(len(panel.loan_id), 'count')} loans, {panel.months[0]} to {panel.months[-1]}"
