"""What a back-test says in words: whether the rule finds more than simpler ways to alert, and what to know when reading it."""

from loantap.data.panel import DEFAULT_DAYS
from loantap.watchlist.settings import Settings

BASELINES = {
    "caps": "the caps alone",
    "days_past_due": "days past due alone",
    "probability": "the model's probability alone",
}
FEW_DISCORDANT = 10  # with fewer defaults caught by one way only a bootstrap interval is too narrow: no verdict
_AS_MANY = 0.9  # of the rule's alerts: a score with ties comes near to their number only


def verdict(
    rule: str,
    baseline: str,
    own: dict[str, float],
    other: dict[str, float],
    numbers: dict[str, float],
    *,
    confidence: float,
) -> dict[str, object]:
    """Return whether a rule finds more defaults than a baseline, with the words.

    Args:
        rule: What the rule is called.
        baseline: One of BASELINES.
        own: Of the rule, as from `measures.measure`.
        other: The same of the baseline.
        numbers: difference, beyond_chance with its ends, only_rule and only_baseline.
        confidence: Of the interval.

    Returns:
        verdict (more, fewer, open), as_many (whether the baseline alerts about as often) and words.
    """
    as_many = other["alerts_per_1000"] >= _AS_MANY * own["alerts_per_1000"]
    if not own["defaults"]:
        return {
            "verdict": "open",
            "as_many": as_many,
            "words": "No default falls into these months: there is nothing to find.",
        }
    low, high = numbers["beyond_chance_low"], numbers["beyond_chance_high"]
    alone = int(numbers["only_rule"] + numbers["only_baseline"])
    known = alone >= FEW_DISCORDANT
    judged = "more" if known and low > 0 else "fewer" if known and high < 0 else "open"
    ending = {
        "more": f"the {rule} finds more",
        "fewer": f"the {rule} finds fewer: {BASELINES[baseline]} would have served better",
        "open": f"that the {rule} finds more cannot be shown"
        + ("" if known else f", since only {alone} of the defaults were found by one of them alone"),
    }[judged]
    words = (
        f"With {own['alerts_per_1000']:.1f} alerts per 1,000 loans a month the {rule} finds {_shares(own)} of "
        f"{int(own['defaults']):,} defaults, {BASELINES[baseline]} {_shares(other)} with {other['alerts_per_1000']:.1f}{'' if as_many else ', and no more are to be had'}: "
        f"{100 * numbers['difference']:+.1f} points, {100 * numbers['beyond_chance']:+.1f} beyond chance "
        f"({100 * confidence:g}% interval {100 * low:+.1f} to {100 * high:+.1f}); {ending}."
    )
    return {"verdict": judged, "as_many": as_many, "words": words}


def _shares(measured: dict[str, float]) -> str:
    return f"{100 * measured['recall']:.0f}% (by chance {100 * measured['by_chance']:.0f}%)"


def notes(settings: Settings) -> tuple[str, ...]:
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
