"""The sentences on early warning, and what the run's results hold of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from loantap.exhibits.words import estimate, interval, listed, percent, show
from loantap.watchlist import drift as stability
from loantap.watchlist.backtest import Backtest
from loantap.watchlist.drift import calibration_level
from loantap.watchlist.lights import LIVE
from loantap.watchlist.live import Live
from loantap.watchlist.month import Month
from loantap.watchlist.settings import Settings

Result = Mapping[str, Any]
METHODS = {"caps": "caps alone", "days_past_due": "days past due alone", "probability": "model alone"}
_IN_SENTENCES = METHODS | {"caps": "the caps alone", "probability": "the model alone"}
VARIABLES = {"probability": "probability of default", "dti": "debt-to-income", "revol_util": "utilisation"}


def record(
    live: Live, month: Month, backtest: Backtest | None, why_not: str, settings: Settings, *, confidence: float
) -> dict[str, Any]:
    """Return what the run's results hold of a month and its back-test, with the sentences that follow from them."""
    names = ("performance", "comparisons", "costs")
    tables = {name: getattr(backtest, name).to_dict("records") if backtest else [] for name in names}
    result = {
        "month": str(month.month), "synthetic": live.truth is not None, "source": live.source, "notes": live.notes,
        "loans": len(live.panel.loan_id), "months": len(live.panel.months), "lights": month.lights.to_dict("records"),
        "changes": month.changes.counts, "changed": month.changes.words, "unknown": month.unknown,
        "delivered": month.delivery.loans, "delivered_before": month.delivery.before, "delivered_again": month.delivery.again,
        "incomplete": month.delivery.problems, "not_delivered": month.delivery.untold, "quarantined": len(live.quarantine), "settings": settings.model_dump(),
        "recommended": backtest and backtest.recommended.model_dump(), "chosen": backtest.chosen if backtest else "",
        "backtest_notes": backtest.notes if backtest else [], "why_not": why_not, "confidence": confidence,
        **tables,
    }  # fmt: skip
    return result | {"sentence": warning_sentence(result), "against_baselines": baseline_sentences(result)}


def rule_sentence(settings: Result, lights: Sequence[Mapping[Any, Any]]) -> str:
    """Return how a light comes about and what it leads to, from the Settings as plain values and light and action of each line."""
    late = settings["floors"]
    actions = ", ".join(f"{line['light']}: {line['action']}" for line in lights)
    return (
        f"Days past due set a floor: amber from {late['amber']:g} day{'s'[: late['amber'] != 1]}, red from {late['red']:g} days, whatever else is known. "
        "Signals may raise a light and never lower it. They are the level, trend and acceleration of debt-to-income and utilisation, and the change "
        "of the model's probability; missed payments and credit inquiries where they are delivered. "
        f"Each counts one point above its amber threshold and two above its red one; trends span {settings['window']} months. A light is amber "
        f"from {settings['amber_points']} points, and red from {settings['red_points']} points. A value that is not known stays as it last was for "
        f"{settings['carry']} months; then the light is unknown. What follows: {actions}."
    )


def backtest_row(performance: Sequence[Result]) -> Result:
    """Return the row that matters: the rule's, on the later months where there are such, as recommended where it is."""
    return [row for row in performance if row["method"] == "rule"][-1]


def period_of(row: Result) -> str:
    """Return the months that a row of the back-test is about, as they stand in a sentence."""
    return row["period"] if row["period"].startswith("all") else f"the {row['period']}"


def warning_sentence(result: Result) -> str:
    """Return what early warning found, in one or two sentences, for the first screen and the head of its page."""
    lights = {line["light"]: line["loans"] for line in result["lights"]}
    live = sum(lights.get(light, 0) for light in LIVE)
    head = (
        f"Of {show(live, 'count')} {'synthetic ' if result['synthetic'] else ''}live loans "
        f"{'(no real snapshots were given) ' if result['synthetic'] else ''}{show(lights['red'], 'count')} "
        f"{'is' if lights['red'] == 1 else 'are'} red and {show(lights['amber'], 'count')} amber in {result['month']}."
    )
    if not result["performance"]:
        return f"{head} {result['why_not']}"
    other = backtest_row(result["performance"])
    row = next(one for one in reversed(result["performance"]) if one["method"] == "rule" and one["setting"] == "as set")
    if not row["defaults"]:
        return f"{head} No loan defaulted in {period_of(row)}, so there was nothing to warn of."
    horizon = result["settings"]["backtest"]["horizon"]
    ahead = f", at the median {lead_words(row, horizon)} ahead" if row["caught"] else ""
    if row["caught"] and row["lead_median"] >= horizon and "stood_median" in row:
        ahead += f" (the alerts stood for {months_or_more(row['stood_median'], or_more=row['stood_cut'])})"
    right = f" Of the alerts, {show(row['precision'], 'rate')} were right." if row["alerts"] else ""
    if other is not row:
        right += (
            f" The setting chosen on the earlier months warned of {show(other['recall'], 'rate')}, with {show(other['alerts_per_1000'], 'count')} "
            f"instead of {show(row['alerts_per_1000'], 'count')} alerts per 1,000 loans a month."
        )
    return (
        f"{head} On {period_of(row)} these settings warned of "
        f"{show(row['recall'], 'rate')} of {show(row['defaults'], 'count')} defaults ({percent(result['confidence'])} interval "
        f"{interval(row['recall_low'], row['recall_high'], 'rate')}; {show(row['by_chance'], 'rate')} by chance){ahead}.{right}"
    )


