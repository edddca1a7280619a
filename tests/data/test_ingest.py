from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest

from loantap.data.accounts import describe
from loantap.data.ingest import IngestSummary, ingest
from loantap.data.loan_file import open_loans
from loantap.data.reading import SyntheticLoans
from loantap.data.text_records import RaggedRow
from loantap.errors import SchemaError


@dataclass
class Frames:
    """A source made of frames, numbered through."""

    frames: list[pd.DataFrame]
    kind: str = "test"
    location: str = "test loans"
    notes: Sequence[str] = ()
    ragged: list[RaggedRow] = field(default_factory=list)

    def chunks(self) -> Iterator[pd.DataFrame]:
        start = 1
        for frame in self.frames:
            yield frame.set_axis(range(start, start + len(frame)), axis=0)
            start += len(frame)


def take_in(
    frames: list[pd.DataFrame], folder: Path, *, quarantine: bool = False, ragged: list[RaggedRow] | None = None
) -> IngestSummary:
    source = Frames(frames, ragged=ragged or [])
    aside = folder / "quarantine.csv" if quarantine else None
    return ingest(source, loans_path=folder / "loans.parquet", quarantine_path=aside)


def accounts_balance(summary: IngestSummary) -> bool:
    parts = summary.rows + summary.unfinished.total() + summary.duplicates + summary.quarantined
    return summary.rows_read == parts


def test_every_loan_is_analysed(raw_loans: pd.DataFrame, tmp_path: Path):
    summary = take_in([raw_loans], tmp_path)
    assert summary.rows == summary.rows_read == len(raw_loans)
    assert summary.defaults == (raw_loans["loan_status"] == "Charged Off").sum()


def test_chunks_do_not_change_the_result(raw_loans: pd.DataFrame, tmp_path: Path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    first = take_in([raw_loans], whole)
    second = take_in([raw_loans.iloc[:700], raw_loans.iloc[700:701], raw_loans.iloc[701:]], parts)
    assert first == second
    pd.testing.assert_frame_equal(pd.read_parquet(whole / "loans.parquet"), pd.read_parquet(parts / "loans.parquet"))


def test_the_postal_address_is_gone(raw_loans: pd.DataFrame, tmp_path: Path):
    take_in([raw_loans], tmp_path)
    assert "address" not in pd.read_parquet(tmp_path / "loans.parquet").columns


def test_unfinished_loans_are_counted_and_left_out(raw_loans: pd.DataFrame, tmp_path: Path):
    frame = raw_loans.copy()
    frame.loc[frame.index[:3], "loan_status"] = "Current"
    frame.loc[frame.index[3], "loan_status"] = "Late (31-120 days)"
    summary = take_in([frame], tmp_path)
    assert summary.unfinished == {"Current": 3, "Late (31-120 days)": 1}
    assert accounts_balance(summary)


def test_copies_are_counted_even_across_chunks(raw_loans: pd.DataFrame, tmp_path: Path):
    summary = take_in([raw_loans, raw_loans.iloc[[5, 5, 9]]], tmp_path)
    assert summary.duplicates == 3
    assert summary.rows == len(raw_loans)
    assert accounts_balance(summary)


def test_a_broken_contract_writes_nothing(raw_loans: pd.DataFrame, tmp_path: Path):
    frame = raw_loans.astype("object")
    frame.loc[frame.index[7], "dti"] = "-3"
    with pytest.raises(SchemaError, match=r"1 of 2,000 rows break the contract:\n  column 'dti': below 0: 1 in row 8 "):
        take_in([frame], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_quarantine_sets_rows_aside_with_their_reasons(raw_loans: pd.DataFrame, tmp_path: Path):
    frame = raw_loans.astype("object")
    frame.loc[frame.index[7], ["dti", "purpose"]] = ["-3", "yacht"]
    summary = take_in([frame], tmp_path, quarantine=True, ragged=[RaggedRow(2_001, 3, "1,2,3")])
    aside = pd.read_csv(tmp_path / "quarantine.csv", dtype="str")
    assert list(aside["row"]) == ["8", "2001"]
    assert set(aside["reasons"].iloc[0].split("; ")) == {"dti: below 0", "purpose: not an allowed value"}
    assert aside["address"].iloc[0] == frame["address"].iloc[7]
    assert summary.quarantined == 2
    assert accounts_balance(summary)


def test_ragged_records_alone_are_refused_too(raw_loans: pd.DataFrame, tmp_path: Path):
    with pytest.raises(SchemaError, match="a record without 27 fields"):
        take_in([raw_loans], tmp_path, ragged=[RaggedRow(3, 26, "x")])


def test_loans_with_one_outcome_are_refused(raw_loans: pd.DataFrame, tmp_path: Path):
    with pytest.raises(SchemaError, match="expected both outcomes"):
        take_in([raw_loans[raw_loans["loan_status"] == "Fully Paid"]], tmp_path)


def test_no_finished_loan_is_refused(raw_loans: pd.DataFrame, tmp_path: Path):
    with pytest.raises(
        SchemaError, match=r"found none among 2,000 rows \(0 break the contract, 2,000 have not ended\)"
    ):
        take_in([raw_loans.assign(loan_status="Current")], tmp_path)


def test_the_account_of_the_data_adds_up(tmp_path: Path):
    source = SyntheticLoans(1_000, 0)
    path = tmp_path / "loans.parquet"
    facts = describe(ingest(source, loans_path=path, quarantine_path=None), source, loans_path=path)
    *parts, read = facts["accounts"]
    assert sum(part["records"] for part in parts) == read["records"] == 1_000
    assert facts["data"]["kind"] == "synthetic"


def test_the_real_sample_keeps_the_contract(real_file: Path, tmp_path: Path):
    source = open_loans(real_file)
    summary = ingest(source, loans_path=tmp_path / "loans.parquet", quarantine_path=None)
    assert (summary.rows, summary.defaults) == (7_239, 1_370)
    assert accounts_balance(summary)
