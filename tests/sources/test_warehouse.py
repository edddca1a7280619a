"""The table of loans in the warehouse is the old one or the new one, whatever happens."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
import yaml
from checked_loans import HOSTILE, checked_loans

from loantap.data.columns import BY_NAME, NAMES
from loantap.data.synthetic import generate_loans
from loantap.errors import InputError, SourceError
from loantap_sources import warehouse
from loantap_sources.connectors import sql
from loantap_sources.connectors.config import Config, read_config
from loantap_sources.tables import append, content_id
from loantap_sources.warehouse import LOADS, open_warehouse, write_loans

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgresql"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    """A warehouse of its own: a SQLite file, or a schema in PostgreSQL."""
    declared: dict[str, str] = {"url": "sqlite:///warehouse.db"}
    if request.param == "postgresql":
        port = request.getfixturevalue("postgres")
        url = f"postgresql+psycopg://analyst:${{PG_PASSWORD}}@127.0.0.1:{port}/postgres"
        declared = {"url": url, "schema": f"s{os.urandom(4).hex()}"}
    path = tmp_path / "loantap.yml"
    path.write_text(yaml.safe_dump({"warehouse": declared}))
    read = read_config(path)
    if "schema" in declared:
        with open_warehouse(read).begin() as connection:
            connection.execute(sa.schema.CreateSchema(declared["schema"]))
    return read


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    return partial(checked_loans, tmp_path_factory.mktemp("checked"))


def held(config: Config) -> pd.DataFrame:
    assert config.warehouse is not None
    engine = open_warehouse(config)
    with engine.connect() as connection:
        found = pd.read_sql_table(config.warehouse.table, connection, schema=config.warehouse.table_schema)
    engine.dispose()
    return found


def tables(config: Config) -> set[str]:
    assert config.warehouse is not None
    return set(sa.inspect(open_warehouse(config)).get_table_names(config.warehouse.table_schema))


def test_the_table_holds_what_was_checked(config: Config, checked: Callable[[int], Path]):
    load = write_loans(config, checked(500))
    assert load.written
    assert load.rows == 500
    found, given = held(config), pd.read_parquet(checked(500))
    assert set(found.pop("load_id")) == {load.load_id}
    for name in given:
        if name in ("issue_d", "earliest_cr_line"):
            assert pd.to_datetime(found[name]).eq(given[name]).all()
        else:
            assert found[name].equals(given[name].astype(found[name].dtype)), name
    assert tables(config) == {"loans", LOADS}


def test_money_is_kept_to_the_digit_where_the_database_can(config: Config, checked: Callable[[int], Path]):
    write_loans(config, checked(500))
    schema = config.warehouse.table_schema if config.warehouse else None
    kinds = {
        column["name"]: column["type"] for column in sa.inspect(open_warehouse(config)).get_columns("loans", schema)
    }
    money = {name for name, column in BY_NAME.items() if column.unit.startswith("currency")}
    assert money == {"loan_amnt", "installment", "annual_inc", "revol_bal"}
    exact = open_warehouse(config).dialect.name == "postgresql"
    assert {name for name, kind in kinds.items() if not isinstance(kind, sa.Float) and isinstance(kind, sa.Numeric)} == (money if exact else set())  # fmt: skip
    if exact:
        with open_warehouse(config).connect() as connection:
            table = sa.table("loans", sa.column("row"), sa.column("installment"), schema=schema)
            found = dict(connection.execute(sa.select(table)).all())
        given = pd.read_parquet(checked(500)).set_index("row")["installment"]
        assert {row: str(value) for row, value in found.items()} == {row: f"{value!r}" for row, value in given.items()}


def test_values_are_bound_and_never_run(config: Config, checked: Callable[[int], Path]):
    write_loans(config, checked(500))
    assert held(config).loc[3, "emp_title"] == HOSTILE
    assert "loans" in tables(config)


def test_the_same_loans_change_nothing(config: Config, checked: Callable[[int], Path]):
    first = write_loans(config, checked(500))
    again = write_loans(config, checked(500))
    assert (again.load_id, again.written) == (first.load_id, False)
    with open_warehouse(config).connect() as connection:
        loads = sa.table(LOADS, schema=config.warehouse.table_schema if config.warehouse else None)
        assert connection.execute(sa.select(sa.func.count()).select_from(loads)).scalar() == 1


def test_other_loans_take_the_place_of_the_old_ones(config: Config, checked: Callable[[int], Path]):
    write_loans(config, checked(500))
    assert write_loans(config, checked(700)).written
    assert len(held(config)) == 700
    # And back: names of constraints and leftovers of the first table are not in the way.
    assert write_loans(config, checked(500)).written
    assert len(held(config)) == 500
    assert tables(config) == {"loans", LOADS}


def test_the_load_id_follows_from_the_values_alone(checked: Callable[[int], Path], tmp_path: Path):
    frame = pd.read_parquet(checked(500))
    frame.to_parquet(tmp_path / "packed.parquet", index=False, row_group_size=64, compression="gzip")
    assert content_id(tmp_path / "packed.parquet") == content_id(checked(500))
    frame.loc[0, "dti"] += 0.01
    frame.to_parquet(tmp_path / "changed.parquet", index=False)
    assert content_id(tmp_path / "changed.parquet") != content_id(checked(500))


def test_a_table_that_loantap_did_not_write_stays(config: Config, checked: Callable[[int], Path]):
    schema = config.warehouse.table_schema if config.warehouse else None
    theirs = sa.Table("loans", sa.MetaData(schema=schema), sa.Column("precious", sa.Integer))
    with open_warehouse(config, create=True).begin() as connection:
        theirs.create(connection)
        connection.execute(theirs.insert().values(precious=1))
    with pytest.raises(InputError, match="was not written by loantap"):
        write_loans(config, checked(500))
    assert held(config)["precious"].tolist() == [1]


def test_a_table_with_a_load_id_of_somebody_elses_stays(config: Config, checked: Callable[[int], Path]):
    schema = config.warehouse.table_schema if config.warehouse else None
    write_loans(config, checked(500))
    columns = [sa.Column("loan_id", sa.Text), sa.Column("load_id", sa.Integer)]
    theirs = sa.Table("loans", sa.MetaData(schema=schema), *columns)
    with open_warehouse(config).begin() as connection:
        theirs.drop(connection)
        theirs.create(connection)
        connection.execute(theirs.insert().values(loan_id="a", load_id=7))
    with pytest.raises(InputError, match="was not written by loantap"):
        write_loans(config, checked(700))
    assert held(config)["load_id"].tolist() == [7]


def test_the_rights_of_others_are_kept(postgres: int, checked: Callable[[int], Path], tmp_path: Path):
    config = postgres_config(tmp_path, postgres)
    write_loans(config, checked(500))
    reader = f'reader "{os.urandom(3).hex()}"'
    quoted = '"' + reader.replace('"', '""') + '"'
    with open_warehouse(config).begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {quoted}")
        connection.exec_driver_sql(f"GRANT SELECT, UPDATE ON loans TO {quoted}")
        connection.exec_driver_sql("GRANT SELECT ON loans TO PUBLIC")
    write_loans(config, checked(700))
    with open_warehouse(config).connect() as connection:
        rights = connection.execute(
            sa.text(
                "SELECT grantee, privilege_type FROM information_schema.table_privileges WHERE table_name = 'loans'"
            )
        ).all()
    assert {tuple(right) for right in rights if right[0] != "analyst"} == {
        (reader, "SELECT"), (reader, "UPDATE"), ("PUBLIC", "SELECT"),
    }  # fmt: skip


@pytest.mark.fault("view on the table")
def test_a_view_on_the_table_is_told(postgres: int, checked: Callable[[int], Path], tmp_path: Path):
    config = postgres_config(tmp_path, postgres)
    before = write_loans(config, checked(500))
    with open_warehouse(config).begin() as connection:
        connection.exec_driver_sql("CREATE VIEW grades AS SELECT grade FROM loans")
    with pytest.raises(SourceError, match=r"depend on it.*drop it, load, and make it again"):
        write_loans(config, checked(700))
    assert set(held(config)["load_id"]) == {before.load_id}


@pytest.mark.parametrize("table", ["loans; DROP TABLE x", 'lo"ans', "", "1loans", "a" * 64, "loans--", "schéma"])
def test_a_table_with_sql_in_its_name_is_refused(table: str, tmp_path: Path):
    path = tmp_path / "loantap.yml"
    path.write_text(yaml.safe_dump({"warehouse": {"url": "sqlite:///w.db", "table": table}}))
    with pytest.raises(InputError, match=r"warehouse\.table: expected a name of letters"):
        read_config(path)


def test_a_column_with_sql_in_its_name_is_quoted(config: Config, checked: Callable[[int], Path], tmp_path: Path):
    name = 'x") ; DROP TABLE loans; --'
    write_loans(config, checked(500))
    pd.read_parquet(checked(500)).assign(**{name: "1"}).to_parquet(tmp_path / "odd.parquet", index=False)
    write_loans(config, tmp_path / "odd.parquet")
    assert set(held(config)[name]) == {"1"}


KILLED = """
import os, signal, sys
from pathlib import Path
from alembic.operations import Operations
from loantap_sources.connectors.config import read_config
from loantap_sources.warehouse import write_loans

