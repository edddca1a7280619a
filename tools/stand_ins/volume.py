"""What the stand-in for Databricks writes: files of a volume, tables that are made of them, and statements in Databricks' SQL."""

import re
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import sqlglot
from sqlglot import exp

_FILE = re.compile(r"(PUT|REMOVE) '(?:__input_stream__' INTO ')?/Volumes/([\w/.-]+)'(?: OVERWRITE)?")
_SHOW = re.compile(r"SHOW TABLES LIKE '(\w+)'")


def staging(statement: str, uri: str) -> dict[str, str] | None:
    """Return what the connector is told of a PUT or a REMOVE: where it has to send a file, or which to delete."""
    if not (found := _FILE.fullmatch(statement)):
        return None
    return {
        "operation": found[1],
        "presignedUrl": f"{uri}/Volumes/{found[2]}",
        "headers": "{}",
        "localFile": "__input_stream__",
    }


def run(connection: sqlite3.Connection, statement: str, values: Any, volume: Path) -> Any:
    """Run a statement in Databricks' SQL, and return its cursor."""
    if found := _SHOW.fullmatch(statement):
        return connection.execute("SELECT 'default', name, 0 FROM sqlite_master WHERE name = ?", found.groups())
    query = sqlglot.parse_one(statement, dialect="databricks")
    for table in list(query.find_all(exp.Table)):
        if table.db == "parquet":
            folder = volume / table.name.removeprefix("/Volumes/")
            pd.read_parquet(folder).to_sql("files_", connection, index=False, if_exists="replace")
            table.replace(exp.to_table("files_"))
    query = query.transform(_dates)
    replaces = isinstance(query, exp.Create) and query.args.get("replace")
    if replaces:
        query.set("replace", False)
        connection.execute("BEGIN")
        connection.execute(f"DROP TABLE IF EXISTS {query.this.sql('sqlite')}")
    place = query.args.pop("where", None) if isinstance(query, exp.Insert) else None
    if place is not None:
        connection.execute("BEGIN")
        connection.execute(exp.delete(query.this, place).sql("sqlite"))
    done = connection.execute(query.sql("sqlite"), values)
    if replaces or place is not None:
        connection.execute("COMMIT")
    return done


def _dates(node: exp.Expr) -> exp.Expr:
    is_date = isinstance(node, exp.Cast) and node.to.this == exp.DataType.Type.DATE
    return exp.func("SUBSTR", node.this, exp.convert(1), exp.convert(10)) if is_date else node
