"""What early warning shows: whom to look at, what can be offered, what the lights were worth, and how far the loans drift."""

import pandas as pd

from loantap.data.panel import DEFAULT_DAYS, Panel
from loantap.exhibits import warning_sentences as say
from loantap.exhibits import watch_page as page
from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.plots import early_warning as plots
from loantap.exhibits.words import ABSENT, bullets, by_name, columns, estimate, percent, plain, show
from loantap.exhibits.worklist import with_main_reasons
from loantap.watchlist import drift as stability
from loantap.watchlist.backtest import Backtest
from loantap.watchlist.live import Live
from loantap.watchlist.month import Month
from loantap.watchlist.settings import Settings
from loantap.watchlist.worklist import LISTED

# What the measures are called; precision, recall and F2 are those of the flagged loans.
MEASURES = {
    "default_rate": "Default rate", "auc": "AUC", "precision": "Precision", "recall": "Recall", "f2": "F2", "brier": "Brier score",
}  # fmt: skip
NAMES_LOANS = Exhibit(text="Single loans are shown in the report only.")


def source(live: Live) -> Exhibit:
    """Say where the snapshots come from, and what was seen when reading them."""
    text = "\n".join([f"Snapshots: {plain(live.source)}.\n", *(f"- {plain(note)}" for note in live.notes)])
    return Exhibit(text=text, notice=None if live.truth is None else page.INVENTED)


def lights(month: Month, settings: Settings) -> Exhibit:
    """Show the line of every loan that was delivered, and how a light comes about; it names no loan."""
    lines = zip(month.lights["light"], month.lights["loans"], strict=True)
    parts = ", ".join(f"{show(loans, 'count')} {line}" for line, loans in lines if loans)
    title = f"{show(month.delivery.loans, 'count')} loans delivered for {month.month}: {parts}"
    text = say.rule_sentence(settings.model_dump(), month.lights.to_dict("records"))
    caption, table = page.delivered_sentence(month), page.with_sum(month.lights)
    return Exhibit("watchlist-lights", title, caption, text=text, table=table, columns=page.LIGHT_COLUMNS)


def watchlist(month: Month, panel: Panel) -> Exhibit:
    """Show the loans to look at."""
    listed = month.watchlist
    counts = listed["light"].value_counts().reindex(LISTED).dropna()
    by_light = ", ".join(f"{show(count, 'count')} {light}" for light, count in counts.items())
    title = f"{by_light or 'No'} loan{'s'[: len(listed) != 1]} to look at in {month.month}"
    caption = f"Red first, then amber, unknown and in default; by points and balance; the strongest reasons first; {_loans(panel)}."
    return Exhibit("watchlist", title, caption, table=with_main_reasons(listed), columns=page.LIST_COLUMNS)


def changes(month: Month) -> Exhibit:
    """Show the loans whose light has changed."""
    title, shown = "Changes since the month before", columns("loan_id", "words", "before", "after")
    return Exhibit("watchlist-changes", title, f"{month.changes.words}.", table=month.changes.rows, columns=shown)


def offers(offered: pd.DataFrame) -> Exhibit:
    """Show what each offer changes, loan by loan, as from `restructuring.options`."""
    caption = f"{page.OFFERS_NOTE} n = {offered['loan_id'].nunique():,} red loans."
    title = "What each offer changes for borrower and lender"
    return Exhibit("watchlist-offers", title, caption, table=offered, columns=page.OFFER_COLUMNS)


def offer_medians(medians: pd.DataFrame, offered: pd.DataFrame) -> Exhibit:
    """Show what each offer changes in the middle of the n red loans that it is made to: medians of what `options` computes, and all of it."""
    table = medians.round(2).assign(months=medians["months"].round().astype("Int64"))
    title = "What each offer changes for the median red loan"
    caption = (
        f"Medians over the red loans that an offer is made to, of n = {offered['loan_id'].nunique():,} red loans; an offer that is made to "
        f"none is not listed. {page.OFFERS_NOTE}"
    )
    return Exhibit("watchlist-offers-medians", title, caption, table=table, columns=page.MEDIAN_COLUMNS)