def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

Operations.rename_table = killed  # the old table is dropped, the new one has not its name yet
write_loans(read_config(Path(sys.argv[1])), Path(sys.argv[2]))
"""


@pytest.mark.fault("killed during the swap")
def test_killed_during_the_swap_the_old_table_is_whole(config: Config, checked: Callable[[int], Path]):
    before = write_loans(config, checked(500))
    done = subprocess.run([sys.executable, "-c", KILLED, config.path, checked(700)], check=False)
    assert done.returncode == -signal.SIGKILL
    found = held(config)
    assert len(found) == 500
    assert set(found["load_id"]) == {before.load_id}
    assert write_loans(config, checked(700)).written  # and nothing is in the way of the next one
    assert tables(config) == {"loans", LOADS}


@pytest.mark.fault("two that write at once")
def test_a_reader_sees_the_old_or_the_new_table(config: Config, checked: Callable[[int], Path]):
    write_loans(config, checked(500))
    seen: set[int] = set()
    stop = threading.Event()
    engine = open_warehouse(config)
    table = sa.table("loans", schema=config.warehouse.table_schema if config.warehouse else None)

    def read() -> None:
        while not stop.is_set():
            with engine.connect() as connection:
                seen.add(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for rows in (3_000, 500, 3_000, 500):
            write_loans(config, checked(rows))
    finally:
        stop.set()
        reader.join()
    assert seen <= {500, 3_000}


@pytest.mark.fault("two that write at once")
def test_two_that_write_at_once_leave_one_of_both(config: Config, checked: Callable[[int], Path]):
    write_loans(config, checked(500))
    paths = [checked(700), checked(3_000)]
    failures: list[BaseException] = []

    def write(path: Path) -> None:
        try:
            write_loans(config, path)
        except BaseException as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(path,)) for path in paths]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert not failures
    found = held(config)
    assert len(found) in (700, 3_000)
    assert set(found["load_id"]) == {content_id(paths[0] if len(found) == 700 else paths[1])}
    assert tables(config) == {"loans", LOADS}


@pytest.mark.fault("warehouse locked")
def test_a_locked_sqlite_file_is_told(checked: Callable[[int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    config = sqlite_config(tmp_path)
    before = write_loans(config, checked(500))
    monkeypatch.setitem(sql._CONNECT_ARGS, "pysqlite", {"timeout": 0.2})
    other = sqlite3.connect(tmp_path / "w.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(SourceError, match=r"locked.*Another process writes there"):
        write_loans(config, checked(700))
    other.close()
    assert set(held(config)["load_id"]) == {before.load_id}


@pytest.mark.fault("warehouse locked")
def test_a_locked_postgresql_table_is_told(
    postgres: int, checked: Callable[[int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config = postgres_config(tmp_path, postgres)
    before = write_loans(config, checked(500))
    monkeypatch.setattr(warehouse, "_LOCK_TIMEOUT", "300ms")
    with open_warehouse(config).begin() as other:
        other.execute(sa.text("SELECT count(*) FROM loans"))  # an unfinished reader holds the table
        with pytest.raises(SourceError, match=r"lock timeout.*Another process writes there"):
            write_loans(config, checked(700))
    assert set(held(config)["load_id"]) == {before.load_id}


@pytest.mark.fault("disk full")
def test_a_full_disk_is_told_and_the_old_table_is_whole(checked: Callable[[int], Path], tmp_path: Path):
    config = sqlite_config(tmp_path)
    before = write_loans(config, checked(500))
    pages = (tmp_path / "w.db").stat().st_size // 4096

    def small(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages + 20}")

    sa.event.listen(sa.Engine, "connect", small)
    try:
        with pytest.raises(SourceError, match=r"full.*Make room"):
            write_loans(config, checked(3_000))
    finally:
        sa.event.remove(sa.Engine, "connect", small)
    found = held(config)
    assert len(found) == 500
    assert set(found["load_id"]) == {before.load_id}


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from loantap.cli.app import main
sys.argv = ["loantap", "sources", "load", "--config", sys.argv[2]]
main()
"""


