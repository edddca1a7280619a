"""What refusing some of the loans would have done: reported on the test book, which chose none of the rules."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from loantap.decisions.policy.book import Book
from loantap.decisions.policy.draws import drawn_group_sums, ends, patterns
from loantap.model.bootstrap import CONFIDENCE

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
        repaid). Then, each with `_low` and `_high`, a percentile interval: approved (share of the loans),
        defaults_avoided (share of the defaults), good_refused (share of the loans repaid), default_rate_approved;
        profit and profit_change (realised, per 100 of all money asked for, and its change from approving all) and
        profit_change_total (in currency, on this book). NaN where there is nothing to take a share of.
    """
    names, parts = list(refusals), []
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        rows, group = patterns(np.column_stack([refusals[name] for name in some]))
        parts.append(
            _effects(book, group, rows, repetitions=repetitions, random_state=random_state, confidence=confidence)
        )
    return pd.concat([pd.Series(names, name="name"), pd.concat(parts, ignore_index=True)], axis=1)


def trade_off_curve(book: Book, *, repetitions: int, random_state: int, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """Return what thresholds on the probability of default do, from approving a twentieth to approving all.

    Args:
        book: n loans, that no threshold was chosen on: the test book.
        repetitions: Bootstrap repetitions.
        random_state: Their seed.
        confidence: Of the intervals.

    Returns:
        One row per threshold, 96 unless probabilities are equal: threshold (refused at and above it; above 1 where
        all are approved), then as `simulate`. The thresholds are quantiles of the book's probabilities a percentage
        point apart.
    """
    shares = np.quantile(book.probability, _APPROVED)
    thresholds = np.unique(np.append(shares, np.nextafter(1.0, 2.0)))
    group = np.searchsorted(thresholds, book.probability, side="right")  # how many thresholds refuse the loan
    rows = np.arange(group.max() + 1)[:, np.newaxis] > np.arange(len(thresholds))
    effects = _effects(book, group, rows, repetitions=repetitions, random_state=random_state, confidence=confidence)
    return pd.concat([pd.Series(thresholds, name="threshold"), effects], axis=1)


def _effects(
    book: Book, group: np.ndarray, rows: np.ndarray, *, repetitions: int, random_state: int, confidence: float
) -> pd.DataFrame:
    """Return the effects of rules that refuse whole groups of loans; `rows` says which, shape (groups, rules)."""
    values = np.column_stack([np.ones(len(book.amount)), book.default, book.amount, book.realised])
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
    return table


def _measures(sums: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
    loans, defaults, amount, profit = np.moveaxis(sums.sum(axis=-2), -1, 0)[..., np.newaxis]
    refused, bad, _, lost = np.moveaxis(np.swapaxes(sums, -1, -2) @ rows, -2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):  # a share of nothing is not known: NaN
        return {
            "approved": 1 - refused / loans,
            "defaults_avoided": bad / defaults,
            "good_refused": (refused - bad) / (loans - defaults),
            "default_rate_approved": (defaults - bad) / (loans - refused),
            "profit": 100 * (profit - lost) / amount,
            "profit_change": 100 * (0 - lost) / amount,
            "profit_change_total": 0 - lost,
        }
