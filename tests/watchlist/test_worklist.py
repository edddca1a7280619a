"""The work list: its order and amounts by hand, its files, and that nothing in them is run or lost."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from loantap.files import sha256
from loantap.model.economics import Economics
from loantap.watchlist.last_worklist import read_last
from loantap.watchlist.settings import ActingSettings, read_settings
from loantap.watchlist.worklist import COLUMNS, HEADS, PEOPLES, STATUSES, carried, totals, worklist
from loantap.watchlist.worklist_files import SHEET, free_path, keep_edited, kept_note, unedited, write_csv, write_excel

NAN = float("nan")
SAVED = read_settings().acting
HALF = Economics(loss_given_default=0.5)
HOSTILE = {
    "formula": "=HYPERLINK(\"http://evil\",\"x\")", "command": "@SUM(1+1)*cmd|' /C calc'!A0", "plus": "+1+1|x", "markup": "<script>alert(1)</script>",
    "lines": "one\ntwo; three, \"four\"", "separators": "a\u2028b\x0bc", "row": "x\r9,L9,red", "long": "x" * 10_000, "link": "http://evil",
}  # fmt: skip


def loans(*rows: dict[str, Any]) -> pd.DataFrame:
    known = {
        "light": "red", "since": "2016-03", "reasons": "days past due: 45", "exposure": 1_000.0, "days_past_due": 45.0, "pd_12_months": 0.2,
        "changed": "from amber to red", "offer": "12 months longer", "expected_cost": 12.351, "days_past_due_as_of": "",
    }  # fmt: skip
    return pd.DataFrame([known | row for row in rows])


def listed(*rows: dict[str, Any], **others: Any) -> pd.DataFrame:
    return worklist(loans(*rows), economics=HALF, **({"saved": SAVED} | others))


def test_the_list_is_ordered_by_what_acting_could_save():
    found = listed(
        {"loan_id": "small", "exposure": 100.0},
        {"loan_id": "unknown", "pd_12_months": NAN},
        {"loan_id": "defaulted", "light": "in default", "exposure": 5_000.0, "pd_12_months": NAN},
        {"loan_id": "b", "exposure": 1_000.0},
        {"loan_id": "a", "exposure": 1_000.0},
        {"loan_id": "also unknown", "exposure": NAN},
    ).set_index("loan_id")
    # 0.2 x 1,000 x 0.5 = 100, of which a fifth; in default for sure: 5,000 x 0.5 = 2,500, of which a twentieth.
    assert found["could_save"].dropna().to_dict() == {"defaulted": 125, "a": 20, "b": 20, "small": 2}
    # Red loans of which nobody knows it come first, of equal lights the larger exposure.
    assert found.index.tolist() == ["unknown", "also unknown", "defaulted", "a", "b", "small"]
    assert found["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    assert found.loc["defaulted", ["pd_12_months", "expected_loss"]].tolist() == [1, 2_500]


def test_a_larger_exposure_never_comes_later():
    rng = np.random.default_rng(0)
    many = loans(*({"loan_id": f"{one:03d}"} for one in range(50))).assign(
        exposure=rng.uniform(0, 1e4, 50), pd_12_months=rng.uniform(0, 1, 50)
    )
    places = worklist(many, economics=HALF, saved=SAVED).set_index("loan_id")["rank"]
    for loan in many["loan_id"]:
        larger = many.assign(exposure=many["exposure"].where(many["loan_id"] != loan, many["exposure"] * 1.5))
        assert worklist(larger, economics=HALF, saved=SAVED).set_index("loan_id")["rank"][loan] <= places[loan]


def test_what_acting_saves_is_an_assumption_that_is_said():
    saved = ActingSettings(performing=0.5, in_default=0.1, from_probability=0.3)
    found = listed({"loan_id": "a"}, {"loan_id": "d", "light": "in default"}, saved=saved).set_index("loan_id")
    assert found["could_save"].to_dict() == {"a": 50, "d": 50}
    assert "50% of the expected loss of a performing loan and 10%" in saved.words
    with pytest.raises(ValueError, match="performing"):
        ActingSettings(performing=20, in_default=0.1, from_probability=0.3)


def test_a_list_has_one_row_a_loan_and_every_column():
    assert tuple(listed({"loan_id": "a"})) == COLUMNS
    assert (listed({"loan_id": "a"})[list(PEOPLES)] == "").all(axis=None)
    assert listed({"loan_id": "a"}).iloc[:0].empty
    assert worklist(loans({"loan_id": "a"}).iloc[:0], economics=HALF, saved=SAVED).empty


def test_days_that_were_carried_say_when_they_were_known():
    found = listed({"loan_id": "a", "days_past_due_as_of": "2016-02"}, {"loan_id": "b", "days_past_due": NAN})
    assert found["days_past_due_as_of"].tolist() == ["2016-02", ""]
    assert found["days_past_due"].tolist() == [45, pd.NA]


def test_the_totals_add_up():
    found = totals(
        listed({"loan_id": "a"}, {"loan_id": "b", "pd_12_months": NAN}, {"loan_id": "d", "light": "in default"})
    )
    found = found.set_index("light")
    assert found["loans"].to_dict() == {"in default": 1, "red": 2, "all": 3}
    assert found["expected_loss"].to_dict() == {"in default": 500, "red": 100, "all": 600}
    assert found.loc["all", "unknown"] == 1


def test_a_csv_has_two_decimals_and_whole_days(tmp_path: Path):
    write_csv(
        listed({"loan_id": "007", "exposure": 1_234.5}, {"loan_id": "8", "days_past_due": NAN, "expected_cost": NAN}),
        tmp_path / "w.csv",
    )
    rows = list(csv.DictReader((tmp_path / "w.csv").open(encoding="utf-8", newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [rows[0][name] for name in ("rank", "loan_id", "exposure", "days_past_due", "expected_cost")] == [
        "1",
        "007",
        "1234.50",
        "45",
        "12.35",
    ]
    assert (rows[1]["days_past_due"], rows[1]["expected_cost"]) == ("", "")


def annotated() -> pd.DataFrame:
    return listed(*({"loan_id": name} for name in HOSTILE)).pipe(
        lambda rows: rows.assign(note=rows["loan_id"].map(HOSTILE), owner="=1+1", due_date="2016-06-01", status="open")
    )


def test_a_hostile_note_is_data_in_both_files(tmp_path: Path):
    write_csv(annotated(), tmp_path / "w.csv")
    write_excel(annotated(), tmp_path / "w.xlsx", title="Work list of 2016-05")
    cells = [cell for row in csv.reader((tmp_path / "w.csv").open(encoding="utf-8", newline="")) for cell in row]
    assert not [cell for cell in cells if cell[:1] in "=+@\t\r" and cell]
    book = load_workbook(tmp_path / "w.xlsx")
    for sheet in book.worksheets:
        assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "d"}  # no formula
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.hyperlink]
    for path in (tmp_path / "w.csv", tmp_path / "w.xlsx"):
        last = read_last(path).rows.set_index("loan_id")
        assert last["note"].to_dict() == {name: text.strip().replace("\r", "\n") for name, text in HOSTILE.items()}, (
            path
        )
        assert (last["owner"] == "=1+1").all()
        assert (last["due_date"] == "2016-06-01").all()


@pytest.mark.parametrize("end", ["csv", "xlsx"])
@settings(max_examples=20)
@given(note=st.text(max_size=60).filter(lambda text: not text.startswith("'")))
def test_every_note_comes_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, end: str, note: str):
    path, rows = tmp_path_factory.mktemp("notes") / f"w.{end}", listed({"loan_id": "007"}).assign(note=note)
    write_csv(rows, path) if end == "csv" else write_excel(rows, path, title="t")
    # Spreadsheets know one kind of line end in a cell; blanks around a note are nobody's.
    assert read_last(path).rows["note"].iloc[0].split() == note.split()


def test_the_workbook_has_counts_a_frozen_head_filters_and_choices(tmp_path: Path):
    write_excel(annotated(), tmp_path / "w.xlsx", title="Work list of 2016-05", notes=["A note.", SAVED.words])
    book = load_workbook(tmp_path / "w.xlsx")
    assert book.sheetnames == ["Summary", SHEET]
    said = [cell.value for row in book["Summary"].iter_rows() for cell in row]
    assert {"Work list of 2016-05", "A note.", SAVED.words} <= set(said)
    sheet = book[SHEET]
    assert [cell.value for cell in sheet[1]] == list(HEADS.values())
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("C2", f"A1:R{1 + len(HOSTILE)}")
    choices = [rule.formula1 for rule in sheet.data_validations.dataValidation]
    assert f'"{",".join(STATUSES)}"' in choices
    assert sheet["F2"].number_format == "#,##0.00"


def test_the_same_list_gives_the_same_bytes(tmp_path: Path):
    for write, end in ((write_csv, "csv"), (write_excel, "xlsx")):
        others = {"title": "t"} if end == "xlsx" else {}
        sums = []
        for name in "ab":
            write(annotated(), tmp_path / f"{name}.{end}", **others)
            sums.append(sha256(tmp_path / f"{name}.{end}"))
        assert sums[0] == sums[1]


def test_an_empty_list_is_written(tmp_path: Path):
    write_excel(annotated().iloc[:0], tmp_path / "w.xlsx", title="t")
    write_csv(annotated().iloc[:0], tmp_path / "w.csv")
    assert read_last(tmp_path / "w.csv").rows.empty
    assert read_last(tmp_path / "w.xlsx").rows.empty


def test_a_file_that_was_edited_is_never_overwritten(tmp_path: Path):
    path = tmp_path / "worklist.csv"
    assert free_path(path, {}) == path
    write_csv(annotated(), path)
    written = {"worklist.csv": sha256(path)}
    assert unedited(path, written["worklist.csv"])
    assert free_path(path, written) == path
    path.write_text(path.read_text("utf-8") + " ", "utf-8")
    assert not unedited(path, written["worklist.csv"])
    second = free_path(path, written)
    assert second.name == "worklist-2.csv"
    assert (
        kept_note(path, second)
        == "worklist.csv was edited since it was written, so it was kept; the new list is in worklist-2.csv."
    )
    assert kept_note(path, path) == ""
    # One of which nobody knows what was written there is somebody's too.
    second.write_text("mine", "utf-8")
    assert free_path(path, written).name == "worklist-3.csv"
    assert free_path(path, written | {second.name: sha256(second)}) == second


def test_edited_lists_outlive_the_replacing_of_their_folder(tmp_path: Path):
    before, staging = tmp_path / "before", tmp_path / "staging"
    staging.mkdir()
    keep_edited(before, staging, {})
    for name in ("worklist.csv", "worklist-2.csv", "offers.csv"):
        write_csv(annotated(), before / name)
    written = {path.name: sha256(path) for path in before.iterdir()}
    keep_edited(before, staging, written)
    assert not list(staging.iterdir())
    (before / "worklist.csv").write_text("mine", "utf-8")
    (before / "offers.csv").write_text("made anew", "utf-8")
    (before / "Copy of worklist.ods").write_text("somebody's", "utf-8")
    keep_edited(before, staging, written, own=["offers.csv"])
    assert {path.name for path in staging.iterdir()} == {"Copy of worklist.ods", "worklist.csv"}
    assert (staging / "worklist.csv").read_text("utf-8") == "mine"
    assert free_path(staging / "worklist.csv", written).name == "worklist-2.csv"


def test_what_people_wrote_is_carried_to_the_same_loan():
    last = pd.DataFrame(
        {"loan_id": ["007", "9"], "owner": ["Ann", "Bob"], "status": "open", "due_date": "", "note": "=x"}
    )
    found = carried(listed({"loan_id": "007"}, {"loan_id": "7"}), last).set_index("loan_id")
    assert found.loc["007", list(PEOPLES)].tolist() == ["Ann", "open", "", "=x"]
    assert found.loc["7", list(PEOPLES)].tolist() == ["", "", "", ""]


def test_a_hundred_thousand_loans_are_listed_in_little_time():
    rng = np.random.default_rng(0)
    many = loans({"loan_id": "x"}).loc[np.zeros(100_000, dtype=int)].reset_index(drop=True)
    many = many.assign(loan_id=np.arange(100_000).astype(str), exposure=rng.uniform(0, 1e4, 100_000))
    assert worklist(many, economics=HALF, saved=SAVED)["could_save"].is_monotonic_decreasing
