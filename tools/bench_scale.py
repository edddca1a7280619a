"""What grows with the loans: python tools/bench_scale.py --model RUN [--loans N,N] [--url URL]. Writes a table of docs/scale.md.

The 24 monthly snapshots of so many live loans are watched where they lie: in a file of DuckDB, and with --url in that PostgreSQL on this
machine, by `loantap watch --into`. They are synthetic, and copies of BASE loans. A password in the URL is written as ${NAME}.
"""

import argparse
import sys
import tempfile
from itertools import takewhile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import psutil
import pyarrow.parquet as pq
import sqlalchemy as sa
import yaml
from bench import measured
from bench_watch import write
from memory import peak_memory
from page_parts import write_measured, write_part
from sqlglot import exp

from loantap.data.application_file import WELCOME
from loantap.data.applications import FIELDS
from loantap.data.cleaning import typed
from loantap.data.contract import check_loans
from loantap.model.persistence import load_model
from loantap.watchlist.live import application_needs
from loantap.watchlist.settings import read_settings
from loantap_serving.locate import find_model
from loantap_sources.connectors.config import read_config
from loantap_sources.sql_values import written
from loantap_sources.tables import append
from loantap_sources.warehouse import open_warehouse
from loantap_sources.watch_rows import SnapshotRows, month_number
from loantap_sources.watch_sql import watch_select

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
SIZES = (1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
BASE, LEAST, MEMORY = 50_000, 250_000, "6GB"
_IN_DUCKDB = """import duckdb, sys
db = duckdb.connect(sys.argv[1])
db.execute(f"SET memory_limit = '{sys.argv[3]}'")
db.execute('CREATE TABLE lights AS ' + open(sys.argv[2]).read())"""


def main() -> None:
    """Run the benchmark and write its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a run's folder, or a model's")
    parser.add_argument("--loans", default=str(LEAST), help="how many live loans, in rising order")
    parser.add_argument("--url", help="a PostgreSQL database on this machine to write into")
    given = parser.parse_args()
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = write(BASE, folder / "snapshots.parquet", folder / "raw.parquet", given.model)
        raw = pd.read_parquet(folder / "raw.parquet")
        clean = typed(check_loans(raw.drop(columns="loan_id"), columns=FIELDS)[0])
        clean = clean.assign(loan_id=raw["loan_id"], term=clean["term"].astype("str") + " months")
        clean.to_parquet(folder / "applications.parquet", index=False)
        for times in (int(loans) // BASE for loans in given.loans.split(",")):
            found.append({"live loans": f"{BASE * times:,}", "snapshots": f"{rows * times:,}"})
            found[-1] |= _in_duckdb(folder, times, given.model)
            if given.url:
                found[-1] |= _in_postgres(folder, times, given.model, given.url)
            print(found[-1], flush=True)
    write_measured(PAGE, "watch inside", pd.DataFrame(found).to_markdown(index=False))
    write_part(PAGE, "computed", computed().to_markdown(index=False))


def computed() -> pd.DataFrame:
    """Return hours by number of loans, from the last line of each table that was measured."""
    docs, rows = PAGE.parent, []
    measures = [
        ("loading", docs / "warehouse.md", "loans", "load s"),
        ("counting", docs / "warehouse.md", "loans", "counting s"),
        ("scoring, DuckDB", docs / "scoring.md", "loans", "DuckDB s"),
        ("scoring, PostgreSQL", docs / "scoring.md", "loans", "PostgreSQL s"),
        ("watching, DuckDB", PAGE, "live loans", "DuckDB s"),
        ("watching, PostgreSQL", PAGE, "live loans", "PostgreSQL s"),
    ]
    for what, page, of, column in measures:
        loans, seconds = _last(page, of, column)
        hours = [seconds / 3600 * n / loans * (np.log(n) / np.log(loans) if "watching" in what else 1) for n in SIZES]
        rows.append({"hours": what, "measured with loans": f"{loans:,.0f}"} | {f"{n:,}": f"{hour:,.2g}" if hour < 10 else f"{hour:,.0f}" for n, hour in zip(SIZES, hours, strict=True)})  # fmt: skip
    return pd.DataFrame(rows)


def _last(page: Path, of: str, column: str) -> tuple[float, float]:
    """Return loans and seconds of the last line of the table of a page that has both columns."""
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.read_text("utf-8").splitlines()
        if line.startswith("|")
    ]
    head = next(number for number, cells in enumerate(lines) if {of, column} <= {*cells})
    width = len(lines[head])
    table = list(takewhile(lambda cells: len(cells) == width and cells[0][:1].isdigit(), lines[head + 2 :]))
    loans, seconds = (float(table[-1][lines[head].index(name)].replace(",", "")) for name in (of, column))
    return loans, seconds


def _in_duckdb(folder: Path, times: int, model: Path) -> dict[str, float]:
    database, statement = folder / f"{times}.duckdb", folder / "watch.sql"
    with duckdb.connect(str(database)) as db:
        for table in ("snapshots", "applications"):
            path = folder / f"{table}.parquet"
            db.execute(f"CREATE TABLE {table} AS SELECT t.* REPLACE (loan_id || '-' || i AS loan_id) FROM '{path}' t, range({times}) n(i)")  # fmt: skip
        texts = [text for (text,) in db.execute("SELECT DISTINCT as_of FROM snapshots").fetchall()]
    months = {text: month_number(np.datetime64(text, "M")) for text in texts}
    chosen, names = load_model(find_model(model)), pq.read_schema(folder / "applications.parquet").names
    there = {name: name for name in (*application_needs(chosen), *WELCOME) if name in names}
    columns = {name: name for name in pq.read_schema(folder / "snapshots.parquet").names}
    query = watch_select(
        SnapshotRows(exp.to_table("snapshots"), columns, {"open": 0.0, "charged off": 2.0}, months), first=min(months.values()),
        last=max(months.values()), settings=read_settings(), dialect="duckdb", model=chosen, applications=exp.to_table("applications"),
        application_columns=there, needed=application_needs(chosen),
    )  # fmt: skip
    statement.write_text(written(query, "duckdb"))
    seconds, peak = measured([sys.executable, "-c", _IN_DUCKDB, str(database), str(statement), MEMORY])
    database.unlink()
    return {"DuckDB s": round(seconds), "DuckDB peak GB": round(peak, 1)}


def _in_postgres(folder: Path, times: int, model: Path, url: str) -> dict[str, float]:
    config = folder / "loantap.yml"
    config.write_text(yaml.safe_dump({"warehouse": {"url": url, "schema": "bench_scale"}}))
    declared = read_config(config)
    with open_warehouse(declared).begin() as connection:
        connection.execute(sa.text("DROP SCHEMA IF EXISTS bench_scale CASCADE; CREATE SCHEMA bench_scale"))
        for table in ("snapshots", "applications"):
            frame = pd.read_parquet(folder / f"{table}.parquet")
            frame.head(0).to_sql(f"one_{table}", connection, schema="bench_scale", index=False)
            append(connection, sa.Table(f"one_{table}", sa.MetaData(schema="bench_scale")), frame)
            others = ", ".join(str(name) for name in frame if name != "loan_id")
            connection.execute(sa.text(f"CREATE TABLE bench_scale.{table} AS SELECT loan_id || '-' || i AS loan_id, {others} FROM bench_scale.one_{table}, generate_series(1, {times}) i"))  # fmt: skip
        server = psutil.Process(connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()).parent()
    with open_warehouse(declared).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE bench_scale.snapshots"))
        connection.execute(sa.text("ANALYZE bench_scale.applications"))
    words = ["watch", "--snapshots", "table:snapshots", "--applications", "table:applications", "--model", str(model)]
    words += ["--config", str(config), "--into", "lights", "--out", str(folder / "watch")]
    assert server is not None
    with peak_memory(server) as held:
        seconds, peak = measured([sys.executable, "-m", "loantap", *words])
    with open_warehouse(declared).begin() as connection:
        connection.execute(sa.text("DROP SCHEMA bench_scale CASCADE"))
    return {
        "PostgreSQL s": round(seconds),
        "its server's peak GB": round(held.gigabytes, 1),
        "loantap's peak GB": round(peak, 1),
    }


if __name__ == "__main__":
    main()
