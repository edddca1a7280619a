"""What alerts were worth: how many were right, how many defaults they found and how early, each with its interval."""

from dataclasses import dataclass

import numpy as np
from statsmodels.stats.proportion import proportion_confint

from loantap.model.bootstrap import CONFIDENCE, drawn_sums, percentile_interval

NOT_JUDGED = -1  # in a matrix of lights: not live, or too late already
RETURN_WITHIN = 3  # months within which a light that went green and comes back was a flip-flop


@dataclass(frozen=True)
class Period:
    """Months of a panel that alerts are measured on; nothing before or after enters.

    Alerts of month `first` to `last` - 1 count. Those with a whole `horizon` of months up to `last` say how often alerts are right;
    defaults with a whole horizon back to `first` say how many are found.
    """

    first: int
    last: int
    horizon: int

    @property
    def alerts(self) -> slice:
        """The months whose alerts count."""
        return slice(self.first, self.last)

    @property
    def with_outcome(self) -> slice:
        """The months whose alerts are known to be right or wrong."""
        return slice(self.first, self.last - self.horizon + 1)


@dataclass(frozen=True)
class Found:
    """The defaults that count in a period, one entry each.

    Attributes:
        caught: Whether there was an alert in the horizon before.
        lead: Months from the first such alert to the default; 0 where not caught. It cannot be longer than the horizon.
        stood: Months from the beginning of the alerts that this one goes on from, which may lie before the horizon; 0 where not caught.
        cut: Whether these alerts may have begun earlier: they stood in the first month that the loan was judged in.
        chance: Probability of an alert in as many months had the loan been any other: what `caught` would be by chance.
    """

    caught: np.ndarray
    lead: np.ndarray
    stood: np.ndarray
    cut: np.ndarray
    chance: np.ndarray


def found(lights: np.ndarray, default_month: np.ndarray, period: Period) -> Found:
    """Return which defaults of a period had an alert in the `horizon` months before, and how early.

    A default counts if its loan was judged at least once in those months: nobody could have warned of the others.

    Args:
        lights: NOT_JUDGED, 0 (green), 1 (amber) or 2 (red) of each loan and month, shape (n, m).
        default_month: Position of the month in which each loan defaults, beyond the panel if none, shape (n,).
        period: The months.
    """
    rows = np.flatnonzero((default_month >= period.first + period.horizon) & (default_month <= period.last))
    lags = np.arange(period.horizon, 0, -1)  # the earliest month first
    before = lights[rows[:, np.newaxis], default_month[rows][:, np.newaxis] - lags]
    judged = (before >= 0).sum(axis=1)
    rows, before, judged = rows[judged > 0], before[judged > 0], judged[judged > 0]
    alert = before > 0
    caught = np.asarray(alert.any(axis=1))
    chance = reach(lights, period)[default_month[rows] - period.first - period.horizon, judged - 1]
    # Where no loan was judged in all of these months there is no share to tell; every way to alert shares that.
    lead = np.where(caught, lags[alert.argmax(axis=1)], 0)
    stood, cut = how_long(lights[rows], default_month[rows], lead)
    return Found(caught, lead, stood, cut, np.nan_to_num(chance))


def reach(lights: np.ndarray, period: Period) -> np.ndarray:
    """Return the share of loans with an alert in the first months of a horizon, shape (months, horizon).

    Entry (i, j) is of the loans judged in each of the first j + 1 of the `horizon` months before month first + horizon + i. Alerts
    that flicker reach more loans than as many alerts that stay, and so find more defaults without knowing anything: what is found
    has to be held against this.
    """
    columns = np.ascontiguousarray(lights[:, : period.last].T)
    ends = range(period.first + period.horizon, period.last + 1)
    shares = np.full((len(ends), period.horizon), np.nan)
    for place, end in enumerate(ends):
        judged, alert = np.ones(len(lights), dtype=bool), np.zeros(len(lights), dtype=bool)
        for month in range(period.horizon):
            column = columns[end - period.horizon + month]
            judged &= column >= 0
            alert |= column > 0
            shares[place, month] = _ratio(int((judged & alert).sum()), int(judged.sum()))
    return shares


