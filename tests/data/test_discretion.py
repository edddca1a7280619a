"""Errors quote one value at most, of texts and addresses none, and never a record."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from loantap.data.columns import NAMES
from loantap.data.contract import check_loans, quotable, summarise
from loantap.data.ingest import IngestSummary
from loantap.data.loan_file import LoanFile, open_loans
from loantap.data.text_form import TextForm
from loantap.errors import InputError
from loantap_sources.connectors.config import Config
from loantap_sources.connectors.delimited import read_delimited
from loantap_sources.gather import gather
from loantap_sources.probe import probe_source
from loantap_sources.pushdown_checks import examine
from loantap_sources.staging import stage

PERSON = ("Jane Roe", "12 Elm Street", "Chief Surgeon", "49,999", "1980-02-29")


def says_nothing_of(record: tuple[str, ...], said: str) -> None:
    assert said
    assert [value for value in record if value in said] == []


@pytest.fixture
def headerless(raw_loans: pd.DataFrame, tmp_path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A DB2 drop as EXPORT writes it, without names, and its first record."""
    loans = raw_loans.head(20).assign(loan_id=range(70_000, 70_020))
    (tmp_path / "drop").mkdir()
    loans.to_csv(tmp_path / "drop" / "LOANS_1.csv", index=False, header=False)
    source = {"kind": "db2", "folder": str(tmp_path / "drop"), "columns": list(NAMES), "settle_seconds": 0}
    return source, tuple(str(value) for value in loans.iloc[0] if len(str(value)) > 3)


def test_a_drop_without_a_header_shows_no_record(declare: Callable[..., Config], headerless: tuple, tmp_path: Path):
    source, record = headerless
    config = declare({"loans": source})
    for read in (lambda: stage(config, tmp_path), lambda: probe_source(config, "loans")):
        with pytest.raises(InputError) as failed:
            read()
        says_nothing_of(record, str(failed.value))
        assert "28 fields of other names" in str(failed.value)
        assert "name the columns under 'header'" in str(failed.value)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_without_a_header_shows_no_record(
    declare: Callable[..., Config], raw_loans: pd.DataFrame, tmp_path: Path, suffix: str
):
    loans = raw_loans.head(20)
    record = tuple(str(value) for value in loans.iloc[0] if len(str(value)) > 3)
    bare = loans.iloc[1:].set_axis([f"{value}{place}" for place, value in enumerate(loans.iloc[0])], axis=1)
    bare.to_csv(tmp_path / "loans.csv", index=False) if suffix == "csv" else bare.to_parquet(tmp_path / "loans.parquet")
    config = declare({"loans": {"kind": "file", "path": f"loans.{suffix}", "key": "loan", "columns": list(NAMES)}})
    for read in (
        lambda: open_loans(tmp_path / f"loans.{suffix}"),
        lambda: gather(config, loans_path=tmp_path / "run.parquet", quarantine_path=None),
        lambda: probe_source(config, "loans"),
    ):
        with pytest.raises(InputError) as failed:
            read()
        says_nothing_of(record, str(failed.value))


def test_a_file_of_another_kind_shows_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loantap.data.text_records._MOST_RAGGED", 2)
    path = tmp_path / "loans.csv"
    path.write_text("a,b\n1,2\n" + f"{PERSON[0]}|{PERSON[1]}\n" * 5)
    with pytest.raises(InputError, match="Expected 2 columns, got") as failed:
        list(LoanFile(path, ("a", "b"), TextForm(("a", "b"))).chunks())
    says_nothing_of(PERSON, str(failed.value))


def test_a_drop_that_arrow_cannot_read_shows_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loantap_sources.connectors.delimited._Ragged.set_aside", lambda *_: "error")
    (tmp_path / "drop.csv").write_text("a,b\n1,2\n" + ",".join(PERSON) + "\n")
    with pytest.raises(InputError, match="Expected 2 columns, got") as failed:
        list(read_delimited(tmp_path / "drop.csv", shown="drop.csv", wanted=["a", "b"]))
    says_nothing_of(PERSON, str(failed.value))


def test_a_broken_rule_quotes_one_value_and_of_texts_none(raw_loans: pd.DataFrame):
    raw = raw_loans.head(4).assign(
        dti=["much", "plenty", "loads", "1"],
        address=PERSON[1],
        emp_title=PERSON[0],
        title=PERSON[2],
        loan_amnt=PERSON[3],
    )
    raw.index = pd.RangeIndex(1, 5, name="row")
    problems = {problem.column: problem for problem in summarise(check_loans(raw)[1])}
    assert problems["dti"].values == problems["address"].values == ()
    said = " ".join(map(str, problems.values()))
    says_nothing_of((*PERSON[:3], "plenty", "loads"), said)
    assert "such as '49,999'" in said


def test_columns_under_wrong_names_make_no_record_of_their_errors(raw_loans: pd.DataFrame):
    shifted = raw_loans.head(30).set_axis([*NAMES[1:], NAMES[0]], axis=1).astype("object")
    problems = summarise(check_loans(shifted)[1])
    assert "columns break their rules: values may stand under the wrong names" in str(problems[0])
    assert [problem.values for problem in problems if problem.values] == []


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("annual_inc", "64,000.00", True), ("annual_inc", "n/a", True), ("annual_inc", "Chief Surgeon", False),
        ("issue_d", "2015-01-01", True), ("issue_d", "12 Elm Street", False), ("term", "48 months", True),
        ("purpose", "Debt Consolidation", True), ("purpose", "to see my son", False), ("grade", "H", True),
        ("emp_title", "n/a", False), ("address", "1", False), ("of somebody else", "1", False),
    ],
)  # fmt: skip
def test_a_value_is_quoted_only_where_it_has_the_form_of_its_column(column: str, value: str, shown: bool):
    assert quotable(column, value) == (value if shown else None)


def test_one_name_by_chance_makes_no_header(tmp_path: Path):
    (tmp_path / "drop.csv").write_text(f"title,{PERSON[0]},{PERSON[1]},{PERSON[2]}\n")
    with pytest.raises(InputError, match="4 fields of other names") as failed:
        list(read_delimited(tmp_path / "drop.csv", shown="drop.csv", wanted=["loan_id", "title", "grade", "dti"]))
    says_nothing_of(PERSON, str(failed.value))


def test_a_value_that_stands_twice_in_a_record_is_no_doubled_column(tmp_path: Path):
    (tmp_path / "loans.csv").write_text(f"{PERSON[0]},0.0,0.0\n1,2,3\n")
    with pytest.raises(InputError, match="If the first line is a record, put the names above it") as failed:
        open_loans(tmp_path / "loans.csv")
    says_nothing_of((*PERSON, "0.0"), str(failed.value))


def test_a_warehouses_counts_quote_what_a_file_does():
    counts = pd.DataFrame({"dti": [PERSON[2], "1"], "n": [3, 4], "defaults": [1, 1]})
    (problem,) = examine(counts, ("dti",), IngestSummary())
    assert (problem.count, problem.values) == (3, ())
    (problem,) = examine(counts.assign(dti=["-3", "1"]), ("dti",), IngestSummary())
    assert problem.values == ("-3",)
