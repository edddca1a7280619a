"""Snapshots become a panel whatever their order; what is wrong with them is said."""

import datetime
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from given_rows import GivenRows
from hypothesis import given, settings
from hypothesis import strategies as st

from loantap.data import snapshots as module
from loantap.data.panel import CHARGED_OFF, CLOSED, FORBEARANCE, OPEN, Panel
from loantap.data.snapshot_contract import NEEDED, SNAPSHOT_COLUMNS, snapshot_codebook
from loantap.data.snapshot_rows import Growing
from loantap.data.snapshot_sources import open_snapshots
from loantap.data.snapshots import Snapshots, read_snapshots, write_snapshots
from loantap.data.synthetic.panel import synthetic_panel
from loantap.errors import InputError, SchemaError
from loantap_sources import warehouse_rows
from loantap_sources.connectors.config import Config
from loantap_sources.live_tables import SnapshotTable
from loantap_sources.warehouse import write_table

NAMES = [column.name for column in SNAPSHOT_COLUMNS]
MATRICES = ("dti", "revol_util", "balance", "days_past_due", "status", "payment", "inquiries")


def month_of_loan(loan_id: Any = "A", as_of: Any = "2016-01", **values: Any) -> dict[str, Any]:
    return {
        "loan_id": loan_id,
        "as_of": as_of,
        "dti": 17.5,
        "revol_util": 40.0,
        "balance": 900.0,
        "days_past_due": 0.0,
        **values,
    }


def many(*others: dict[str, Any]) -> pd.DataFrame:
    """Four loans over three months that are as they should be, and other rows behind them."""
    right = [month_of_loan(loan, month) for loan in "ABCD" for month in ("2016-01", "2016-02", "2016-03")]
    return pd.DataFrame([*right, *others])


def read(rows: pd.DataFrame) -> Snapshots:
    return read_snapshots(GivenRows(rows, size=2))


def said(rows: pd.DataFrame, word: str) -> str:
    found = [note for note in read(rows).notes if word in note]
    assert len(found) == 1, found
    return found[0]


def assert_same(found: Panel, expected: Panel) -> None:
    np.testing.assert_array_equal(found.loan_id, expected.loan_id)
    np.testing.assert_array_equal(found.months, expected.months)
    for name in MATRICES:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.fixture(scope="module")
def panel(loans: pd.DataFrame) -> Panel:
    """Synthetic snapshots of 300 loans, with gaps."""
    some = loans.head(300)
    return synthetic_panel(some, some["int_rate"] / 100, months=18, random_state=0, first_month="2015-07").panel


# What is right comes through


@pytest.mark.parametrize("name", ["snapshots.parquet", "snapshots.csv", "snapshots.csv.gz"])
def test_a_panel_that_is_written_is_read_again(panel: Panel, tmp_path: Path, name: str):
    write_snapshots(panel, tmp_path / name)
    found = read_snapshots(open_snapshots(tmp_path / name))
    assert_same(found.panel, panel)
    assert (found.loans, found.months, found.rows) == (300, 18, np.isfinite(panel.balance).sum())
    assert len(found.quarantine) == 0
    assert list(found.quarantine.columns) == ["row", "loan_id", "as_of", "reason"]


@pytest.mark.parametrize("name", ["s.parquet", "s.csv"])
def test_months_that_all_lack_need_no_rows(tmp_path: Path, name: str):
    balance = np.array([[np.nan, 900.0, np.nan, 800.0]])
    months = np.arange(np.datetime64("2016-01"), np.datetime64("2016-05"))
    write_snapshots(Panel(np.array(["A"]), months, balance / 50, balance / 20, balance), tmp_path / name)
    found = read_snapshots(open_snapshots(tmp_path / name)).panel
    assert found.months.astype(str).tolist() == ["2016-02", "2016-03", "2016-04"]
    np.testing.assert_array_equal(found.balance, balance[:, 1:])


