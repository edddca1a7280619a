"""Time and memory of a model that scores as SQL: python tools/bench_model_sql.py --model RUN [--url URL] [--times N,N].

Writes a table of docs/scoring.md. Half a million synthetic loans, each as often as is said, are scored into a table: by DuckDB in a file, and with --url by
`loantap score --table loans --into scores` in that warehouse. A password in the URL is written as ${NAME}.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import duckdb
import pandas as pd
import sqlalchemy as sa
import yaml
from bench import measured
from page_parts import write_measured

from loantap.data.ingest import ingest
from loantap.data.reading import SyntheticLoans
from loantap_sources.connectors.config import read_config
from loantap_sources.warehouse import open_warehouse, write_loans

PAGE = Path(__file__).parents[1] / "docs" / "scoring.md"
ROWS = 500_000
LOANTAP = [sys.executable, "-m", "loantap"]
_IN_DUCKDB = (
    "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('CREATE TABLE scores AS ' + open(sys.argv[2]).read())"
)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="a run's folder or a model's")
    parser.add_argument("--url", help="a PostgreSQL or SQLite database to write into")
    parser.add_argument("--times", default="2,8,20", help="how often each of the half million loans stands there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checked = folder / "checked.parquet"
        ingest(SyntheticLoans(ROWS, 0), loans_path=folder / "l.parquet", quarantine_path=None, checked_path=checked)
        frame = pd.read_parquet(checked)
        frame.assign(loan_id=frame["row"].astype("str")).to_parquet(checked, index=False)
        found = []
        for times in map(int, given.times.split(",")):
            found.append({"loans": f"{ROWS * times:,}", **_in_duckdb(folder, checked, times, given.model)})
            if given.url:
                found[-1] |= _in_warehouse(folder, checked, times, given.model, given.url)
            print(found[-1], flush=True)
    write_measured(PAGE, "inside", pd.DataFrame(found).to_markdown(index=False))


def _in_duckdb(folder: Path, checked: Path, times: int, model: str) -> dict[str, float]:
    database, statement = folder / f"{times}.duckdb", folder / "model.sql"
    with duckdb.connect(str(database)) as db:
        db.execute(f"CREATE TABLE loans AS SELECT loans.* FROM '{checked}' AS loans, range({times})")
    measured([*LOANTAP, "export", model, "--sql", "--out", str(statement)])
    seconds, peak = measured([sys.executable, "-c", _IN_DUCKDB, str(database), str(statement)])
    database.unlink()
    return {"DuckDB s": round(seconds, 1), "DuckDB peak GB": round(peak, 2)}


def _in_warehouse(folder: Path, checked: Path, times: int, model: str, url: str) -> dict[str, float]:
    config = folder / "loantap.yml"
    config.write_text(yaml.safe_dump({"warehouse": {"url": url, "table": "bench_loans"}}))
    declared = read_config(config)
    write_loans(declared, checked)
    series = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {times})"
    with open_warehouse(declared).begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS bench_many"))
        connection.execute(sa.text(f"CREATE TABLE bench_many AS {series} SELECT b.* FROM bench_loans b, n"))
    words = ["score", "--table", "bench_many", "--into", "bench_scores", "--model", model, "--config", str(config)]
    seconds, peak = measured([*LOANTAP, *words])
    with open_warehouse(declared).begin() as connection:
        for table in ("bench_many", "bench_scores"):
            connection.execute(sa.text(f"DROP TABLE {table}"))
    name = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[open_warehouse(declared).dialect.name]
    return {f"{name} s": round(seconds, 1), f"beside {name}, loantap's peak GB": round(peak, 2)}


if __name__ == "__main__":
    main()
