"""One file of loans split into three sources with their quirks: a DB2 drop, a stand-in for Databricks, a warehouse."""

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
import yaml

from loantap.data.columns import BY_NAME, KEY, NAMES, OPTIONAL
from loantap.data.loan_file import open_loans
from loantap.data.reading import SyntheticLoans
from loantap.files import alone_in, sha256, write_text
from loantap.settings import environment, project_root

CONFIG = "loantap.yml"
FOLDER = "LOANTAP_DEMO"
# How wide DB2's CHAR fields are: shorter values are padded.
_WIDTHS = {"TERM": 12, "GRADE": 2, "SUB_GRADE": 4, "LIST_STAT": 2, "APPL_TYPE": 12}


@contextmanager
def three_sources(data: Path | None, *, rows: int, seed: int, folder: Path | None = None) -> Iterator[Path]:
    """Split loans into the three sources that the project's `loantap.yml` declares, and yield a file that declares them.

    The stand-in for Databricks answers while the context is entered, and the environment names it; where its connector is
    not installed, that source is a SQLite file.

    Args:
        data: A file of loans; synthetic ones if None.
        rows: How many synthetic loans.
        seed: Of the synthetic loans.
        folder: Where the sources go, else LOANTAP_DEMO, else data/interim/demo; what an earlier demonstration left there is
            replaced.
    """
    # Synthetic loans are named as such on every page, wherever they are read from.
    config: dict[str, Any] = {"synthetic": True} if data is None else {}
    config |= yaml.safe_load((project_root() / CONFIG).read_text("utf-8"))
    folder = Path(folder or os.environ.get(FOLDER) or project_root() / "data" / "interim" / "demo").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    busy = f"{folder}: another demonstration is running there. Wait for it, or name another folder with {FOLDER}=..."
    with alone_in(folder, busy=busy):
        loans = _keyed_loans(data, rows=rows, seed=seed)
        _empty(folder)
        with _made(loans, config, folder) as path:
            yield path


@contextmanager
def _made(loans: pd.DataFrame, config: dict[str, Any], folder: Path) -> Iterator[Path]:
    _write_drop(loans, config["sources"]["contracts"], folder / "db2")
    applications = folder / "applications.db"
    _write_table(_applications(loans, config["sources"]["applications"]), applications, "applications")
    _write_table(_servicing(loans), folder / "warehouse.db", "servicing")
    # The stand-in is gone afterwards: the file that stays reads its database as one of SQL.
    kept = _without_stand_in(config, applications)
    if find_spec("databricks") is None:
        yield _written(kept, folder)
        return
    from stand_ins.databricks_server import DatabricksStandIn

    with DatabricksStandIn(applications, token=secrets.token_urlsafe(16)) as server:
        variables = {
            "DATABRICKS_HOST": server.uri,
            "DATABRICKS_HTTP_PATH": server.http_path,
            "DATABRICKS_TOKEN": server.token,
        }
        with environment(variables):
            try:
                yield _written(config, folder)
            finally:
                _written(kept, folder)


def _without_stand_in(config: dict[str, Any], database: Path) -> dict[str, Any]:
    source = config["sources"]["applications"]
    query = {name: source[name] for name in ("query", "parameters", "key", "dates", "columns")}
    applications = {"kind": "sql", "url": f"sqlite:///{database}", **query}
    return config | {"sources": config["sources"] | {"applications": applications}}


def _written(config: dict[str, Any], folder: Path) -> Path:
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    return write_text(folder / CONFIG, re.sub(r"\$\{LOANTAP_DEMO(:-[^}]*)?\}", str(folder), text))


def _empty(folder: Path) -> None:
    # Only what a demonstration wrote goes.
    shutil.rmtree(folder / "db2", ignore_errors=True)
    for name in ("applications.db", "warehouse.db", CONFIG):
        (folder / name).unlink(missing_ok=True)
    (folder / "db2").mkdir(parents=True)