def test_a_panel_in_the_warehouse_is_read_again(panel: Panel, tmp_path: Path, declare: Callable[..., Config]):
    config = declare({}, warehouse={"url": "sqlite:///w.db"})
    write_snapshots(panel, tmp_path / "snapshots.parquet")
    write_table(config, "snapshots", tmp_path / "snapshots.parquet")
    source = SnapshotTable(config)
    found = read_snapshots(source)
    assert_same(found.panel, panel)
    assert source.rows == found.rows
    assert "snapshots" in source.location


def test_days_past_due_that_nobody_tells_are_none(panel: Panel, tmp_path: Path):
    untold = Panel(panel.loan_id, panel.months, panel.dti, panel.revol_util, panel.balance)
    write_snapshots(untold, tmp_path / "s.csv")
    assert "days_past_due" not in pd.read_csv(tmp_path / "s.csv", nrows=1)
    assert read_snapshots(open_snapshots(tmp_path / "s.csv")).panel.days_past_due is None
    assert read(many().assign(days_past_due=np.nan)).panel.days_past_due is None


@settings(max_examples=40)
@given(st.permutations(range(16)))
def test_any_order_of_rows_gives_the_same_panel(order: list[int]):
    wrong = [month_of_loan("B", "2016-03", dti=1.0), month_of_loan("A", "2016-01"), month_of_loan("E", "2016-05"), month_of_loan("C", "2016-02", balance=-1)]  # fmt: skip
    rows = many(*wrong)
    rows["dti"] += np.arange(16) * (rows["loan_id"] == "D")
    straight, shuffled = read(rows), read(rows.iloc[order])
    assert_same(shuffled.panel, straight.panel)
    shown = [found.quarantine.drop(columns="row").value_counts().to_dict() for found in (straight, shuffled)]
    assert shown[0] == shown[1]


@pytest.mark.parametrize(
    "written", ["2016-01", "2016-01-31", "Jan-2016", " 2016-01 ", "2016-01-31 00:00:00.000000", "2016-01-31T23:59:59+01:00"]
)  # fmt: skip
def test_months_are_read_as_they_are_written(written: str):
    assert read(many(month_of_loan("E", written))).panel.balance[4].tolist()[0] == 900


@pytest.mark.parametrize(
    "values",
    [
        pd.to_datetime(["2016-01-31", "2016-02-29"]),
        pd.to_datetime(["2016-01-31 23:00", "2016-02-29 23:00"]).tz_localize("America/New_York"),
        [datetime.date(2016, 1, 31), datetime.date(2016, 2, 29)],
        pd.Categorical(["2016-01", "2016-02"]),
    ],
)
def test_dates_and_times_are_of_their_month(values: Any):
    rows = pd.DataFrame([month_of_loan(), month_of_loan()]).assign(as_of=values)
    assert read(rows).panel.months.astype(str).tolist() == ["2016-01", "2016-02"]


def test_numbers_as_decimals_texts_and_whole_numbers_are_the_same(tmp_path: Path):
    columns = {
        "loan_id": pa.array([1, 2, 10]), "as_of": pa.array(["2016-01"] * 3), "dti": pa.array([17, 18, 19], pa.int32()),
        "revol_util": pa.array([" 40.1", "1e2", None]), "balance": pa.array([1, 2, 3]).cast(pa.decimal128(38, 2)),
    }  # fmt: skip
    pq.write_table(pa.table(columns), tmp_path / "s.parquet")
    found = read_snapshots(open_snapshots(tmp_path / "s.parquet")).panel
    assert found.loan_id.tolist() == ["1", "10", "2"]  # names of loans are texts, and so is their order
    assert found.dti[:, 0].tolist() == [17, 19, 18]
    np.testing.assert_array_equal(found.revol_util[:, 0], [40.1, np.nan, 100])
    assert found.balance[:, 0].tolist() == [1, 3, 2]


def test_progress_is_told_the_rows_read_so_far():
    told: list[int] = []
    read_snapshots(GivenRows(many(), size=2), progress=told.append)
    assert told == [2, 4, 6, 8, 10, 12]


def test_columns_grow_and_keep_their_values():
    column = Growing()
    for part in ([1, 2], [], [3], [4, 5, 6, 7, 8]):
        column.add(np.array(part, dtype=np.int16))
    assert column.values().tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert column.values().dtype == np.int16


