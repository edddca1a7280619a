"""The month's work list: one row a loan, first where acting could save most, with columns that people fill in."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:  # a page reads the heads, and needs no assumptions
    from loantap.model.economics import Economics
    from loantap.watchlist.settings import ActingSettings

IN_DEFAULT = "in default"
PEOPLES = ("owner", "status", "due_date", "note")  # what people fill in
STATUSES = ("open", "contacted", "promise to pay", "offer made", "arrangement agreed", "no contact", "legal", "done")
# Each column with its head in words.
HEADS = {
    "rank": "Rank", "loan_id": "Loan", "light": "Light", "since": "Light since", "reasons": "Reasons", "exposure": "Exposure",
    "days_past_due": "Days past due", "days_past_due_as_of": "Days past due known in", "pd_12_months": "Default within 12 months",
    "expected_loss": "Expected loss", "could_save": "Acting could save", "changed": "Changed since last month",
    "offer": "Offer that fits", "expected_cost": "Expected cost to the lender", "owner": "Owner", "status": "Status",
    "due_date": "Due date", "note": "Note",
}  # fmt: skip
COLUMNS = tuple(HEADS)
MONEY = ("exposure", "expected_loss", "could_save", "expected_cost")
COUNTS = ("rank", "days_past_due")
RATES = ("pd_12_months",)

_ORDER = ("red", IN_DEFAULT, "gone", "unknown", "amber", "green")  # where nobody knows what acting could save


def worklist(loans: pd.DataFrame, *, economics: "Economics", saved: "ActingSettings") -> pd.DataFrame:
    """Return the work list, ordered by what acting could save.

    Where that is not known, red loans and those that are gone come first of all, and the others last, by light and exposure.

    Args:
        loans: One row a loan to work on: loan_id, light, since (month its light began), reasons (words), exposure (currency),
            days_past_due, days_past_due_as_of (the month in which they were last known, "" for this one), pd_12_months (probability of
            default within 12 months, a fraction), changed (words), offer (the one that fits, or "") and its expected_cost (currency).
        economics: For its loss given default.
        saved: What acting saves.

    Returns:
        The COLUMNS: rank from 1; expected_loss: pd_12_months x exposure x loss given default, where a loan in default has
        defaulted for sure; could_save: expected_loss x the share that acting saves; amounts with two decimals, days whole; owner,
        status, due_date and note are empty.
    """
    exposure, risk, days, cost = (
        loans[name].to_numpy(dtype=float, na_value=np.nan) for name in ("exposure", "pd_12_months", "days_past_due", "expected_cost")
    )  # fmt: skip
    inside = loans["light"].to_numpy() == IN_DEFAULT
    risk = np.where(inside, 1.0, risk)
    lost = risk * exposure * economics.loss_given_default
    could_save = lost * np.where(inside, saved.in_default, saved.performing)
    # Where only defaults have a probability, what they cost must not put them before all others.
    ordered = could_save if not np.isnan(risk[~inside]).all() else np.full(len(loans), np.nan)
    words = ("light", "since", "reasons", "changed", "offer", "days_past_due_as_of")
    table = loans.assign(
        pd_12_months=risk.round(4), exposure=exposure.round(2), expected_loss=lost.round(2), could_save=could_save.round(2),
        expected_cost=cost.round(2), days_past_due=pd.array(np.rint(days), dtype="Int64"),
        **{name: loans[name].fillna("").astype("str") for name in words}, **dict.fromkeys(PEOPLES, ""),
    )  # fmt: skip
    asks = ~(np.isnan(ordered) & loans["light"].isin(("red", "gone")).to_numpy())
    light = loans["light"].map({light: place for place, light in enumerate(_ORDER)}).to_numpy()
    keys = pd.DataFrame(
        {"asks": asks, "could_save": -ordered, "light": light, "exposure": -exposure, "loan_id": table["loan_id"].astype("str").to_numpy()}
    )  # fmt: skip
    order = keys.sort_values(["asks", "could_save", "light", "exposure", "loan_id"], na_position="last").index
    table = table.iloc[order].reset_index(drop=True)
    return table.assign(rank=np.arange(1, len(table) + 1))[list(COLUMNS)]


def carried(listed: pd.DataFrame, last: pd.DataFrame) -> pd.DataFrame:
    """Return a work list with owner, status, due date and note of the same loans in an earlier one, as from `read_last`."""
    known = last.set_index("loan_id")[list(PEOPLES)].reindex(listed["loan_id"].astype("str")).fillna("")
    return listed.assign(**{name: known[name].to_numpy() for name in PEOPLES})


def totals(listed: pd.DataFrame) -> pd.DataFrame:
    """Return the work list by light, with a last line for all: light, loans, sums of what is known, and unknown (loans without expected loss)."""
    counted = listed.assign(loans=1, unknown=listed["expected_loss"].isna().astype(int))
    names = ["loans", "exposure", "expected_loss", "could_save", "unknown"]
    by_light = counted.groupby("light", sort=False)[names].sum(min_count=1).reset_index()
    whole = counted[names].sum(min_count=1).to_frame().T.assign(light="all").fillna({"loans": 0, "unknown": 0})
    kinds = {"loans": "int64", "unknown": "int64", **dict.fromkeys(names[1:4], "float64")}
    return pd.concat([by_light, whole], ignore_index=True).astype(kinds).round(2)
