import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from loantap.data.columns import KEY, NAMES
from loantap.data.ingest import IngestSummary, ingest
from loantap.data.loan_file import open_loans
from loantap.errors import InputError, LoanTapError, MergeError, SchemaError, SourceError
from loantap_sources import gather as gathering
from loantap_sources.connectors.config import Config
from loantap_sources.gather import Gathered, gather

Declare = Callable[..., Config]
SERVICING = ["loan_status", "issue_d", "annual_inc"]
PERSONS = ["emp_title", "emp_length", "home_ownership"]
CONTRACTS = [name for name in NAMES if name not in (*SERVICING, *PERSONS)]


@pytest.fixture
def keyed(raw_loans: pd.DataFrame) -> pd.DataFrame:
    """200 raw loans with a key, in no order."""
    loans = raw_loans.head(200).copy()
    loans.insert(0, KEY, [str(number) for number in range(1, 201)])
    return loans


@pytest.fixture
def split(keyed: pd.DataFrame, tmp_path: Path) -> dict[str, dict[str, Any]]:
    """The loans in three sources: a CSV, a SQLite table with typed numbers and days, a Parquet file."""
    shuffled = keyed.sample(frac=1, random_state=1)
    shuffled[[KEY, *CONTRACTS]].to_csv(tmp_path / "contracts.csv", index=False)
    servicing = keyed.sample(frac=1, random_state=2)[[KEY, *SERVICING]]
    servicing["issue_d"] = pd.to_datetime(servicing["issue_d"], format="%b-%Y").dt.strftime("%Y-%m-%d")
    servicing["annual_inc"] = pd.to_numeric(servicing["annual_inc"])
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'servicing.db'}")
    servicing.to_sql("servicing", engine, index=False)
    engine.dispose()
    keyed[[KEY, *PERSONS]].astype({KEY: "float64"}).to_parquet(tmp_path / "persons.parquet")
    return {
        "contracts": {"kind": "file", "path": "contracts.csv", "columns": CONTRACTS},
        "servicing": {
            "kind": "sql",
            "url": "sqlite:///servicing.db",
            "query": "SELECT * FROM servicing",
            "columns": SERVICING,
        },
        "persons": {"kind": "file", "path": "persons.parquet", "columns": PERSONS},
    }


def gathered(config: Config, **options: Any) -> Gathered:
    folder = config.path.parent / "run"
    return gather(config, loans_path=folder / "loans.parquet", quarantine_path=None, **options)


def refused(config: Config, kind: type[LoanTapError]) -> str:
    with pytest.raises(kind) as failed:
        gathered(config)
    run = config.path.parent / "run"
    assert not run.exists() or list(run.iterdir()) == []
    return str(failed.value)


def whole(loans: pd.DataFrame, folder: Path) -> tuple[IngestSummary, pd.DataFrame]:
    """What the ingest makes of the file that was not split."""
    loans.to_csv(folder / "whole.csv", index=False)
    path = folder / "whole.parquet"
    return ingest(open_loans(folder / "whole.csv"), loans_path=path, quarantine_path=None), pd.read_parquet(path)


def test_split_and_merged_loans_equal_the_file_that_was_not_split(
    declare: Declare, split: dict[str, Any], keyed: pd.DataFrame, tmp_path: Path
):
    done = gathered(declare(split))
    summary, loans = whole(keyed, tmp_path)
    found = pd.read_parquet(tmp_path / "run" / "loans.parquet")
    pd.testing.assert_frame_equal(found[list(loans.columns)], loans)
    assert done.summary.rows_read == done.report.rows == 200
    assert (done.summary.rows, done.summary.defaults) == (summary.rows, summary.defaults)
    assert [one["rows"] for one in done.facts["sources"]] == [200, 200, 200]
    assert done.source.location == f"contracts, servicing, persons of {tmp_path / 'loantap.yml'}"
    assert done.load is None
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["loans.parquet"]


def test_the_loans_are_written_to_the_warehouse(declare: Declare, split: dict[str, Any], tmp_path: Path):
    done = gathered(declare(split, warehouse={"url": "sqlite:///warehouse.db"}))
    assert done.load is not None
    assert done.facts["warehouse"]["rows"] == 200
    with sa.create_engine(f"sqlite:///{tmp_path / 'warehouse.db'}").connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM loans")).scalar_one() == 200


def test_the_rows_are_told_as_they_come(declare: Declare, split: dict[str, Any]):
    told: dict[str, int] = {}
    gathered(declare(split), progress=lambda name, rows: told.update({name: rows}))
    assert told == {"contracts": 200, "servicing": 200, "persons": 200}