# What breaks a rule is told; a wrong value counts as not known


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"as_of": "2016-13"}, "as_of: not a month (2016-13)"),
        ({"as_of": "2016-02-30"}, "as_of: not a month (2016-02-30)"),
        ({"as_of": "31.01.2016"}, "as_of: not a month (31.01.2016)"),
        ({"as_of": "1016-01"}, "as_of: not a month (1016-01)"),
        ({"as_of": None}, "as_of: missing"),
        ({"loan_id": None}, "loan_id: missing"),
        ({"loan_id": "  "}, "loan_id: missing (  )"),
        ({"loan_id": "=1+1"}, "loan_id: begins like a formula"),
        ({"as_of": "2018-01"}, "as_of: more than 12 months from the other snapshots"),
    ],
)
def test_a_row_without_loan_or_month_is_set_aside_with_its_reason(change: dict[str, Any], reason: str):
    found = read(many(month_of_loan("E", "2016-02") | change))
    assert found.quarantine[["row", "reason"]].values.tolist() == [[13, reason]]
    assert_same(found.panel, read(many()).panel)
    told = (
        f"Rows that break the contract: 1 of 13; a wrong value counts as not known. {reason.split(' (')[0]}: 1 (rows 13"
    )
    assert told in " ".join(found.notes)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dti": -0.5}, "dti: below 0 (-0.5)"),
        ({"dti": 10_000}, "dti: above 9,999 (10000.0)"),
        ({"revol_util": 1000.5}, "revol_util: above 1,000 (1000.5)"),
        ({"balance": -120.0}, "balance: below 0 (-120.0)"),
        ({"balance": float("inf")}, "balance: not a number (inf)"),
        ({"days_past_due": 1.5}, "days_past_due: not a whole number (1.5)"),
        ({"days_past_due": -1}, "days_past_due: below 0 (-1.0)"),
        ({"status": "gone fishing"}, "status: not a known status (gone fishing)"),
        ({"payment": -5}, "payment: below 0 (-5)"),
    ],
)
def test_a_wrong_value_counts_as_not_known_and_its_loan_stays(change: dict[str, Any], reason: str):
    found = read(many(month_of_loan("E", "2016-02") | change).astype({"status": object} if "status" in change else {}))
    assert found.quarantine[["row", "loan_id", "reason"]].values.tolist() == [
        [13, "E", reason.replace("(-5)", "(-5.0)")]
    ]
    assert found.panel.delivered[4].tolist() == [False, True, False]
    known = {name: values[4, 1] for name, values in found.panel.matrices() if name in NAMES}
    assert {name for name, value in known.items() if np.isnan(value)} <= {*change}
    assert f"{reason.split(' (')[0]}: 1 (rows 13" in found.notes[0]


@pytest.mark.parametrize("name", ["dti", "revol_util", "balance", "days_past_due"])
def test_a_value_may_be_missing_and_its_loan_is_delivered(name: str):
    found = read(many(month_of_loan("E", **{name: None})))
    assert len(found.quarantine) == 0
    assert found.panel.delivered[4, 0]
    assert np.isnan(getattr(found.panel, name)[4, 0])


@pytest.mark.parametrize(
    ("word", "code"),
    [("Charged Off", CHARGED_OFF), ("written-off", CHARGED_OFF), (" closed ", CLOSED), ("Fully Paid", CLOSED), ("FORBEARANCE", FORBEARANCE),
     ("Current", OPEN), ("Late (16-30 days)", OPEN)],
)  # fmt: skip
def test_a_status_is_read_in_the_words_that_people_use(word: str, code: float):
    found = read(many(month_of_loan("E", status=word)))
    assert found.panel.status is not None
    assert found.panel.status[4, 0] == code
    assert len(found.quarantine) == 0


