"""Levels that loans of a book fall into: those of a column, or tiers of the predicted risk."""

from dataclasses import dataclass

import numpy as np

from loantap.analysis.levels import factor_values
from loantap.policy.book import Book

TIERS = ("low", "medium", "high", "very high")
TIER_SHARES = (0.5, 0.8, 0.95)  # of the training book, below each cut
_WORDS = {"dti": "DTI", "revol_util": "revolving utilisation", "loan_amnt": "amount", "annual_inc": "income", "f2": "F2"}  # fmt: skip


@dataclass(frozen=True)
class Grouping:
    """Levels that loans fall into: those of a column, or tiers of the predicted risk.

    Attributes:
        name: risk_tier, or a factor of the book such as grade.
        cuts: Probabilities of default at which the second and each later tier begins; empty for a column.
    """

    name: str
    cuts: tuple[float, ...] = ()

    def of(self, book: Book) -> np.ndarray:
        """Return the level of each loan as a text, shape (n,); a missing value is the level Missing."""
        if self.name == "risk_tier":
            return np.array(TIERS, dtype=object)[np.searchsorted(self.cuts, book.probability, side="right")]
        return factor_values(book.loans, self.name).to_numpy(dtype=object)

    def levels(self, book: Book) -> list[str]:
        """Return the levels that a book holds, in their order."""
        held = set(self.of(book))
        order = TIERS if self.name == "risk_tier" else factor_values(book.loans, self.name).cat.categories
        return [level for level in order if level in held]

    def words(self, level: str) -> str:
        """Return a level with the name of its kind; a tier with the probabilities of default that it holds."""
        if self.name != "risk_tier":
            return f"{words_of(self.name)} {level}"
        place = TIERS.index(level)
        ends = [f"{100 * cut:.2f}%" for cut in self.cuts[max(place - 1, 0) : place + 1]]
        between = f"{ends[0]} and above" if len(ends) == 1 else " to below ".join(ends)
        inside = f"below {ends[0]}" if place == 0 else between
        return f"risk tier {level} (probability of default {inside})"


def risk_tiers(training: Book) -> Grouping:
    """Return tiers that hold 50, 30, 15 and 5% of the training book, the lowest predicted risk first.

    Cuts are rounded to a hundredth of a percentage point, so that the rule in words is the rule.
    """
    return Grouping("risk_tier", tuple(np.quantile(training.probability, TIER_SHARES).round(4).tolist()))


def words_of(name: str) -> str:
    """Return the name of a column or grouping as a sentence says it."""
    return _WORDS.get(name, name.replace("_", " "))
