"""A statement that goes on step by step: each a common table expression of the one before, so that it can be read."""

from collections.abc import Mapping, Sequence

from sqlglot import exp

from loantap_sources.dialects import Dialect
from loantap_sources.sql_values import column

Columns = Mapping[str, exp.Expr]


def chained(
    steps: Sequence[tuple[str, Columns]], answer: Columns, *, table: exp.Table, dialect: Dialect, prefix: str = ""
) -> exp.Select:
    """Return the statement that selects the answer from the last of some steps, the first of which reads the table."""
    statement, before = exp.select(*listed(answer)), table
    for own, made in steps:
        name = f"{prefix}{own}"
        step = exp.select(*listed(made)).from_(before)
        statement = statement.with_(name, as_=fenced(step, dialect), copy=False)
        before = exp.to_table(name)
    return statement.from_(before)


def kept(*names: str) -> dict[str, exp.Expr]:
    """Return columns that a step hands on."""
    return {name: column(name) for name in names}


def listed(columns: Columns) -> list[exp.Expr]:
    """Return columns as what a SELECT lists."""
    return [made if made == column(name) else exp.alias_(made, name, quoted=True) for name, made in columns.items()]


def fenced(step: exp.Select, dialect: Dialect) -> exp.Select:
    """Return a step that is computed by itself: two databases would write it out wherever a later one names it."""
    if dialect == "sqlite":
        step = step.limit(-1)
    return step.offset(0) if dialect in ("postgres", "sqlite") else step


def selected(made: Mapping[str, str], source: str, *kept: str) -> exp.Select:
    """Return a step that hands columns on and makes others, written in DuckDB's SQL, by name."""
    return exp.select(*kept, *(f"{sql} AS {name}" for name, sql in made.items()), dialect="duckdb").from_(source)
