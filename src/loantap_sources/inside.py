"""Tables made by one statement inside the warehouse: no row leaves it."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlglot import exp

from loantap_sources.connectors.config import Config
from loantap_sources.connectors.sql import told
from loantap_sources.dialects import Dialect
from loantap_sources.sql_values import written
from loantap_sources.tables import take_place
from loantap_sources.warehouse import transaction


@contextmanager
def alone(engine: sa.Engine, config: Config) -> Iterator[sa.Connection]:
    """Yield a connection whose work is done wholly or not at all; on Databricks, which has no transactions, that is each statement."""
    if engine.dialect.name == "databricks":
        with told(engine, config.secrets), engine.connect() as connection:
            yield connection
    else:
        with transaction(engine, config) as connection:
            yield connection


@contextmanager
def made_inside(
    connection: sa.Connection, query: exp.Select, target: str, schema: str | None, dialect: Dialect, *, version: str
) -> Iterator[str]:
    """Make a table of a query's rows; yield its name while it can be looked at, then let it take the target's place.

    Databricks replaces a table in one step: what is looked at is the target already.
    """
    if dialect == "databricks":
        _run(connection, query.ctas(place(target, schema)), dialect, replace=True)
        yield target
        return
    new = f"{target[:40]}_{version}"
    connection.execute(sa.schema.DropTable(sa.Table(new, sa.MetaData(schema=schema)), if_exists=True))
    _run(connection, query.ctas(place(new, schema)), dialect)
    yield new
    take_place(connection, new, target, schema)


def _run(connection: sa.Connection, create: exp.Create, dialect: Dialect, *, replace: bool = False) -> None:
    create.set("replace", replace)
    connection.exec_driver_sql(written(create, dialect))


def place(name: str, schema: str | None) -> exp.Table:
    """Return a table's name as a part of a statement."""
    return exp.table_(name, schema, quoted=True)
