"""Vintage curves: which share of the loans funded at one time has been late, or in default, by months on book.

The share is one less the product-limit estimate of not having been so yet (Kaplan and Meier, Journal of the American Statistical
Association 53 (1958), 457-481), from the loans at risk at each age: a loan counts from its first snapshot on (delayed entry), and until
its last one (censoring). Three things follow, and have to be said beside a curve:

- A loan that is late at its first snapshot was late before anybody looked. It is left out; so the curve is of the others. One that was
  late earlier and is not when first seen cannot be told from one that never was.
- Where a vintage is seen from a later age on, its curve begins there, and is of the loans that had not been late when first seen.
- A loan that ends or vanishes is taken to be as risky as those that stay: the share is what would be seen if no loan ended early.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta, norm

from loantap.data.columns import KEY
from loantap.data.panel import DEFAULT_DAYS, Panel
from loantap.watchlist.live import Live

EVENTS = {"30 or more days late": 30, "in default": DEFAULT_DAYS}


@dataclass(frozen=True)
class Vintages:
    """Curves by vintage."""

    # One row per event (EVENTS), vintage and age at which its curve is told: event, vintage, age (months on book), at_risk, events,
    # share (cumulative) with share_low and share_high, and since: the age after which the curve begins.
    curves: pd.DataFrame
    counts: pd.DataFrame  # by event and vintage: event, vintage, loans (followed), events, late_at_entry (left out)
    unknown: int  # loans without a month of funding, or with snapshots before it: in no vintage


def funding_months(live: Live) -> pd.Series:
    """Return when each loan of the panel was funded, NaT where not known, shape (n,).

    The month of the application; of synthetic snapshots that of their truth, since they begin when the panel wants it.
    """
    live_ids, truth = live.panel.loan_id, live.truth
    if truth is None:
        known = live.applications.drop_duplicates(KEY).set_index(KEY).get("issue_d", pd.Series(dtype="datetime64[ns]"))
        return pd.Series(pd.to_datetime(known.reindex(live_ids)).to_numpy())
    if "funded" not in truth:
        return pd.Series(pd.NaT, index=range(len(live_ids)), dtype="datetime64[ns]")
    return pd.Series((live.panel.months[0] + truth["funded"].to_numpy()).astype("datetime64[ns]"))


def vintage_curves(panel: Panel, issue_d: pd.Series, *, min_cell: int, confidence: float) -> Vintages:
    """Return the curves of the loans of a panel, by the year in which they were funded.

    A curve begins at the first age with `min_cell` loans at risk and ends before the first one with fewer: a product cannot leave out
    a factor.

    Args:
        panel: Snapshots of n loans.
        issue_d: When each was funded, in the panel's order, NaT where not known, shape (n,).
        min_cell: The fewest loans at risk that a point may rest on.
        confidence: Of the intervals, point by point: Greenwood's variance on the log-log scale (Kalbfleisch and Prentice, The Statistical
            Analysis of Failure Time Data, 2002, 1.4); where no loan has been late yet, the exact binomial one of the fewest at risk.
    """
    m = len(panel.months)
    seen = panel.delivered.any(axis=1)
    first, last = panel.delivered.argmax(axis=1), m - 1 - panel.delivered[:, ::-1].argmax(axis=1)
    funded = issue_d.to_numpy().astype("datetime64[M]")
    age_at = np.where(np.isnat(funded), -1, (panel.months[first] - funded).astype(np.int64))
    used = seen & (age_at >= 0)
    names = pd.Series(issue_d).dt.to_period("Y").astype(str).to_numpy()
    curves, counts = [], []
    for event, days in EVENTS.items():
        at = panel.default_month(days)
        hit = at < m
        early = hit & (at <= first)
        exit_age = age_at + np.where(hit, at, last) - first
        for vintage in np.unique(names[used].astype(str)):
            inside = used & (names == vintage)
            kept = inside & ~early
            what = {"event": event, "vintage": str(vintage)}
            curves.append(_curve(age_at[kept], exit_age[kept], hit[kept], min_cell, confidence).assign(**what))
            loans, late = int(kept.sum()), int((inside & early).sum())
            counts.append(what | {"loans": loans, "events": int(hit[kept].sum()), "late_at_entry": late})
    told = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame()
    order = ["event", "vintage", "age", "at_risk", "events", "share", "share_low", "share_high", "since"]
    return Vintages(told.reindex(columns=order), pd.DataFrame(counts), int((seen & ~used).sum()))


def _curve(entry: np.ndarray, leaves: np.ndarray, hit: np.ndarray, min_cell: int, confidence: float) -> pd.DataFrame:
    """Return one curve of loans seen from an age on until another one, at which `hit` of them are late for the first time."""
    size = int(leaves.max(initial=0)) + 1
    entered, left = (np.bincount(values, minlength=size).cumsum() for values in (entry, leaves))
    # At risk at age a: entered before a, and not left before a.
    at_risk = (np.append(0, entered) - np.append(0, left))[:size]
    events = np.bincount(leaves[hit.astype(bool)], minlength=size)
    enough = at_risk >= max(min_cell, 1)
    begin = int(enough.argmax()) if enough.any() else size
    end = begin + int((~enough[begin:]).argmax()) if (~enough[begin:]).any() else size
    age, n, d = np.arange(size)[begin:end], at_risk[begin:end].astype(float), events[begin:end].astype(float)
    survival = np.cumprod(1 - d / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(np.where(n > d, d / (n * (n - d)), np.inf))
        reach = norm.ppf((1 + confidence) / 2) * np.sqrt(variance) / np.abs(np.log(survival))
        low, high = 1 - survival ** np.exp(-reach), 1 - survival ** np.exp(reach)
    none = d.cumsum() == 0
    low = np.where(none, 0.0, low)
    fewest = np.minimum.accumulate(n) if len(n) else n
    high = np.where(none, beta.ppf((1 + confidence) / 2, 1, fewest), high)
    ended = survival == 0  # all that were at risk: no interval
    low, high = (np.where(ended, np.nan, values) for values in (low, high))
    return pd.DataFrame({"age": age, "at_risk": n.astype(int), "events": d.astype(int), "share": 1 - survival, "share_low": low,
                         "share_high": high, "since": begin - 1})  # fmt: skip
