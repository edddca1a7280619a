"""What refusing some of the loans would have done: reported on the test book, which chose none of the rules."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from loantap.model.bootstrap import CONFIDENCE, drawn_sums, percentile_interval
from loantap.policy.book import Book

_AT_ONCE = 12  # rules: at most 4,096 patterns of refusal, so that their drawn sums fit in memory whatever the rules
_APPROVED = np.arange(5, 100) / 100  # below a twentieth, too few loans default to speak of a rate


def simulate(
    book: Book,
    refusals: Mapping[str, np.ndarray],
    *,
    repetitions: int,
    random_state: int,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Return what each rule would have done to a book, against approving all; all rules on the same draws of loans.

    Intervals say how sure the effect of a given rule is. They hold for a book that had no part in choosing the rule:
    the test book.

    Args:
        book: n loans.
        refusals: Whether each rule refuses each loan, shape (n,), by the name of the rule; one rule or more.
        repetitions: Bootstrap repetitions.
        random_state: Their seed.
        confidence: Of the intervals.

    Returns:
        One row per rule. Counts of loans: n, n_approved, n_refused, n_defaults_avoided, n_good_refused (refused, and
        repaid). Then, each with `_low` and `_high`, a percentile interval: refused and approved (shares of the loans),
        defaults_avoided (share of the defaults), good_refused (share of the loans repaid), default_rate_approved; all of
        realised profit: profit and profit_change (per 100 of all money asked for, and its change from approving all),
        profit_change_total (in currency, on this book), and of the granted profit_total (in currency), profit_per_100 (per
        100 lent) and per_year (per 100 of average balance and year, above the cost of money). NaN where there is
        nothing to take a share of. Last gain, the same as profit_change_total, with ends that hold for all rules at once: as
        many standard errors on either side as the largest of all rules' deviations has in the draws (max-t, as in Westfall
        and Young, Resampling-Based Multiple Testing, 1993, section 2.3).
    """
    names, parts, gains = list(refusals), [], []
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        rows, group = patterns(np.column_stack([refusals[name] for name in some]))
        table, drawn = _effects(
            book, group, rows, repetitions=repetitions, random_state=random_state, confidence=confidence
        )
        parts.append(table)
        gains.append(drawn)
    effects = pd.concat([pd.Series(names, name="name"), pd.concat(parts, ignore_index=True)], axis=1)
    gain = effects["profit_change_total"]
    half = _simultaneous(gain.to_numpy(), np.concatenate(gains, axis=1), confidence)
    return effects.assign(gain=gain, gain_low=gain - half, gain_high=gain + half)