def test_columns_that_no_source_brings_are_named_before_anything_is_read(
    declare: Declare, split: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(gathering, "stage", lambda *_, **__: pytest.fail("a source was read"))
    del split["persons"]
    message = refused(declare(split), InputError)
    assert "these are missing: emp_title, emp_length, home_ownership" in message
    assert not (tmp_path / "run").exists()


def test_that_nothing_is_declared_is_named(declare: Declare):
    assert "expected sources, it declares none" in refused(declare({}), InputError)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("LOAN_ID", "'LOAN_ID' and 'loan_id' are one name"),
        ("Branch", "'Branch' and 'branch' are one name"),
        ("row", "loantap itself adds a column 'row'"),
        ("Load_ID", "loantap itself adds a column 'load_id'"),
    ],
)
def test_a_name_that_would_stand_for_two_columns_is_refused(
    declare: Declare, split: dict[str, Any], column: str, message: str
):
    split["contracts"]["columns"] = [*CONTRACTS, "branch"]
    split["more"] = {"kind": "file", "path": "more.csv", "columns": [column], "joins_on": "purpose"}
    assert f"sources.more.columns: {message}" in refused(declare(split), InputError)


@pytest.mark.parametrize("name", ["merged", "checked"])
def test_a_source_may_have_any_name(declare: Declare, split: dict[str, Any], name: str):
    config = declare({("contracts" if key == "contracts" else name if key == "persons" else key): value for key, value in split.items()})  # fmt: skip
    assert gathered(config).report.rows == 200


@pytest.mark.fault("sources that do not fit together")
def test_a_merge_that_does_not_fit_leaves_nothing(
    declare: Declare, split: dict[str, Any], keyed: pd.DataFrame, tmp_path: Path
):
    keyed.head(150)[[KEY, *CONTRACTS]].to_csv(tmp_path / "contracts.csv", index=False)
    assert "'servicing' has 50 keys that no loan has" in refused(declare(split), MergeError)


@pytest.mark.fault("renamed column")
def test_a_renamed_column_leaves_nothing(declare: Declare, split: dict[str, Any]):
    split["servicing"]["query"] = "SELECT loan_id, loan_status AS status, issue_d, annual_inc FROM servicing"
    assert "'servicing': expected the column loan_status, found instead: status" in refused(declare(split), SchemaError)


@pytest.mark.fault("changed type")
def test_a_changed_type_is_named_by_the_contract(declare: Declare, split: dict[str, Any]):
    split["servicing"]["query"] = "SELECT loan_id, loan_status, issue_d, 'much' AS annual_inc FROM servicing"
    message = refused(declare(split), SchemaError)
    assert "column 'annual_inc': not a number: 200 in rows 1, 2, 3, ..." in message


@pytest.mark.fault("connection lost while rows are read")
def test_a_source_that_breaks_off_leaves_nothing(declare: Declare, split: dict[str, Any]):
    split["servicing"]["query"] = "SELECT * FROM servicing WHERE abs(-9223372036854775807 - (loan_id > 100)) > 0"
    assert "servicing.db: integer overflow" in refused(declare(split), SourceError)


def test_a_warehouse_that_refuses_leaves_no_staging(declare: Declare, split: dict[str, Any], tmp_path: Path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'servicing.db'}")
    config = declare(split, warehouse={"url": "sqlite:///servicing.db", "table": "servicing"})
    with pytest.raises(InputError, match="'servicing' is there and was not written by loantap"):
        gathered(config)
    assert not list((tmp_path / "run").glob(".loantap-staging-*"))
    assert len(pd.read_sql("SELECT * FROM servicing", engine)) == 200


@pytest.mark.fault("killed while rows are read")
def test_raw_rows_of_a_killed_run_are_removed(declare: Declare, split: dict[str, Any], tmp_path: Path):
    left = tmp_path / "run" / ".loantap-staging-0123abcd" / "sources"
    left.mkdir(parents=True)
    (left / "contracts.parquet").write_text("addresses")
    gathered(declare(split))
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["loans.parquet"]


@pytest.mark.skipif(os.name == "nt", reason="folders of Windows have no such rights")
def test_nobody_else_may_look_into_the_staging_folder(
    declare: Declare, split: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    rights = []
    real = gathering.merge

    def looking(*arguments: Any, out: Path) -> Any:
        rights.append(oct(out.parent.stat().st_mode & 0o777))
        return real(*arguments, out=out)

    monkeypatch.setattr(gathering, "merge", looking)
    gathered(declare(split))
    assert rights == ["0o700"]
