from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from loantap.errors import InputError
from loantap.files import sha256
from loantap_sources.connectors.config import read_config
from loantap_sources.connectors.open import open_source


@pytest.fixture
def rows(tmp_path: Path):
    def read(name: str) -> list[dict[str, object]]:
        (tmp_path / "loantap.yml").write_text(
            f"sources:\n  loans: {{kind: file, path: {name}, key: NO, columns: {{title: TITLE}}}}\n"
        )
        config = read_config(tmp_path / "loantap.yml")
        brought = open_source("loans", config.sources["loans"], config, staging=tmp_path)
        path = tmp_path / name
        assert brought.facts == {
            "location": str(path),
            "files": [{"file": str(path), "size": path.stat().st_size, "sha256": sha256(path)}],
        }
        return pa.concat_tables(brought.tables).to_pylist()

    return read


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


def test_a_file_that_is_not_there_is_said(rows):
    with pytest.raises(InputError, match="found nothing"):
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