def trade_off_curve(book: Book, *, repetitions: int, random_state: int, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """Return what thresholds on the probability of default do, from approving a twentieth to approving all, as `simulate`.

    The thresholds (refused at and above it; above 1 where all are approved) are quantiles of the book's probabilities a percentage point apart.

    Args:
        book: n loans, that no threshold was chosen on: the test book.
        repetitions: Bootstrap repetitions.
        random_state: Their seed.
        confidence: Of the intervals.
    """
    shares = np.quantile(book.probability, _APPROVED)
    thresholds = np.unique(np.append(shares, np.nextafter(1.0, 2.0)))
    group = np.searchsorted(thresholds, book.probability, side="right")  # how many thresholds refuse the loan
    rows = np.arange(group.max() + 1)[:, np.newaxis] > np.arange(len(thresholds))
    effects, _ = _effects(book, group, rows, repetitions=repetitions, random_state=random_state, confidence=confidence)
    return pd.concat([pd.Series(thresholds, name="threshold"), effects], axis=1)


def _effects(
    book: Book, group: np.ndarray, rows: np.ndarray, *, repetitions: int, random_state: int, confidence: float
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the effects of rules that refuse whole groups of loans, and each draw's gains, shape (repetitions, rules).

    `rows` says which groups a rule refuses, shape (groups, rules).
    """
    values = np.column_stack([np.ones(len(book.amount)), book.default, book.amount, book.realised, book.balance])
    sums, drawn = drawn_group_sums(values, group, repetitions=repetitions, random_state=random_state)
    refused, rules = sums.T @ rows, rows.shape[1]
    n = np.full(rules, len(book.amount))
    counts = {"n": n, "n_approved": n - refused[0], "n_refused": refused[0]}
    counts |= {"n_defaults_avoided": refused[1], "n_good_refused": refused[0] - refused[1]}
    table = pd.DataFrame(counts).round().astype(int)
    estimates, draws = _measures(sums, rows), _measures(drawn, rows)
    for name, estimate in estimates.items():
        low, high = ends(draws[name], confidence)
        table = table.assign(**{name: estimate, f"{name}_low": low, f"{name}_high": high})
    return table, draws["profit_change_total"]


def _simultaneous(gain: np.ndarray, draws: np.ndarray, confidence: float) -> np.ndarray:
    """Return half the width of intervals that hold for all rules at once, shape (rules,); 0 for who refuses nobody."""
    error = draws.std(axis=0, ddof=1)
    unsure = error > 0
    if not unsure.any():
        return error
    deviations = np.abs(draws[:, unsure] - gain[unsure]) / error[unsure]
    return error * np.quantile(deviations.max(axis=1), confidence)


def _measures(sums: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
    loans, defaults, amount, profit, balance = np.moveaxis(sums.sum(axis=-2), -1, 0)[..., np.newaxis]
    refused, bad, not_lent, lost, not_owed = np.moveaxis(np.swapaxes(sums, -1, -2) @ rows, -2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):  # a share of nothing is not known: NaN
        return {
            "refused": refused / loans,
            "approved": 1 - refused / loans,
            "defaults_avoided": bad / defaults,
            "good_refused": (refused - bad) / (loans - defaults),
            "default_rate_approved": (defaults - bad) / (loans - refused),
            "profit": 100 * (profit - lost) / amount,
            "profit_change": 100 * (0 - lost) / amount,
            "profit_change_total": 0 - lost,
            "profit_total": profit - lost,
            "profit_per_100": 100 * (profit - lost) / (amount - not_lent),
            "per_year": 100 * (profit - lost) / (balance - not_owed),
        }


def drawn_group_sums(
    values: np.ndarray, group: np.ndarray, *, repetitions: int, random_state: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of each column by group, shape (groups, k): of the loans, and over n of them drawn with replacement (with repetitions first).

    The draws are those of `loantap.model.bootstrap.drawn_sums` with the same seed. A table with one column for each group and value
    would give the same, but is nearly all zeros.

    Args:
        values: One row per loan, shape (n, k).
        group: The group of each loan, whole numbers from 0, shape (n,).
        repetitions: How often to draw.
        random_state: Seed.
    """
    n, k = values.shape
    groups = int(group.max(initial=-1)) + 1
    place = group[:, np.newaxis] * k + np.arange(k)
    table = csr_array((values.astype(float).ravel(), place.ravel(), np.arange(0, n * k + 1, k)), shape=(n, groups * k))
    drawn = drawn_sums(table, repetitions=repetitions, random_state=random_state)
    return (np.ones(n) @ table).reshape(groups, k), drawn.reshape(repetitions, groups, k)


def ends(draws: np.ndarray, confidence: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the percentile interval of each column, NaN for a column that no draw knows."""
    known = np.isfinite(draws).any(axis=0)
    low, high = np.full(len(known), np.nan), np.full(len(known), np.nan)
    if known.any():
        low[known], high[known] = percentile_interval(draws[:, known], level=confidence)
    return low, high


def patterns(refusals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rows of a table of refusals, shape (loans, rules), and which of them each loan has."""
    # A column of zeros beside, for there may be no rule.
    refusals = np.column_stack([refusals, np.zeros(len(refusals), dtype=bool)])
    packed = np.ascontiguousarray(np.packbits(refusals, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    return refusals[first, :-1], group
