from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loantap.errors import SchemaError, SourceError
from loantap_sources import staging
from loantap_sources.connectors.base import Brought
from loantap_sources.connectors.config import Config
from loantap_sources.connectors.kinds import Db2Drop, FileSource, Source, SqlSource
from loantap_sources.staging import Staged, raw, stage

Declare = Callable[..., Config]


def sql(columns: list[str], **others: Any) -> SqlSource:
    return SqlSource(kind="sql", url="sqlite:///any.db", query="SELECT 1", columns=columns, **others)


def db2(columns: list[str], **others: Any) -> Db2Drop:
    return Db2Drop(kind="db2", folder="any", columns=columns, **others)


def staged_values(values: pa.Array | list, column: str, source: Source | None = None) -> list[str | None]:
    source = source or sql([column])
    keys = [str(number) for number in range(len(values))]
    table = pa.table({"loan_id": keys, column: values if isinstance(values, pa.Array) else pa.array(values)})
    return raw(table, source)[column].to_pylist()


def staged_keys(values: pa.Array | list, source: Source | None = None) -> list[str | None]:
    array = values if isinstance(values, pa.Array) else pa.array(values)
    table = pa.table({"loan_id": array, "title": ["a"] * len(array)})
    return raw(table, source or sql(["title"]))["loan_id"].to_pylist()


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, None, 10_000], ["1", None, "10000"]),
        ([1.0, None, 2_000_000.0], ["1", None, "2000000"]),
        ([17.0, 17.5, -0.25], ["17", "17.5", "-0.25"]),
        ([float("nan"), 1.5], [None, "1.5"]),
        (pa.array([12.3, 4.0], pa.float32()), ["12.3", "4"]),
        (pa.array([1.5, 4.0], pa.float16()), ["1.5", "4"]),
        ([Decimal("10000.00"), Decimal("0.10"), None], ["10000", "0.1", None]),
        (["12.50", None], ["12.50", None]),
        ([None, None], [None, None]),
        (pa.array(["7", None]).dictionary_encode(), ["7", None]),
    ],
)
def test_numbers_become_plain_texts(values: Any, texts: list[str | None]):
    assert staged_values(values, "annual_inc") == texts


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ([17, None], ["17", None]),
        ([17.0, None, 18.0], ["17", None, "18"]),
        ([17.0, 18.5], ["17", "18.5"]),
        ([Decimal("17.00"), Decimal("123456789012345678.00")], ["17", "123456789012345678"]),
        (["00813", "813", "17.0"], ["00813", "813", "17.0"]),
        (["", "  ", "L1"], [None, None, "L1"]),
        (pa.array(["L1", None], pa.large_string()), ["L1", None]),
    ],
)
def test_a_key_is_written_in_one_way(values: Any, keys: list[str | None]):
    assert staged_keys(values) == keys


@pytest.mark.parametrize(
    "values",
    [
        [date(2015, 1, 31), None],
        [datetime(2015, 1, 31, 23, 59, 59, 999_999), None],
        pa.array([datetime(2014, 12, 31, 23, 30), None], pa.timestamp("us", "Europe/Berlin")),
        pa.array([datetime(2015, 1, 31, 23, 30), None], pa.timestamp("ms", "-05:00")),
        ["2015-01-31", None],
        ["2015-01-31 10:11:12.5", None],
        ["2015-01-31T10:11:12Z", None],
        ["2015-01-31-12.00.00.000000", None],
        ["Jan-2015", None],
    ],
)
def test_a_date_becomes_a_month(values: Any):
    assert staged_values(values, "issue_d") == ["Jan-2015", None]


def test_a_date_before_1970_keeps_its_month():
    assert staged_values([datetime(1962, 12, 31, 23, 59, 59, 500_000)], "earliest_cr_line") == ["Dec-1962"]


@pytest.mark.parametrize(
    ("dates", "text"),
    [("iso", "2015-01-31"), ("usa", "01/31/2015"), ("eur", "31.01.2015"), ("del", "20150131"), ("month", "Jan-2015")],
)
def test_a_text_is_read_as_the_date_that_is_declared(dates: str, text: str):
    assert staged_values([text], "issue_d", db2(["issue_d"], dates=dates)) == ["Jan-2015"]


@pytest.mark.parametrize("text", ["2015-02-31", "2015-13-01", "31.01.2015", "2015-01-311", "soon", "0"])
def test_what_is_no_date_stays_for_the_contract_to_name(text: str):
    assert staged_values([text], "issue_d") == [text]


