"""Last month's work list: read as people save it, and what has become of its loans."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook

from loantap.errors import InputError
from loantap.model.economics import Economics
from loantap.watchlist.last_worklist import NEEDED, outcomes, read_last
from loantap.watchlist.settings import read_settings
from loantap.watchlist.worklist import HEADS, worklist
from loantap.watchlist.worklist_files import SHEET, write_excel

ROWS = [["007", "red", "Ann", "open", "2016-06-01", "called, no answer"], ["8", "amber", "", "", "", ""]]


def saved(
    path: Path, *, heads: list[str] | None = None, rows: list[list[str]] = ROWS, separator: str = ",", start: str = ""
) -> Path:
    lines = [heads or list(NEEDED), *rows]
    text = "\r\n".join(separator.join(f'"{cell}"' if separator in cell else cell for cell in line) for line in lines)
    path.write_text(start + text + "\r\n", "utf-8", newline="")
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a_list_is_read_as_spreadsheets_save_it(tmp_path: Path, separator: str, start: str):
    found = read_last(saved(tmp_path / "w.csv", separator=separator, start=start))
    assert found.rows.to_numpy().tolist() == ROWS
    assert found.notes == ()


def test_the_line_that_names_the_separator_is_no_head(tmp_path: Path):
    assert read_last(saved(tmp_path / "w.csv", separator=";", start="sep=;\r\n")).rows.to_numpy().tolist() == ROWS


def test_heads_in_words_are_heads(tmp_path: Path):
    found = read_last(saved(tmp_path / "w.csv", heads=[HEADS[name] for name in NEEDED]))
    assert (found.rows.to_numpy().tolist(), found.notes) == (ROWS, ())


def test_an_excel_list_comes_back_as_it_was_filled_in(tmp_path: Path):
    row = {
        "light": "red", "since": "2016-03", "reasons": "", "exposure": 1.0, "days_past_due": 1.0, "pd_12_months": 0.2, "changed": "", "offer": "",
        "expected_cost": 1.0, "days_past_due_as_of": "",
    }  # fmt: skip
    loans = pd.DataFrame([row | {"loan_id": loan} for loan in ("007", "8")])
    path = tmp_path / "w.xlsx"
    write_excel(worklist(loans, economics=Economics(), saved=read_settings().acting), path, title="t")
    book = load_workbook(path)
    places = {cell.value: cell.column for cell in book[SHEET][1]}
    book[SHEET].cell(2, places["Owner"]).value = "Ann"
    book[SHEET].cell(2, places["Due date"]).value = date(2016, 6, 1)
    book.save(path)
    found = read_last(path).rows.set_index("loan_id")
    assert found.index.tolist() == ["007", "8"]
    assert found.loc["007", ["owner", "due_date"]].tolist() == ["Ann", "2016-06-01"]


def test_what_was_changed_in_the_heads_is_told(tmp_path: Path):
    heads = ["LOAN ID", "Light", "owner", "status", "Due  Date", "note", "My column"]
    found = read_last(saved(tmp_path / "w.csv", heads=heads, rows=[[*row, "x"] for row in ROWS]))
    assert found.rows.to_numpy().tolist() == ROWS
    assert found.notes == (
        "Columns that are not known were left out: 'My column'.",
        "Heads that were changed were still recognised: 'LOAN ID', 'Due  Date'.",
    )


def test_a_column_that_is_gone_is_named_beside_the_strange_ones(tmp_path: Path):
    heads = ["loan_id", "light", "Besitzer", "status", "due_date", "note"]
    with pytest.raises(InputError, match="owner is absent, and 'Besitzer' is not known"):
        read_last(saved(tmp_path / "w.csv", heads=heads))
    with pytest.raises(InputError, match="each column once, got note twice"):
        read_last(saved(tmp_path / "w.csv", heads=[*NEEDED[:-1], "note", "Note"], rows=[[*row, ""] for row in ROWS]))
    with pytest.raises(InputError, match="expected a row of heads"):
        read_last(saved(tmp_path / "w.csv", heads=["a"] * 6))


def test_loans_that_stand_there_twice_are_told(tmp_path: Path):
    found = read_last(saved(tmp_path / "w.csv", rows=[*ROWS, ["007", "red", "Bob", "", "", ""]]))
    assert found.rows["owner"].tolist() == ["Ann", ""]
    assert found.notes == ("Loans that stand there twice, of which the first row counts: 007.",)


def test_loan_numbers_that_a_spreadsheet_cut_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="has rounded these loan numbers"):
        read_last(saved(tmp_path / "w.csv", rows=[["1.23E+11", *ROWS[0][1:]]]))
    last = read_last(saved(tmp_path / "w.csv", rows=[["7", *ROWS[0][1:]]])).rows
    with pytest.raises(InputError, match="zeros before their numbers"):
        outcomes(last, pd.DataFrame({"loan_id": ["007"], "light": ["red"]}), today=date(2016, 6, 1))


@pytest.mark.parametrize(
    ("written", "read"),
    [("2016-12-01", "2016-12-01"), ("01.12.2016", "2016-12-01"), ("2016/12/01", "2016-12-01"), ("12/25/2016", "2016-12-25"),
     ("25/12/2016", "2016-12-25"), ("2/2/2016", "2016-02-02"), ("2016-12-01 00:00:00", "2016-12-01")],
)  # fmt: skip
def test_dates_are_read_where_only_one_reading_is_possible(tmp_path: Path, written: str, read: str):
    found = read_last(saved(tmp_path / "w.csv", rows=[["1", "red", "", "", written, ""]]))
    assert (found.rows["due_date"].tolist(), found.notes) == ([read], ())


@pytest.mark.parametrize("written", ["01/12/2016", "soon", "31.02.2016", "2016-13-01"])
def test_dates_that_could_be_two_or_none_are_told(tmp_path: Path, written: str):
    found = read_last(saved(tmp_path / "w.csv", rows=[["1", "red", "", "", written, ""]]))
    assert found.rows["due_date"].tolist() == [written]
    assert found.notes == (f"Due dates that could not be read, write them as 2026-12-01: {written}.",)


def test_what_excel_saves_as_plain_csv_is_read(tmp_path: Path):
    text = ";".join(NEEDED) + "\r\n7;red;Müller;open;2026-12-01;ruft zurück\r\n"
    (tmp_path / "latin.csv").write_bytes(text.encode("cp1252"))
    assert read_last(tmp_path / "latin.csv").rows.iloc[0][["owner", "note"]].tolist() == ["Müller", "ruft zurück"]


def test_files_that_cannot_be_read_say_what_to_do(tmp_path: Path):
    (tmp_path / "binary.csv").write_bytes(b"loan_id;\x81\x8d")
    (tmp_path / "broken.xlsx").write_bytes(b"no workbook")
    (tmp_path / "open.csv").write_text('loan_id,"light', "utf-8")
    (tmp_path / "empty.csv").write_text("", "utf-8")
    Workbook().save(tmp_path / "other.xlsx")
    for name, told in (
        ("binary.csv", "CSV UTF-8"), ("broken.xlsx", "cannot be read"), ("open.csv", "expected CSV"), ("empty.csv", "row of heads"),
        ("other.xlsx", "row of heads"), ("absent.csv", "No such file"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=told):
            read_last(tmp_path / name)


def test_each_row_has_its_outcome():
    light = {
        "still": ("red", "red"), "eases": ("red", "amber"), "green": ("amber", "green"), "worse": ("amber", "red"), "defaults": ("red", "in default"),
        "stays in": ("in default", "in default"), "leaves": ("in default", "amber"), "off": ("in default", "charged off"),
        "closes": ("red", "closed"), "unknown": ("red", "unknown"), "known": ("unknown", "red"), "gone": ("red", None), "left out": ("amber", "gone"),
    }  # fmt: skip
    last = pd.DataFrame(
        {
            "loan_id": list(light),
            "light": [was for was, _ in light.values()],
            "owner": "",
            "status": "",
            "due_date": "",
            "note": "",
        }
    )
    now = pd.DataFrame({"loan_id": list(light), "light": [then for _, then in light.values()]}).dropna()
    found = outcomes(last, now, today=date(2016, 6, 1))
    assert found.rows.set_index("loan_id")["outcome"].to_dict() == {
        "still": "still red", "eases": "eased", "green": "eased", "worse": "worse", "defaults": "in default", "stays in": "still in default",
        "leaves": "eased", "off": "charged off", "closes": "closed", "unknown": "unknown", "known": "now red", "gone": "gone", "left out": "gone",
    }  # fmt: skip
    assert found.counts["loans"].sum() == len(light)
    assert found.notes == ()


def test_what_became_of_them_is_counted_by_owner_and_status():
    last = pd.DataFrame(
        {"loan_id": list("abc"), "light": "red", "owner": ["Ann", "Ann", ""], "status": ["open", "done", "open"],
         "due_date": ["2016-05-31", "2016-05-01", "2016-06-01"], "note": ""}
    )  # fmt: skip
    now = pd.DataFrame({"loan_id": list("abc"), "light": ["red", "green", "red"]})
    found = outcomes(last, now, today=date(2016, 6, 1))
    counted = {(kind, value, outcome): loans for kind, value, outcome, loans in found.by.itertuples(index=False)}
    assert counted == {
        ("owner", "Ann", "still red"): 1, ("owner", "Ann", "eased"): 1, ("owner", "none", "still red"): 1,
        ("status", "open", "still red"): 2, ("status", "done", "eased"): 1,
    }  # fmt: skip
    # Only a's date has passed: b is done, and c's is today.
    assert found.rows["overdue"].tolist() == [True, False, False]
    assert found.notes == ("Due dates that have passed on rows that are not done: 1.",)
