"""Which loan products suit: profit by amount, term and purpose.

What a segment earned decides, and the model must not contradict: outcomes are facts, but few; expected profit is steadier, but
wrong where the model is. Where the two disagree, nothing is shown.
"""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from scipy.special import betainc

from loantap.analysis.odds import adjust_p_values, wilson
from loantap.analysis.suppression import is_small, pool_small
from loantap.model.bootstrap import CONFIDENCE, percentile_interval
from loantap.model.economics import value_if_default, value_if_repaid
from loantap.policy.book import Book
from loantap.policy.simulate import drawn_group_sums

EARNS, LOSES, NOT_SHOWN = "earns", "loses", "not shown"
EDGES = (5_000, 10_000, 20_000)  # of the amounts; a band includes its upper edge
_CELL = ["purpose", "term", "amount"]
_SIZES = ["n", "defaults"]
_COLUMNS = [
    "amount", "term", "purpose", "n", "defaults", "default_rate", "ci_low", "ci_high", "expected", "expected_low", "expected_high",
    "realised", "realised_low", "realised_high", "p_adjusted", "verdict",
]  # fmt: skip


def segments(
    book: Book, *, min_cell: int, repetitions: int, random_state: int, confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """Return what each amount band, term and purpose earns, the best first by expected profit.

    Small segments are pooled so that counts by purpose and counts by term give none of them away, wherever those are published
    (a term that is small itself must not be). Counts of the same loans by these amount bands must not stand beside this table.

    Args:
        book: n loans.
        min_cell: Segments with fewer loans, or with some but fewer defaults or repaid loans, are pooled; a book that is
            small itself gives no rows.
        repetitions: Bootstrap repetitions.
        random_state: Their seed.
        confidence: Of each interval, and of the verdicts together.

    Returns:
        amount, term, purpose (texts that name all levels pooled), n, defaults, default_rate with ci_low and ci_high
        (Wilson); expected and realised profit per 100 lent, each with `_low` and `_high` (percentile bootstrap over loans, one
        segment at a time, which says nothing of how wrong the model may be); p_adjusted: of `break_even_p_values`, adjusted by Holm;
        verdict: earns, or loses, if p_adjusted is below 1 - confidence and the interval of expected profit lies on the same side of 0.
    """
    cells, cell_of, alpha = *_cells(book), round(1 - confidence, 9)
    total = cells[_SIZES].sum().to_frame().T
    if is_small(total["n"], total["defaults"], min_cell=min_cell, default_rate=None)[0]:
        return pd.DataFrame(columns=_COLUMNS)
    shown = cells.assign(**_pooled(cells, min_cell=min_cell))
    by_segment = shown.groupby(_CELL, sort=False)
    segment = by_segment.ngroup().to_numpy()[cell_of]
    table = by_segment[_SIZES].sum().reset_index()
    low, high = wilson(table["defaults"], table["n"], alpha=alpha)
    table = table.assign(default_rate=table["defaults"] / table["n"], ci_low=low, ci_high=high)
    values = np.column_stack([book.amount, book.expected, book.realised])
    sums, drawn = drawn_group_sums(values, segment, repetitions=repetitions, random_state=random_state)
    with np.errstate(invalid="ignore"):  # a small segment may be missing from a draw
        low, high = percentile_interval(100 * drawn[:, :, 1:] / drawn[:, :, :1], level=confidence)
    for place, name in enumerate(("expected", "realised")):
        estimate = 100 * sums[:, place + 1] / sums[:, 0]
        table = table.assign(**{name: estimate, f"{name}_low": low[:, place], f"{name}_high": high[:, place]})
    p_values = break_even_p_values(
        value_if_repaid(book.loans, book.economics), value_if_default(book.loans, book.economics), book.default, segment
    )
    table["p_adjusted"] = adjust_p_values(pd.Series(p_values), correction="holm")
    sure = table["p_adjusted"] < alpha
    earns = sure & (table["realised"] > 0) & (table["expected_low"] > 0)
    loses = sure & (table["realised"] < 0) & (table["expected_high"] < 0)
    table["verdict"] = np.select([earns, loses], [EARNS, LOSES], NOT_SHOWN)
    return table.sort_values("expected", ascending=False, ignore_index=True)[_COLUMNS]


def break_even_p_values(
    if_repaid: np.ndarray, if_default: np.ndarray, default: np.ndarray, group: np.ndarray
) -> np.ndarray:
    """Return for each group the two-sided p-value of a true profit of 0, shape (groups,).

    A group earns something just if its default rate, weighted by what a default costs, lies below the rate at which it
    would earn nothing. That rate is tested exactly, as a binomial share of the effective number of loans (sum of weights)^2 /
    sum of squared weights (Korn and Graubard, Survey Methodology 24, 1998, 193-201): far in the tails an interval of average profit
    would call too many profitable, since few defaults make the average high and its spread small at once.

    Args:
        if_repaid: Value of each loan if it is repaid, in currency, shape (n,).
        if_default: Its value if it defaults.
        default: Whether it defaulted.
        group: Its group, whole numbers from 0 without gaps.
    """
    cost = if_repaid - if_default
    parts = (if_repaid, cost, cost**2, cost * default)
    repaid, costs, squares, lost = (np.bincount(group, part) for part in parts)
    with np.errstate(divide="ignore", invalid="ignore"):  # defaults that cost nothing cannot be tested
        break_even = np.clip(repaid / costs, 0, 1)
        loans = costs**2 / squares
        defaults = np.clip(lost / costs, 0, 1) * loans
    at_most = 1 - betainc(defaults + 1, loans - defaults, break_even)
    at_least = betainc(defaults, loans - defaults + 1, break_even)
    return np.asarray(np.minimum(1, 2 * np.minimum(at_most, at_least)))


def _cells(book: Book) -> tuple[pd.DataFrame, np.ndarray]:
    """Return counts of every purpose, term and amount band that occurs, before pooling, and the row of each loan.

    Levels are texts; an amount band is its place.
    """
    band = np.searchsorted(EDGES, book.amount, side="left")
    levels = {"purpose": book.loans["purpose"], "term": book.loans["term"], "amount": band}
    loans = pd.DataFrame(levels).astype("str").assign(n=1, defaults=book.default.astype(int))
    cells = loans.groupby(_CELL)
    return cells[_SIZES].sum().reset_index(), cells.ngroup().to_numpy()


def _pooled(cells: pd.DataFrame, *, min_cell: int) -> dict[str, pd.Series]:
    """Return the published purpose, term and amount of each cell.

    With totals by purpose and by term known, one term of a purpose gives the other away, and so does one band of pooled purposes
    that only one of them has. Purposes that are small in some term are therefore pooled in all, whatever the amount.
    """
    cells = cells.assign(term=_joined(cells, "term", _listed, min_cell=min_cell) + " months")
    together = _purposes_to_pool(cells, min_cell=min_cell)
    inside = cells["purpose"].isin(together)
    amount = pd.Series(_amounts(range(len(EDGES) + 1)), index=cells.index)
    for _, part in cells[~inside].groupby(["purpose", "term"]):
        amount[part.index] = _joined(part, "amount", _amounts, min_cell=min_cell)
    purpose = cells["purpose"].where(~inside, _listed(sorted(together)))
    return {"purpose": purpose, "term": cells["term"], "amount": amount}


def _purposes_to_pool(cells: pd.DataFrame, *, min_cell: int) -> set[str]:
    """Return the purposes that are small in some term, with as many of the smallest others as it takes to hide them.

    A purpose with loans in one term only hides nothing: they are its total. The others have to suffice without it.
    """
    products = cells.groupby(["purpose", "term"])[_SIZES].sum().reset_index()
    small = is_small(products["n"], products["defaults"], min_cell=min_cell, default_rate=None)
    pooled = set(products.loc[small, "purpose"])
    several = products["purpose"].duplicated(keep=False)
    for name in products.groupby("purpose")["n"].sum().sort_values(kind="stable").index:
        inside = products["purpose"].isin(pooled)
        if all(_hides(products[part], min_cell=min_cell) for part in (inside, inside & several)):
            break
        pooled.add(str(name))
    return pooled


def _hides(products: pd.DataFrame, *, min_cell: int) -> bool:
    total = products.groupby("term")[_SIZES].sum()
    small = is_small(total["n"], total["defaults"], min_cell=min_cell, default_rate=None)
    return products["purpose"].nunique() != 1 and not small.any()


def _joined(cells: pd.DataFrame, name: str, told: Callable[[Iterable[str]], str], *, min_cell: int) -> pd.Series:
    """Return the level of each cell in words, with small levels joined to one."""
    counts = cells.groupby(name)[_SIZES].sum().rename_axis("level").reset_index()
    pooled = pool_small(counts, min_cell=min_cell, by_expectation=False)
    names = {member: told(members) for members in pooled.members.values() for member in members}
    return cells[name].map(lambda level: names.get(level, told([level])))


def _listed(levels: Iterable[str]) -> str:
    return " or ".join(levels)


def _amounts(bands: Iterable[str | int]) -> str:
    """Return bands in words, neighbours as one."""
    texts = [f"{edge:,}" for edge in EDGES]
    runs: list[list[int]] = []
    for band in map(int, bands):
        if runs and runs[-1][-1] == band - 1:
            runs[-1].append(band)
        else:
            runs.append([band])
    parts = []
    for run in runs:
        low, high = (f"over {texts[run[0] - 1]}" if run[0] else ""), (f"to {texts[run[-1]]}" if run[-1] < len(EDGES) else "")  # fmt: skip
        parts.append(f"{low} {high}".strip() if low else f"up {high}" if high else "any amount")
    return _listed(parts)