def warned(result: say.Result) -> Exhibit:
    """Say what the lights would have found, or why nobody can tell."""
    sentences = filter(None, (result["sentence"], result["chosen"], result["against_baselines"]))
    return Exhibit(text="\n\n".join([*map(plain, sentences), bullets(map(plain, result["backtest_notes"]))]))


def performance(backtest: Backtest | None, result: say.Result, panel: Panel) -> Exhibit:
    """Show how well the lights would have warned, beside simpler ways to alert as many loans."""
    if backtest is None:
        return Exhibit(text=plain(result["why_not"]))
    intervals = f"{percent(backtest.confidence)} intervals (Wilson, of precision over loans)"
    horizon, rows = result["settings"]["backtest"]["horizon"], backtest.performance
    ahead = [say.lead_words(row, horizon) if row["caught"] else ABSENT for row in result["performance"]]
    rows = rows.assign(method=rows["method"].replace(say.METHODS), ahead=ahead)
    # First the setting that was judged on the months it was not chosen on.
    groups = [group for _, group in rows.groupby(["period", "setting"], sort=False)]
    shown = columns("period", "setting", "method", "alerts_per_1000", "precision with interval", "recall with interval", "by_chance", "ahead")  # fmt: skip
    return Exhibit(
        "warning-performance", "How well the lights would have warned",
        f"{intervals}; months ahead are counted within {horizon} months; {_loans(panel)}.",
        table=pd.concat(groups[::-1], ignore_index=True), columns=shown,
    )  # fmt: skip


def every_setting(backtest: Backtest | None, result: say.Result, panel: Panel) -> Exhibit:
    """Show what every setting that was tried would have done, and the simpler ways at as many alerts."""
    if backtest is None:
        return Exhibit(text=plain(result["why_not"]))
    caption = f"On {say.period_of(say.backtest_row(result['performance']))}; {_loans(panel)}."
    shown = columns("method", "strictness", "points", "alerts_per_1000", "recall", "by_chance", "precision")
    title = "Defaults warned of and alerts, at every setting"
    return Exhibit("warning-trade-off", title, caption, table=backtest.trade_off, columns=shown)


def trade_off(backtest: Backtest | None, result: say.Result, panel: Panel) -> Exhibit:
    """Draw what alerts cost and bring, at the settings that were best on the earlier months."""
    if backtest is None:
        return Exhibit(text=plain(result["why_not"]))
    tried, row = backtest.trade_off, say.backtest_row(result["performance"])
    lines = tried[(tried["method"] != "rule") | tried["frontier"]]
    best = (
        "the line of the rule joins the settings that were best on the earlier months; "
        if tried["frontier"].any()
        else ""
    )
    return Exhibit(
        "warning-trade-off", say.trade_off_title(result),
        f"On {say.period_of(row)}; {best}baselines alert as often; {_loans(panel)}.",
        "Lines against alerts per 1,000 loans: the share of defaults warned of, and the share of alerts that were right.",
        figure=plots.plot_alerts(lines.assign(method=lines["method"].replace(say.METHODS)), chosen=row),
    )  # fmt: skip


def months(by_month: pd.DataFrame | None, result: say.Result, panel: Panel) -> Exhibit:
    """Show how many lights there would have been in each month, and what they were worth.

    `by_month` has month (text), loans, amber, red, defaults, right, precision and recall; it is None where there is no back-test.
    """
    if by_month is None:
        return Exhibit(text=plain(result["why_not"]))
    rule, row = result["settings"]["backtest"], say.backtest_row(result["performance"])
    share = (by_month["red"] + by_month["amber"]).sum() / by_month["loans"].sum()
    return Exhibit(
        "warning-months", f"Each month {show(share, 'rate')} of live loans would have had an alert on average",
        f"Lights of the {'settings as they are' if row['setting'] == 'as set' else 'recommended setting'} on loans less than "
        f"{rule['early_days']} days late; defaults: loans {DEFAULT_DAYS} days past due within {rule['horizon']} months, right: "
        f"alerts on them; {_loans(panel)}.",
        "Stacked bars by month: the share of live loans that are red, and amber above it.",
        table=by_month, columns=columns("month", "loans", "amber", "red", "defaults", "right", "precision", "recall"),
        figure=plots.plot_lights(by_month.assign(**by_month[["amber", "red"]].div(by_month["loans"], axis=0))),
    )  # fmt: skip


