import gzip
from pathlib import Path

import pandas as pd
import pytest

from loantap.data.columns import NAMES
from loantap.data.loan_file import open_loans
from loantap.data.reading import SyntheticLoans
from loantap.errors import InputError, SchemaError


@pytest.fixture
def csv_file(tmp_path: Path, raw_loans: pd.DataFrame) -> Path:
    path = tmp_path / "loans.csv"
    raw_loans.head(50).to_csv(path, index=False)
    return path


def read(path: Path) -> pd.DataFrame:
    return pd.concat(open_loans(path).chunks())


def test_every_value_stays_the_text_it_was(csv_file: Path):
    frame = read(csv_file)
    assert frame["term"].iloc[0].startswith(" ")
    assert frame["address"].str.contains("\r\n").any()
    assert list(frame.index) == list(range(1, 51))


def test_a_gzipped_file_reads_the_same(csv_file: Path, tmp_path: Path):
    zipped = tmp_path / "loans.csv.gz"
    zipped.write_bytes(gzip.compress(csv_file.read_bytes()))
    pd.testing.assert_frame_equal(read(zipped), read(csv_file))


def test_a_parquet_file_holds_the_same_loans(tmp_path: Path, raw_loans: pd.DataFrame):
    path = tmp_path / "loans.parquet"
    raw_loans.to_parquet(path)
    pd.testing.assert_frame_equal(read(path).reset_index(drop=True), raw_loans, check_dtype=False)


def test_extra_columns_are_kept(tmp_path: Path, raw_loans: pd.DataFrame):
    path = tmp_path / "loans.csv"
    raw_loans.head(5).assign(branch="north").to_csv(path, index=False)
    assert list(read(path)["branch"]) == ["north"] * 5


def test_ragged_records_are_set_aside_and_the_others_keep_their_numbers(csv_file: Path):
    header, *records = csv_file.read_bytes().split(b"\n", 1)[0], csv_file.read_bytes().split(b"\n", 1)[1]
    body = records[0].split(b'"\n')
    csv_file.write_bytes(header + b"\n" + b'"\n'.join([body[0], body[1]]) + b'"\n1,2,3\n' + b'"\n'.join(body[2:]))
    file = open_loans(csv_file)
    frame = pd.concat(file.chunks())
    assert [(row.row, row.fields) for row in file.ragged] == [(3, 3)]
    assert list(frame.index[:4]) == [1, 2, 4, 5]


def test_synthetic_loans_are_numbered_through():
    frames = list(SyntheticLoans(1_200, 0).chunks())
    assert list(pd.concat(frames).index) == list(range(1, 1_201))


def refusal(path: Path, error: type[InputError] = InputError) -> str:
    with pytest.raises(error) as caught:
        list(open_loans(path).chunks())
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_an_absent_file_is_refused(tmp_path: Path):
    assert "found nothing" in refusal(tmp_path / "no.csv")


@pytest.mark.parametrize("address", ["https://example.org/loans.csv", "s3://bucket/loans.csv"])
def test_an_address_is_told_from_a_file(address: str):
    assert "got an address" in refusal(Path(address))


def test_a_folder_is_refused(tmp_path: Path):
    assert "found a folder" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("loans.csv", b"PK\x03\x04rest", "a zip archive"),
        ("loans.csv", b"%PDF-1.7", "a PDF"),
        ("loans.csv", b"\xd0\xcf\x11\xe0rest", "an old Excel workbook"),
        ("loans.csv", b"<!DOCTYPE html><html>", "a web page"),
        ("loans.csv", "\xd3\xd6\xc1\xd5".encode("latin-1") * 50, "other data"),
        ("loans.xlsx", b"PK", "expected an Excel workbook"),
        ("loans.parquet", b"loan_amnt\n1\n", "expected a Parquet file"),
    ],
)
def test_what_is_no_table_is_called_by_its_name(tmp_path: Path, name: str, content: bytes, what: str):
    path = tmp_path / name
    path.write_bytes(content)
    assert what in refusal(path)


def test_an_empty_file_is_refused(tmp_path: Path):
    path = tmp_path / "loans.csv"
    path.touch()
    assert "empty" in refusal(path)


def test_a_header_without_loans_is_refused(tmp_path: Path):
    path = tmp_path / "loans.csv"
    path.write_text(",".join(NAMES) + "\n")
    assert "found none" in refusal(path, SchemaError)


def test_missing_columns_are_named(tmp_path: Path, raw_loans: pd.DataFrame):
    path = tmp_path / "loans.csv"
    raw_loans.head(5).drop(columns=["purpose", "dti"]).to_csv(path, index=False)
    assert "missing: purpose, dti" in refusal(path, SchemaError)


def test_a_column_that_stands_twice_is_refused(tmp_path: Path, raw_loans: pd.DataFrame):
    path = tmp_path / "loans.csv"
    frame = raw_loans.head(5)
    pd.concat([frame, frame[["dti"]]], axis=1).to_csv(path, index=False)
    assert "more than once: dti" in refusal(path, SchemaError)


def test_letters_of_two_encodings_are_refused(tmp_path: Path, raw_loans: pd.DataFrame):
    path = tmp_path / "loans.csv"
    raw_loans.head(5).assign(emp_title="Café").to_csv(path, index=False)
    path.write_bytes(path.read_bytes().replace("Café".encode(), b"Caf\xe9", 1))
    assert "expected text in one encoding" in refusal(path)


def test_a_wrong_byte_far_down_is_refused(tmp_path: Path, raw_loans: pd.DataFrame):
    path = tmp_path / "loans.csv"
    raw_loans.to_csv(path, index=False)
    start, end = path.read_bytes()[:-500], path.read_bytes()[-500:]
    path.write_bytes(start + end.replace(b"months", b"mo\xe9ths"))
    assert "--encoding cp1252" in refusal(path)


def test_a_gzip_cut_short_is_refused(csv_file: Path, tmp_path: Path):
    path = tmp_path / "loans.csv.gz"
    whole = gzip.compress(csv_file.read_bytes())
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged or cut short" in refusal(path) or "expected a gzipped CSV" in refusal(path)


def test_binary_data_is_refused(tmp_path: Path):
    path = tmp_path / "loans.csv"
    path.write_bytes(b"a,b\x00c\n")
    assert "binary" in refusal(path)


def test_a_quote_that_never_ends_is_refused(csv_file: Path):
    csv_file.write_bytes(csv_file.read_bytes() + b'"never closed, ' + b"x" * 100)
    file = open_loans(csv_file)
    try:
        list(file.chunks())
    except InputError:
        return
    assert file.ragged


def test_a_workbook_that_unpacks_to_more_than_a_memory_is_refused(
    tmp_path: Path, raw_loans: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
):
    raw_loans.head(5).to_excel(tmp_path / "loans.xlsx", index=False)
    monkeypatch.setattr("loantap.data.files_of_tables._LARGEST", 1_000)
    assert "unpacked it is larger than 1,000 bytes" in refusal(tmp_path / "loans.xlsx")


def test_two_names_for_a_column_that_is_not_read_are_no_doubt(tmp_path: Path, raw_loans: pd.DataFrame):
    path = tmp_path / "loans.csv"
    raw_loans.head(5).drop(columns="loan_status").assign(default=0, repaid=1).to_csv(path, index=False)
    assert open_loans(path, needed=["dti"], welcome=["grade"]).notes == []
    with pytest.raises(SchemaError, match="expected one column loan_status, found default and repaid"):
        open_loans(path)