@pytest.mark.parametrize(("column", "written"), [("days_past_due", "DPD"), ("days_past_due", "Days in arrears"), ("balance", "out_prncp"), ("as_of", "snapshot_date"), ("dti", "debt-to-income"), ("dti", " DTI ")])  # fmt: skip
def test_a_column_that_is_recognised_under_another_name_is_used_and_said(tmp_path: Path, column: str, written: str):
    for file, write in (("s.csv", pd.DataFrame.to_csv), ("s.parquet", pd.DataFrame.to_parquet)):
        write(many().rename(columns={column: written}), tmp_path / file, index=False)
        found = read_snapshots(open_snapshots(tmp_path / file))
        assert_same(found.panel, read(many()).panel)
        told = "Columns whose names have other letters or spaces, such as ' DTI ' for dti: 1."
        assert found.notes == [told if written == " DTI " else f"The column '{written}' is taken for {column}."]


def test_a_column_of_a_table_is_recognised_too(tmp_path: Path, declare: Callable[..., Config]):
    config = declare({}, warehouse={"url": "sqlite:///w.db"})
    many().rename(columns={"days_past_due": "dpd"}).to_parquet(tmp_path / "s.parquet", index=False)
    write_table(config, "snapshots", tmp_path / "s.parquet")
    found = read_snapshots(SnapshotTable(config))
    assert_same(found.panel, read(many()).panel)
    assert found.notes[0] == "The column 'dpd' is taken for days_past_due."


def test_two_columns_that_could_be_one_are_asked_after(tmp_path: Path):
    many().rename(columns={"days_past_due": "dpd"}).assign(days_late=0).to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(SchemaError, match="expected one column days_past_due, found dpd and days_late"):
        open_snapshots(tmp_path / "s.csv")


@pytest.mark.parametrize("edge", [{"dti": 0.0}, {"dti": 9_999}, {"revol_util": 1_000}, {"balance": 0.0}])
def test_the_bounds_themselves_are_allowed(edge: dict[str, Any]):
    assert len(read(many(month_of_loan("E") | edge)).quarantine) == 0


def test_a_text_that_is_no_number_is_not_known_and_the_others_stay_exact():
    texts = many(month_of_loan("E"), month_of_loan("F")).astype({"balance": "str"})
    texts.loc[12:, "balance"] = ["1,234.5", " 0.1 "]
    found = read(texts)
    assert found.quarantine["reason"].tolist() == ["balance: not a number (1,234.5)"]
    np.testing.assert_array_equal(found.panel.balance[4:, 0], [np.nan, 0.1])


def test_a_date_in_place_of_a_number_is_no_number():
    frame = many().assign(balance=pd.Timestamp("2016-01-01"))
    with pytest.raises(SchemaError, match="balance: not a number: 12"):
        read(frame)


def test_all_that_is_wrong_with_a_row_is_said():
    found = read(many(month_of_loan("E", "soon", dti=-1, balance=-2)))
    assert found.quarantine.values.tolist() == [[13, "E", "soon", "as_of: not a month (soon); dti: below 0 (-1.0); balance: below 0 (-2.0)"]]  # fmt: skip
    assert "Rows that break the contract: 1 of 13" in found.notes[0]


def test_what_a_spreadsheet_would_run_is_defused_in_quarantine():
    found = read(many(month_of_loan("=cmd()", "@soon"), month_of_loan("-7", "soon")))
    assert found.quarantine[["loan_id", "as_of"]].values.tolist() == [["'=cmd()", "'@soon"], ["-7", "soon"]]
    assert "as_of: not a month: 2 (rows 13, 14, such as '@soon', 'soon')." in found.notes[0]


def test_a_number_may_name_a_loan_even_with_a_sign():
    assert read(many(month_of_loan("-7"))).panel.loan_id[0] == "-7"


def test_a_month_within_a_year_of_the_others_is_no_slip():
    assert read(many(month_of_loan("E", "2017-03"))).months == 15
    assert len(read(many(month_of_loan("E", "2017-04"))).quarantine) == 1


def test_the_bulk_of_the_snapshots_says_which_months_are_astray():
    found = read(many(month_of_loan("A", "1990-01"), month_of_loan("E", "2016-01", dti=1.0)))
    assert found.quarantine["as_of"].tolist() == ["1990-01"]


