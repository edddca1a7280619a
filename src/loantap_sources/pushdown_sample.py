"""A stratified sample of a table's loans, drawn in the database and the same in every one."""

from typing import Any

import pandas as pd
import sqlalchemy as sa

from loantap.data.cleaning import clean_loans
from loantap.data.columns import BY_NAME, CHARGED_OFF, FULLY_PAID, OPTIONAL
from loantap.data.ingest import IngestSummary
from loantap.errors import SourceError
from loantap_sources.pushdown_checks import as_written

ROW = "row"
_PRIME = 2**31 - 1


def stratified_sample(
    connection: sa.Connection, table: sa.TableClause, summary: IngestSummary, *, rows: int, random_state: int
) -> pd.DataFrame:
    """Return cleaned loans, as many as wanted or all, each outcome with the share it has in the table, sorted by row.

    Args:
        connection: To the database.
        table: With `row`, the codebook's columns, `state` and `pincode`.
        summary: How many loans ended, and how.
        rows: How many are wanted.
        random_state: Seed; the same one draws the same rows.
    """
    share = min(1.0, rows / summary.rows)
    parts = []
    for outcome, count in ((CHARGED_OFF, summary.defaults), (FULLY_PAID, summary.rows - summary.defaults)):
        wanted = round(count * share)
        mark = _mark(table.c[ROW], random_state)
        chosen = sa.select(table).where(table.c.loan_status == outcome)
        if wanted < count:
            # Marks are spread evenly: a tenth more than is wanted leaves little to sort, and seldom too few.
            reach = min(_PRIME, int(_PRIME * (1.1 * wanted + 100) / count))
            chosen = chosen.where(mark < reach).order_by(mark, table.c[ROW]).limit(wanted)
        result = connection.execute(chosen)
        parts.append(pd.DataFrame(result.fetchall(), columns=list(result.keys())))
        if len(parts[-1]) < wanted:
            raise SourceError(
                f"warehouse: expected {wanted:,} loans of '{outcome}' in the sample, found {len(parts[-1]):,}: the numbers in "
                f"'{ROW}' are not spread. Number the rows from 1 on, or ask for another model_rows."
            )
    loans = as_written(pd.concat(parts, ignore_index=True)).sort_values(ROW).set_index(ROW)
    loans = loans.assign(**{name: None for name in OPTIONAL if name not in loans})
    for name in loans.columns:
        match BY_NAME[name].kind if name in BY_NAME else "text":
            case "number":
                loans[name] = loans[name].astype("float64")
            case "month":
                loans[name] = pd.to_datetime(loans[name]).astype("datetime64[s]")
            case _:
                loans[name] = loans[name].astype("str")
    return clean_loans(loans.drop(columns=["load_id"], errors="ignore"))


def _mark(row: sa.ColumnElement[Any], random_state: int) -> sa.ColumnElement[Any]:
    """Return a number below 2**31 - 1 that follows from a row's number and the seed as if by chance.

    Two linear congruential steps (Lehmer's prime and multiplier; Park and Miller 1988) around a square: whole numbers
    that stay below 2**63, so that every database computes the same.
    """
    start = (sa.cast(row, sa.BigInteger()) % _PRIME * 48271 + random_state % _PRIME * 69621 + 1) % _PRIME
    return (start * start % _PRIME * 39373 + 12345) % _PRIME
