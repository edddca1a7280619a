"""The contract, held against counts by value: one look at each distinct value in place of one at each loan."""

from collections.abc import Iterator

import pandas as pd

from loantap.data.columns import BY_NAME, Column
from loantap.data.contract import Problem
from loantap.data.ingest import IngestSummary

_OF_ADDRESS = ("state", "pincode")


def examine(counts: pd.DataFrame, columns: tuple[str, ...], summary: IngestSummary) -> list[Problem]:
    """Return the rules that values break, and note missing values and the period."""
    if columns == ("issue_d", "earliest_cr_line"):
        early = pd.to_datetime(counts["earliest_cr_line"]) > pd.to_datetime(counts["issue_d"])
        return _named("earliest_cr_line", "later than issue_d", counts.loc[early])
    if columns == ("grade", "sub_grade"):
        return _named(
            "sub_grade", "of another grade than 'grade'", counts.loc[counts["sub_grade"].str[:1] != counts["grade"]]
        )
    if len(columns) > 1 or columns[0] in _OF_ADDRESS:
        return []
    name = columns[0]
    column = BY_NAME[name]
    absent = counts[name].isna()
    if missing := int(counts.loc[absent, "n"].sum()):
        summary.missing[name] = missing
    if name == "issue_d":
        months = pd.to_datetime(counts.loc[~absent, name])
        summary.period = (f"{months.min():%Y-%m}", f"{months.max():%Y-%m}")
    problems = [] if column.missing else _named(name, "missing", counts.loc[absent])
    present = counts.loc[~absent]
    for rule, broken in _broken(column, present[name]):
        problems += _named(name, rule, present.loc[broken])
    return problems


def _broken(column: Column, values: pd.Series) -> Iterator[tuple[str, pd.Series]]:
    if column.kind == "category":
        yield "not an allowed value", ~values.isin(column.levels)
    elif column.kind == "number":
        numbers = pd.to_numeric(values, errors="coerce")
        yield "not a number", numbers.isna()
        yield f"below {column.low:,.10g}", numbers < column.low
        yield f"above {column.high:,.10g}", numbers > column.high
    elif column.kind == "month":
        yield "not a date", pd.to_datetime(values, errors="coerce").isna()


def _named(column: str, rule: str, counts: pd.DataFrame) -> list[Problem]:
    if counts.empty:
        return []
    quotable = BY_NAME[column].kind != "text"
    values = tuple(str(value)[:40] for value in counts[column].dropna().head(3)) if quotable else ()
    return [Problem(column, rule, int(counts["n"].sum()), (), values)]