def test_ragged_records_are_set_aside_and_rows_keep_their_numbers(tmp_path: Path):
    lines = [",".join(NAMES[:6]), "A,2016-01,17,40,900,0", "A,2016-02", "A,2016-03,17,40,-1,0", "A,2016-04,17,40,900,0", "B,2016-04,17,40,900,0"]  # fmt: skip
    (tmp_path / "s.csv").write_text("\n".join(lines) + "\n")
    found = read_snapshots(open_snapshots(tmp_path / "s.csv"))
    assert found.quarantine["row"].tolist() == [2, 3]
    assert found.quarantine["reason"].tolist() == ["a record with another number of fields than the header (2)", "balance: below 0 (-1)"]  # fmt: skip
    assert found.rows == 5


def test_other_columns_are_not_read(tmp_path: Path):
    many().assign(branch="north").to_csv(tmp_path / "s.csv", index=False)
    assert read_snapshots(open_snapshots(tmp_path / "s.csv")).loans == 4


# Rows that share loan and month


def test_of_equal_rows_one_is_kept():
    rows = many(month_of_loan("A"), month_of_loan("A", "2016-01-31"), month_of_loan("B", revol_util=None))
    rows.loc[3, "revol_util"] = np.nan  # unknown twice is the same
    found = read(rows)
    assert len(found.quarantine) == 0
    assert "Rows that repeat another one: 3. One of each was kept." in found.notes
    assert found.panel.balance[0, 0] == 900


@pytest.mark.parametrize("other", [{"dti": 18.0}, {"balance": 901.0}])
def test_what_two_snapshots_of_one_month_say_differently_is_not_known(other: dict[str, Any]):
    found = read(many(month_of_loan("A", "2016-02", **other)))
    assert found.quarantine["row"].tolist() == [2, 13]
    assert set(found.quarantine["reason"]) == {"snapshots of one month that differ; what differs counts as not known"}
    assert found.quarantine[["loan_id", "as_of"]].values.tolist() == [["A", "2016-02"]] * 2
    for name in MATRICES[:4]:
        assert np.isnan(getattr(found.panel, name)[0]).tolist() == [False, name in other, False]
    assert found.panel.delivered[0].all()


def test_of_two_arrears_of_one_month_the_worse_count():
    """Else who contradicts himself would look as he did before."""
    for first, second in ((0.0, 120.0), (120.0, 0.0)):
        rows = many(month_of_loan("A", "2016-02", days_past_due=second)).astype({"days_past_due": float})
        rows.loc[1, "days_past_due"] = first
        found = read(rows)
        assert found.panel.days_past_due is not None
        assert found.panel.days_past_due[0].tolist() == [0, 120, 0]
        assert found.quarantine["row"].tolist() == [2, 13]


def test_of_three_snapshots_of_which_two_agree_none_is_taken():
    found = read(many(month_of_loan("A", "2016-02", dti=1.0), month_of_loan("A", "2016-02")))
    assert found.quarantine["row"].tolist() == [2, 13, 14]
    assert not any("repeat" in note for note in found.notes)


@pytest.mark.parametrize("first", [True, False])
def test_what_one_of_two_snapshots_knows_is_known(first: bool):
    silent, telling = month_of_loan("A", "2016-02", balance=-1), month_of_loan("A", "2016-02", balance=901.0)
    rows = many(*([silent, telling] if first else [telling, silent])).drop(index=1)
    found = read(rows.reset_index(drop=True))
    assert set(found.quarantine["reason"]) == {"balance: below 0 (-1.0)"}
    assert found.panel.balance[0, 1] == 901.0


# What is noted


def test_snapshots_that_are_right_need_no_note():
    assert read(many()).notes == []


def test_rows_month_after_month_are_in_order():
    assert read(many().sort_values("as_of", kind="stable")).notes == []


def test_rows_out_of_order_are_noted():
    assert said(many().iloc[[1, 0, *range(2, 12)]], "order") == "Loans whose months do not stand in their order: 1. They were sorted."  # fmt: skip


def test_months_that_a_loan_lacks_stay_unknown_and_are_noted():
    note = said(many(month_of_loan("E", "2015-12"), month_of_loan("E", "2016-03")), "single loans")
    assert (
        note == "Months that single loans lack between their first and last snapshot: 2, of 1 loans. They stay unknown."
    )


