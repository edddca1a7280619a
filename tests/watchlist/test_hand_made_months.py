"""Months made by hand, from rows as a lender delivers them to the list that a collections team reads."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from given_rows import GivenRows

from loantap.data.panel import Panel
from loantap.data.snapshots import read_snapshots
from loantap.errors import InputError, SchemaError
from loantap.watchlist.month import Month, find_month, watch_month
from loantap.watchlist.settings import read_settings
from loantap.watchlist.signals import Probabilities

NA = float("nan")
SETTINGS = read_settings()
CLEAN = 300
MONTHS = ["2026-05", "2026-06", "2026-07", "2026-08"]


def clean(loans: int = CLEAN, months: Sequence[str] = MONTHS) -> pd.DataFrame:
    """Return loans that pay, borrowers whose debts stay as they are."""
    rows = [{"loan_id": f"C{loan:03}", "as_of": month} for loan in range(loans) for month in months]
    return pd.DataFrame(rows).assign(dti=18.0, revol_util=45.0, balance=1_000.0, days_past_due=0.0)


def loan(name: str, days: Sequence[float | None], **columns: Sequence[Any]) -> pd.DataFrame:
    """Return the last months of one loan by its days past due; a value of None is blank, a month of `...` is not delivered."""
    months = MONTHS[len(MONTHS) - len(days) :]
    frame = pd.DataFrame({"loan_id": name, "as_of": months, "dti": 18.0, "revol_util": 45.0, "balance": 1_000.0, "days_past_due": list(days)} | columns)  # fmt: skip
    return frame[[value is not ... for value in days]].astype({"days_past_due": float})


def watched(rows: pd.DataFrame, month: str | None = None, **accepted: bool) -> Month:
    panel = read_snapshots(GivenRows(rows)).panel
    applications = pd.DataFrame({"loan_id": panel.loan_id, "installment": 100.0, "int_rate": 12.0, "annual_inc": 6e4, "revol_bal": 1e3, "revol_util": 45.0})  # fmt: skip

    def unknown(some: Panel, positions: Sequence[int]) -> Probabilities:
        nothing = np.full((len(some.loan_id), len(positions)), NA)
        return Probabilities(np.full(len(some.loan_id), NA), nothing)

    position = find_month(panel, None if month is None else np.datetime64(month, "M"))
    return watch_month(
        panel, position, probabilities=unknown, applications=applications, settings=SETTINGS, **accepted
    )  # fmt: skip


def lights(month: Month) -> dict[str, int]:
    return {line: count for line, count in zip(month.lights["light"], month.lights["loans"], strict=True) if count}


def line_of(name: str, days: Sequence[float | None], **columns: Sequence[Any]) -> str:
    month = watched(pd.concat([clean(20), loan(name, days, **columns)]))
    assert month.lights["loans"].sum() == month.delivery.loans  # each loan is in one line
    found = month.loans.set_index("loan_id")["light"]
    return found.get(name, "not delivered")


def change_of(name: str, days: Sequence[float | None], **columns: Sequence[Any]) -> str:
    rows = watched(pd.concat([clean(20), loan(name, days, **columns)])).changes.rows.set_index("loan_id")
    return "none" if name not in rows.index else rows.loc[name, "change"]


def test_a_clean_book_is_green():
    month = watched(clean())
    assert lights(month) == {"green": CLEAN}
    assert (len(month.watchlist), len(month.changes.rows)) == (0, 0)


@pytest.mark.parametrize(
    ("days", "line", "change"),
    [
        # Arrears set a floor: five days late is late, and a month of less arrears is not the end of them.
        ([0, 0, 0, 1], "amber", "new"),
        ([0, 0, 0, 29], "amber", "new"),
        ([0, 5, 15, 29], "amber", "none"),
        ([0, 0, 0, 30], "red", "new"),
        ([0, 29, 29, 30], "red", "escalated"),
        ([90, 60, 30, 10], "in default", "none"),  # still in the probation of a default
        ([0, 60, 30, 10], "amber", "eased"),
        ([0, 60, 30, 0], "green", "resolved"),
        # Default has a line of its own, and lasts until its probation is over.
        ([0, 30, 60, 90], "in default", "defaulted"),
        ([0, 30, 60, 120], "in default", "defaulted"),
        ([0, 0, 120, 0], "in default", "none"),
        ([120, 0, 0, 0], "in default", "none"),
        # What is not known is carried, and nothing is resolved by not being known.
        ([0, 30, 60, None], "red", "none"),
        ([0, 60, None, None], "red", "none"),
        ([60, None, None, None], "unknown", "unknown"),
        ([0, 0, 0, None], "green", "none"),
        ([0, None, None, None], "unknown", "unknown"),
        ([120, None, None, None], "in default", "none"),
        ([0, 0, 60, ...], "not delivered", "gone"),
        ([0, 0, 0, ...], "not delivered", "gone"),
        ([0, 0, 120, ...], "not delivered", "gone"),
        ([0, 60, ..., 60], "red", "new"),
        ([0], "green", "none"),
        ([None], "unknown", "new"),
    ],
)
def test_days_past_due_month_after_month(days: list[float | None], line: str, change: str):
    assert line_of("X", days) == line
    assert change_of("X", days) == change


def test_a_loan_leaves_default_after_three_good_months_and_not_before():
    months = ["2026-03", "2026-04", *MONTHS]
    days = [120.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    frame = pd.DataFrame(
        {"loan_id": "X", "as_of": months, "dti": 18.0, "revol_util": 45.0, "balance": 1_000.0, "days_past_due": days}
    )
    rows = pd.concat([clean(20, months), frame])
    found = [watched(rows, month).loans.set_index("loan_id")["light"]["X"] for month in months]
    assert found == ["in default", "in default", "in default", "in default", "green", "green"]
    assert watched(rows, months[4]).changes.rows["change"].tolist() == ["left default"]


def test_a_relapse_in_probation_begins_it_anew():
    months = ["2026-01", "2026-02", "2026-03", "2026-04", *MONTHS]
    days = [120.0, 0.0, 0.0, 45.0, 0.0, 0.0, 0.0, 0.0]
    frame = pd.DataFrame(
        {"loan_id": "X", "as_of": months, "dti": 18.0, "revol_util": 45.0, "balance": 1_000.0, "days_past_due": days}
    )
    rows = pd.concat([clean(20, months), frame])
    assert [watched(rows, month).loans.set_index("loan_id")["light"]["X"] for month in months[-2:]] == [
        "in default",
        "green",
    ]


@pytest.mark.parametrize(
    ("days", "status", "balance", "line", "change"),
    [
        ([0, 0, 120, 150], [None, None, None, "charged off"], 0.0, "charged off", "charged off"),
        ([0, 0, 0, 0], [None, None, None, "closed"], 0.0, "closed", "closed"),
        ([0, 0, 0, 0], [None, None, None, None], 0.0, "closed", "closed"),
        (
            [0, 0, 120, 120],
            [None, None, None, None],
            0.0,
            "in default",
            "none",
        ),  # a balance of 0 after default is no repayment
        ([0, 0, 0, 0], [None, None, None, "forbearance"], 1_000.0, "amber", "new"),
        ([0, 0, 0, 45], [None, None, None, "forbearance"], 1_000.0, "red", "new"),
        ([0, 0, 0, 0], [None, None, "charged off", None], 1_000.0, "charged off", "none"),
    ],
)
def test_a_status_tells_what_days_past_due_do_not(
    days: list[float], status: list[Any], balance: float, line: str, change: str
):
    values = {"status": status, "balance": [1_000.0] * 3 + [balance]}
    assert line_of("X", days, **values) == line
    assert change_of("X", days, **values) == change


@pytest.mark.parametrize("name", ["dti", "revol_util", "balance"])
def test_another_value_that_is_lost_makes_a_light_unknown_and_one_that_is_blank_once_does_not(name: str):
    known = {"dti": 18.0, "revol_util": 45.0, "balance": 1_000.0}[name]
    assert line_of("X", [0] * 4, **{name: [known, known, known, None]}) == "green"
    assert line_of("X", [0] * 4, **{name: [known, None, None, None]}) == "unknown"
    assert line_of("X", [45] * 4, **{name: [known, None, None, None]}) == "red"


def test_a_borrower_whose_utilisation_never_was_known_is_not_unknown():
    assert line_of("X", [0] * 4, revol_util=[None] * 4) == "green"


def test_a_loan_in_arrears_whose_income_is_misspelt_stays_on_the_list():
    rows = pd.concat([clean(20), loan("X", [0, 0, 30, 60])]).astype({"dti": str})
    rows.iloc[-1, rows.columns.get_loc("dti")] = "n.a."
    month = watched(rows)
    assert month.watchlist[["loan_id", "light"]].values.tolist() == [["X", "red"]]


def arrears(column: str = "days_past_due") -> pd.DataFrame:
    """300 clean loans and 12 at 30 days, in two months."""
    late = [loan(f"L{number:02}", [30, 30]) for number in range(12)]
    return pd.concat([clean(months=MONTHS[2:]), *late], ignore_index=True).rename(columns={"days_past_due": column})


def test_arrears_that_are_known_are_red():
    assert lights(watched(arrears())) == {"red": 12, "green": CLEAN}


def test_a_month_whose_days_past_due_are_blank_is_refused_with_the_numbers():
    rows = arrears()
    rows.loc[rows["as_of"] == MONTHS[3], "days_past_due"] = NA
    with pytest.raises(
        InputError,
        match=r"2026-08.*incomplete beside 2026-07:\n  days past due: known of 0.0% of the loans after 100.0%",
    ):
        watched(rows)
    accepted = watched(rows, accept_incomplete=True)
    assert lights(accepted) == {"red": 12, "green": CLEAN}  # as they last were known
    assert accepted.changes.counts["resolved"] == 0
    assert accepted.delivery.problems


def test_arrears_that_turn_to_nought_at_once_are_refused():
    rows = arrears()
    rows.loc[rows["as_of"] == MONTHS[3], "days_past_due"] = 0
    with pytest.raises(InputError, match=r"loans in arrears: 0 after 12, 100.0% less \(50% may be missing\)"):
        watched(rows)


def test_without_days_past_due_nothing_is_green():
    with pytest.raises(InputError, match=r"expected days_past_due, found no such column.*--without-arrears"):
        watched(arrears("arrears_in_another_word"))
    month = watched(arrears().drop(columns="days_past_due"), without_arrears=True)
    assert lights(month) == {"unknown": CLEAN + 12}
    assert "no light is green" in month.delivery.untold[0]


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        (20, "loans: 20 after 312, 93.6% less"),
        (2, "loans: 2 after 312, 99.4% less"),
        (250, "loans: 250 after 312, 19.9% less"),
    ],
)
def test_a_partial_month_is_refused(kept: int, told: str):
    rows = arrears()
    partial = pd.concat([rows[rows["as_of"] == MONTHS[2]], rows[rows["as_of"] == MONTHS[3]].head(kept)])
    with pytest.raises(InputError, match=told):
        watched(partial)
    assert watched(partial, accept_incomplete=True).changes.counts["gone"] == 312 - kept


def test_a_month_that_is_mislabelled_is_refused():
    rows = arrears()
    rows.loc[(rows["as_of"] == MONTHS[3]) & (rows.index % 100 != 1), "as_of"] = "2026-07-31"  # all but a few rows
    with pytest.raises(InputError, match=r"loans: 7 after 312, 97.8% less"):
        watched(rows)


def test_a_balance_that_falls_by_a_fifth_is_refused():
    rows = arrears()
    rows.loc[rows["as_of"] == MONTHS[3], "balance"] = 800.0
    with pytest.raises(InputError, match=r"balance: 249,600 after 312,000, 20.0% less \(10% may be missing\)"):
        watched(rows)


def test_rows_in_another_order_and_rows_that_are_there_twice_change_nothing():
    rows = arrears()
    expected = watched(rows)
    for other in (rows.sample(frac=1, random_state=0), pd.concat([rows, rows.sample(40, random_state=1)])):
        found = watched(other.reset_index(drop=True))
        pd.testing.assert_frame_equal(found.loans, expected.loans)
        assert found.changes.words == expected.changes.words


def test_of_two_snapshots_that_contradict_each_other_the_worse_arrears_count():
    rows = pd.concat(
        [arrears(), loan("L03", [0]), loan("C007", [95])], ignore_index=True
    )  # second snapshots of the last month
    month = watched(rows)
    assert lights(month) == {"red": 12, "green": CLEAN - 1, "in default": 1}
    assert "30 days past due" in month.watchlist.set_index("loan_id")["reasons"]["L03"]


def test_a_month_whose_loans_have_other_numbers_is_refused():
    rows = arrears()
    last = rows["as_of"] == MONTHS[3]
    rows.loc[last, "loan_id"] = "N" + rows.loc[last, "loan_id"]
    with pytest.raises(InputError, match=r"loans of the month before: 0 after 312, 100.0% less"):
        watched(rows)


def test_a_month_that_all_loans_lack_hides_nobody():
    rows = pd.concat([clean(), loan("X", [0, 60, ..., ...])])
    found = watched(rows[rows["as_of"] != MONTHS[2]])
    assert found.changes.rows[["loan_id", "change"]].values.tolist() == [["X", "gone"]]


def test_a_newest_month_in_a_form_that_nobody_reads_is_refused():
    rows = clean()
    rows.loc[rows["as_of"] == MONTHS[3], "as_of"] = "31.08.2026"
    with pytest.raises(SchemaError, match=r"300 rows have no month that can be placed, the newest month has 300"):
        watched(rows)


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        ({"status": ["open", "open", "forbearance", None]}, "amber"),  # nobody said that it is over
        ({"status": ["open", "forbearance", "forbearance", "open"]}, "green"),
        ({"inquiries": [8, None, None, None]}, "unknown"),
        ({"payment": [0.0, None, None, None]}, "unknown"),
    ],
)
def test_what_is_no_longer_told_is_not_over(columns: dict[str, list[Any]], line: str):
    others = clean(20).assign(
        **{name: {"status": "open", "inquiries": 0.0, "payment": 100.0}[name] for name in columns}
    )
    month = watched(pd.concat([others, loan("X", [0] * 4, **columns)]))
    assert month.loans.set_index("loan_id")["light"]["X"] == line


def test_a_blank_month_inside_the_window_takes_no_sign_away():
    months = [f"2026-{month:02}" for month in range(1, 9)]
    values = {"known": [10, 10, 10, 12, 15, 20, 25, 30], "blank": [10, 10, 10, 12, 15, 20, None, 30]}
    rows = [pd.DataFrame({"loan_id": name, "as_of": months, "dti": dti, "revol_util": 45.0, "balance": 1_000.0, "days_past_due": 0.0}) for name, dti in values.items()]  # fmt: skip
    found = watched(pd.concat([clean(20, months), *rows])).loans.set_index("loan_id")
    assert found.loc["known", "points"] == found.loc["blank", "points"] >= 4


@pytest.mark.parametrize("worse", [{"days_past_due": 45.0}, {"dti": 60.0}, {"revol_util": 99.0}])
def test_a_worse_month_never_has_a_better_light(worse: dict[str, float]):
    order = ["green", "amber", "unknown", "red", "in default"]
    for days in (0.0, 10.0, 45.0, 95.0):
        values = {
            name: [18.0 if name == "dti" else 45.0] * 3 + [value]
            for name, value in worse.items()
            if name != "days_past_due"
        }
        before = line_of("X", [0, 0, 0, days])
        after = line_of("X", [0, 0, 0, max(days, worse.get("days_past_due", 0.0))], **values)
        assert order.index(after) >= order.index(before)
