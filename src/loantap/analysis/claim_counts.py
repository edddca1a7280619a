"""The counts that claims are tested on: of a published portfolio, or of loans at hand."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from loantap.analysis.counts import SIZES, LoanCounts
from loantap.analysis.levels import factor_counts
from loantap.errors import InputError
from loantap.settings import reference_dir

FILE_NAME = "published_counts.json"
REST = "All other loans"
_FORMAT = "See data/reference/README.md for the format."


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Count(_Strict):
    """Loans and how many of them defaulted."""

    n: int = Field(ge=0)
    defaults: int = Field(ge=0)
    source: str = ""

    @model_validator(mode="after")
    def _no_more_defaults_than_loans(self) -> Self:
        if self.defaults > self.n:
            raise ValueError(f"{self.defaults:,} defaults among {self.n:,} loans: expected defaults <= n")
        return self


class Levels(_Strict):
    """Counts by level of a factor; loans in none of the levels are allowed."""

    source: str = ""
    counts: dict[str, Count] = Field(min_length=1)


class Moments(_Strict):
    """Number, mean and standard deviation of a column's values."""

    n: int = Field(ge=2)
    mean: float = Field(allow_inf_nan=False)
    sd: float = Field(gt=0, allow_inf_nan=False)


class ByOutcome(_Strict):
    """A column's moments among the loans that defaulted and those that were repaid."""

    source: str = ""
    defaulted: Moments
    repaid: Moments


class PortfolioCounts(_Strict):
    """What counts alone say of a portfolio."""

    portfolio: str  # which one, in words
    loans: Count  # all loans
    levels: dict[str, Levels]  # counts by level, by factor
    means: dict[str, ByOutcome]  # moments by outcome, by numeric column

    @model_validator(mode="after")
    def _parts_fit_the_whole(self) -> Self:
        if not 0 < self.loans.defaults < self.loans.n:
            raise ValueError("loans: expected some loans that defaulted and some that were repaid")
        for factor, levels in self.levels.items():
            defaults = sum(count.defaults for count in levels.counts.values())
            repaid = sum(count.n for count in levels.counts.values()) - defaults
            if defaults > self.loans.defaults or repaid > self.loans.n - self.loans.defaults:
                raise ValueError(
                    f"levels.{factor}: {defaults:,} defaults and {repaid:,} repaid loans, more than the portfolio's "
                    f"{self.loans.defaults:,} and {self.loans.n - self.loans.defaults:,}"
                )
        for column, moments in self.means.items():
            if moments.defaulted.n > self.loans.defaults or moments.repaid.n > self.loans.n - self.loans.defaults:
                raise ValueError(f"means.{column}: more values than the portfolio has loans")
        return self

    def frame(self, factor: str) -> pd.DataFrame:
        """Return level, n, defaults of a factor, which add up to all loans: the rest is a level of its own."""
        counts = self.levels[factor].counts
        rows = [{"level": level, "n": count.n, "defaults": count.defaults} for level, count in counts.items()]
        table, loans = pd.DataFrame(rows), self.loans
        rest, bad = loans.n - int(table["n"].sum()), loans.defaults - int(table["defaults"].sum())
        return pd.DataFrame([*rows, {"level": REST, "n": rest, "defaults": bad}]) if rest else table


def _moments(values: pd.Series, n: pd.Series) -> Moments | None:
    loans = int(n.sum())
    if loans < 2:
        return None
    mean = float((values * n).sum() / loans)
    sd = float((((values - mean) ** 2 * n).sum() / (loans - 1)) ** 0.5)
    return Moments(n=loans, mean=mean, sd=sd) if sd > 0 else None


def read_counts(path: Path | None = None) -> PortfolioCounts:
    """Read a portfolio's counts; by default the published ones of the real portfolio.

    A file like `data/reference/published_facts.json`, which they come from, is taken as well. Raises InputError for a
    file that is absent, no JSON, or breaks the format: it names each wrong place.
    """
    path = path or reference_dir() / FILE_NAME
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: expected a file of counts, found none. {_FORMAT}") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: expected counts as JSON, but: {error}. {_FORMAT}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a JSON object of counts, got a {type(content).__name__}. {_FORMAT}")
    try:
        return counts_of_facts(content) if "by_loan_status" in content else PortfolioCounts.model_validate(content)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()[:8]
        )
        more = f" (and {error.error_count() - 8} more)" if error.error_count() > 8 else ""
        raise InputError(f"{path}: wrong counts: {wrong}{more}. {_FORMAT}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: expected the published facts, but {error!r} is absent or wrong. {_FORMAT}"
        ) from error


def counts_of_facts(facts: Mapping[str, Any]) -> PortfolioCounts:
    """Pick what the claims need from the published facts, with the source of each number."""
    tables, moments = facts["by_loan_status"], facts["describe"]["by_loan_status"]
    status = facts["value_counts"]["loan_status"]
    titles = tables["emp_title_n_ge_1000"]

    def levels(name: str, rename: str = "") -> Levels:
        table = tables[name]["value"]
        counts = {
            level.removesuffix(rename): Count(n=row["n"], defaults=row["charged_off"]) for level, row in table.items()
        }
        return Levels(source=tables[name]["source"], counts=counts)

    def by_outcome(column: str) -> ByOutcome:
        row = moments["value"][column]
        defaulted, repaid = (
            Moments(n=int(row[name]["count"]), mean=row[name]["mean"], sd=row[name]["std"])
            for name in ("Charged Off", "Fully Paid")
        )
        return ByOutcome(source=moments["source"], defaulted=defaulted, repaid=repaid)

    return PortfolioCounts(
        portfolio="the real portfolio, as published",
        loans=Count(n=sum(status["value"].values()), defaults=status["value"]["Charged Off"], source=status["source"]),
        levels={
            "pincode": levels("pincode"),
            "grade": levels("grade"),
            "term": levels("term", " months"),
            "home_ownership": levels("home_ownership"),
            "profession": Levels(
                source=f"{titles['source']}: job titles as printed, those of 1,000 loans or more",
                counts={title: Count(n=n, defaults=bad) for title, (n, bad) in titles["value"].items()},
            ),
        },
        means={column: by_outcome(column) for column in ("loan_amnt", "dti", "revol_util")},
    )


def counts_of_loans(counted: LoanCounts, *, factors: Iterable[str], columns: Iterable[str]) -> PortfolioCounts:
    """Count loans as a published portfolio is counted.

    Args:
        counted: The loans, counted by value.
        factors: Factors to count levels of, as in `factor_values`.
        columns: Numeric columns to summarise by outcome; one with fewer than two different values of either is left
            out.
    """
    means: dict[str, ByOutcome] = {}
    for column in columns:
        values = counted.by(column).dropna()
        defaulted = _moments(values[column], values["defaults"])
        repaid = _moments(values[column], values["n"] - values["defaults"])
        if defaulted and repaid:
            means[column] = ByOutcome(defaulted=defaulted, repaid=repaid)
    levels, total = {}, Count(n=0, defaults=0)
    for factor in dict.fromkeys(factors):
        table = factor_counts(counted, factor)
        total = Count(n=int(table["n"].sum()), defaults=int(table["defaults"].sum()))
        cells = zip(table["level"], *(table[name].tolist() for name in SIZES), strict=True)
        levels[factor] = Levels(counts={level: Count(n=n, defaults=bad) for level, n, bad in cells})
    return PortfolioCounts(portfolio="the loans at hand", loans=total, levels=levels, means=means)
