"""What alerts were worth: how many were right, how many defaults they found and how early, each with its interval."""

from dataclasses import dataclass

import numpy as np
from statsmodels.stats.proportion import proportion_confint

from loantap.model.bootstrap import CONFIDENCE, drawn_sums, percentile_interval

NOT_EVALUATED = -1  # in a matrix of lights: not live, or too late already
RETURN_WITHIN = 3  # months within which a light that went green and comes back was a flip-flop


def clustered_interval(right: np.ndarray, alerts: np.ndarray, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the ends of the interval of a share whose alerts come in clusters, one per loan; NaN without alerts.

    Wilson's interval with the effective number of alerts n / deff, deff being the variance of the ratio between loans over that of as many
    independent alerts (Kish, Survey Sampling, 1965; with Wilson's interval as in Kott and Carr, Journal of Official Statistics 13 (1997),
    25-39). Where all alerts are right or all wrong that variance tells nothing, and each loan counts as one alert.

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


@dataclass(frozen=True)
class Period:
    """Months of a panel that alerts are measured on; nothing before or after enters.

    Alerts of month `first` to `last` - 1 count; those with a whole `horizon` up to `last` say how often alerts are right, defaults with a
    whole horizon back to `first` how many are found.
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
class Defaults:
    """The defaults that count in a period, one entry each."""

    row: np.ndarray  # of the loan in the panel
    caught: np.ndarray  # whether there was an alert in the horizon before
    lead: np.ndarray  # months from the first such alert to the default, up to the horizon; 0 where not caught
    stood: (
        np.ndarray
    )  # months from the beginning of the alerts that this one goes on from, maybe before the horizon; likewise
    cut: (
        np.ndarray
    )  # whether these may have begun earlier: they stood in the first month that the loan was evaluated in
    chance: np.ndarray  # probability of an alert in as many months had the loan been any other: `caught` by chance


def find_defaults(lights: np.ndarray, default_month: np.ndarray, period: Period) -> Defaults:
    """Return which defaults of a period had an alert in the `horizon` months before, and how early.

    A default counts if its loan was evaluated at least once in those months: nobody could have warned of the others.

    Args:
        lights: NOT_EVALUATED, 0 (green), 1 (amber) or 2 (red) of each loan and month, shape (n, m).
        default_month: Position of the month in which each loan defaults, beyond the panel if none, shape (n,).
        period: The months.
    """
    rows = np.flatnonzero((default_month >= period.first + period.horizon) & (default_month <= period.last))
    lags = np.arange(period.horizon, 0, -1)  # the earliest month first
    before = lights[rows[:, np.newaxis], default_month[rows][:, np.newaxis] - lags]
    known = (before >= 0).sum(axis=1)
    rows, before, known = rows[known > 0], before[known > 0], known[known > 0]
    alert = before > 0
    caught = np.asarray(alert.any(axis=1))
    chance = _reach(lights, period)[default_month[rows] - period.first - period.horizon, known - 1]
    # Where no loan was evaluated in all of these months there is no share to tell; every way to alert shares that.
    lead = np.where(caught, lags[alert.argmax(axis=1)], 0)
    stood, cut = _how_long(lights[rows], default_month[rows], lead)
    return Defaults(rows, caught, lead, stood, cut, np.nan_to_num(chance))


def _reach(lights: np.ndarray, period: Period) -> np.ndarray:
    """Return the share of loans with an alert in the first months of a horizon, shape (months, horizon).

    Entry (i, j) is of the loans evaluated in each of the first j + 1 of the `horizon` months before month first + horizon + i. Alerts that
    flicker reach more loans than as many that stay, and so find more defaults without knowing anything: what is found is held against this.
    """
    columns = np.ascontiguousarray(lights[:, : period.last].T)
    shares = np.full((max(period.last + 1 - period.first - period.horizon, 0), period.horizon), np.nan)
    for place in range(len(shares)):
        known, alert = np.ones(len(lights), dtype=bool), np.zeros(len(lights), dtype=bool)
        for month in range(period.horizon):
            column = columns[period.first + place + month]
            known &= column >= 0
            alert |= column > 0
            shares[place, month] = _ratio(int((known & alert).sum()), int(known.sum()))
    return shares


def _how_long(lights: np.ndarray, default_month: np.ndarray, lead: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many months before the default the alerts of loans that defaulted began, 0 without one; and `Defaults.cut`.

    A green month ends them. A month that is not evaluated, since the loan is late already or has no snapshot, does not.
    """
    at = np.arange(lights.shape[1])
    begun = np.where(lead > 0, default_month - lead, -1)[:, np.newaxis]
    green = np.where((lights == 0) & (at < begun), at, -1).max(axis=1, initial=-1)
    inside = (lights > 0) & (at <= begun) & (at > green[:, np.newaxis])
    first = np.where(inside.any(axis=1), inside.argmax(axis=1), default_month)
    return default_month - first, inside.any(axis=1) & (green < 0)


def right_alerts(default_month: np.ndarray, period: Period) -> np.ndarray:
    """Return whether a default follows within the horizon, for each loan and month of `period.with_outcome`."""
    ahead = default_month[:, np.newaxis] - np.arange(period.with_outcome.start, period.with_outcome.stop)
    return (ahead > 0) & (ahead <= period.horizon)


def measure(
    lights: np.ndarray,
    default_month: np.ndarray,
    period: Period,
    *,
    defaults: Defaults | None = None,
    confidence: float = CONFIDENCE,
) -> dict[str, float]:
    """Return what alerts were worth in a period; NaN where there is nothing to divide by.

    Args:
        lights: As in `find_defaults`.
        default_month: As in `find_defaults`.
        period: The months.
        defaults: What `find_defaults` returns of these, where it is at hand.
        confidence: Of the intervals: Wilson's, for precision with the alerts that are left once those of one loan go together.

    Returns:
        loan_months (evaluated), alerts_per_1000 and red_per_1000 (of 1,000 evaluated loans a month); base_rate (of evaluated loans that
        default within the horizon); alerts, right, precision, and of red lights alone (red_...); defaults, caught, recall, by_chance (recall
        of alerts that reach as many loans and know nothing); lead_q1, lead_median, lead_q3 (months from the first alert in the horizon to
        the default, of those caught); stood_q1, stood_median, stood_q3 (the same from the beginning of the alerts), stood_cut (whether
        stood_median is a lower bound); flip_flop (share of alerts whose loan is green the next month and has an alert again within the
        RETURN_WITHIN months after that one).
    """
    inside, loan_months = lights[:, period.alerts], int((lights[:, period.alerts] >= 0).sum())
    known, soon = lights[:, period.with_outcome], right_alerts(default_month, period)
    row: dict[str, float] = {
        "loan_months": loan_months,
        "alerts_per_1000": _ratio(1000 * int((inside > 0).sum()), loan_months),
        "red_per_1000": _ratio(1000 * int((inside > 1).sum()), loan_months),
        "base_rate": _ratio(int((soon & (known >= 0)).sum()), int((known >= 0).sum())),
    }
    for prefix, level in (("", 1), ("red_", 2)):
        flags = known >= level
        alerts, right = flags.sum(axis=1), (flags & soon).sum(axis=1)
        low, high = clustered_interval(right, alerts, confidence=confidence)
        row |= {f"{prefix}alerts": int(alerts.sum()), f"{prefix}right": int(right.sum())}
        row |= {f"{prefix}precision": _ratio(int(right.sum()), int(alerts.sum()))}
        row |= {f"{prefix}precision_low": low, f"{prefix}precision_high": high}
    defaults = defaults or find_defaults(lights, default_month, period)
    total, caught = len(defaults.caught), int(defaults.caught.sum())
    ends = (
        proportion_confint(caught, total, method="wilson", alpha=round(1 - confidence, 9)) if total else (np.nan,) * 2
    )
    low, high = map(float, ends)
    row |= {
        "defaults": total,
        "caught": caught,
        "recall": _ratio(caught, total),
        "recall_low": low,
        "recall_high": high,
    }
    row |= {"by_chance": float(defaults.chance.mean()) if total else float("nan")}
    row |= _quartiles("lead", lead := defaults.lead[defaults.caught])
    stood, cut = defaults.stood[defaults.caught], defaults.cut[defaults.caught]
    row |= _quartiles("stood", stood)
    # The middle of values of which some are lower bounds is one itself if it moves when these are as large as can be.
    moved = len(lead) > 0 and np.median(np.where(cut, stood.max() + 1, stood)) != row["stood_median"]
    return row | {"stood_cut": bool(moved), "flip_flop": _flip_flop(lights, period)}


def _quartiles(name: str, months: np.ndarray) -> dict[str, float]:
    values = map(float, np.quantile(months, [0.25, 0.5, 0.75])) if len(months) else (float("nan"),) * 3
    return dict(zip((f"{name}_q1", f"{name}_median", f"{name}_q3"), values, strict=True))


def _flip_flop(lights: np.ndarray, period: Period) -> float:
    """Return the share of alerts that go out for a month and come back soon, as `measure` says; NaN without alerts."""
    alert, green, alerts, back = lights > 0, lights == 0, 0, 0
    for t in range(period.first, period.last - RETURN_WITHIN):
        alerts += int(alert[:, t].sum())
        again = alert[:, t + 2 : t + 2 + RETURN_WITHIN].any(axis=1)
        back += int((alert[:, t] & green[:, t + 1] & again).sum())
    return _ratio(back, alerts)


def _ratio(count: float, of: int) -> float:
    return count / of if of else float("nan")
