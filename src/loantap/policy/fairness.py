"""Whom a rule refuses among good customers: those who repaid, and whom a lender loses without need."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import confint_proportions_2indep

from loantap.analysis.levels import factor_values
from loantap.analysis.odds import wilson
from loantap.analysis.professions import MISSING
from loantap.analysis.suppression import is_small, pool_small
from loantap.model.bootstrap import CONFIDENCE
from loantap.policy.book import Book

_GROUPS = ["rule", "attribute", "group", "n", "refused", "rate", "ci_low", "ci_high", "approval_ratio", "members"]
_GAPS = ["rule", "attribute", "highest", "lowest", "gap", "gap_low", "gap_high", "approval_ratio", "approval_ratio_low", "approval_ratio_high"]  # fmt: skip
_ANY = 0.05  # of intervals that nobody looks at
_SHOWN = 5  # members in the name of a pooled group
_AND = "\x1f"  # between members while groups are pooled; no level contains it


@dataclass(frozen=True)
class FairnessTables:
    """How rules treat groups of good customers.

    Attributes:
        groups: One row per rule, attribute and group: rule, attribute, group, n (good customers), refused, rate (refused / n) with
            ci_low and ci_high (Wilson), approval_ratio: approval rate over that of the group approved most often, NaN
            where nobody is approved. Below 0.8 a group falls short of the four-fifths mark (29 CFR 1607.4 D, United States,
            1978), which was made for hiring: a screening mark, no law by itself for lending, and blind to how few loans a rate may
            rest on; members: what a pooled group is made of, else empty.
        gaps: One row per rule and attribute, none where a single group can be shown: rule, attribute, highest and lowest (the
            groups refused most and least often), gap (the difference of their rates) with gap_low and gap_high. Of many groups
            that are treated alike, the highest and the lowest still differ, by chance. The interval (Newcombe, Statistics in
            Medicine 17, 1998, 873-890, method 10) is therefore widened by Bonferroni over all pairs of groups of all attributes:
            it holds for whichever pair of whichever attribute is picked, and shows a gap only if it lies above 0. Of the same two groups
            approval_ratio (approval rate of the highest over that of the lowest) with its ends, on the log scale and as wide.
    """

    groups: pd.DataFrame
    gaps: pd.DataFrame


@dataclass(frozen=True)
class GoodCustomers:
    """Those who repaid, and the groups of people that they belong to.

    Attributes:
        good: Whether a loan of the book was repaid, shape (n,).
        groups: For each attribute, the group of each that was repaid, small ones pooled; missing where a loan does not tell.
        min_cell: The smallest count that may be published.
    """

    good: np.ndarray
    groups: Mapping[str, pd.Series]
    min_cell: int

    @classmethod
    def of(cls, book: Book, *, min_cell: int) -> "GoodCustomers":
        """Look at a book."""
        good, levels = ~book.default, _attributes(book)
        pooled = {name: _pooled(level, book.default, min_cell=min_cell)[good] for name, level in levels.items()}
        return cls(good, pooled, min_cell)

    def tables(self, refused: np.ndarray, *, alpha: float) -> dict[str, pd.DataFrame]:
        """Return the rows of `FairnessTables.groups` of a rule, by attribute."""
        among = refused[self.good]
        return {name: _by_group(group, among, min_cell=self.min_cell, alpha=alpha) for name, group in self.groups.items()}  # fmt: skip

    def worst_ratio(self, refused: np.ndarray) -> float:
        """Return the lowest approval ratio of any group under a rule; NaN where there are no two groups to compare."""
        tables = [table["approval_ratio"] for table in self.tables(refused, alpha=_ANY).values() if len(table) > 1]
        return float(pd.concat(tables).min()) if tables else float("nan")


def fairness(
    book: Book, refusals: Mapping[str, np.ndarray], *, min_cell: int, confidence: float = CONFIDENCE
) -> FairnessTables:
    """Return how often each rule refuses good customers, by home ownership, income and profession group.

    Income is cut at the quartiles of the book, rounded to two digits. Loans that do not tell are no group of people, and left out.

    Groups with fewer loans, defaults or repaid loans are pooled for all rules; then, rule by rule, those with fewer good
    customers refused or approved. A rule that refuses or approves some good customers, but fewer than `min_cell`
    in all, has no rows. Rules one of which contains the other can still be told apart by a few loans.

    Args:
        book: n loans.
        refusals: Whether each rule refuses each loan, shape (n,), by the name of the rule.
        min_cell: The smallest count that may be published.
        confidence: Of the intervals.
    """
    people, rows, gaps, alpha = GoodCustomers.of(book, min_cell=min_cell), [], [], round(1 - confidence, 9)
    for rule, refused in refusals.items():
        tables = people.tables(refused, alpha=alpha)
        rows += [table.assign(rule=rule, attribute=name) for name, table in tables.items()]
        pairs = sum(len(table) * (len(table) - 1) // 2 for table in tables.values())
        gaps += [
            {"rule": rule, "attribute": name} | _widest_gap(table, alpha=alpha / pairs)
            for name, table in tables.items()
            if len(table) > 1
        ]
    return FairnessTables(
        pd.concat(rows, ignore_index=True)[_GROUPS] if rows else pd.DataFrame(columns=_GROUPS),
        pd.DataFrame(gaps, columns=_GAPS),
    )


def income_bands(income: pd.Series) -> pd.Series:
    """Return the band of each income as a category of texts; its edges are the quartiles, rounded to two digits."""
    edges = sorted({float(f"{edge:.2g}") for edge in income.quantile([0.25, 0.5, 0.75])})
    texts = [f"{edge:,.10g}" for edge in edges]
    labels = [f"up to {texts[0]}", *(f"over {low} to {high}" for low, high in pairwise(texts)), f"over {texts[-1]}"]
    return pd.cut(income, [-np.inf, *edges, np.inf], labels=labels)


def _attributes(book: Book) -> dict[str, pd.Series]:
    bands = pd.DataFrame({"income": income_bands(book.loans["annual_inc"])})
    professions = factor_values(book.loans, "profession_group", keep_missing=False)
    return {
        "home_ownership": factor_values(book.loans, "home_ownership", keep_missing=False),
        "income": factor_values(bands, "income", keep_missing=False),
        "profession_group": professions.cat.set_categories(professions.cat.categories.drop(MISSING, errors="ignore")),
    }


def _pooled(level: pd.Series, of_them: np.ndarray, *, min_cell: int) -> pd.Series:
    """Return the levels with small ones joined, small by their number or by how many of them something holds of."""
    values = pd.DataFrame({"level": level.to_numpy(), "n": 1, "defaults": of_them.astype(int)})
    counts = values.groupby("level", observed=True).sum().reset_index().astype({"level": "str"})
    if counts.empty:
        return values["level"].astype("category")
    pooled = pool_small(counts, min_cell=min_cell, by_expectation=False)
    names = {member: _AND.join(members) for members in pooled.members.values() for member in members}
    levels = values["level"].astype("category").cat
    joined = pd.Index([names.get(str(name), str(name)) for name in levels.categories])
    kept = pd.Index(sorted(set(joined)))
    codes = np.append(kept.get_indexer(joined), -1)[levels.codes.to_numpy()]  # the last one serves the code -1
    joint = pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(kept))
    return pd.Series(joint, index=values.index)


def _by_group(group: pd.Series, refused: np.ndarray, *, min_cell: int, alpha: float) -> pd.DataFrame:
    counts = pd.DataFrame({"group": _pooled(group, refused, min_cell=min_cell), "n": 1, "refused": refused.astype(int)})
    table = counts.groupby("group", observed=True).sum().reset_index()
    table = table[~is_small(table["n"], table["refused"], min_cell=min_cell, default_rate=None)]
    if table.empty:
        return table.reindex(columns=_GROUPS)
    members = [str(name).split(_AND) for name in table["group"]]
    table = table.assign(
        group=_names(members), members=["; ".join(names) if len(names) > 1 else "" for names in members]
    )
    low, high = wilson(table["refused"], table["n"], alpha=alpha)
    rates = (table["refused"] / table["n"]).to_numpy()
    approved = 1 - rates
    ratio = approved / approved.max() if approved.max() > 0 else np.full(len(table), np.nan)
    return table.assign(rate=rates, ci_low=low, ci_high=high, approval_ratio=ratio)


def _names(members: list[list[str]]) -> list[str]:
    names: list[str] = []
    for group in members:
        many = f"{len(group)} pooled groups"
        # At most two are pooled: by their loans for all rules, and by those refused for one.
        many = f"{len(group)} further pooled groups" if many in names else many
        names.append(group[0] if len(group) == 1 else " or ".join(group) if len(group) <= _SHOWN else many)
    return names


def _widest_gap(table: pd.DataFrame, *, alpha: float) -> dict[str, object]:
    # Equal rates still name two groups.
    ordered = table.sort_values("rate", kind="stable", ignore_index=True)
    lowest, highest = ordered.iloc[0], ordered.iloc[-1]
    low, high = confint_proportions_2indep(
        highest["refused"], highest["n"], lowest["refused"], lowest["n"], method="newcomb", compare="diff", alpha=alpha
    )  # fmt: skip
    approved = [group["n"] - group["refused"] for group in (highest, lowest)]
    ends = confint_proportions_2indep(approved[0], highest["n"], approved[1], lowest["n"], compare="ratio", alpha=alpha)
    return {
        "highest": str(highest["group"]), "lowest": str(lowest["group"]), "gap": float(highest["rate"] - lowest["rate"]), "gap_low": float(low),
        "gap_high": float(high), "approval_ratio": float(highest["approval_ratio"]), "approval_ratio_low": float(ends[0]),
        "approval_ratio_high": float(ends[1]),
    }  # fmt: skip
