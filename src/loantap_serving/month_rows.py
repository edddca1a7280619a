"""A month's watchlist as rows of a table in the warehouse."""

import sqlalchemy as sa

from loantap.data.snapshot_contract import AS_OF
from loantap.errors import InputError
from loantap.watchlist.month import Month
from loantap_serving.month_files import DIGITS
from loantap_sources.connectors.config import Config
from loantap_sources.tables import append
from loantap_sources.warehouse import open_warehouse, transaction

TABLE = "loantap_watchlist"


def write_rows(month: Month, config: Config) -> int:
    """Put a month's watchlist into the warehouse's table, in the place of the rows that it held for the month.

    Raises InputError for a table of that name that is not loantap's, SourceError if the warehouse fails.
    """
    engine, schema = open_warehouse(config, create=True), config.warehouse.table_schema if config.warehouse else None
    rows = month.watchlist.round(DIGITS)
    rows.insert(0, AS_OF, str(month.month))
    table = sa.table(TABLE, sa.column(AS_OF), schema=schema)
    with transaction(engine, config) as connection:
        inspector = sa.inspect(connection)
        if inspector.has_table(TABLE, schema):
            known = {column["name"] for column in inspector.get_columns(TABLE, schema)}
            if known != set(rows.columns):
                raise InputError(
                    f"warehouse: '{TABLE}' is there with other columns than this version of loantap writes. Rename it."
                )
            connection.execute(sa.delete(table).where(table.c[AS_OF] == str(month.month)))
        append(connection, sa.Table(TABLE, sa.MetaData(schema=schema)), rows)
    return len(rows)