def baseline_sentences(result: Result) -> str:
    """Return how the rule compares with simpler ways to alert as many loans, on the months it was not chosen on."""
    return " ".join(row["words"] for row in _last_comparisons(result))


def drift_title(drift: pd.DataFrame) -> str:
    """Return which variables have drifted in the last month that has live loans, beside what chance alone gives."""
    known = drift.dropna(subset=["psi"])
    if known.empty:
        return "No month has live loans to compare with the training loans"
    month = known["month"].iloc[-1]
    last = known[known["month"] == month]
    apart = [
        f"{VARIABLES.get(row['variable'], row['variable'])} ({row['light']}, {show(row['psi'], 'score')}; by chance up to {show(row['chance_high'], 'score')})"
        for row in last[last["light"] != "green"].to_dict("records")
    ]
    if apart:
        return f"Drifted from the training loans in {month}: {', '.join(apart)}"
    most, chance = (show(last[name].max(), "score") for name in ("psi", "chance_high"))
    return (
        f"No variable is shown to have drifted from the training loans in {month}: stability indices are at most {most} (limit {stability.AMBER:.2f}, "
        f"by chance up to {chance})"
    )


def truth_sentence(truth: pd.DataFrame, lights: pd.DataFrame, position: int) -> str:
    """Return how the lights of a month meet the hidden distress that synthetic snapshots were drawn from.

    Args:
        truth: loan_id, and distress: position of the month in which it begins, -1 if never.
        lights: loan_id and light of the loans on the watchlist.
        position: Position of the month.
    """
    distressed = truth.loc[(truth["distress"] >= 0) & (truth["distress"] <= position), "loan_id"]
    hit = int(lights["loan_id"].isin(distressed).sum())
    return (
        f"Of the {show(len(lights), 'count')} loans on the list, {show(hit, 'count')} {'is or was' if hit == 1 else 'are or were'} in the "
        "hidden distress that the synthetic snapshots were drawn with. The others rose by chance, or are late with a payment."
    )


def trade_off_title(result: Result) -> str:
    """Return whether the rule finds more defaults than simpler ways to alert, as far as it can be shown."""
    verbs = {"more": "finds more defaults than", "fewer": "finds fewer defaults than", "open": "is not shown to beat"}
    rows = _last_comparisons(result)
    parts = []
    for as_many in (True, False):
        by_verdict: dict[str, list[str]] = {}
        for row in rows:
            if row.get("as_many", True) is as_many:
                by_verdict.setdefault(row["verdict"], []).append(_IN_SENTENCES[row["baseline"]])
        parts.append(listed([f"{verbs[verdict]} {listed(names)}" for verdict, names in by_verdict.items()]))
    if not rows:
        return "Defaults warned of, by the number of alerts"
    alike = f"With as many alerts, the rule {parts[0]}" if parts[0] else ""
    more = f"{'; it' if alike else 'The rule'} {parts[1]}, with more alerts" if parts[1] else ""
    return alike + more


def calibration_title(outcomes: pd.DataFrame, confidence: float) -> str:
    """Return how many defaults came against those expected, and whether that has changed, from `drift.calibration_drift`."""
    drifted = calibration_level(outcomes, confidence=confidence)
    if not drifted.light:
        return "No month has loans at risk, so nothing can be said on how many default"
    side = "more" if drifted.ratio[0] > 1 else "fewer"
    level = {
        "red": f"{side} than the model lets expect", "amber": f"{side} than the model lets expect, beyond chance",
        "green": "as many as the model lets expect, as far as can be told",
    }[drifted.light]  # fmt: skip
    ratio = estimate(*drifted.ratio, kind="ratio", confidence=confidence)
    defaults = f"{show(drifted.defaults, 'count')} loans defaulted, {level} ({show(drifted.expected, 'count')}): a ratio of {ratio}"
    first = f"the first {stability.FIRST_MONTHS} months"
    if not drifted.change_light:
        return f"{defaults}. Whether that has changed since {first} cannot be told"
    change, low, high = drifted.change
    moved = f"that ratio has {'risen' if change > 1 else 'fallen'}"
    if drifted.change_light == "green":
        moved = "no change is shown"
    return f"{defaults}. Since {first} {moved} ({show(change, 'ratio')} times, {interval(low, high, 'ratio')})"


def lead_words(row: Result, horizon: int) -> str:
    """Return how early the middle alert came: '3 months', or '6 months or more' where it reaches the end of the months looked at."""
    return months_or_more(row["lead_median"], or_more=row["lead_median"] >= horizon)


def months_or_more(months: float, *, or_more: bool) -> str:
    """Return a number of months in words, as a lower bound where it is one; whole and half months only."""
    number = f"{months:g}" if (2 * months) % 1 == 0 else show(months, "number")
    return f"{number} month{'' if months == 1 else 's'}{' or more' if or_more else ''}"


def _last_comparisons(result: Result) -> list[Result]:
    """Return the comparisons of the rule that matter, as `backtest_row` does."""
    rows = [row for row in result["comparisons"] if row["rule"] == "rule"]
    return [row for row in rows if (row["period"], row["setting"]) == (rows[-1]["period"], rows[-1]["setting"])]
