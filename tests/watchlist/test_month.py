"""One month of live loans: lines and changes by hand, and that nothing after the month enters."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from loantap.data.panel import Panel
from loantap.errors import InputError
from loantap.watchlist.month import Month, find_month, watch_month
from loantap.watchlist.settings import read_settings
from loantap.watchlist.signals import Probabilities

# Two known months are too few for trends, so the points are those of the levels: DTI above 40 gives 2, utilisation above 95
# gives 2, 30 days past due make red. With 2 points for amber and 4 for red the lights of the two months are:
SETTINGS = read_settings().with_points(2, 4)
NAN = float("nan")
LOANS: dict[str, tuple[Any, ...]] = {
    #                  dti          utilisation  days past due
    "calm":     ((20.0, 20.0), (50.0, 50.0), (0.0, 0.0)),    # green, green
    "defaults": ((45.0, 45.0), (50.0, 50.0), (0.0, 90.0)),   # amber, in default
    "eases":    ((45.0, 45.0), (97.0, 50.0), (0.0, 0.0)),    # red, amber
    "heals":    ((45.0, 20.0), (50.0, 50.0), (0.0, 0.0)),    # amber, green
    "joins":    ((NAN, 20.0), (NAN, 50.0), (NAN, 30.0)),     # absent, red
    "leaves":   ((45.0, NAN), (50.0, NAN), (0.0, NAN)),      # amber, absent
    "rises":    ((45.0, 45.0), (50.0, 97.0), (0.0, 0.0)),    # amber, red
    "stays":    ((45.0, 45.0), (50.0, 50.0), (0.0, 0.0)),    # amber, amber
    "wakes":    ((20.0, 45.0), (50.0, 50.0), (0.0, 0.0)),    # green, amber
}  # fmt: skip
MONTHS = np.arange(np.datetime64("2020-01", "M"), np.datetime64("2020-03", "M"))


def tiny(loans: dict[str, tuple[Any, ...]] = LOANS, *, late: bool = True) -> Panel:
    dti, util, days = (np.array([loan[place] for loan in loans.values()]) for place in range(3))
    balance = np.where(np.isnan(dti), NAN, 1_000.0 * np.arange(1, len(loans) + 1)[:, np.newaxis])
    return Panel(np.array(list(loans), dtype=object), MONTHS, dti, util, balance, days if late else None)


def terms(*loans: str) -> pd.DataFrame:
    known = {"int_rate": 12.0, "installment": 300.0, "annual_inc": 60_000.0, "revol_bal": 1_000.0, "revol_util": 48.5}
    return pd.DataFrame({"loan_id": list(loans), **known})


def watched(panel: Panel, position: int = 1, *, applications: pd.DataFrame | None = None) -> Month:
    n = len(panel.loan_id)
    known = terms(*panel.loan_id) if applications is None else applications
    return watched_with(np.full((n, len(MONTHS)), 0.2), panel, position, applications=known)


def watched_with(now: np.ndarray, panel: Panel, position: int = 1, *, applications: pd.DataFrame) -> Month:
    """Watch with probabilities by loan and month, 0.2 at the application."""

    def known(some: Panel, positions: Sequence[int]) -> Probabilities:
        rows = np.searchsorted(panel.loan_id, some.loan_id)
        return Probabilities(np.where(np.isnan(now[rows, 0]), NAN, 0.2), now[rows][:, list(positions)])

    return watch_month(
        panel, position, probabilities=known, applications=applications, settings=SETTINGS,
        accept_incomplete=True, without_arrears=True,
    )  # fmt: skip


def assert_same(one: Month, other: Month) -> None:
    for name in ("lights", "loans", "watchlist"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    pd.testing.assert_frame_equal(one.changes.rows, other.changes.rows)
    assert (one.month, one.unknown) == (other.month, other.unknown)
    assert (one.changes.counts, one.changes.words) == (other.changes.counts, other.changes.words)


def test_every_loan_of_the_delivery_is_in_one_line_by_hand():
    lights = watched(tiny()).lights.set_index("light")
    assert lights.index.tolist() == ["red", "amber", "unknown", "green", "in default", "charged off", "closed"]
    # Of 9 loans one has no snapshot, so 8 are delivered. Balances are 1,000 for the first loan, 2,000 for the
    # second ... : red are joins (5) and rises (7), amber eases (3), stays (8) and wakes (9), green calm (1) and heals (4), in default (2).
    assert lights["loans"].tolist() == [2, 3, 0, 2, 1, 0, 0]
    assert lights["balance"].tolist() == [12_000, 20_000, 0, 5_000, 2_000, 0, 0]
    assert lights["share"].tolist() == [2 / 8, 3 / 8, 0, 2 / 8, 1 / 8, 0, 0]
    assert lights["action"].tolist()[:5] == [
        "restructuring offer",
        "financial counselling",
        "find out what is not known",
        "none",
        "recovery",
    ]


def test_the_lines_add_up_to_the_delivery():
    month = watched(tiny())
    assert month.lights["loans"].sum() == month.delivery.loans == len(month.loans) == 8
    assert (month.delivery.before, month.delivery.again) == (8, 7)


def test_what_changed_since_the_month_before_is_told_loan_by_loan():
    changes = watched(tiny()).changes
    assert changes.rows.set_index("loan_id")["change"].to_dict() == {
        "defaults": "defaulted", "eases": "eased", "heals": "resolved", "joins": "new", "leaves": "gone", "rises": "escalated", "wakes": "new",
    }  # fmt: skip
    assert {kind: count for kind, count in changes.counts.items() if count} == {
        "new": 2, "escalated": 1, "eased": 1, "resolved": 1, "defaulted": 1, "gone": 1, "unchanged": 1,
    }  # fmt: skip


def test_the_list_holds_who_has_to_be_looked_at_with_the_reasons_and_since_when():
    listed = watched(tiny()).watchlist.set_index("loan_id")
    assert listed.index.tolist() == ["rises", "joins", "wakes", "stays", "eases", "defaults"]  # line; points; balance
    assert listed.loc["joins", "reasons"] == "30 days past due"
    assert listed.loc["rises", "reasons"] == "debt-to-income 45.0%, above 40%; utilisation 97.0%, above 95%"
    assert listed.loc["defaults", "reasons"] == "in default: 90 days past due"
    assert listed["since"].to_dict() == {
        "rises": "2020-02", "joins": "2020-02", "wakes": "2020-02", "stays": "2020-01", "eases": "2020-02", "defaults": "2020-02",
    }  # fmt: skip


def test_in_the_first_month_there_is_nothing_to_compare_with():
    first = watched(tiny(), 0)
    assert first.month == MONTHS[0]
    assert first.changes.words == "there is no snapshot of the month before, so all 6 on the list count as new"
    assert first.changes.counts["new"] == 6 == sum(first.changes.counts.values())


def test_one_month_alone_is_enough():
    assert_same(watched(tiny().until(MONTHS[0]), 0), watched(tiny(), 0))


def test_without_any_light_the_list_is_empty():
    month = watched(tiny({"calm": LOANS["calm"]}))
    assert (len(month.watchlist), len(month.changes.rows)) == (0, 0)
    assert month.lights["share"].tolist() == [0, 0, 0, 1, 0, 0, 0]


def test_a_month_in_which_nobody_is_live_lists_who_is_in_default_and_who_is_gone():
    month = watched(tiny({"defaults": LOANS["defaults"], "leaves": LOANS["leaves"]}))
    assert month.lights["loans"].tolist() == [0, 0, 0, 0, 1, 0, 0]
    assert (month.changes.counts["gone"], month.changes.counts["defaulted"]) == (1, 1)


def test_without_days_past_due_nobody_is_late_in_default_or_green():
    month = watched(tiny(late=False))
    lights = month.watchlist.set_index("loan_id")["light"].to_dict()
    assert {loan: light for loan, light in lights.items() if light != "unknown"} == {
        "rises": "red", "defaults": "amber", "eases": "amber", "stays": "amber", "wakes": "amber",
    }  # fmt: skip
    assert month.lights.set_index("light")["loans"].to_dict()["green"] == 0
    assert month.watchlist["days_past_due"].isna().all()


def test_loans_whose_probability_is_not_known_are_counted_and_watched():
    panel, n = tiny(), len(LOANS)
    month = watched_with(np.full((n, 2), NAN), panel, applications=terms())
    assert month.unknown == 7  # all that are live
    assert month.lights["loans"].tolist() == [2, 3, 0, 2, 1, 0, 0]
    assert month.watchlist["probability"].isna().all()


def test_the_change_of_probability_is_that_of_the_month_and_of_the_month_before():
    panel = tiny({"calm": LOANS["calm"]})
    up_by_eleven_points = np.array([[0.31, 0.2]])  # in the month before: 2 points, amber
    month = watched_with(up_by_eleven_points, panel, applications=terms("calm"))
    assert month.changes.counts["resolved"] == 1
    assert len(month.watchlist) == 0


def test_a_month_comes_out_the_same_again_and_when_later_months_are_known():
    panel = tiny()
    later = Panel(
        panel.loan_id, np.append(MONTHS, MONTHS[-1] + 1),
        *(np.column_stack([values, np.full(len(LOANS), worst)]) for values, worst in zip((panel.dti, panel.revol_util, panel.balance, panel.days_past_due), (99.0, 150.0, 1.0, 120.0), strict=True)),
    )  # fmt: skip
    assert_same(watched(panel), watched(panel))
    assert_same(watched(later), watched(panel))


def test_the_last_month_is_watched_unless_one_is_named():
    assert find_month(tiny(), None) == 1
    assert find_month(tiny(), np.datetime64("2020-01")) == 0
    assert find_month(tiny(), np.datetime64("2020-01-31")) == 0
    for absent in ("2019-12", "2020-03"):
        with pytest.raises(InputError, match=f"month {absent}: expected one of .* 2020-01 to 2020-02"):
            find_month(tiny(), np.datetime64(absent))
