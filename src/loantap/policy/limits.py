"""Where expected profit turns negative along a number: caps and amount limits, found on the training book."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from loantap.analysis.suppression import is_small
from loantap.model.bootstrap import CONFIDENCE
from loantap.policy.book import Book
from loantap.policy.groupings import Grouping
from loantap.policy.levers import AmountLimits, Cap, Lever, application_number
from loantap.policy.margins import FEW, LOSES, margins, not_shown, without_small

NEVER = "never turns negative"
NOBODY = "declines nobody"
_BINS = 20
# Figures that a policy can state; for other numbers, counts and percentages, whole ones.
_STEPS = {"revol_util": 5.0, "loan_amnt": 500.0, "annual_inc": 500.0, "revol_bal": 500.0}


@dataclass(frozen=True)
class Found:
    """What a search for a limit found on the training book.

    Attributes:
        id: The lever's.
        title: The lever's.
        lever: None where there is no such limit.
        finding: In words; without a lever, why there is none.
        evidence: On the loans that a limit refuses or would refuse, one row per level (a single one for a cap): the columns of
            `margins` with what the kind of limit adds, without the numbers of groups that are too small.
        bins: What a figure shows of a number, empty where none is limited: about 20 bins of equally many loans (by level for
            amounts), with low, high, middle (median), n, defaults, expected and realised with `_low` and `_high`, and fitted; profit
            per 100 lent. low of the first bin and high of the last are values that several loans reach.
    """

    id: str
    title: str
    lever: Lever | None
    finding: str
    evidence: pd.DataFrame
    bins: pd.DataFrame


def found(
    training: Book,
    lever: Lever,
    *,
    min_cell: int,
    why_not: str | None = None,
    evidence: pd.DataFrame | None = None,
    bins: pd.DataFrame | None = None,
) -> Found:
    """Return what was found, without the lever if something stands against it or it refuses too few training loans."""
    if why_not is None:
        refused = lever.refuses(training)
        few = "declines too few loans to tell" if is_few(training, refused, min_cell=min_cell) else None
        why_not = few if refused.any() else NOBODY
    tables = [pd.DataFrame() if table is None else table for table in (evidence, bins)]
    return Found(lever.id, lever.title, None if why_not else lever, why_not or lever.rule, *tables)


def is_few(book: Book, inside: np.ndarray, *, min_cell: int) -> bool:
    """Return whether some of the loans are too few, or their defaults or repaid ones, to be told."""
    n, defaults = pd.Series([inside.sum()]), pd.Series([(inside & book.default).sum()])
    return bool(is_small(n, defaults, min_cell=min_cell, default_rate=None)[0])


def cap_limit(training: Book, column: str, *, min_cell: int, confidence: float = CONFIDENCE) -> Found:
    """Find the value of a number above which expected profit is negative.

    The largest value at which isotonic regression (expected profit never rises, loans weigh as their amounts) is 0 or more, rounded up to
    a figure that a policy can state. No lever where the fit is never negative, or is so at every value. The verdict of the evidence (limit,
    NaN without one, then `margins`) is no condition, for `combine` judges a cap.

    Args:
        training: The loans to find it on.
        column: A number known at application time. Loans where it is missing are left out, and never refused.
        min_cell: The smallest count that may be published.
        confidence: Of the intervals and verdicts.

    Raises InputError for a column that is no number known at application time.
    """
    value = application_number(training, column)
    inside = ~np.isnan(value)
    fit = _Fit.of(training, value, inside)
    limit = _outward(fit.turning_point(min_cell=min_cell), column)
    evidence = margins(training, np.where(value > limit, 0, -1), groups=1, min_cell=min_cell, confidence=confidence)
    whys = {np.inf: f"expected profit {NEVER}", -np.inf: "expected profit is negative at every value"}
    evidence.insert(0, "limit", np.nan if limit in whys else limit)
    return found(
        training,
        Cap(column, limit),
        why_not=whys.get(limit),
        evidence=without_small(evidence),
        bins=_bins(training, value, inside, fit, min_cell=min_cell, confidence=confidence),
        min_cell=min_cell,
    )


def amount_limits(training: Book, by: Grouping, *, min_cell: int, confidence: float = CONFIDENCE) -> Found:
    """Find for each level the amount above which expected profit is negative.

    A level gets a limit only where the loans above it lose money by the verdict of `margins`: within a level the fit alone would follow
    noise. A limit of 0 means that the level loses money at every amount. The evidence is level, limit (NaN without one), then `margins` of
    the level's loans above it, whose verdict may also be that expected profit never turns negative, or that the limit refuses nobody.

    Args:
        training: The loans to find them on.
        by: The levels.
        min_cell: A level with fewer loans, defaults or repaid loans gets no limit.
        confidence: Of the intervals and verdicts.
    """
    amount, level_of, levels = training.amount, by.of(training), by.levels(training)
    group, limits, bins, verdicts = np.full(len(amount), -1), [], [], []
    for place, level in enumerate(levels):
        inside = level_of == level
        if is_few(training, inside, min_cell=min_cell):
            limit, verdict = np.inf, FEW
        else:
            fit = _Fit.of(training, amount, inside)
            limit = max(_outward(fit.turning_point(min_cell=min_cell), "loan_amnt"), 0.0)
            verdict = NEVER if limit == np.inf else NOBODY
            bins.append(_bins(training, amount, inside, fit, min_cell=min_cell, confidence=confidence))
            bins[-1].insert(0, "level", level)
        group[inside & (amount > limit)] = place
        limits.append(limit)
        verdicts.append(verdict)
    beyond = margins(training, group, groups=len(levels), min_cell=min_cell, confidence=confidence)
    beyond["verdict"] = beyond["verdict"].where(beyond["n"] > 0, verdicts)
    evidence = pd.DataFrame({"level": levels, "limit": limits}).replace(np.inf, np.nan).join(beyond)
    adopted = evidence[evidence["verdict"] == LOSES]
    return found(
        training,
        AmountLimits(by, dict(zip(adopted["level"], adopted["limit"], strict=True))),
        why_not=f"above an amount, {not_shown(confidence)}" if adopted.empty else None,
        evidence=without_small(evidence),
        bins=pd.concat(bins, ignore_index=True) if bins else pd.DataFrame(),
        min_cell=min_cell,
    )


@dataclass(frozen=True)
class _Fit:
    """Expected profit per unit lent along a number, never rising: isotonic regression, weighted by amount."""

    values: np.ndarray  # distinct, ascending
    fitted: np.ndarray
    loans: np.ndarray  # at or below each value

    @classmethod
    def of(cls, book: Book, value: np.ndarray, inside: np.ndarray) -> "_Fit":
        values, place = np.unique(value[inside], return_inverse=True)
        lent = np.bincount(place, book.amount[inside])
        ratio = np.bincount(place, book.expected[inside]) / lent
        regression = IsotonicRegression(increasing=False)
        fitted = regression.fit_transform(values, ratio, sample_weight=lent) if len(values) else ratio
        return cls(values, fitted, np.cumsum(np.bincount(place)))

    def turning_point(self, *, min_cell: int) -> float:
        """Return the largest value at which the fit is 0 or more; infinite if it always is, minus that if never.

        A fit that starts high on fewer than `min_cell` loans follows those few: it never is.
        """
        kept = int((self.fitted >= 0).sum())
        if kept == len(self.values):
            return np.inf
        return float(self.values[kept - 1]) if kept and self.loans[kept - 1] >= min_cell else -np.inf


def _bins(
    book: Book, value: np.ndarray, inside: np.ndarray, fit: _Fit, *, min_cell: int, confidence: float
) -> pd.DataFrame:
    if not inside.any():
        return pd.DataFrame()
    ordered, bad = np.sort(value[inside]), int(book.default[inside].sum())
    count = int(np.clip(min(bad, len(ordered) - bad) // max(min_cell, 1), 1, _BINS))
    edges = np.unique(np.quantile(ordered, np.linspace(0, 1, count + 1)[1:-1], method="inverted_cdf"))
    edges = _wide_enough(book, edges, value, inside, min_cell=min_cell)
    group = np.where(inside, np.searchsorted(edges, value, side="left"), -1)
    table = without_small(margins(book, group, groups=len(edges) + 1, min_cell=min_cell, confidence=confidence)).drop(
        columns="verdict"
    )
    reached = max(min(min_cell, len(ordered) // 2), 1)  # the very smallest and largest value would be somebody's own
    ends = np.concatenate([[ordered[reached - 1]], edges, [ordered[-reached]]])
    weighted = pd.DataFrame({"lent": book.amount, "fit": book.amount * np.interp(value, fit.values, 100 * fit.fitted)})
    sums = weighted[inside].groupby(group[inside]).sum().reindex(table.index)
    middle = pd.Series(value[inside]).groupby(group[inside]).median().reindex(table.index)
    shown = pd.DataFrame({"low": ends[:-1], "high": ends[1:], "middle": middle})
    return shown.join(table).assign(fitted=sums["fit"] / sums["lent"])


def _wide_enough(book: Book, edges: np.ndarray, value: np.ndarray, inside: np.ndarray, *, min_cell: int) -> np.ndarray:
    """Return the edges without those that would make a bin too small to be published."""
    place, kept, start = np.where(inside, np.searchsorted(edges, value, side="left"), -1), [], 0
    for end in range(1, len(edges) + 1):
        bins = (place >= start) & (place < end), place >= end
        if not any(is_few(book, one, min_cell=min_cell) for one in bins):
            kept.append(end - 1)
            start = end
    return edges[kept]


def _outward(limit: float, column: str) -> float:
    """Round a limit up to a figure that a policy can state, so that rounding refuses nobody who is profitable."""
    step = _STEPS.get(column, 1.0)
    return float(np.ceil(limit / step) * step)
