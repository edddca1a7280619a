"""How loans move between buckets of days past due from month to month: the transition matrix, roll rates and cure rates.

The field's reading of a portfolio (Siddiqi, Credit Risk Scorecards, 2006). A loan that is not known to have moved stays in the bucket
of its last known value in the matrix, whose lines add up to the deliveries; rates count only what is known in both months.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from loantap.analysis.summaries import simultaneous
from loantap.analysis.suppression import is_small, withheld
from loantap.data.panel import Panel
from loantap.watchlist.measures import clustered_interval
from loantap.watchlist.standing import BUCKETS, CURRENT, ENDED, FROM_90, GONE, NOT_YET, OFF, TO_29, Standing

NEW, BACK, ALL = "new", "delivered again", "all"
ROWS = (NEW, BACK, *BUCKETS[:GONE])  # where a loan was the month before
WORSE, CURES, LEAVES = "rolls to a worse bucket", "returns to current", "leaves default after probation"
DEFAULTED = "in default"
_NUMBERS = ("loans", "count", "share", "share_low", "share_high", "share_of_balance")
_BLOCK = 1 << 14  # loans at a time: a count for each loan and cell stays small


def transition_matrix(
    panel: Panel, stands: Standing, *, first: int, last: int, min_cell: int, confidence: float
) -> pd.DataFrame:
    """Return how many loans moved from which bucket into which, from the month before to each of the months together.

    Loans delivered in neither of two months are in neither: rows but NEW and BACK add up to the deliveries of the months before, columns but
    GONE to those of the months. What was delivered before and is not now is GONE, whatever it was.

    Args:
        panel: Snapshots of n loans.
        stands: Where they stand.
        first: Position of the first month that loans move into; into the panel's first one nobody does.
        last: Position of the last one.
        min_cell: Cells with fewer loans are withheld, as `suppression.withheld` says.
        confidence: Of the intervals: Wilson's, over several months as in `measures.clustered_interval`.

    Returns:
        One row per cell, sums included (ALL): before, now, loans, share (of the row) with share_low and share_high, balance (of the month
        before, of the month itself for NEW and BACK and where it is not known), share_of_balance, and `withheld`, whose numbers are NaN.
    """
    size = (len(ROWS), len(BUCKETS))
    cells = size[0] * size[1]
    # Moves; their squares by loan; with the loan's moves from the row.
    sums, balance = np.zeros((3, *size)), np.zeros(size)
    starts, squares, loans = np.zeros((3, size[0]))
    for begin in range(0, len(panel.loan_id), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        moves = np.zeros(len(panel.loan_id[part]) * cells, dtype=np.int32)
        for where, cell, owed in _moves(panel, stands, part, first, last):
            moves += np.bincount(where * cells + cell, minlength=len(moves)).astype(np.int32)
            balance += np.bincount(cell, weights=owed, minlength=cells).reshape(size)
        by_loan = moves.reshape(-1, *size).astype(float)
        of = by_loan.sum(axis=2)
        sums += [by_loan.sum(axis=0), (by_loan**2).sum(axis=0), np.einsum("nrc,nr->rc", by_loan, of)]
        starts, squares, loans = starts + of.sum(axis=0), squares + (of**2).sum(axis=0), loans + (of > 0).sum(axis=0)
    counts = sums[0].astype(np.int64)
    effective = None if first == last else _effective(sums, starts, squares, loans)
    return matrix_of(counts, balance, effective=effective, min_cell=min_cell, confidence=confidence)


def matrix_of(
    counts: np.ndarray, balance: np.ndarray, *, effective: np.ndarray | None = None, min_cell: int, confidence: float
) -> pd.DataFrame:
    """Return the matrix of counts and balances that are there, rows and columns as ROWS and BUCKETS.

    Args:
        counts: Moves.
        balance: Their balances, of the same shape.
        effective: The number of independent loans that a share is worth; those of the row for None, which is right for one month.
        min_cell: As in `transition_matrix`, and so is the result.
        confidence: Likewise.
    """
    of = counts.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        share = counts / of
    worth = np.broadcast_to(of, share.shape) if effective is None else effective
    low, high = wilson_ends(share, worth, confidence=confidence)
    return _long(counts, balance, [share, low, high], withheld(counts, min_cell=min_cell))


def _moves(
    panel: Panel, stands: Standing, part: slice, first: int, last: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield for each month which loans of a part moved, their cells of the matrix, and their balances."""
    for t in range(max(first, 1), last + 1):
        was, here = panel.delivered[part, t - 1], panel.delivered[part, t]
        where = np.flatnonzero(was | here)
        was, here = was[where], here[where]
        before = stands.bucket[part, t - 1][where].astype(np.int64)
        row = np.where(was, before + 2, np.where(before == NOT_YET, 0, 1))
        column = np.where(here, stands.bucket[part, t][where], GONE)
        owed = [panel.balance[part, at][where] for at in (t - 1, t)]
        known = np.where(was & ~np.isnan(owed[0]), owed[0], owed[1])
        yield where, row * len(BUCKETS) + column, np.nan_to_num(known)