@pytest.mark.fault("disk full")
@pytest.mark.parametrize("largest", [20_000, 200_000, 500_000], ids=["staging", "merge", "warehouse"])
def test_a_disk_that_fills_up_anywhere_leaves_the_old_table(
    checked: Callable[[int], Path], tmp_path: Path, largest: int
):
    before = write_loans(sqlite_config(tmp_path), checked(500))
    generate_loans(3_000, seed=1).assign(loan_id=range(3_000)).to_parquet(tmp_path / "loans.parquet")
    source = {"kind": "file", "path": "loans.parquet", "columns": list(NAMES)}
    declared = {"sources": {"loans": source}, "warehouse": {"url": "sqlite:///w.db"}}
    (tmp_path / "loantap.yml").write_text(yaml.safe_dump(declared))
    # No file may grow beyond a size: what a full disk is to the one that writes, and it happens in another place each time.
    words = [sys.executable, "-c", LIMITED, str(largest), str(tmp_path / "loantap.yml")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "space left" in done.stderr or "Make room" in done.stderr or "run again" in done.stderr
    found = held(sqlite_config(tmp_path))
    assert set(found["load_id"]) == {before.load_id}
    assert len(found) == 500


@pytest.mark.fault("connection lost while the table is written")
def test_a_connection_lost_while_writing_leaves_the_old_table(
    postgres: int, checked: Callable[[int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config = postgres_config(tmp_path, postgres)
    before = write_loans(config, checked(500))
    genuine = append

    def cut_off(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> None:
        genuine(connection, table, frame)
        with open_warehouse(config).begin() as other:
            other.execute(
                sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            )

    monkeypatch.setattr("loantap_sources.tables.append", cut_off)
    with pytest.raises(SourceError, match="run again"):
        write_loans(config, checked(700))
    found = held(config)
    assert len(found) == 500
    assert set(found["load_id"]) == {before.load_id}


def test_a_database_without_transactions_for_tables_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("databricks.sqlalchemy")
    monkeypatch.setenv("TOKEN", "a-token")
    path = tmp_path / "loantap.yml"
    url = "databricks://token:${TOKEN}@127.0.0.1:9?http_path=/x"
    path.write_text(yaml.safe_dump({"warehouse": {"url": url}}))
    config = read_config(path)
    with (
        pytest.raises(InputError, match=r"got databricks. It can be read and counted in"),
        warehouse.transaction(open_warehouse(config), config),
    ):
        pass


def sqlite_config(folder: Path) -> Config:
    path = folder / "loantap.yml"
    path.write_text("warehouse: {url: 'sqlite:///w.db'}")
    return read_config(path)


def postgres_config(folder: Path, port: int) -> Config:
    """A database of the test's own."""
    path = folder / "loantap.yml"
    name = f"d{os.urandom(4).hex()}"
    address = f"postgresql+psycopg://analyst:${{PG_PASSWORD}}@127.0.0.1:{port}"
    path.write_text(yaml.safe_dump({"warehouse": {"url": f"{address}/postgres"}}))
    with open_warehouse(read_config(path)).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    path.write_text(yaml.safe_dump({"warehouse": {"url": f"{address}/{name}"}}))
    return read_config(path)