def test_a_day_stays_a_day_outside_of_months():
    assert staged_values(["2015-01-31"], "title") == ["2015-01-31"]


def test_the_newest_row_is_told_by_texts_that_sort():
    source = db2(["title"], newest_by="changed", dates="eur")
    table = pa.table(
        {
            "loan_id": ["1", "1", "1"],
            "title": ["a", "b", "c"],
            "changed": ["01.02.2015 09:00", "31.01.2016 08:00", "01.02.2015 10:00"],
        }
    )
    newest = raw(table, source)["newest_by"].to_pylist()
    assert sorted(newest) == ["2015-02-01 09:00", "2015-02-01 10:00", "2016-01-31 08:00"]


def test_instants_sort_by_time_over_the_end_of_summer():
    # Both are 2:30 on a clock in Berlin.
    instants = pa.array(
        [datetime(2015, 10, 25, 0, 30), datetime(2015, 10, 25, 1, 30)], pa.timestamp("us", "Europe/Berlin")
    )
    table = pa.table({"loan_id": ["1", "1"], "title": ["a", "b"], "changed": instants})
    first, second = raw(table, sql(["title"], newest_by="changed"))["newest_by"].to_pylist()
    assert first < second


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+0000012,50", "0000012.50"),
        ("-12,5", "-12.5"),
        ("1.234", "1,234"),
        ("1.234,50", "1,234.50"),
        ("7", "7"),
        (" 7 ", "7"),
    ],
)
def test_a_decimal_comma_is_read_and_a_thousands_point_is_not_taken_for_one(text: str, number: str):
    assert staged_values([text], "annual_inc", db2(["annual_inc"], decimal=",", delimiter=";")) == [number]


def test_markers_of_missing_values_are_those_of_the_kind():
    values = ["NULL", "-", "", "NA", "x "]
    assert staged_values(values, "title", db2(["title"])) == [None, None, None, "NA", "x"]
    in_file = FileSource(kind="file", path="any.csv", columns=["title"])
    assert staged_values(values, "title", in_file) == [None, "-", None, None, "x "]
    assert staged_values(values, "title") == values


def test_a_truth_value_becomes_a_word():
    assert staged_values([True, None, False], "title") == ["true", None, "false"]


@pytest.mark.fault("changed type")
@pytest.mark.parametrize("values", [[[1, 2]], [{"a": 1}], [b"\xff\xfe"]])
def test_a_type_without_a_text_is_named(values: list):
    with pytest.raises(SchemaError, match=r"'loans'.*column title, found (list|struct|binary).*Convert it"):
        raw(pa.table({"loan_id": ["1"], "title": pa.array(values)}), sql(["title"]), name="loans")


@pytest.mark.parametrize(("name", "words"), [("loan_repaid", ["Fully Paid", "Charged Off"]), ("STATUS", ["1", "0"])])
def test_an_outcome_of_0_and_1_is_read_where_its_name_says_what_they_mean(name: str, words: list[str]):
    table = raw(pa.table({"loan_id": ["1", "2"], name: [1, 0]}), sql({"loan_status": name}))
    assert table["loan_status"].to_pylist() == words


def test_a_time_of_day_is_no_month_and_stays_for_the_contract():
    assert staged_values([time(10, 30)], "issue_d") == ["10:30:00.000000"]


def staged(config: Config, folder: Path) -> list[Staged]:
    folder.mkdir()
    return stage(config, folder)


def csv_source(folder: Path, text: str, **settings: Any) -> dict[str, Any]:
    (folder / "loans.csv").write_text(text, encoding="utf-8")
    return {"kind": "file", "path": "loans.csv", **settings}


def test_a_source_is_staged_under_the_names_of_the_codebook(declare: Declare, tmp_path: Path):
    source = csv_source(
        tmp_path,
        "NO,AMT,WHY,SEEN\n1,500,car,2\n2,,NA,1\n",
        key="NO",
        columns={"loan_amnt": "AMT", "purpose": "WHY"},
        newest_by="SEEN",
    )
    [one] = staged(declare({"loans": source}), tmp_path / "staging")
    assert pq.read_table(one.path).to_pydict() == {
        "loan_id": ["1", "2"],
        "loan_amnt": ["500", None],
        "purpose": ["car", None],
        "newest_by": ["2", "1"],
    }
    assert one.rows == one.facts["rows"] == 2
    assert one.facts["kind"] == "file"
    assert one.facts["files"][0]["size"] == (tmp_path / "loans.csv").stat().st_size


