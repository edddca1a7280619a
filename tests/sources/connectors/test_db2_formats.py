"""How DB2 writes values, and how the ingest wants them."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from loantap.errors import SchemaError
from loantap_sources.connectors.config import Config, read_config
from loantap_sources.staging import Staged, stage

DB2 = """
sources:
  loans:
    kind: db2
    folder: drops
    pattern: X_*
    settle_seconds: 0
    key: LOAN_NO
    newest_by: CHANGED
    columns: {{loan_amnt: AMT, title: TITLE, issue_d: DAY}}
{more}"""


@pytest.fixture
def staged(tmp_path: Path):
    def rows(data: bytes, more: str = "") -> tuple[list[dict[str, str | None]], Staged, Config]:
        (tmp_path / "drops").mkdir()
        (tmp_path / "drops" / "X_1").write_bytes(data)
        (tmp_path / "loantap.yml").write_text(DB2.format(more=more), encoding="utf-8")
        (tmp_path / "staging").mkdir()
        config = read_config(tmp_path / "loantap.yml")
        one = stage(config, tmp_path / "staging")[0]
        return pq.read_table(one.path).to_pylist(), one, config

    return rows


NAMES = "LOAN_NO;AMT;TITLE;DAY;CHANGED"


@pytest.mark.parametrize(
    ("dates", "day", "moment"),
    [
        ("iso", "2015-01-31", "2015-01-31-12.30.00.000000"),
        ("usa", "01/31/2015", "01/31/2015"),
        ("eur", "31.01.2015", "31.01.2015"),
        ("del", "20150131", "20150131"),
    ],
)
@pytest.mark.parametrize(
    ("encoding", "end"), [("cp037", b"\x15"), ("cp037", b"\x25"), ("cp1252", b"\r\n"), ("utf-8", b"\n")]
)
def test_an_export_comes_in_the_raw_format(staged, encoding: str, end: bytes, dates: str, day: str, moment: str):
    lines = [NAMES, f'"007  ";+0001234,50;"Größe; Übrig   ";{day};{moment}', f"8   ;-;NULL;{day};{moment}"]
    data = b"".join(line.encode(encoding) + end for line in lines)
    more = f"    encoding: {encoding}\n    delimiter: ';'\n    decimal: ','\n    dates: {dates}\n"
    rows, one, _ = staged(data, more)
    assert [row["loan_id"] for row in rows] == ["007", "8"]
    assert float(rows[0]["loan_amnt"]) == 1234.5
    assert rows[1]["loan_amnt"] is None
    assert [row["title"] for row in rows] == ["Größe; Übrig", None]
    assert [row["issue_d"] for row in rows] == ["Jan-2015"] * 2
    assert rows[0]["newest_by"].startswith("2015-01-31")
    assert one.facts["files"][0]["rows"] == one.facts["rows"] == 2


def test_a_del_export_without_a_header_gets_its_names(staged):
    more = "    header: [LOAN_NO, AMT, TITLE, DAY, CHANGED]\n    dates: del\n"
    rows, _, _ = staged(b'"1",+10.5,"a ""b""\r\nc",20150131,20150201\r\n', more)
    assert rows == [
        {"loan_id": "1", "loan_amnt": "10.5", "title": 'a "b"\r\nc', "issue_d": "Jan-2015", "newest_by": "2015-02-01"}
    ]


def test_other_markers_of_missing_values_are_declared(staged):
    rows, _, _ = staged(f"{NAMES}\n1;n/a;-;x;\n".encode(), "    delimiter: ';'\n    nulls: [n/a]\n")
    assert rows == [{"loan_id": "1", "loan_amnt": None, "title": "-", "issue_d": "x", "newest_by": None}]


@pytest.mark.fault("new column")
def test_a_new_column_is_noted(staged):
    _, one, _ = staged(f"{NAMES};NEW\n1;2;x;2015-01-31;;3\n".encode(), "    delimiter: ';'\n")
    assert one.notes == ["source 'loans': columns that loantap.yml does not name are not read: NEW"]


@pytest.mark.fault("source with zero rows")
def test_an_export_without_rows_is_refused(staged):
    with pytest.raises(SchemaError, match="expected rows, it brought none"):
        staged(f"{NAMES}\n".encode(), "    delimiter: ';'\n")
