"""Levers of a lending policy: rules that say, before a loan is granted, whom to refuse.

A lever's numbers are chosen on the training book (`limits`, `level_limits`) and its effect is reported on the test book
(`simulate`). A lever looks at what is known of an application only, never at how a loan ended.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from loantap.analysis.levels import factor_values
from loantap.data.columns import BY_NAME
from loantap.decisions.policy.book import Book
from loantap.errors import InputError

TIERS = ("low", "medium", "high", "very high")
TIER_SHARES = (0.5, 0.8, 0.95)  # of the training book, below each cut
_WORDS = {
    "dti": "DTI",
    "revol_util": "revolving utilisation",
    "loan_amnt": "amount",
    "annual_inc": "income",
    "f2": "F2",
}


class Lever(ABC):
    """A rule that refuses some of the loans of a book."""

    @property
    def id(self) -> str:
        """A name for files and options."""
        return self._said()[0]

    @property
    def title(self) -> str:
        """What the rule is about, in a few words."""
        return self._said()[1]

    @property
    def rule(self) -> str:
        """The rule in words, with its numbers."""
        return self._said()[2]

    def refuses(self, book: Book) -> np.ndarray:
        """Return whether each loan of a book is refused, shape (n,)."""
        return np.asarray(self._refuses(book), dtype=bool)

    @abstractmethod
    def _said(self) -> tuple[str, str, str]: ...

    @abstractmethod
    def _refuses(self, book: Book) -> np.ndarray: ...


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
        ends = [f"{100 * cut:.2f} %" for cut in self.cuts[max(place - 1, 0) : place + 1]]
        between = f"{ends[0]} and above" if len(ends) == 1 else " to below ".join(ends)
        inside = f"below {ends[0]}" if place == 0 else between
        return f"risk tier {level} (probability of default {inside})"


def risk_tiers(training: Book) -> Grouping:
    """Return tiers that hold 50, 30, 15 and 5 % of the training book, the lowest predicted risk first.

    Cuts are rounded to a hundredth of a percentage point, so that the rule in words is the rule.
    """
    return Grouping("risk_tier", tuple(np.quantile(training.probability, TIER_SHARES).round(4).tolist()))


@dataclass(frozen=True)
class Threshold(Lever):
    """Refuse at and above a probability of default.

    Attributes:
        name: What the threshold was chosen for, such as profit.
        at: The probability; above 1, nobody is refused.
        words: The name as a sentence says it, if it says another.
    """

    name: str
    at: float
    words: str = ""

    def _said(self) -> tuple[str, str, str]:
        title = f"{self.words or words_of(self.name)} threshold of the model"
        rule = (
            f"refuse a probability of default of {100 * self.at:.2f} % and above" if self.at <= 1 else "refuse nobody"
        )
        return f"threshold_{self.name}", title, rule

    def _refuses(self, book: Book) -> np.ndarray:
        return book.probability >= self.at


@dataclass(frozen=True)
class OwnPrice(Lever):
    """Refuse a loan whose own rate does not pay for its own risk: an expected profit below 0."""

    def _said(self) -> tuple[str, str, str]:
        return "own_price", "loss-making at its own price", "refuse an expected profit below 0"

    def _refuses(self, book: Book) -> np.ndarray:
        return book.expected < 0


@dataclass(frozen=True)
class Cap(Lever):
    """Refuse values above a limit of a number known at application time; a missing value is not refused."""

    column: str
    limit: float

    def _said(self) -> tuple[str, str, str]:
        words = words_of(self.column)
        return f"cap_{self.column}", f"cap on {words}", f"refuse {words} above {self.limit:,.10g}"

    def _refuses(self, book: Book) -> np.ndarray:
        return application_number(book, self.column) > self.limit


@dataclass(frozen=True)
class AmountLimits(Lever):
    """Refuse amounts above the limit of their level: nobody in a level without one, everybody where it is 0."""

    by: Grouping
    limits: Mapping[str, float]

    def _said(self) -> tuple[str, str, str]:
        parts = [
            f"{f'amounts above {limit:,.10g}' if limit else 'every amount'} in {self.by.words(level)}"
            for level, limit in self.limits.items()
        ]
        return f"amount_by_{self.by.name}", f"amount limits by {words_of(self.by.name)}", f"refuse {', '.join(parts)}"

    def _refuses(self, book: Book) -> np.ndarray:
        return book.amount > np.array([self.limits.get(level, np.inf) for level in self.by.of(book)])


@dataclass(frozen=True)
class LongestTerm(Lever):
    """Refuse terms above a number of months in some levels."""

    by: Grouping
    levels: tuple[str, ...]
    months: int

    def _said(self) -> tuple[str, str, str]:
        rule = f"refuse terms above {self.months} months in {', '.join(map(self.by.words, self.levels))}"
        return f"term_by_{self.by.name}", f"longest term by {words_of(self.by.name)}", rule

    def _refuses(self, book: Book) -> np.ndarray:
        return (book.loans["term"].to_numpy() > self.months) & np.isin(self.by.of(book), self.levels)


@dataclass(frozen=True)
class Exclusion(Lever):
    """Refuse some levels altogether."""

    by: Grouping
    levels: tuple[str, ...]

    def _said(self) -> tuple[str, str, str]:
        words = words_of(self.by.name)
        return f"exclude_{self.by.name}", f"excluded by {words}", f"refuse {words} {', '.join(self.levels)}"

    def _refuses(self, book: Book) -> np.ndarray:
        return np.isin(self.by.of(book), self.levels)


def application_number(book: Book, column: str) -> np.ndarray:
    """Return a number of the book that is known at application time, NaN where missing, shape (n,).

    Raises InputError for any other column.
    """
    known = BY_NAME.get(column)
    if known is None or (known.kind, known.known) != ("number", "application") or column not in book.loans:
        raise InputError(
            f"column '{column}': expected a number of the book that is known at application time, "
            "such as dti or revol_util."
        )
    return book.loans[column].to_numpy(dtype=float, na_value=np.nan)


def words_of(name: str) -> str:
    """Return the name of a column or grouping as a sentence says it."""
    return _WORDS.get(name, name.replace("_", " "))


def refused_by(levers: Iterable[Lever], book: Book) -> np.ndarray:
    """Return whether any of the levers refuses each loan, shape (n,); nobody without a lever."""
    refused = np.zeros(len(book.probability), dtype=bool)
    for lever in levers:
        refused |= lever.refuses(book)
    return refused
