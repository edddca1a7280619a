"""A file that is handed in, scored, and gone."""

import gzip
import io
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from loantap.errors import InputError
from loantap.model.persistence import SavedModel
from loantap_serving import upload
from loantap_serving.upload import score_upload


@pytest.fixture
def corner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_file_is_scored_and_nothing_of_it_stays(model: SavedModel, raw_loans: pd.DataFrame, corner: Path):
    done = score_upload(model, "Loans of May.CSV", raw_loans.head(50).to_csv(index=False).encode())
    assert (done.report.rows, done.report.scored, done.errors) == (50, 50, None)
    scores = pd.read_csv(io.BytesIO(done.scores))
    assert len(scores) == 50
    assert scores["probability_of_default"].mean() == pytest.approx(done.report.mean_probability)
    assert list(corner.iterdir()) == []


def test_refused_rows_come_back_with_reasons(model: SavedModel, raw_loans: pd.DataFrame, corner: Path):
    spoilt = raw_loans.head(20).astype({"dti": "object"})
    spoilt.loc[spoilt.index[3], "dti"] = "a lot"
    done = score_upload(model, "loans.csv", spoilt.to_csv(index=False).encode())
    assert (done.report.scored, done.report.refused) == (19, 1)
    assert done.errors is not None
    assert b"dti" in done.errors
    assert list(corner.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("loans.xlsx", b"PK", "loans.xlsx: expected an Excel workbook"),
        ("loans.csv", b"", "loans.csv"),
        ("loans.csv", b"a,b\n1,2\n", "loans.csv: .*missing"),
        ("loans.parquet", b"no parquet", "loans.parquet"),
        ("loans.csv.gz", b"no gzip", "loans.csv.gz: .*missing"),
        ("loans.csv.gz", gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], "loans.csv.gz: expected a whole gzip file"),
        ("loans.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0), "loans.csv.gz: .*missing"),
    ],
)
def test_a_file_of_no_use_is_named_as_its_owner_named_it(
    name: str, content: bytes, said: str, model: SavedModel, corner: Path
):
    with pytest.raises(InputError, match=said) as caught:
        score_upload(model, name, content)
    assert str(corner) not in str(caught.value)
    assert list(corner.iterdir()) == []


def test_a_packed_file_is_unpacked_up_to_a_limit(
    model: SavedModel, raw_loans: pd.DataFrame, corner: Path, monkeypatch: pytest.MonkeyPatch
):
    text = raw_loans.head(20).to_csv(index=False).encode()
    monkeypatch.setattr(upload, "_LARGEST", len(text))
    assert score_upload(model, "loans.csv.gz", gzip.compress(text)).report.scored == 20
    with pytest.raises(InputError, match=r"loans.csv.gz: unpacked it is larger than"):
        score_upload(model, "loans.csv.gz", gzip.compress(text + b"\n"))
    assert list(corner.iterdir()) == []
