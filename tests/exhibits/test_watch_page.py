"""The page of a month's watchlist: readable whatever the month holds, and nothing on it is run."""

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from loantap.exhibits.watch_page import SYNTHETIC, watch_page
from loantap.model.economics import Economics
from loantap.watchlist.lights import CHANGES, COLUMNS, Changes
from loantap.watchlist.month import Delivery, Watch
from loantap.watchlist.settings import read_settings
from loantap.watchlist.worklist import Acting, worklist

HOSTILE = "<script>alert(1)</script>"
SETTINGS = read_settings()


def listed(*loans: str, light: str = "red", reasons: str = "days past due: 30") -> pd.DataFrame:
    known = dict.fromkeys(COLUMNS, 1.0) | {"light": light, "reasons": reasons, "days_past_due": 30.0}
    return pd.DataFrame([known | {"loan_id": loan} for loan in loans], columns=list(COLUMNS))


def offers(*loans: str) -> pd.DataFrame:
    names = (
        "int_rate",
        "installment_before",
        "installment",
        "months_before",
        "months",
        "interest",
        "interest_change",
        "dti_before",
        "dti_after",
        "expected_cost",
    )
    known = dict.fromkeys(names, 2.0) | {"offer": "12 months longer", "pays_for_itself": "would never", "reason": ""}
    return pd.DataFrame(
        [known | {"loan_id": loan} for loan in loans], columns=["loan_id", "offer", *names, "pays_for_itself", "reason"]
    )


def page(watchlist: pd.DataFrame, offered: pd.DataFrame | None = None, **others: Any) -> str:
    watchlist = watchlist.astype({"light": "str", "reasons": "str"})
    counts = watchlist["light"].value_counts().reindex(["red", "amber", "green"]).fillna(0)
    lights = pd.DataFrame({"light": counts.index, "loans": counts.to_numpy(), "share": 0.5, "balance": 1_000.0, "action": "none"})  # fmt: skip
    rows = pd.DataFrame(columns=["loan_id", "change", "before", "after", "words"])
    changes = Changes(dict.fromkeys((*CHANGES, "unchanged"), 0) | {"gone": 1}, rows, "0 new on the list")
    delivery = Delivery(loans=len(watchlist), before=9, again=7, problems=(), untold=())
    month = SimpleNamespace(month=np.datetime64("2016-05"), delivery=delivery, lights=lights, changes=changes)
    summary = {
        "as_of": "2016-05", "source": "live.csv", "synthetic": False, "model_version": "0123456789ab",
        "changed": changes.words, "unknown": 0, "quarantined": 0, "notes": [], "incomplete": [], "not_delivered": [],
    }  # fmt: skip
    made = offers() if offered is None else offered
    rows = watchlist.assign(
        since="2016-05", exposure=watchlist["balance"], pd_12_months=watchlist["probability"], changed="new on the list", offer="", expected_cost=np.nan, days_past_due_as_of="",
    )  # fmt: skip
    work = worklist(rows, economics=Economics(), saved=SETTINGS.acting)
    found = Watch(month, Acting(made, made, work), no_risk="", became=None)  # type: ignore[arg-type]  # what the page reads of a month
    return watch_page(found, summary | others, settings=SETTINGS)


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html.partition("</style>")[2]))


@pytest.mark.parametrize(
    "name",
    [HOSTILE, "&lt;script&gt;alert(1)&lt;/script&gt;", "`<script>`{=html}", "[x](javascript:alert(1))", "![x](//evil/x.png)",
     "a|b", "a\nb", "\\<script>", "$\\href{javascript:alert(1)}{x}$", "<https://evil>", "]{onclick=alert(1)}"],
)  # fmt: skip
def test_nothing_that_a_loan_is_called_is_markup(name: str):
    made, plain = page(listed(name), offers(name)), page(listed("L1"), offers("L1"))
    tags = [re.findall(r"<[^>]*>", html.partition("<body>")[2]) for html in (made, plain)]
    tags = [[re.sub(r' style="[^"]*"', "", tag) for tag in found] for found in tags]
    assert [tag for tag in tags[0] if "col" not in tag] == [tag for tag in tags[1] if "col" not in tag]


def test_reasons_notes_and_sources_are_escaped():
    made = page(listed("L1", reasons=HOSTILE), source=HOSTILE, notes=[HOSTILE])
    assert "<script" not in made
    assert made.count("&lt;script&gt;") == 3


def test_synthetic_snapshots_are_said_to_be_synthetic():
    assert SYNTHETIC in text(page(listed("L1"), synthetic=True))
    assert "synthetic" not in text(page(listed("L1")))


def test_an_empty_month_is_readable():
    found = text(page(listed()))
    assert "Whom to act on first None." in found
    assert "What can be offered to red loans None." in found
    assert "Nothing unusual." in found
    assert "nan" not in found.lower()


def test_amber_loans_alone_get_no_offers():
    found = text(page(listed("L1", light="amber")))
    assert "All 1 are in worklist.csv" in found
    assert "What can be offered to red loans None." in found


def test_offers_of_the_first_ten_red_loans_are_shown():
    names = [f"L{number:02d}" for number in range(12)]
    found = text(page(listed(*names), offers(*names)))
    assert "The first 10 of 12, all in offers.csv." in found
    assert found.count("12 months longer") == 10


def test_the_first_fifty_loans_are_shown():
    found = text(page(listed(*(f"L{number:03d}" for number in range(60)), light="amber")))
    assert "The first 50 of 60, all in worklist.csv." in found
    assert "L049" in found
    assert "L050" not in found


def test_rows_set_aside_and_unknown_probabilities_are_told():
    found = text(page(listed("L1"), quarantined=1_234, unknown=7, notes=["A note."]))
    for words in ("1,234 rows of snapshots break the contract", "7 live loans have no probability", "A note."):
        assert words in found
    assert "Nothing unusual" not in found


def test_the_sum_of_the_lines_and_what_became_of_the_month_before_are_told():
    found = text(page(listed("L1", "L2")))
    assert "2 loans, each in one line" in found
    assert re.search(r"all delivered 2 ", found)
    assert "Of the 9 loans of the month before, 7 were delivered again, 1 had ended, and 1 is gone" in found


def test_a_month_that_was_accepted_though_incomplete_says_so_with_the_numbers():
    found = text(
        page(listed("L1"), incomplete=["loans: 20 after 312, 93.6% less"], not_delivered=["Not delivered: status; so."])
    )
    assert "This month is incomplete, and was accepted as it is." in found
    assert "loans: 20 after 312, 93.6% less." in found
    assert "Not delivered: status; so." in found


def test_what_changed_begins_a_sentence():
    assert "There is no snapshot of the month before." in text(page(listed("L1"), changed="there is no snapshot of the month before"))  # fmt: skip


def test_values_that_are_not_known_have_a_dash():
    unknown = listed("L1", "L2").assign(probability=[0.5, np.nan], days_past_due=[30, np.nan])
    assert "nan" not in text(page(unknown)).lower()
    # Of the second loan: its days, its probability, what may be lost and saved; of both: no offer.
    assert text(page(unknown)).count("–") == 6


def test_every_offer_says_what_it_costs_and_when_it_pays_for_itself():
    told = "if the probability falls by 3.10 points"
    made = offers("L1").assign(expected_cost=120.5, pays_for_itself=told)
    found = text(page(listed("L1"), pd.concat([made, offers("L1").assign(installment=np.nan, reason="it would raise the borrower's burden")])))  # fmt: skip
    for words in ("120.50", told, "Either way the loan may fail"):
        assert words in found
    assert "it would raise the borrower's burden" not in found  # what is not made is in the file