def right_alerts(default_month: np.ndarray, period: Period) -> np.ndarray:
    """Return whether a default follows within the horizon, for each loan and month of `period.with_outcome`."""
    months = np.arange(period.with_outcome.start, period.with_outcome.stop)
    ahead = default_month[:, np.newaxis] - months
    return (ahead > 0) & (ahead <= period.horizon)


def measure(
    lights: np.ndarray, default_month: np.ndarray, period: Period, *, confidence: float = CONFIDENCE
) -> dict[str, float]:
    """Return what alerts were worth in a period; NaN where there is nothing to divide by.

    Args:
        lights: As in `found`.
        default_month: As in `found`.
        period: The months.
        confidence: Of the intervals.

    Returns:
        loan_months (judged), alerts_per_1000 and red_per_1000 (of 1,000 judged loans a month); base_rate (of judged loans that
        default within the horizon); alerts, right, precision and the same of red lights alone (red_...); defaults, caught,
        recall, by_chance (the recall of alerts that reach as many loans and know nothing); lead_q1, lead_median, lead_q3
        (months from the first alert in the horizon to the default, of those caught); stood_q1, stood_median, stood_q3 (the same from the
        beginning of the alerts, before the horizon too), stood_cut (whether stood_median is a lower bound, since alerts stood from the
        first judged month on); flip_flop (share of alerts whose loan is green the next month and has an alert again within the
        RETURN_WITHIN months after that one). Intervals are Wilson's, for precision with the alerts that are left once those of one
        loan are seen to go together.
    """
    inside, judged = lights[:, period.alerts], int((lights[:, period.alerts] >= 0).sum())
    known, soon = lights[:, period.with_outcome], right_alerts(default_month, period)
    row: dict[str, float] = {
        "loan_months": judged,
        "alerts_per_1000": _ratio(1000 * int((inside > 0).sum()), judged),
        "red_per_1000": _ratio(1000 * int((inside > 1).sum()), judged),
        "base_rate": _ratio(int((soon & (known >= 0)).sum()), int((known >= 0).sum())),
    }
    for prefix, level in (("", 1), ("red_", 2)):
        flags = known >= level
        alerts, right = flags.sum(axis=1), (flags & soon).sum(axis=1)
        low, high = clustered_interval(right, alerts, confidence=confidence)
        row |= {f"{prefix}alerts": int(alerts.sum()), f"{prefix}right": int(right.sum())}
        row |= {f"{prefix}precision": _ratio(int(right.sum()), int(alerts.sum()))}
        row |= {f"{prefix}precision_low": low, f"{prefix}precision_high": high}
    defaults = found(lights, default_month, period)
    total, caught = len(defaults.caught), int(defaults.caught.sum())
    alpha = round(1 - confidence, 9)
    low, high = proportion_confint(caught, total, method="wilson", alpha=alpha) if total else (np.nan, np.nan)
    row |= {"defaults": total, "caught": caught, "recall": _ratio(caught, total), "recall_low": float(low)}
    leads = np.quantile(defaults.lead[defaults.caught], [0.25, 0.5, 0.75]) if caught else np.full(3, np.nan)
    row |= {"recall_high": float(high), "by_chance": float(defaults.chance.mean()) if total else float("nan")}
    row |= {"lead_q1": leads[0], "lead_median": leads[1], "lead_q3": leads[2]}
    row |= quartiles(*(values[defaults.caught] for values in (defaults.stood, defaults.cut)))
    return row | {"flip_flop": flip_flop(lights, period)}


def flip_flop(lights: np.ndarray, period: Period) -> float:
    """Return the share of alerts that go out for a month and come back soon, as `measure` says; NaN without alerts."""
    alert, green, alerts, back = lights > 0, lights == 0, 0, 0
    for t in range(period.first, period.last - RETURN_WITHIN):
        alerts += int(alert[:, t].sum())
        again = alert[:, t + 2 : t + 2 + RETURN_WITHIN].any(axis=1)
        back += int((alert[:, t] & green[:, t + 1] & again).sum())
    return _ratio(back, alerts)


