"""Default rates by any factor of a portfolio, for the loans that match some filters.

A cell is small if it has fewer than `MIN_CELL` loans, or some but fewer than that of defaults or repaid loans. No view shows
one. Filters offer small levels of the portfolio pooled only, and filters are refused if what they leave out is small: all of
them together, or one of them among the loans that match the others. So the totals of two such views differ by no small cell.
Nothing is done about the other differences: those of single levels between two views, and those of views that differ in
several filters. They can still give small cells away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import pandas as pd

from loantap.analysis.bins import round_bins
from loantap.analysis.levels import factor_values
from loantap.analysis.summaries import CREDIT_HISTORY, credit_history_years, drivers, with_intervals
from loantap.analysis.suppression import is_comparable, is_small, pool_small
from loantap.data.columns import BY_NAME
from loantap.model.bootstrap import CONFIDENCE
from loantap.model.inputs import LEAK
from loantap.runs.results import RunFolder

MIN_CELL = 10
MIN_LOANS = 100  # fewer say next to nothing, and single people could be picked out
_MADE = {
    CREDIT_HISTORY: "Years from the first credit line to the funding",
    "issue_year": "Year in which the loan was funded",
    "profession_group": "Group of professions, from the job title",
    "profession": "Profession, from the job title",
    "state": "State of the postal address",
    LEAK: "Pincode of the postal address",
}
_FROM_DATA = ("profession", "profession_group", "state")
_NOTES = dict.fromkeys((LEAK, "state"), f"About addresses: {BY_NAME['address'].why}.")


@dataclass(frozen=True)
class Rates:
    """Default rates by level of a factor among the loans that match.

    Attributes:
        factor: The factor.
        loans: How many loans match; None where too few do.
        default_rate: Of all of them.
        levels: level, n, defaults, default_rate, ci_low, ci_high (Wilson, at CONFIDENCE): in the order of the levels, those of few
            loans pooled at the end. Empty where nothing may be shown.
        note: Why nothing is shown, or what has to be known about the factor; may be empty.
    """

    factor: str
    loans: int | None
    default_rate: float | None
    levels: pd.DataFrame
    note: str


def factors() -> dict[str, str]:
    """Return the name of each factor with its meaning."""
    return {name: BY_NAME[name].meaning for name in drivers()} | _MADE


class _Rule(TypedDict):
    min_cell: int
    by_expectation: bool


def _rule(factor: str) -> _Rule:
    return {"min_cell": MIN_CELL, "by_expectation": factor in _FROM_DATA}


class Portfolio:
    """A run's cleaned loans, with the levels of each factor kept once they were asked for."""

    def __init__(self, loans: pd.DataFrame) -> None:
        """Take cleaned loans, which are not changed."""
        self._loans = loans
        self._default = loans["default"].to_numpy()
        self._known: dict[str, pd.Categorical] = {}
        self._offered: dict[str, pd.Categorical] = {}

    @classmethod
    def of(cls, run: RunFolder) -> "Portfolio":
        """Read the loans of a run; raises InputError where it has none."""
        return cls(run.loans([*drivers(), "issue_d", "earliest_cr_line", "emp_title", "state", LEAK, "default"]))

    def levels(self, factor: str) -> list[str]:
        """Return the levels that a filter may name, in their order, small ones pooled at the end.

        Numbers come in bins of about equally many loans of the portfolio.
        """
        return self._pooled(factor).categories.tolist()

    def rates(self, factor: str, filters: Mapping[str, Sequence[str]]) -> Rates:
        """Return the default rate by level.

        Args:
            factor: One of `factors`.
            filters: For some factors the levels (as `levels` returns them) that a loan has to have one of; no levels mean no
                filter.
        """
        empty = pd.DataFrame(columns=["level", "n", "defaults", "default_rate", "ci_low", "ci_high"])
        match = self._match(filters)
        default = self._default[match]
        if len(default) < MIN_LOANS:
            return Rates(factor, None, None, empty, f"Fewer than {MIN_LOANS} loans match: too few to say anything. Widen the filters.")  # fmt: skip
        counts, rule = self._counts(factor, match), _rule(factor)
        if min(default.sum(), len(default) - default.sum()) < MIN_CELL:
            few = (
                f"Fewer than {MIN_CELL} of the loans that match defaulted, or were repaid: no rates. Widen the filters."
            )
            return Rates(factor, None, None, empty, few)
        if self._leave_out_few(filters, match):
            few = (
                f"The filters, or one of them, leave out fewer than {MIN_CELL} loans, defaults or repaid loans: whoever compared "
                "would know these. No rates. Drop a filter, or leave out more."
            )
            return Rates(factor, None, None, empty, few)
        note = _NOTES.get(factor, "")
        if not is_comparable(counts, **rule):
            note = "All the loans that match have one level, or levels too small to be shown apart."
        shown = with_intervals(pool_small(counts, **rule).counts, confidence=CONFIDENCE)
        return Rates(factor, len(default), float(default.mean()), shown, note)

    def _match(self, filters: Mapping[str, Sequence[str]]) -> np.ndarray:
        match = np.ones(len(self._loans), dtype=bool)
        for factor, levels in filters.items():
            if levels:
                values = self._pooled(factor)
                wanted = np.isin(values.categories.to_numpy(), list(levels))
                match &= wanted[values.codes]
        return match

    def _leave_out_few(self, filters: Mapping[str, Sequence[str]], match: np.ndarray) -> bool:
        """Tell whether a small cell lies between what matches and what would, without all filters or without one of them."""
        wider = [{}, *({name: filters[name] for name in filters if name != dropped} for dropped in filters)]
        out = [self._default[self._match(fewer) & ~match] for fewer in wider]
        n, defaults = pd.Series([len(part) for part in out]), pd.Series([part.sum() for part in out])
        return bool((is_small(n, defaults, min_cell=MIN_CELL, default_rate=None) & (n > 0)).any())

    def _counts(self, factor: str, match: np.ndarray) -> pd.DataFrame:
        """Return level, n and defaults among the loans that match."""
        values = self._of(factor)
        codes, size = values.codes[match], len(values.categories)
        counts = pd.DataFrame(
            {
                "level": values.categories.to_numpy(),
                "n": np.bincount(codes, minlength=size),
                "defaults": np.bincount(codes, self._default[match], size).astype("int64"),
            }
        )
        return counts.loc[counts["n"] > 0].reset_index(drop=True)

    def _pooled(self, factor: str) -> pd.Categorical:
        if factor not in self._offered:
            values = self._of(factor)
            pooled = pool_small(self._counts(factor, np.ones(len(self._loans), dtype=bool)), **_rule(factor))
            names, levels = pooled.names(), pooled.counts["level"].tolist()
            places = {level: place for place, level in enumerate(levels)}
            moved = np.array([places.get(names.get(level, level), -1) for level in values.categories], dtype=np.int64)
            self._offered[factor] = pd.Categorical.from_codes(moved[values.codes], pd.Index(levels))
        return self._offered[factor]

    def _of(self, factor: str) -> pd.Categorical:
        if factor not in self._known:
            self._known[factor] = self._categorical(factor)
        return self._known[factor]

    def _categorical(self, factor: str) -> pd.Categorical:
        loans = self._loans
        if factor == CREDIT_HISTORY:
            values = credit_history_years(loans)
        elif factor == "issue_year":
            values = loans["issue_d"].dt.year
        elif factor in loans:
            values = loans[factor]
        else:
            return factor_values(loans[["emp_title"]], factor).array
        numeric = pd.api.types.is_numeric_dtype(values)
        if numeric and factor != "issue_year":
            values = round_bins(values, pd.Series(1, index=values.index), least=MIN_CELL)
        # The order of levels that are numbers or ordered is kept; others come in alphabetical order.
        return factor_values(values.rename(factor).to_frame(), factor).array
