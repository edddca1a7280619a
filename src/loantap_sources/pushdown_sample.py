"""A stratified sample of a table's loans, drawn in the database and the same in every one."""

from math import ceil
from statistics import NormalDist
from typing import Any

import pandas as pd
import sqlalchemy as sa

from loantap.data.cleaning import clean_loans
from loantap.data.columns import BY_NAME, CHARGED_OFF, FULLY_PAID, OPTIONAL
from loantap.data.ingest import IngestSummary
from loantap.errors import SourceError
from loantap.model.bootstrap import CONFIDENCE
from loantap_sources.pushdown_checks import as_written

ROW = "row"
WIDTH = 0.014  # of the interval, unless a caller says otherwise: some 200,000 loans of which a fifth default
_PRIME = 2**31 - 1
_RANKED, _TESTED = 0.7, 0.2  # the ROC-AUC of a model of these loans, and the share of them that tests it


def loans_for_width(width: float, *, default_rate: float) -> int:
    """Return how many loans make the interval of a model's ROC-AUC on the test fifth of them no wider than about this.

    The standard error is that of Hanley and McNeil (Radiology 143 (1982), 29-36), at an ROC-AUC of 0.7. It is some tenth too
    large for scores that are spread normally, and a model that ranks better has a narrower interval.

    Args:
        width: Of the interval, from end to end, at the confidence of intervals unless a caller says otherwise.
        default_rate: Of the loans.
    """
    error = width / 2 / NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    above, within = _RANKED / (2 - _RANKED) - _RANKED**2, 2 * _RANKED**2 / (1 + _RANKED) - _RANKED**2
    return ceil((above / (1 - default_rate) + within / default_rate) / error**2 / _TESTED)


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