def clustered_interval(right: np.ndarray, alerts: np.ndarray, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the ends of the interval of a share whose alerts come in clusters, one per loan; NaN without alerts.

    Wilson's interval with the effective number of alerts n / deff, deff being the variance of the ratio between loans over the
    variance of as many independent alerts (Kish, Survey Sampling, 1965; with Wilson's interval as in Kott and Carr, Journal of
    Official Statistics 13 (1997), 25-39). Where all alerts are right or all wrong that variance tells nothing, and each loan counts
    as one alert.

    Args:
        right: Right alerts of each loan, shape (n,).
        alerts: Alerts of each loan, shape (n,).
        confidence: Of the interval.
    """
    right, alerts = right[alerts > 0], alerts[alerts > 0]
    total, loans = int(alerts.sum()), len(alerts)
    if total == 0:
        return float("nan"), float("nan")
    share, effective = right.sum() / total, float(loans)
    if 0 < share < 1:
        variance = loans / (loans - 1) * ((right - share * alerts) ** 2).sum() / total**2 if loans > 1 else np.inf
        effective = float(np.clip(share * (1 - share) / variance, 1, total)) if variance > 0 else effective
    low, high = proportion_confint(share * effective, effective, method="wilson", alpha=round(1 - confidence, 9))
    return float(low), float(high)


def paired_difference(
    one: np.ndarray, other: np.ndarray, *, repetitions: int, random_state: int, confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """Return how much larger the mean of one column is than another's, and the percentile interval; NaN without rows.

    Args:
        one: One value per default, one default per loan; rows are drawn together for both columns.
        other: The same of what it is compared with.
        repetitions: Bootstrap repetitions.
        random_state: Their seed.
        confidence: Of the interval.
    """
    if len(one) == 0:
        return (float("nan"),) * 3
    columns = (one.astype(float) - other)[:, np.newaxis]
    draws = drawn_sums(columns, repetitions=repetitions, random_state=random_state)[:, 0] / len(one)
    low, high = percentile_interval(draws, level=confidence)
    return float(columns.mean()), float(low), float(high)


def _ratio(count: float, of: int) -> float:
    return count / of if of else float("nan")


def how_long(lights: np.ndarray, default_month: np.ndarray, lead: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for how many months before the default the alerts stood that the first one in the horizon goes on from.

    A green month ends them. A month that is not judged, since the loan is late already or has no snapshot, does not.

    Args:
        lights: As in `measures.found`, of the k loans that defaulted, shape (k, m).
        default_month: The positions of their defaults, shape (k,).
        lead: Months from the first alert in the horizon to the default, 0 where there was none, shape (k,).

    Returns:
        The months, 0 without an alert; and whether the alerts may have begun earlier, since they stood in the first judged month.
    """
    at = np.arange(lights.shape[1])
    begun = np.where(lead > 0, default_month - lead, -1)[:, np.newaxis]
    green = np.where((lights == 0) & (at < begun), at, -1).max(axis=1, initial=-1)
    inside = (lights > 0) & (at <= begun) & (at > green[:, np.newaxis])
    first = np.where(inside.any(axis=1), inside.argmax(axis=1), default_month)
    return default_month - first, inside.any(axis=1) & (green < 0)


def quartiles(stood: np.ndarray, cut: np.ndarray) -> dict[str, float]:
    """Return stood_q1, stood_median, stood_q3 of months that alerts stood, and stood_cut: whether the median is a lower bound, as `cut` ones are."""
    if not len(stood):
        return dict.fromkeys(("stood_q1", "stood_median", "stood_q3"), float("nan")) | {"stood_cut": False}
    first, middle, third = map(float, np.quantile(stood, [0.25, 0.5, 0.75]))
    # The middle of values of which some are lower bounds is one itself if it moves when these are as large as can be.
    moved = np.median(np.where(cut, stood.max() + 1, stood)) != middle
    return {"stood_q1": first, "stood_median": middle, "stood_q3": third, "stood_cut": bool(moved)}
