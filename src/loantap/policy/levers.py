"""Levers of a lending policy: rules that say, before a loan is granted, whom to refuse.

A lever's numbers are chosen on the training book, its effect is reported on the test book, and it looks at what is known of an
application only, never at how a loan ended.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from loantap.data.columns import BY_NAME
from loantap.errors import InputError
from loantap.policy.book import Book
from loantap.policy.groupings import Grouping, words_of
from loantap.policy.verdicts import OWN_PRICE

DECLINE_NOBODY = "decline nobody"


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
class Threshold(Lever):
    """Refuse at and above a probability of default; above 1, nobody is declined.

    `name` is what the threshold was chosen for, such as profit, and `words` the same as a sentence says it, if it says another.
    """

    name: str
    at: float
    words: str = ""

    def _said(self) -> tuple[str, str, str]:
        title = f"{self.words or words_of(self.name)} threshold"
        rule = f"decline applications with a probability of default of {100 * self.at:.2f}% or more"
        return f"threshold_{self.name}", title, rule if self.at <= 1 else DECLINE_NOBODY

    def _refuses(self, book: Book) -> np.ndarray:
        return book.probability >= self.at


@dataclass(frozen=True)
class OwnPrice(Lever):
    """Refuse a loan whose own rate does not pay for its own risk: an expected profit below 0."""

    def _said(self) -> tuple[str, str, str]:
        return OWN_PRICE, "expected profit", "decline applications whose expected profit is negative"

    def _refuses(self, book: Book) -> np.ndarray:
        return book.expected < 0


@dataclass(frozen=True)
class RequiredReturn(Lever):
    """Refuse a loan expected to earn less than `a_year` of the balance outstanding, above the cost of money: a fraction that the lender requires."""

    a_year: float

    def _said(self) -> tuple[str, str, str]:
        rule = f"decline applications expected to earn less than {100 * self.a_year:g}% of the balance a year above the cost of money"
        return "required_return", "required return", rule

    def _refuses(self, book: Book) -> np.ndarray:
        return book.expected < self.a_year * book.expected_balance


@dataclass(frozen=True)
class Together(Lever):
    """Refuse whatever any of some levers refuses; without a lever, nobody. `note` is said of the rule after it, in brackets."""

    id_: str
    words: str
    levers: tuple[Lever, ...] = ()
    note: str = ""

    def _said(self) -> tuple[str, str, str]:
        return self.id_, self.words, f"{'; '.join(lever.rule for lever in self.levers) or DECLINE_NOBODY}{self.note}"

    def _refuses(self, book: Book) -> np.ndarray:
        return refused_by(self.levers, book)


@dataclass(frozen=True)
class Cap(Lever):
    """Refuse values above a limit of a number known at application time; a missing value is not refused."""

    column: str
    limit: float

    def _said(self) -> tuple[str, str, str]:
        words = words_of(self.column)
        return f"cap_{self.column}", f"cap on {words}", f"decline applications with {words} above {self.limit:,.10g}"

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
        return f"amount_by_{self.by.name}", f"amount limits by {words_of(self.by.name)}", f"decline {', '.join(parts)}"

    def _refuses(self, book: Book) -> np.ndarray:
        return book.amount > np.array([self.limits.get(level, np.inf) for level in self.by.of(book)])


@dataclass(frozen=True)
class LongestTerm(Lever):
    """Refuse terms above a number of months in some levels."""

    by: Grouping
    levels: tuple[str, ...]
    months: int

    def _said(self) -> tuple[str, str, str]:
        rule = f"decline terms above {self.months} months in {', '.join(map(self.by.words, self.levels))}"
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
        rule = f"decline applications with {words} {', '.join(self.levels)}"
        return f"exclude_{self.by.name}", f"excluded by {words}", rule

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


def refused_by(levers: Iterable[Lever], book: Book) -> np.ndarray:
    """Return whether any of the levers refuses each loan, shape (n,); nobody without a lever."""
    refused = np.zeros(len(book.probability), dtype=bool)
    for lever in levers:
        refused |= lever.refuses(book)
    return refused