def drift(moved: pd.DataFrame, panel: Panel, *, confidence: float) -> Exhibit:
    """Show how far the live loans have moved from the training loans: `drift.drift` at a confidence, with months as text."""
    return Exhibit(
        "warning-drift", say.drift_title(moved),
        f"Population stability index of the probability, characteristic stability index of the others, against the training loans. By "
        f"convention amber from {stability.AMBER:.2f} and red from {stability.RED:.2f}, but green where chance alone gives as much in more "
        f"than {percent(round(1 - confidence, 9))} of months; {_loans(panel)}.",
        "Lines of the stability index by month for each variable, with dashed lines at the amber and the red limit.",
        table=(named := moved.replace({"variable": say.VARIABLES})), columns=columns("month", "variable", "n", "missing", "psi", "chance_high", "light"),
        figure=plots.plot_drift(named, amber=stability.AMBER, red=stability.RED),
    )  # fmt: skip


def calibration(outcomes: pd.DataFrame | None, panel: Panel, *, confidence: float) -> Exhibit:
    """Show the defaults that came against those expected: `drift.calibration_drift` at a confidence, None where nobody knows who defaulted."""
    if outcomes is None:
        return Exhibit(text="The snapshots do not tell days past due, so nobody knows which loans defaulted.")
    table, (near, far) = as_months(outcomes), stability.TOLERANCE
    return Exhibit(
        "warning-calibration", say.calibration_title(table, confidence),
        f"{percent(confidence)} exact Poisson intervals; expected: an even hazard over the term (an assumption, so the change "
        f"counts, not the level); green: the interval holds 1, or the ratio lies within {near:g} to {far:g}; {_loans(panel)}.",
        "Dots with intervals by month around a line at one.", table=table,
        columns=columns("month", "n", "defaults", "expected", "ratio with interval", "light", "change", "change_light", change="ratio"),
        figure=plots.plot_outcomes(table.dropna(subset=["ratio"])),
    )  # fmt: skip


def truth(live: Live, listed: pd.DataFrame, position: int) -> Exhibit:
    """Say how the lights of a month meet the hidden distress that synthetic snapshots were drawn from, if they were."""
    return Exhibit(text="" if live.truth is None else say.truth_sentence(live.truth, listed, position))


def expected(scores: pd.DataFrame, *, confidence: float, threshold: float) -> Exhibit:
    """Show the performance that the probabilities let expect: `expected_performance` at a confidence and a threshold."""
    row = by_name(scores.rename(columns={"measure": "name"}))["default_rate"]
    rate = estimate(row["expected"], row["low"], row["high"], kind="rate")
    n, unknown = int(scores["n"].iloc[0]), int(scores["unknown"].iloc[0])
    left = f", {show(unknown, 'count')} left out since something is not known" if unknown else ""
    caption = (
        f"{percent(confidence)} intervals of the values that will come out; precision, recall and F2 of loans flagged from a probability of "
        f"{show(threshold, 'rate')}; n = {show(n, 'count')} loans{left}. All of this rests on the calibration "
        "still holding: only outcomes can show whether it does. A common shock, such as a recession, would move results further."
    )
    named = scores.replace({"measure": MEASURES}).rename(columns={"low": "expected_low", "high": "expected_high"})
    return Exhibit(
        "live-expected-performance", f"If the calibration holds, {rate} of the live loans default within their term, says the model of the applications",
        caption, "A dot on its interval for each measure, between 0 and 1.",
        table=named, columns=columns("measure", "expected with interval", expected="score"), figure=plots.plot_expected(named),
    )  # fmt: skip


def as_months(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its months as texts such as 2016-05."""
    return table.assign(month=table["month"].astype("datetime64[s]").dt.strftime("%Y-%m"))


def _loans(panel: Panel) -> str:
    return f"n = {show(len(panel.loan_id), 'count')} loans, {panel.months[0]} to {panel.months[-1]}"