def _effective(sums: np.ndarray, starts: np.ndarray, squares: np.ndarray, loans: np.ndarray) -> np.ndarray:
    """Return the number of independent loans that the share of each cell in its row is worth."""
    of = starts[:, np.newaxis]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = sums[0] / of
        between = sums[1] - 2 * share * sums[2] + share**2 * squares[:, np.newaxis]
        variance = (loans / (loans - 1))[:, np.newaxis] * between / of**2
        effective = np.clip(share * (1 - share) / variance, 1, of)
    sure = (share <= 0) | (share >= 1) | ~(variance > 0)
    return np.where(sure, loans[:, np.newaxis], effective)


def _long(counts: np.ndarray, balance: np.ndarray, shares: list[np.ndarray], hidden: np.ndarray) -> pd.DataFrame:
    def summed(values: np.ndarray) -> np.ndarray:
        wide = np.append(values, values.sum(axis=1, keepdims=True), axis=1)
        return np.append(wide, wide.sum(axis=0, keepdims=True), axis=0)

    loans, money = summed(counts).astype(float), summed(balance)
    names = pd.MultiIndex.from_product([[*ROWS, ALL], [*BUCKETS, ALL]], names=["before", "now"])
    share, low, high = (np.pad(values, (0, 1), constant_values=np.nan) for values in shares)
    with np.errstate(invalid="ignore", divide="ignore"):
        share[-1], part = loans[-1] / loans[-1, -1], money / money[:, -1:]
    part[:, -1] = np.nan
    values = {
        "loans": loans,
        "share": share,
        "share_low": low,
        "share_high": high,
        "balance": money,
        "share_of_balance": part,
    }
    table = pd.DataFrame({name: cells.ravel() for name, cells in values.items()}, index=names)
    # A share tells its count to whoever knows the sum, and the sum to whoever knows the count.
    table[hidden.ravel() | np.repeat(hidden[:, -1], hidden.shape[1])] = np.nan
    return table.assign(withheld=hidden.ravel()).reset_index()


def roll_rates(
    panel: Panel, stands: Standing, position: int, *, earlier: int, min_cell: int, confidence: float
) -> pd.DataFrame:
    """Return which share of each bucket has become worse or current in a month, against the months before.

    At risk is a loan that was delivered the month before with days past due known then. Shares are of those whose state is known now; how
    many are not is told, since they may as well have become worse. The two sides are taken as independent; where a loan that was late once
    is late again more often, the interval of their difference is wider than need be.

    Args:
        panel: Snapshots of n loans.
        stands: Where they stand.
        position: Position of the month; the panel's first one has no rates.
        earlier: How many months before it are pooled for the comparison: 1 for the month before.
        min_cell: A rate is withheld where its loans, or those of either outcome, are some but fewer.
        confidence: Of the intervals; those of the differences hold for all rates that are shown at once (Bonferroni).

    Returns:
        One row per rate and bucket: rate (WORSE, CURES, LEAVES), bucket, not_known, withheld, loans (known now), count, share with
        share_low and share_high (Wilson), share_of_balance; the same but count with _before, over loans; difference with its ends, and
        change ("higher", "lower", or "open"). NaN where withheld, or where no loan is at risk.
    """
    asked = [(WORSE, one) for one in range(CURRENT, FROM_90 + 1)] + [(CURES, one) for one in range(TO_29, FROM_90 + 1)]
    asked.append((LEAVES, GONE))
    months = range(max(position, 1), position + 1), range(max(position - earlier, 1), max(position, 1))
    sides = [[_Moved(panel, stands, *one, some, min_cell=min_cell) for some in months] for one in asked]
    level = simultaneous(confidence, sum(not (now.hidden or before.hidden) for now, before in sides))
    rows = []
    for (rate, bucket), (now, before) in zip(asked, sides, strict=True):
        name = BUCKETS[bucket] if bucket != GONE else DEFAULTED
        row: dict[str, object] = {"rate": rate, "bucket": name, "not_known": now.not_known, "withheld": now.small}
        then = before.numbers(confidence)
        row |= now.numbers(confidence) | {f"{key}_before": then[key] for key in ("loans", *_NUMBERS[2:])}
        hidden = now.hidden or before.hidden
        ends = (np.nan,) * 3 if hidden else difference_ends(now.ends(level), before.ends(level))
        row |= dict(zip(("difference", "difference_low", "difference_high"), ends, strict=True))
        rows.append(row | {"change": "higher" if ends[1] > 0 else "lower" if ends[2] < 0 else "open"})
    return pd.DataFrame(rows)


