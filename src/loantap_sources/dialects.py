"""The dialects of SQL that a model can be written in."""

from typing import Literal, get_args

Dialect = Literal["duckdb", "postgres", "sqlite", "databricks", "spark", "tsql"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
# What SQLAlchemy calls the databases that speak them.
OF_ENGINE: dict[str, Dialect] = {
    "postgresql": "postgres",
    "sqlite": "sqlite",
    "databricks": "databricks",
    "mssql": "tsql",
}
