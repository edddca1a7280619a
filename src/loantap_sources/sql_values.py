"""Values of a table as SQL expressions that mean the same in every dialect that sqlglot writes for us."""

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from loantap.data.declarations import Column
from loantap_sources.dialects import Dialect

_WITHOUT_NAN = ("sqlite", "tsql")
_LARGEST = 1.7976931348623157e308


class Number:
    """A number in SQL, for arithmetic as a feature's `compute` does it with plain numbers and with Series."""

    def __init__(self, sql: exp.Expr) -> None:
        """Take an expression."""
        self.sql = sql

    def __bool__(self) -> bool:
        """Raise TypeError: what is computed by asking whether a number is true cannot be written as SQL."""
        raise TypeError("a number in SQL is neither true nor false")

    def __neg__(self) -> "Number":
        return Number(-self.sql)

    def __add__(self, other: Any) -> "Number":
        return Number(self.sql + _sql(other))

    def __radd__(self, other: Any) -> "Number":
        return Number(_sql(other) + self.sql)

    def __sub__(self, other: Any) -> "Number":
        return Number(self.sql - _sql(other))

    def __rsub__(self, other: Any) -> "Number":
        return Number(_sql(other) - self.sql)

    def __mul__(self, other: Any) -> "Number":
        return Number(self.sql * _sql(other))

    def __rmul__(self, other: Any) -> "Number":
        return Number(_sql(other) * self.sql)

    def __truediv__(self, other: Any) -> "Number":
        return Number(self.sql / _sql(other))

    def __rtruediv__(self, other: Any) -> "Number":
        return Number(_sql(other) / self.sql)

    def __pow__(self, other: Any) -> "Number":
        return Number(self.sql ** _sql(other))

    def clip(self, *, lower: float | None = None, upper: float | None = None) -> "Number":
        """Return the number within bounds; a missing one stays missing."""
        held: list[tuple[exp.Expr, exp.Expr]] = []
        if lower is not None:
            held.append((self.sql < double(lower), double(lower)))
        if upper is not None:
            held.append((self.sql > double(upper), double(upper)))
        return Number(case(*held, default=self.sql))


def _sql(value: Any) -> exp.Expr:
    return value.sql if isinstance(value, Number) else double(value)


def column(name: str) -> exp.Column:
    """Return a column by its name."""
    return exp.column(name, quoted=True)


def double(value: float) -> exp.Expr:
    """Return a number as a literal that is a DOUBLE: with an exponent, since 0.12 is a DECIMAL to most databases."""
    text = repr(float(abs(value)))
    literal = exp.Literal.number(text if "e" in text else f"{text}E0")
    return exp.Neg(this=literal) if value < 0 else literal


def case(*branches: tuple[exp.Expr, exp.Expr], default: exp.Expr | None = None) -> exp.Expr:
    """Return what stands beside the first condition that holds, else the default; NULL without one."""
    if not branches:
        return default or exp.null()
    written = exp.Case()
    for condition, value in branches:
        written = written.when(condition, value, copy=False)
    return written.else_(default, copy=False) if default is not None else written


def added(parts: list[exp.Expr]) -> exp.Expr:
    """Return a sum, of one part or more, from the first to the last."""
    total = parts[0]
    for part in parts[1:]:
        total = exp.Add(this=total, expression=part)
    return total


def plain(level: str) -> str:
    """Return a level as `read` leaves it."""
    return level.strip().lower()


def levels_of(declared: Column) -> dict[str, str]:
    """Return the levels of a category by the texts that stand for them, as `read` leaves these."""
    return {plain(level): level for level in declared.levels} | {plain(word): one for word, one in declared.synonyms.items()}  # fmt: skip


def by_level(name: str, values: Mapping[str, exp.Expr], *, default: exp.Expr) -> exp.Expr:
    """Return the value that stands beside the level of a category, else the default."""
    return case(*((column(name).eq(level), value) for level, value in values.items()), default=default)


def read(source: str, declared: Column, dialect: Dialect) -> exp.Expr:
    """Return a column of a cleaned table: a DOUBLE, a text in small letters, or a month as months from year 0.

    What a database holds as a number that is none (NaN) is missing.

    Args:
        source: Its name in the table.
        declared: The codebook's column.
        dialect: Where it is read.
    """
    found = column(source)
    match declared.kind:
        case "number":
            value = exp.cast(found, "double")
            nan = exp.cast(exp.Literal.string("NaN"), "double")
            return value if dialect in _WITHOUT_NAN else exp.func("NULLIF", value, nan)
        case "month":
            return months_of_date(found, dialect)
    return exp.Lower(this=exp.Trim(this=exp.cast(found, "text")))


def infinite(value: exp.Expr) -> exp.Expr:
    """Return whether a number exceeds every number."""
    return value > double(_LARGEST)


def months_of_date(found: exp.Expr, dialect: Dialect) -> exp.Expr:
    """Return the month of a date as months from year 0."""
    if dialect == "sqlite":  # dates are texts there, such as 2015-01-01
        parts = [
            exp.func("SUBSTRING", found, exp.convert(start), exp.convert(size)) for start, size in ((1, 4), (6, 2))
        ]
    else:
        parts = [exp.Extract(this=exp.var(part), expression=found) for part in ("YEAR", "MONTH")]
    year, month = (exp.cast(part, "double") for part in parts)
    return year * double(12) + month


def this_month(dialect: Dialect) -> exp.Expr:
    """Return the present month, as `read` does."""
    return months_of_date(exp.cast(exp.CurrentDate(), "date") if dialect == "tsql" else exp.CurrentDate(), dialect)


def written(query: exp.Query | exp.Create | exp.Insert, dialect: Dialect) -> str:
    """Return a query as text; a number with an exponent, which PostgreSQL takes for a NUMERIC, is a DOUBLE there too."""
    made = query.transform(_typed) if dialect == "postgres" else query
    return made.sql(dialect=dialect, identify=True, pretty=True)


def _typed(node: exp.Expr) -> exp.Expr:
    is_double = isinstance(node, exp.Literal) and not node.is_string and "E" in node.this.upper()
    return exp.cast(node.copy(), "double") if is_double and not isinstance(node.parent, exp.Cast) else node
