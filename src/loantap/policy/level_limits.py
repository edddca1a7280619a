"""Levels that lose money: terms and exclusions, found on the training book.

What they do to loans that had no part in finding them is for `simulate` to say, on the test book.
"""

from typing import Any

import numpy as np
import pandas as pd

from loantap.analysis.suppression import pool_small
from loantap.data.annuity import annuity
from loantap.model.bootstrap import CONFIDENCE
from loantap.model.economics import expected_profit
from loantap.policy.book import Book
from loantap.policy.groupings import Grouping
from loantap.policy.levers import Exclusion, LongestTerm
from loantap.policy.limits import Found, found
from loantap.policy.margins import LOSES, margins, not_shown, without_small

SHORT = 36  # months


def term_limits(training: Book, by: Grouping, *, min_cell: int, confidence: float = CONFIDENCE) -> Found:
    """Find the levels whose loans of more than 36 months lose money.

    Args:
        training: The loans to find them on.
        by: The levels.
        min_cell: A level with fewer long loans, defaults or repaid ones among them is not limited.
        confidence: Of the intervals and verdicts.

    Returns:
        `evidence`: level, then `margins` of its long loans, and expected_if_short: what they would earn per 100 if
        their borrowers took 36 months at the same rate and had the same probability of default. That is an assumption
        and not an estimate: installments rise by half or so, and nobody knows who would still apply.
    """
    levels, loans = by.levels(training), training.loans
    place = pd.Series(by.of(training)).map({level: place for place, level in enumerate(levels)}).to_numpy(dtype=int)
    long = loans["term"].to_numpy() > SHORT
    sure: dict[str, Any] = {"min_cell": min_cell, "confidence": confidence}
    evidence = margins(training, np.where(long, place, -1), groups=len(levels), **sure)
    evidence.insert(0, "level", levels)
    short = loans.assign(term=SHORT, installment=annuity(loans["loan_amnt"], loans["int_rate"], SHORT))
    earned = expected_profit(short, training.probability, training.economics)
    sums = [np.bincount(place, long * part, minlength=len(levels)) for part in (earned, training.amount)]
    with np.errstate(invalid="ignore"):  # a level without long loans
        evidence["expected_if_short"] = 100 * sums[0] / sums[1]
    losing = tuple(evidence.loc[evidence["verdict"] == LOSES, "level"])
    why_not = None if losing else f"on terms above {SHORT} months, {not_shown(confidence)}"
    return found(
        training, LongestTerm(by, losing, SHORT), why_not=why_not, evidence=without_small(evidence), min_cell=min_cell
    )


def exclusions(training: Book, by: Grouping, *, min_cell: int, confidence: float = CONFIDENCE) -> Found:
    """Find the levels that lose money.

    Args:
        training: The loans to find them on.
        by: The levels.
        min_cell: Levels with fewer loans, defaults or repaid loans are pooled, and judged as one.
        confidence: Of the intervals and verdicts.

    Returns:
        `evidence`: level, then `margins` of its loans; the verdict is the level's tier.
    """
    level_of = pd.Series(by.of(training))
    loans = pd.DataFrame({"level": level_of, "n": 1, "defaults": training.default.astype(int)})
    counts = loans.groupby("level").sum().loc[by.levels(training)].reset_index()
    pooled = pool_small(counts, min_cell=min_cell, by_expectation=False)
    levels = pooled.counts["level"].tolist()
    place = level_of.replace(pooled.names()).map({level: place for place, level in enumerate(levels)})
    sure: dict[str, Any] = {"min_cell": min_cell, "confidence": confidence}
    evidence = margins(training, place.to_numpy(dtype=int), groups=len(levels), **sure)
    evidence.insert(0, "level", levels)
    losing = evidence.loc[evidence["verdict"] == LOSES, "level"]
    members = tuple(member for level in losing for member in pooled.members.get(level, [level]))
    why_not = None if members else not_shown(confidence)
    return found(training, Exclusion(by, members), why_not=why_not, evidence=without_small(evidence), min_cell=min_cell)
