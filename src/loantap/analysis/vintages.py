"""Loans by the time of funding."""

from typing import Literal

import numpy as np
import pandas as pd

from loantap.analysis.counts import SIZES
from loantap.analysis.summaries import merge_neighbours, with_intervals

Period = Literal["month", "quarter", "year"]
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def vintage_rates(
    counts: pd.DataFrame,
    *,
    period: Period = "quarter",
    term: int = 36,
    last: pd.Timestamp | None = None,
    min_cell: int = 10,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return the default rate of the loans funded in each period.

    Args:
        counts: issue_d (month of funding), n, defaults; rows of one month are added up.
        period: Length of a vintage.
        term: Months that these loans run.
        last: The last month of funding in the data, if `counts` are of a part of them.
        min_cell: Neighbouring periods are merged until each holds so many loans of either outcome, as the bars of `histograms` do.
        confidence: Of the Wilson intervals.

    Returns:
        One row per vintage: level (such as "2014 Q1"), start, end (first days of its first and last month), n, defaults,
        default_rate, ci_low, ci_high, and `unripe`: whether some of its loans had less than `term` months until the last
        funding in the data. Loans still running are not in the data, so such a vintage may hold mostly those that
        ended early, by default or by early repayment.
    """
    step = _MONTHS[period]
    issue_d = counts["issue_d"]
    months = (issue_d.dt.year * 12 + issue_d.dt.month - 1).to_numpy()
    offset = months.min() // step
    codes = months // step - offset
    n, defaults = (np.bincount(codes, counts[name]).astype("int64") for name in SIZES)
    final = months.max() if last is None else last.year * 12 + last.month - 1
    rows = []
    for group in merge_neighbours(range(len(n)), np.minimum(defaults, n - defaults), min_cell):
        filled = [code for code in group if n[code]]
        first, end = (filled[0] + offset) * step, (filled[-1] + offset) * step + step - 1
        rows.append(
            {
                "level": _name(first, end, step),
                "start": _date(first),
                "end": _date(end),
                "n": int(n[group].sum()),
                "defaults": int(defaults[group].sum()),
                "unripe": bool(end + term > final),
            }
        )
    return with_intervals(pd.DataFrame(rows), confidence=confidence)


def _date(month: int) -> pd.Timestamp:
    return pd.Timestamp(year=int(month) // 12, month=int(month) % 12 + 1, day=1)


def _name(first: int, end: int, step: int) -> str:
    names = []
    for month in (first, end):
        year, within = divmod(int(month), 12)
        names.append({1: f"{year}-{within + 1:02d}", 3: f"{year} Q{within // 3 + 1}", 12: str(year)}[step])
    return " to ".join(dict.fromkeys(names))
