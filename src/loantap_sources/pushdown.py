"""Counting where the data is stored: a few GROUP BYs in the warehouse in place of a billion rows on the way.

What the analysis of single columns and of factors needs are counts of loans and defaults by value (see
`loantap.analysis.counts`). They are SQLAlchemy Core statements that SQLite, PostgreSQL and Databricks SQL run alike.
What needs single loans (the model, adjusted odds ratios, correlations, the search for leaks) gets a stratified sample.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from loantap.analysis.counts import typed
from loantap.analysis.levels import FACTORS, source_column
from loantap.data.columns import CHARGED_OFF, COLUMNS, KEY, OPTIONAL, OUTCOMES, UNFINISHED
from loantap.data.contract import Problem
from loantap.data.ingest import IngestSummary, absent_note
from loantap.data.units import PERCENTAGES, Units
from loantap.errors import SchemaError, SourceError
from loantap.files import replacing, sha256, staging_folder
from loantap_sources.connectors.base import BATCH_ROWS, table_of
from loantap_sources.connectors.config import Config
from loantap_sources.connectors.sql import shown, told
from loantap_sources.pushdown_checks import as_written, examine
from loantap_sources.pushdown_sample import ROW, WIDTH, loans_for_width, stratified_sample
from loantap_sources.warehouse import open_warehouse

_OF_ADDRESS = ("state", "pincode")
_SINGLE = [column.name for column in COLUMNS if column.kind != "address"]
# Free text of which only its absence is asked.
_PRESENCE = ("title",)
CUBES: tuple[tuple[str, ...], ...] = (
    *((name,) for name in (*_SINGLE, *_OF_ADDRESS) if name != "loan_status"),
    ("issue_d", "term"),
    ("issue_d", "earliest_cr_line"),
    *(("grade", name) for name in dict.fromkeys(map(source_column, FACTORS)) if name != "grade"),
)


@dataclass(frozen=True)
class CountedTable:
    """The warehouse's table, as what the ingest tells of a source."""

    location: str
    kind: str = "warehouse"


@dataclass(frozen=True)
class Counted:
    """What was counted.

    Attributes:
        source: The table.
        summary: As if the rows had been read: statuses, missing values, period.
        sha256: Of all counts.
        sampled: Loans in the stratified sample.
        width: Of the interval of an ROC-AUC that its size was chosen for; None where it was given.
        load_id: Of the table's content; None for one that loantap did not write.
    """

    source: CountedTable
    summary: IngestSummary
    sha256: str
    sampled: int
    width: float | None
    load_id: str | None

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest says beside the ingest's own facts."""
        return {
            "sha256": self.sha256,
            "pushdown": {"sampled": self.sampled, "width": self.width, "load_id": self.load_id},
        }