@pytest.mark.fault("new column")
def test_a_new_column_is_told_and_not_read(declare: Declare, tmp_path: Path):
    source = csv_source(tmp_path, "loan_id,loan_amnt,colour\n1,500,red\n", columns=["loan_amnt"])
    [one] = staged(declare({"loans": source}), tmp_path / "staging")
    assert one.notes == ["source 'loans': columns that loantap.yml does not name are not read: colour"]
    assert pq.read_schema(one.path).names == ["loan_id", "loan_amnt"]


@pytest.mark.fault("renamed column")
def test_a_renamed_column_is_named_with_what_is_there(declare: Declare, database: Callable[..., Path], tmp_path: Path):
    database("CREATE TABLE loans (loan_id, amount); INSERT INTO loans VALUES (1, 2)")
    source = {"kind": "sql", "url": "sqlite:///loans.db", "query": "SELECT * FROM loans", "columns": ["loan_amnt"]}
    with pytest.raises(SchemaError, match=r"'loans'.*the column loan_amnt, found instead: amount.*renamed"):
        staged(declare({"loans": source}), tmp_path / "staging")


def test_a_column_that_stands_twice_is_named(declare: Declare, database: Callable[..., Path], tmp_path: Path):
    database("CREATE TABLE loans (loan_id, title); INSERT INTO loans VALUES (1, 2)")
    query = "SELECT a.loan_id, b.loan_id, a.title FROM loans a, loans b"
    source = {"kind": "sql", "url": "sqlite:///loans.db", "query": query, "columns": ["title"]}
    with pytest.raises(SchemaError, match=r"'loans'.*more than once: loan_id"):
        staged(declare({"loans": source}), tmp_path / "staging")


@pytest.mark.fault("source with zero rows")
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_without_rows_is_an_error(declare: Declare, tmp_path: Path, suffix: str):
    frame = pd.DataFrame({"loan_id": [], "title": []})
    getattr(frame, f"to_{suffix}")(tmp_path / f"loans.{suffix}", index=False)
    source = {"kind": "file", "path": f"loans.{suffix}", "columns": ["title"]}
    with pytest.raises(
        SchemaError, match=r"loans\..*(expected rows, it brought none|expected loans below the header, found none)"
    ):
        staged(declare({"loans": source}), tmp_path / "staging")


@pytest.mark.fault("changed type")
def test_a_changed_type_from_part_to_part_is_one_text_column(
    declare: Declare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    parts = [pa.nulls(1), pa.array([2]), pa.array([2.5]), pa.array(["many"])]
    tables = [pa.table({"loan_id": [number], "annual_inc": part}) for number, part in enumerate(parts)]
    monkeypatch.setattr(staging, "open_source", lambda *_, **__: Brought(iter(tables), {"location": "here"}))
    source = csv_source(tmp_path, "", columns=["annual_inc"])
    told: list[tuple[str, int]] = []
    (tmp_path / "staging").mkdir()
    [one] = stage(declare({"loans": source}), tmp_path / "staging", progress=lambda *what: told.append(what))
    assert pq.read_table(one.path)["annual_inc"].to_pylist() == [None, "2", "2.5", "many"]
    assert told == [("loans", rows) for rows in (1, 2, 3, 4)]


def test_a_source_that_breaks_off_is_let_go_and_leaves_no_file(
    declare: Declare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    let_go = []

    def tables():
        try:
            yield pa.table({"loan_id": ["1"], "title": ["a"]})
            yield pa.table({"loan_id": ["1"]})
        finally:
            let_go.append(True)

    monkeypatch.setattr(staging, "open_source", lambda *_, **__: Brought(tables(), {"location": "here"}))
    with pytest.raises(SchemaError, match="the column title") as failed:
        staged(declare({"loans": csv_source(tmp_path, "", columns=["title"])}), tmp_path / "staging")
    assert let_go == [True], failed
    assert list((tmp_path / "staging").iterdir()) == []


@pytest.mark.fault("connection lost while rows are read")
def test_a_lost_connection_leaves_no_file(declare: Declare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def tables():
        yield pa.table({"loan_id": ["1"], "title": ["a"]})
        raise SourceError("the line is dead")

    monkeypatch.setattr(staging, "open_source", lambda *_, **__: Brought(tables(), {"location": "here"}))
    with pytest.raises(SourceError, match="the line is dead"):
        staged(declare({"loans": csv_source(tmp_path, "", columns=["title"])}), tmp_path / "staging")
    assert list((tmp_path / "staging").iterdir()) == []