def test_a_month_that_all_lack_is_named_and_counted_once():
    rows = many(*(month_of_loan(loan, "2016-05") for loan in "ABCD"))
    assert read(rows).notes == ["Months without a snapshot of any loan: 2016-04. They stay unknown."]
    assert read(rows).panel.months.astype(str).tolist() == ["2016-01", "2016-02", "2016-03", "2016-04", "2016-05"]


# Columns in another unit


@pytest.mark.parametrize("name", ["dti", "revol_util"])
def test_a_column_of_fractions_is_refused(panel: Panel, tmp_path: Path, name: str):
    write_snapshots(panel, tmp_path / "s.csv")
    rows = pd.read_csv(tmp_path / "s.csv")
    rows.assign(**{name: rows[name] / 100}).to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(
        SchemaError, match=f"s.csv: column '{name}'.*Expected percent of .*got fractions. Multiply the column by 100"
    ):
        read_snapshots(open_snapshots(tmp_path / "s.csv"))


def test_a_few_fractions_are_asked_after():
    note = said(many().assign(dti=0.175), "fractions")
    assert "dti" in note
    assert "percent of monthly income" in note


def test_low_values_among_others_are_asked_after_and_few_are_honest():
    def notes(low: int) -> list[str]:
        return read(pd.DataFrame([month_of_loan(f"L{i}", dti=1.0 if i < low else 20.0) for i in range(1000)])).notes

    assert "980 of 1,000 values of dti above 0" in notes(980)[0]
    assert notes(150) == []


def test_a_single_month_in_fractions_is_refused(panel: Panel, tmp_path: Path):
    write_snapshots(panel, tmp_path / "s.csv")
    rows = pd.read_csv(tmp_path / "s.csv")
    last = rows["as_of"] == rows["as_of"].max()
    assert last.mean() < 0.5
    rows.loc[last, "dti"] /= 100
    rows.to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(SchemaError, match=rf"month {panel.months[-1]}: column 'dti'.*got fractions"):
        read_snapshots(open_snapshots(tmp_path / "s.csv"))


def test_zeros_say_nothing_of_a_unit():
    assert read(pd.DataFrame([month_of_loan(f"L{i}", revol_util=0.0) for i in range(200)])).notes == []


# What cannot be read


def test_more_than_half_set_aside_is_refused_with_the_reasons():
    rows = many(*(month_of_loan("E", f"2016-{n:02}", balance=-n) for n in range(1, 13)), month_of_loan("F", "201601"))
    with pytest.raises(SchemaError) as caught:
        read(rows)
    assert "given rows: 13 of 25 rows, more than half" in str(caught.value)
    assert "balance: below 0: 12 (rows 13, 14, 15, ..., such as '-1.0', '-2.0', '-3.0')" in str(caught.value)
    assert "as_of: not a month: 1 (rows 25, such as '201601')" in str(caught.value)
    assert str(caught.value).index("balance") < str(caught.value).index("as_of")  # the most broken rule first
    assert len(read(rows.iloc[:-1]).quarantine) == 12  # half is not more than half


def test_more_than_half_in_contradiction_is_refused():
    with pytest.raises(SchemaError, match=r"snapshots of one month that differ.*: 2 "):
        read(pd.DataFrame([month_of_loan(), month_of_loan(dti=1.0)]))


def test_all_names_like_formulas_are_refused():
    with pytest.raises(SchemaError, match="begins like a formula: 12"):
        read(many().assign(loan_id="=A1"))


@pytest.mark.parametrize("name", NEEDED)
def test_a_column_that_is_missing_is_named(tmp_path: Path, name: str):
    many().drop(columns=name).to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(SchemaError, match=f"s.csv.*missing: {name}"):
        open_snapshots(tmp_path / "s.csv")


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"no\.csv: expected a file"):
        open_snapshots(tmp_path / "no.csv")