class _Moved:
    """The loans at risk of a rate in some months, and which of them did what it counts."""

    def __init__(self, panel: Panel, stands: Standing, rate: str, bucket: int, months: range, *, min_cell: int) -> None:
        then, now = slice(months.start - 1, months.stop - 1), slice(months.start, months.stop)
        was = stands.bucket[:, then]
        at_risk = panel.delivered[:, then] & (stands.age[:, then] == 0)
        at_risk &= stands.in_default[:, then] & (was != OFF) & (was != ENDED) if rate == LEAVES else was == bucket
        loan, place = np.nonzero(at_risk)  # few but for current loans, so that what follows is short
        here = stands.bucket[:, now][loan, place]
        ended = (here == OFF) | (here == ENDED)
        known = panel.delivered[:, now][loan, place] & ((stands.age[:, now][loan, place] == 0) | ended)
        if rate == WORSE:
            hit = (here > bucket) & (here <= OFF)
        elif rate == CURES:
            hit = here == CURRENT
        else:
            hit = ~stands.in_default[:, now][loan, place] & ~ended
        hit &= known
        owed, n = np.nan_to_num(panel.balance[:, then][loan, place]), len(panel.loan_id)
        self._of, self._count = np.bincount(loan[known], minlength=n), np.bincount(loan[hit], minlength=n)  # by loan
        self._owed, self._moved = float(owed[known].sum()), float(owed[hit].sum())
        self._one_month = len(months) == 1
        self.not_known, self.loans, self.count = int((~known).sum()), int(self._of.sum()), int(self._count.sum())
        few = is_small(pd.Series([self.loans]), pd.Series([self.count]), min_cell=min_cell, default_rate=None)[0]
        self.small = self.loans > 0 and bool(few)  # some loans are there, and too few to be shown
        self.hidden = not self.loans or self.small

    def ends(self, confidence: float) -> tuple[float, float, float]:
        """Return the share and the ends of its interval."""
        share = self.count / self.loans
        if self._one_month:
            low, high = wilson_ends(np.array(share), np.array(self.loans), confidence=confidence)
            return share, float(low), float(high)
        return share, *clustered_interval(self._count, self._of, confidence=confidence)

    def numbers(self, confidence: float) -> dict[str, float]:
        """Return what is told of the rate: _NUMBERS, NaN where there is none to show."""
        if self.hidden:
            return dict.fromkeys(_NUMBERS, np.nan)
        share_of_balance = self._moved / self._owed if self._owed else np.nan
        values = (self.loans, self.count, *self.ends(confidence), share_of_balance)
        return dict(zip(_NUMBERS, values, strict=True))


def wilson_ends(share: np.ndarray, of: np.ndarray, *, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of Wilson's intervals of shares of so many loans, which need be no whole numbers; NaN of no loans.

    Args:
        share: The shares.
        of: Of how many loans, of the same shape.
        confidence: Of the intervals.
    """
    share, of = np.asarray(share, dtype=float), np.asarray(of, dtype=float)
    count, loans = np.where(of > 0, share * of, 0.0), np.where(of > 0, of, 1.0)
    ends = proportion_confint(count, loans, method="wilson", alpha=round(1 - confidence, 9))
    low, high = (np.where(of > 0, end, np.nan) for end in ends)
    return low, high


def difference_ends(
    now: tuple[float, float, float], before: tuple[float, float, float], *, correlation: float = 0.0
) -> tuple[float, float, float]:
    """Return by how much one share is larger than another, both with the ends of their intervals, and the ends of the difference's.

    Square and add: Newcombe, Statistics in Medicine 17 (1998), 873-890, method 10 of his paper on independent shares and, with the
    correlation of the two estimates (0 for different loans), of that on paired ones (2635-2650); for intervals of any kind: Zou and
    Donner, Statistics in Medicine 27 (2008), 1693-1702.

    Args:
        now: A share, and the ends of its interval.
        before: The same of what it is compared with.
        correlation: Of the two estimates.
    """
    (one, one_low, one_high), (other, other_low, other_high) = now, before
    below, above = (
        np.sqrt(max(here**2 - 2 * correlation * here * there + there**2, 0.0))
        for here, there in ((one - one_low, other_high - other), (one_high - one, other - other_low))
    )
    return one - other, one - other - below, one - other + above