def count_in_warehouse(
    config: Config,
    *,
    counts_dir: Path,
    loans_path: Path,
    sample_rows: int | None = None,
    width: float = WIDTH,
    random_state: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> Counted:
    """Count the declared table by value, check the values, and fetch a stratified sample.

    Args:
        config: Declares the warehouse and its table: the codebook's columns with `state` and `pincode` in place of `address`,
            and `row`, a whole number that is different in each row.
        counts_dir: Where the counts go, whole or not at all.
        loans_path: Where the sample goes, cleaned, in the order of `row`.
        sample_rows: Its size; both outcomes have the share that they have in the table. None: what `width` asks for.
        width: Of the interval of a model's ROC-AUC on the test loans, see `loans_for_width`.
        random_state: Seed of the sample; the same one draws the same rows, in any database.
        progress: Told what is counted, how many counts are done, and of how many.

    Raises SchemaError for a table without these columns, with values that break the contract, or a percentage in fractions; SourceError if the
    warehouse fails, or if the table changes while it is counted.
    """
    engine = open_warehouse(config)
    assert config.warehouse is not None  # noqa: S101 (open_warehouse has seen to it)
    place = CountedTable(f"{shown(engine.url)}, table {config.warehouse.table}")
    with told(engine, config.secrets), _snapshot(engine) as connection, _whole_folder(counts_dir) as folder:
        table = _table(connection, config.warehouse.table, config.warehouse.table_schema, place.location)
        summary = _summarise(connection, table, place.location)
        _check_rows(connection, table, summary, place.location)
        problems: list[Problem] = []
        units = Units()
        for done, columns in enumerate(CUBES, 1):
            counts = _cube(connection, table, columns) if columns[0] in table.c else _absent(columns[0], summary)
            if (int(counts["n"].sum()), int(counts["defaults"].sum())) != (summary.rows, summary.defaults):
                raise SourceError(f"{place.location}: the table changed while it was counted. Run again.")
            problems += examine(counts, columns, summary)
            if columns[0] in PERCENTAGES:
                values = pd.to_numeric(counts[columns[0]], errors="coerce")
                units.add({columns[0]: values.to_numpy(dtype=float, na_value=np.nan)}, counts["n"].to_numpy())
            if not problems:
                typed(counts).to_parquet(folder / f"{'+'.join(columns)}.parquet", index=False)
            if progress:
                progress(f"counting: {', '.join(columns)}", done, len(CUBES))
        if problems:
            lines = "\n".join(f"  {problem}" for problem in problems[:20])
            raise SchemaError(f"{place.location}: values break the contract:\n{lines}\nMend them where they come from.")
        summary.notes = [absent_note(name) for name in OPTIONAL if name not in table.c] + units.doubts(place.location)
        wanted = sample_rows or loans_for_width(width, default_rate=summary.defaults / summary.rows)
        sample = stratified_sample(connection, table, summary, rows=wanted, random_state=random_state)
        load_id = connection.execute(sa.select(sa.func.min(table.c.load_id))).scalar() if "load_id" in table.c else None
    with replacing(loans_path) as temporary:
        sample.to_parquet(temporary, index=False)
    digest = hashlib.sha256("".join(sha256(path) for path in sorted(counts_dir.glob("*.parquet"))).encode())
    return Counted(place, summary, digest.hexdigest(), len(sample), None if sample_rows else width, load_id)


@contextmanager
def _snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    # All counts are of one moment, even if the table is replaced meanwhile.
    level = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(**level) as connection:
        yield connection


@contextmanager
def _whole_folder(target: Path) -> Iterator[Path]:
    with staging_folder(target.parent) as folder:
        inner = folder / target.name
        inner.mkdir()
        yield inner
        shutil.rmtree(target, ignore_errors=True)
        inner.rename(target)


def _table(connection: sa.Connection, name: str, schema: str | None, where: str) -> sa.TableClause:
    # A result without rows has the columns of a table or view, in every database.
    nothing = sa.select(sa.text("*")).select_from(sa.table(name, schema=schema)).limit(0)
    there = set(connection.execute(nothing).keys())
    if missing := [column for column in (ROW, *_SINGLE, *_OF_ADDRESS) if column not in (*there, *OPTIONAL)]:
        raise SchemaError(
            f"{where}: expected the codebook's columns, with state and pincode in place of address, and {ROW} (a whole "
            f"number for each row); these are missing: {', '.join(missing)}. Write the table with: loantap sources load, or "
            "make a view that has them."
        )
    extra = [column for column in (KEY, "load_id") if column in there]
    names = [ROW, *(column for column in _SINGLE if column in there), *_OF_ADDRESS, *extra]
    return sa.table(name, *(sa.column(column) for column in names), schema=schema)


def _check_rows(connection: sa.Connection, table: sa.TableClause, summary: IngestSummary, where: str) -> None:
    distinct = connection.execute(sa.select(sa.func.count(sa.distinct(table.c[ROW])))).scalar_one()
    if distinct != summary.rows_read:
        raise SchemaError(
            f"{where}: column '{ROW}' expected a number of its own in each of {summary.rows_read:,} rows, found {distinct:,} "
            "different ones. Rows may stand twice: number them, without copies."
        )


def _summarise(connection: sa.Connection, table: sa.TableClause, where: str) -> IngestSummary:
    status = table.c.loan_status
    counted = connection.execute(sa.select(status, sa.func.count()).group_by(status)).all()
    found: dict[str, int] = {str(name).strip(): count for name, count in counted}
    if unknown := [str(name) for name in found if name not in (*OUTCOMES, *UNFINISHED)]:
        raise SchemaError(
            f"{where}: column 'loan_status' expected one of {', '.join((*OUTCOMES, *UNFINISHED))}, got {', '.join(unknown[:5])}."
        )
    summary = IngestSummary(rows_read=sum(found.values()))
    summary.unfinished.update({name: count for name, count in found.items() if name in UNFINISHED})
    summary.defaults = found.get(CHARGED_OFF, 0)
    summary.rows = sum(found.get(name, 0) for name in OUTCOMES)
    if summary.defaults in (0, summary.rows):
        raise SchemaError(
            f"{where}: expected loans that were repaid and loans that were charged off, got {summary.defaults:,} defaults "
            f"among {summary.rows:,} finished loans."
        )
    return summary


def _cube(connection: sa.Connection, table: sa.TableClause, columns: tuple[str, ...]) -> pd.DataFrame:
    keys = [_key(table, name).label(name) for name in columns]
    default = sa.case((table.c.loan_status == CHARGED_OFF, 1), else_=0)
    counted = (
        sa.select(*keys, sa.func.count().label("n"), sa.func.sum(default).label("defaults"))
        .where(table.c.loan_status.in_(OUTCOMES))
        .group_by(*keys)
    )
    # Free texts have millions of values: they come in parts, so that their objects do not pile up.
    result = connection.execution_options(stream_results=True, yield_per=BATCH_ROWS).execute(counted)
    names = list(result.keys())
    parts = [table_of(names, []), *(table_of(names, rows) for rows in result.partitions(BATCH_ROWS))]
    frame = pa.concat_tables(parts, promote_options="permissive").to_pandas(date_as_object=True)
    return as_written(frame.astype({"n": "int64", "defaults": "int64"}))


def _absent(name: str, summary: IngestSummary) -> pd.DataFrame:
    """Return the counts of an optional column that the table lacks: it is missing in every loan."""
    return pd.DataFrame({name: [None], "n": [summary.rows], "defaults": [summary.defaults]})


def _key(table: sa.TableClause, name: str) -> sa.ColumnElement[Any]:
    column = table.c[name]
    return sa.case((column.is_(None), None), else_="present") if name in _PRESENCE else column