def test_a_damaged_file_is_named(tmp_path: Path):
    (tmp_path / "s.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(InputError, match=r"s\.parquet"):
        open_snapshots(tmp_path / "s.parquet")
    (tmp_path / "s.csv.gz").write_bytes(gzip.compress(many().to_csv(index=False).encode())[:-20])
    with pytest.raises(InputError, match=r"s\.csv\.gz"):
        read_snapshots(open_snapshots(tmp_path / "s.csv.gz"))


def test_a_header_alone_is_refused(tmp_path: Path):
    (tmp_path / "s.csv").write_text(",".join(NAMES) + "\n")
    with pytest.raises(InputError, match=r"s\.csv.*found none"):
        read_snapshots(open_snapshots(tmp_path / "s.csv"))


def test_an_empty_table_is_refused(declare: Callable[..., Config], database: Callable[..., Path]):
    database(f"CREATE TABLE snapshots ({', '.join(NAMES)});")
    with pytest.raises(InputError, match=r"table snapshots in sqlite.*expected snapshots, found none"):
        read_snapshots(SnapshotTable(declare({}, warehouse={"url": "sqlite:///loans.db"})))


def test_a_table_that_is_not_there_is_named(declare: Callable[..., Config], database: Callable[..., Path]):
    database("CREATE TABLE other (x);")
    with pytest.raises(InputError, match=r"table history in sqlite.*there is none"):
        SnapshotTable(declare({}, warehouse={"url": "sqlite:///loans.db"}), "history")


def test_a_table_that_lacks_a_column_is_refused(declare: Callable[..., Config], database: Callable[..., Path]):
    database("CREATE TABLE snapshots (loan_id, as_of, dti, days_past_due);")
    with pytest.raises(SchemaError, match=r"table snapshots.*missing: revol_util, balance\. Add them"):
        SnapshotTable(declare({}, warehouse={"url": "sqlite:///loans.db"}))


def test_a_table_may_hold_dates_and_mixed_values(declare: Callable[..., Config], database: Callable[..., Path]):
    columns = "loan_id INTEGER, as_of DATE, dti, revol_util NUMERIC, balance, days_past_due INTEGER"
    rows = "(1, '2016-01-31', 17, 40, 900, NULL), (2, '2016-02-29', 'n/a', 40.5, 900.5, 3), (1, '2016-02-29', 17.5, NULL, 800, 0)"
    database(f"CREATE TABLE snapshots ({columns}); INSERT INTO snapshots VALUES {rows};")
    found = read_snapshots(SnapshotTable(declare({}, warehouse={"url": "sqlite:///loans.db"})))
    assert found.quarantine["reason"].tolist() == ["dti: not a number (n/a)"]
    np.testing.assert_array_equal(found.panel.dti, [[17, 17.5], [np.nan, np.nan]])
    assert found.panel.loan_id.tolist() == ["1", "2"]


def test_a_whole_number_names_a_loan_even_where_another_name_is_missing(
    declare: Callable[..., Config], database: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(warehouse_rows, "BATCH_ROWS", 2)
    rows = "(1, '2016-01', 17, 40, 900), (2, '2016-01', 17, 40, 900), (9007199254740993, '2016-01', 17, 40, 900), (NULL, '2016-01', 17, 40, 900)"
    database(f"CREATE TABLE snapshots ({', '.join(NEEDED)}); INSERT INTO snapshots VALUES {rows};")
    found = read_snapshots(SnapshotTable(declare({}, warehouse={"url": "sqlite:///loans.db"})))
    assert found.panel.loan_id.tolist() == ["1", "2", "9007199254740993"]  # 2^53 + 1 is no float
    assert found.quarantine[["row", "reason"]].values.tolist() == [[4, "loan_id: missing"]]


def test_names_of_rows_in_place_of_loans_are_refused_before_memory_ends(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_MOST_CELLS", 11)
    with pytest.raises(InputError, match=r"4 loans in 3 months with 3\.0 snapshots each"):
        read(many())


def test_the_codebook_tells_every_column():
    table = snapshot_codebook()
    assert [line["column"] for line in table] == NAMES
    assert [line["column"] for line in table if line["column may be absent"] == "yes"] == [
        "days_past_due",
        "status",
        "payment",
        "inquiries",
    ]
    assert table[5]["rule"] == "a whole number, 0 to 36,500, in days; may be missing"