def _keyed_loans(data: Path | None, *, rows: int, seed: int) -> pd.DataFrame:
    """Return raw loans as texts, copies of a whole record left out as the ingest does, with a key in their order."""
    source = open_loans(data) if data else SyntheticLoans(rows, seed)
    names = [name for name in NAMES if name not in OPTIONAL]
    loans = pd.concat([frame[names] for frame in source.chunks()]).drop_duplicates(ignore_index=True)
    texts = {name: loans[name].map(_text, na_action="ignore").astype("object") for name in names}
    digits = len(str(len(loans)))
    keys = [f"L{number:0{digits}d}" for number in range(1, len(loans) + 1)]
    return pd.DataFrame({KEY: keys, **texts}).where(lambda frame: frame.notna(), None)


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value).strip() if not isinstance(value, str) else value


def _write_drop(loans: pd.DataFrame, source: dict[str, Any], folder: Path) -> None:
    """Write a drop as DB2 would: fixed decimals with a sign and a comma, days as digits, padded CHAR, EBCDIC."""
    columns = {source["key"]: loans[KEY]}
    for name, own in source["columns"].items():
        values = loans[name]
        match BY_NAME[name].kind:
            case "number":
                columns[own] = values.map(_db2_decimal, na_action="ignore").fillna("-")
            case "month":
                columns[own] = _day(values, "%Y%m%d").fillna("-")
            case _:
                columns[own] = values.str.strip().str.ljust(_WIDTHS[own]).fillna("NULL")
    drop = pd.DataFrame(columns)
    # An earlier drop lacks the newest loans; the later one is whole, as its manifest says.
    _write_csv(drop.head(len(drop) // 2), folder / "CONTRACTS_20161130.csv", source)
    path = _write_csv(drop, folder / "CONTRACTS_20161231.csv", source)
    write_text(
        path.with_name(path.name + ".manifest.json"), json.dumps({"rows": len(drop), "sha256": sha256(path)}) + "\n"
    )


def _write_csv(drop: pd.DataFrame, path: Path, source: dict[str, Any]) -> Path:
    # EBCDIC ends a line with NEL.
    text = drop.to_csv(index=False, sep=source["delimiter"], lineterminator="\n").replace("\n", "\x85")
    path.write_bytes(text.encode(source["encoding"]))
    return path


def _db2_decimal(text: str) -> str:
    try:
        fixed = f"{float(text):+013.2f}"
    except ValueError:
        return text
    return (fixed if float(fixed) == float(text) else text).replace(".", ",")


def _day(months: pd.Series, form: str) -> pd.Series:
    """Return the first day of each month; what is no month stays as it is."""
    days = pd.to_datetime(months, format="%b-%Y", errors="coerce").dt.strftime(form)
    return days.where(days.notna(), months)


def _applications(loans: pd.DataFrame, source: dict[str, Any]) -> pd.DataFrame:
    """Return the applications with typed numbers and ISO days, as a lakehouse holds them."""
    table = loans[[KEY, *source["columns"]]].copy()
    for name in source["columns"]:
        if BY_NAME[name].kind == "number":
            numbers = pd.to_numeric(table[name], errors="coerce")
            table[name] = numbers if numbers.notna().equals(table[name].notna()) else table[name]
        elif BY_NAME[name].kind == "month":
            table[name] = _day(table[name], "%Y-%m-%d")
    return table.assign(
        issue_year=pd.to_numeric(loans["issue_d"].str[-4:], errors="coerce").fillna(2000).astype("int64")
    )


def _servicing(loans: pd.DataFrame) -> pd.DataFrame:
    """Return how the loans stand: one row in ten has an older state beside it, and some rows were exported twice."""
    amounts = pd.to_numeric(loans["loan_amnt"], errors="coerce").fillna(0)
    now = pd.DataFrame(
        {KEY: loans[KEY], "loan_status": loans["loan_status"], "loan_amnt": amounts, "updated_at": "2017-01-31"}
    )
    older = now.iloc[::10].assign(loan_status="Current", updated_at="2014-01-31")
    return pd.concat([now, older, now.iloc[::97]])


def _write_table(table: pd.DataFrame, path: Path, name: str) -> None:
    engine = sa.create_engine(f"sqlite:///{path}")
    table.to_sql(name, engine, index=False, if_exists="replace")
    engine.dispose()
