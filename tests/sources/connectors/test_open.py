from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from loantap.errors import InputError, SchemaError
from loantap.files import sha256
from loantap_sources.connectors.config import read_config
from loantap_sources.connectors.open import open_source


@pytest.fixture
def rows(tmp_path: Path, notes: list[str]):
    def read(name: str, **settings: str) -> list[dict[str, object]]:
        more = "".join(f", {key}: {value}" for key, value in settings.items())
        (tmp_path / "loantap.yml").write_text(
            f"sources:\n  loans: {{kind: file, path: {name}, key: NO, columns: {{title: TITLE}}{more}}}\n"
        )
        config = read_config(tmp_path / "loantap.yml")
        brought = open_source("loans", config.sources["loans"], config, staging=tmp_path)
        path = tmp_path / name
        assert brought.facts == {
            "location": str(path),
            "files": [{"file": str(path), "size": path.stat().st_size, "sha256": sha256(path)}],
        }
        read_rows = pa.concat_tables(brought.tables).to_pylist()
        notes.extend(brought.notes)
        return read_rows

    return read


@pytest.fixture
def notes() -> list[str]:
    """What was said of the files that `rows` read."""
    return []


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"NO": ["1", "2"], "TITLE": ["a, b", "ü"]})


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
def test_a_csv_file_beside_the_settings_is_read(rows, frame: pd.DataFrame, tmp_path: Path, name: str):
    frame.to_csv(tmp_path / name, index=False)
    assert rows(name) == frame.to_dict("records")


def test_a_parquet_file_is_read(rows, frame: pd.DataFrame, tmp_path: Path):
    frame.to_parquet(tmp_path / "x.parquet")
    assert rows("x.parquet") == frame.to_dict("records")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("NO;TITLE\n1;a, b\n2;ü\n".encode("cp1252"), "read as cp1252"),
        ('Loans of May\n\nNO,TITLE\n1,"a, b"\n2,ü\nTotal loans: two\n'.encode(), "hold no record"),
        ('no,Title\n1,"a, b"\n2,ü\n'.encode("utf-16"), "other letters or spaces"),
    ],
)
def test_a_file_is_read_as_a_run_reads_it(
    rows, notes: list[str], frame: pd.DataFrame, tmp_path: Path, data: bytes, told: str
):
    (tmp_path / "x.csv").write_bytes(data)
    assert rows("x.csv") == frame.to_dict("records")
    assert told in " ".join(notes)


def test_an_option_is_told_as_the_setting_that_it_is_here(rows, tmp_path: Path):
    (tmp_path / "x.csv").write_bytes("NO,TITLE\n1,Größe\n".encode("cp037"))
    with pytest.raises(InputError, match="name its encoding, such as 'encoding: cp037'"):
        rows("x.csv")
    assert rows("x.csv", encoding="cp037") == [{"NO": "1", "TITLE": "Größe"}]


def test_a_record_of_another_length_is_refused(rows, tmp_path: Path):
    (tmp_path / "x.csv").write_text("NO,TITLE\n1,a\n2,b,c\n")
    with pytest.raises(SchemaError, match="expected 2 fields in every record, found 3 in record 2"):
        rows("x.csv")


def test_a_file_that_is_not_there_is_said(rows):
    with pytest.raises(InputError, match="found nothing there"):
        rows("x.csv")


@pytest.mark.parametrize("place", [0, 20, -20])
def test_a_damaged_parquet_file_is_said(rows, tmp_path: Path, place: int):
    path = tmp_path / "x.parquet"
    pd.DataFrame({"NO": map(str, range(5000)), "TITLE": map(str, range(5000))}).to_parquet(path)
    data = bytearray(path.read_bytes())
    data[place : place + 16 or None] = b"\xff" * 16
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"x\.parquet: expected a Parquet file"):
        rows("x.parquet")
