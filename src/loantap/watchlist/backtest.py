"""How well the rule would have warned in the months of a panel, against simpler ways to alert as many loans."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from loantap.data.panel import DEFAULT_DAYS, Panel
from loantap.model.bootstrap import CONFIDENCE
from loantap.watchlist.choice import Choice, History, choose, make_history, mark_frontier, settings_cost, sweep_rule
from loantap.watchlist.measures import Defaults, Period, find_defaults, measure, paired_difference, right_alerts
from loantap.watchlist.settings import Settings

BASELINES = {"caps": "the caps alone", "days_past_due": "days past due alone", "probability": "the model's probability alone"}  # fmt: skip
FEW_DISCORDANT = 10  # with fewer defaults caught by one way only a bootstrap interval is too narrow: no verdict
_ENOUGH_DAYS = 1000  # more than anybody is late who has not defaulted: past lateness orders loans that are as late now
_AS_MANY = 0.9  # of the rule's alerts: a score with ties comes near to their number only
RATES = (2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300)  # alerts per 1,000 loans a month at which baselines are swept
RULES = ("rule", "rule without days past due")


@dataclass(frozen=True)
class Backtest:
    """What the rule would have done."""

    # One row per period (all months, later months), setting (as set, recommended) and method (the RULES, and each baseline with as
    # many alerts as the rule in `matched_to`), with what `measures.measure` returns.
    performance: pd.DataFrame
    # One row per period, setting, rule and baseline with as many alerts: difference in recall with its ends; beyond_chance, the same
    # of recall less what chance finds; only_rule and only_baseline (defaults that one of them caught alone); verdict (more, fewer,
    # open: of beyond_chance) and words.
    comparisons: pd.DataFrame
    # The rule at every strictness and number of points, and the baselines at RATES, on the later months (on all where the panel is too
    # short to be halved): method, strictness, points, what `measure` returns, and `frontier`: on the earlier months no other setting of
    # the rule found as many defaults beyond chance with fewer alerts.
    trade_off: pd.DataFrame
    # Of the recommended setting: month, loans (evaluated), amber, red, defaults (within the horizon), right (alerts that one follows);
    # the last two NaN where the horizon is not over.
    by_month: pd.DataFrame
    costs: pd.DataFrame  # of each threshold as it is set, by itself, in all months, as from `settings_cost`
    recommended: Settings  # chosen on the earlier months
    chosen: str  # how, in words
    notes: tuple[str, ...]  # what to know when reading it
    confidence: float  # of its intervals


def why_not(panel: Panel, *, settings: Settings) -> str:
    """Return why a panel allows no back-test; empty if it does."""
    horizon, months = settings.backtest.horizon, len(panel.months)
    needed = settings.window + horizon
    if panel.days_past_due is None:
        return "No back-test: the snapshots do not tell days past due, so nobody knows which loans defaulted."
    if months < needed:
        return f"No back-test: a window of {settings.window} months and a horizon of {horizon} need {needed} months of snapshots, the panel has {months}."  # fmt: skip
    return "" if (panel.default_month() < months).any() else "No back-test: no loan of the panel defaults."


def backtest(
    panel: Panel,
    *,
    settings: Settings,
    repetitions: int = 1000,
    random_state: int,
    confidence: float = CONFIDENCE,
    **known: np.ndarray | None,
) -> Backtest | None:
    """Return how well the rule would have warned, or None where `why_not` says why it cannot be told.

    Alerts count on loans that are live and less than `early_days` past due: later ones are no early warning. The months after the
    first window are halved; the setting is chosen on the earlier half, with the defaults that were known when it ended, and evaluated
    on the later half.

    Args:
        panel: Snapshots of n loans in m months.
        settings: The rule as it is set, the horizon and the budgets.
        repetitions: Bootstrap repetitions.
        random_state: Their seed.
        confidence: Of the intervals.
        known: probability_then, probability_now and installment, as in `choice.make_history`.
    """
    if why_not(panel, settings=settings):
        return None
    history = make_history(panel, settings=settings, **known)
    scores = baseline_scores(history, settings=settings)
    whole, earlier, later = _periods(len(panel.months), settings)
    periods = {"earlier": earlier or whole, "later": later or whole}
    tried = sweep_rule(history, settings=settings, periods=periods, confidence=confidence)
    on = {name: part.drop(columns="period").reset_index(drop=True) for name, part in tried.groupby("period")}
    plan = [("all months", "as set", whole, settings)]
    if earlier and later:
        choice, frontier = choose(on["earlier"], settings=settings), mark_frontier(on["earlier"])
        plan += [("later months", "as set", later, settings), ("later months", "recommended", later, choice.settings)]
    else:
        words = "The settings stay as they are: the panel is too short to choose on one half and judge on the other."
        choice, frontier = Choice(settings, words), pd.Series(False, index=on["later"].index)
    drawn: dict[str, Any] = {"repetitions": repetitions, "random_state": random_state, "confidence": confidence}
    rows: list[dict] = []
    differences: list[dict] = []
    for name, setting, period, chosen in plan:
        told = _against_baselines(history, scores, period=period, settings=chosen, **drawn)
        for table, some in zip((rows, differences), told, strict=True):
            table += [{"period": name, "setting": setting} | row for row in some]
    rule = on["later"].assign(method="rule", frontier=frontier)
    baselines = pd.DataFrame(_sweep_baselines(history, scores, periods["later"], confidence)).assign(frontier=False)
    return Backtest(
        pd.DataFrame(rows), pd.DataFrame(differences), pd.concat([rule, baselines], ignore_index=True),
        _by_month(history, panel.months, choice.settings),
        settings_cost(panel, history, settings=settings, period=whole, confidence=confidence),
        choice.settings, choice.words, _notes(settings), confidence,
    )  # fmt: skip


def baseline_scores(history: History, *, settings: Settings) -> Mapping[str, np.ndarray]:
    """Return the scores of simpler ways to alert, one value per row of the signals, the larger the worse.

    `caps`: how far debt-to-income or utilisation, whichever is worse, lies above its cap, as a multiple of it: a threshold on it
    is both caps times one factor. `days_past_due`: days past due, and of loans that are as late, first those that were later within the
    window; NaN, which never alerts, for loans that were not late in it. `probability`: the model's, with the snapshot's values. The last
    two are absent where nobody knows them.
    """
    frame, caps = history.signals, settings.signals
    level = np.fmax(frame["dti"].to_numpy() / caps.dti.red, frame["revol_util"].to_numpy() / caps.revol_util.red)
    late = frame["days_past_due"].to_numpy() + history.worst_days / _ENOUGH_DAYS
    late = np.where(late > 0, late, np.nan)
    scores = {"caps": level, "days_past_due": late, "probability": frame["probability"].to_numpy()}
    return {name: score for name, score in scores.items() if name == "caps" or not frame[name].isna().all()}


def _periods(months: int, settings: Settings) -> tuple[Period, Period | None, Period | None]:
    first, last, horizon = settings.window - 1, months - 1, settings.backtest.horizon
    middle = first + (last - first + 1) // 2  # the first of the later months
    whole = Period(first, last, horizon)
    if middle - 1 - first < horizon:
        return whole, None, None
    return whole, Period(first, middle - 1, horizon), Period(middle, last, horizon)


def _against_baselines(
    history: History, scores: Mapping[str, np.ndarray], *, period: Period, settings: Settings, confidence: float, **drawn: int
) -> tuple[list[dict], list[dict]]:  # fmt: skip
    rows, differences = [], []

    def measured(lights: np.ndarray) -> tuple[dict[str, float], Defaults]:
        defaults = find_defaults(lights, history.default_month, period)
        return measure(lights, history.default_month, period, defaults=defaults, confidence=confidence), defaults

    for rule, record in zip(RULES, (history, history.without_days_past_due()), strict=True):
        lights = record.rule_lights(settings)
        own, one = measured(lights)
        rows.append({"method": rule, "matched_to": rule} | own)
        alerts = int((lights[:, period.alerts] > 0).sum())
        for name, score in scores.items():
            other, two = measured(history.matched_lights(score, alerts, period))
            rows.append({"method": name, "matched_to": rule} | other)
            numbers: dict[str, float] = {}
            beyond = (one.caught - one.chance, two.caught - two.chance)
            for column, (left, right) in (("difference", (one.caught, two.caught)), ("beyond_chance", beyond)):
                value, low, high = paired_difference(left, right, confidence=confidence, **drawn)
                numbers |= {column: value, f"{column}_low": low, f"{column}_high": high}
            numbers["only_rule"] = int((one.caught & ~two.caught).sum())
            numbers["only_baseline"] = int((two.caught & ~one.caught).sum())
            row: dict[str, object] = {"rule": rule, "baseline": name, **numbers}
            differences.append(row | _verdict(rule, name, own, other, numbers, confidence=confidence))
    return rows, differences


def _sweep_baselines(
    history: History, scores: Mapping[str, np.ndarray], period: Period, confidence: float
) -> list[dict]:
    inside = ((history.month >= period.alerts.start) & (history.month < period.alerts.stop)).sum()
    rows = []
    for name, score in scores.items():
        for rate in RATES:
            lights = history.matched_lights(score, round(rate * inside / 1000), period)
            rows.append({"method": name} | measure(lights, history.default_month, period, confidence=confidence))
    return rows


def _by_month(history: History, months: np.ndarray, settings: Settings) -> pd.DataFrame:
    lights, first = history.rule_lights(settings), settings.window - 1
    inside = lights[:, first:]
    table = pd.DataFrame({"month": months[first:], "loans": (inside >= 0).sum(axis=0)})
    table["amber"], table["red"] = (inside == 1).sum(axis=0), (inside == 2).sum(axis=0)
    period = Period(first, len(months) - 1, settings.backtest.horizon)
    soon, known = right_alerts(history.default_month, period), lights[:, period.with_outcome]
    for name, counted in (("defaults", soon & (known >= 0)), ("right", soon & (known > 0))):
        table[name] = pd.Series(counted.sum(axis=0), dtype=float)  # the months at the end have no outcome yet
    return table


def _verdict(
    rule: str, baseline: str, own: dict, other: dict, numbers: dict[str, float], *, confidence: float
) -> dict[str, object]:
    """Return verdict (more, fewer, open: whether a rule finds more defaults than a baseline), as_many (whether that alerts as often), words."""
    as_many = other["alerts_per_1000"] >= _AS_MANY * own["alerts_per_1000"]
    if not own["defaults"]:
        words = "No default falls into these months: there is nothing to find."
        return {"verdict": "open", "as_many": as_many, "words": words}
    low, high = numbers["beyond_chance_low"], numbers["beyond_chance_high"]
    alone = int(numbers["only_rule"] + numbers["only_baseline"])
    known = alone >= FEW_DISCORDANT
    verdict = "more" if known and low > 0 else "fewer" if known and high < 0 else "open"
    ending = {
        "more": f"the {rule} finds more",
        "fewer": f"the {rule} finds fewer: {BASELINES[baseline]} would have served better",
        "open": f"that the {rule} finds more cannot be shown"
        + ("" if known else f", since only {alone} of the defaults were found by one of them alone"),
    }[verdict]
    words = (
        f"With {own['alerts_per_1000']:.1f} alerts per 1,000 loans a month the {rule} finds {_shares(own)} of "
        f"{int(own['defaults']):,} defaults, {BASELINES[baseline]} {_shares(other)} with {other['alerts_per_1000']:.1f}{'' if as_many else ', and no more are to be had'}: "
        f"{100 * numbers['difference']:+.1f} points, {100 * numbers['beyond_chance']:+.1f} beyond chance "
        f"({100 * confidence:g}% interval {100 * low:+.1f} to {100 * high:+.1f}); {ending}."
    )
    return {"verdict": verdict, "as_many": as_many, "words": words}


def _shares(measured: dict[str, float]) -> str:
    return f"{100 * measured['recall']:.0f}% (by chance {100 * measured['by_chance']:.0f}%)"


def _notes(settings: Settings) -> tuple[str, ...]:
    """Return what to know when reading a back-test."""
    horizon, late = settings.backtest.horizon, settings.backtest.early_days
    return (
        f"An alert is right if the loan is {DEFAULT_DAYS} or more days past due within the {horizon} months after it.",
        f"Alerts on loans that are {late} or more days past due are left out: they come too late to be an early warning.",
        "A loan whose snapshots end without default counts as not defaulted.",
        f"A default counts as found if it had an alert in the {horizon} months before; lead time counts from the first of them, so it is "
        f"{horizon} months or more where an alert stood {horizon} months before already.",
        "By chance is the share of any loans that have an alert in as many months. Alerts that flicker reach more loans than alerts "
        "that stay, so verdicts are on the defaults found beyond it.",
        "Baselines alert as often as the rule in the same months: their thresholds are set on those months, the rule's are not. Days past "
        "due alone alert on loans that were late within the window, and less often where there are fewer of them.",
        "Intervals are over loans. What moves all loans at once, such as a recession, is not in them.",
    )
