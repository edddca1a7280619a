"""Staged sources from a few rows, as `loantap_sources.staging` leaves them."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from loantap_sources.connectors.kinds import SqlSource
from loantap_sources.staging import NEWEST, Staged

Row = tuple[str | None, ...]


def staged(folder: Path, name: str, columns: list[str], rows: list[Row], **settings: Any) -> Staged:
    """A source whose rows hold its key, its columns, and `newest_by` where it is declared."""
    brought = [column for column in columns if column != NEWEST]
    newest = {"newest_by": "changed"} if NEWEST in columns else {}
    source = SqlSource(kind="sql", url="sqlite:///x", query="SELECT 1", columns=brought, **newest, **settings)
    names = [source.joins_on, *columns]
    values = {column: [row[place] for row in rows] for place, column in enumerate(names)}
    path = folder / f"{name}.parquet"
    pq.write_table(pa.table(values, schema=pa.schema([(column, pa.string()) for column in names])), path)
    return Staged(name, source, path, len(rows), {})
