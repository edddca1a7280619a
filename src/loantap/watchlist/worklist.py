"""What to do about a month's loans: the month's work list, first where acting could save most, with columns that people fill in."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from loantap.data.columns import KEY

if TYPE_CHECKING:
    from loantap.model.economics import Economics
    from loantap.watchlist.month import Month
    from loantap.watchlist.settings import ActingSettings

IN_DEFAULT, GONE = "in default", "gone"
LISTED = ("red", "amber", "unknown", IN_DEFAULT)  # lines that somebody has to look at
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
TERMS = ("int_rate", "installment", "annual_inc", "revol_bal")  # what offers need of an application
_ORDER = ("red", IN_DEFAULT, GONE, "unknown", "amber", "green")  # where nobody knows what acting could save


@dataclass(frozen=True)
class Acting:
    """What to do about a month's loans: the offers to red ones, the one that fits each of them, and the work list."""

    offers: pd.DataFrame
    best: pd.DataFrame
    worklist: pd.DataFrame


def act(
    month: "Month", *, applications: pd.DataFrame, risk: pd.Series, economics: "Economics", saved: "ActingSettings"
) -> Acting:
    """Return what to do about a month's loans.

    On the work list are those on the watchlist, green ones that are likely to default, and those that were listed and are gone.

    Args:
        month: What early warning says of it.
        applications: loan_id and TERMS of the loans.
        risk: Probability of default within 12 months, by loan_id; a loan that is absent has none.
        economics: What a cost to the lender rests on.
        saved: What acting saves.
    """
    from loantap.watchlist.offers import (  # here, since a page reads the heads, and needs no assumptions
        best_offer,
        options,
    )

    offers = options(_red(month, applications, risk), economics=economics)
    best = best_offer(offers)
    rows = pd.concat([_listed(month), _likely(month, risk, saved.from_probability), _gone(month)], ignore_index=True)
    rows["pd_12_months"] = rows[KEY].map(risk).astype(float)
    rows = rows.merge(best[[KEY, "offer", "expected_cost"]], on=KEY, how="left").fillna({"offer": ""})
    return Acting(offers, best, worklist(rows, economics=economics, saved=saved))


def _red(month: "Month", applications: pd.DataFrame, risk: pd.Series) -> pd.DataFrame:
    """Return the red loans with their terms; the revolving balance is the application's, moved in proportion to the utilisation."""
    red = month.watchlist.loc[month.watchlist["light"] == "red", [KEY, "balance", "dti", "revol_util"]]
    wanted = applications[[KEY, "revol_util", *TERMS]].rename(columns={"revol_util": "then"})
    loans = red.merge(wanted, on=KEY, how="left", validate="one_to_one")
    then, now = (loans[name].to_numpy(dtype=float, na_value=np.nan) for name in ("then", "revol_util"))
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = np.where((then > 0) & ~np.isnan(now), now / then, 1.0)
    probability = loans[KEY].map(risk).astype(float)
    return loans.assign(revol_bal=loans["revol_bal"].astype(float) * moved, probability=probability)


def _listed(month: "Month") -> pd.DataFrame:
    """Return the loans on the list as the work list wants them."""
    changed, known_in = month.changes.rows.set_index(KEY)["words"], month.loans.set_index(KEY)["known_in"]
    listed = month.watchlist
    return listed[[KEY, "light", "since", "reasons", "days_past_due"]].assign(
        exposure=listed["balance"],
        days_past_due_as_of=listed[KEY].map(known_in).astype(object).fillna(""),
        changed=listed[KEY].map(changed).astype(object).fillna(""),
    )


def _likely(month: "Month", risk: pd.Series, least: float) -> pd.DataFrame:
    """Return the green loans that are likely to default all the same: no single sign is strong, all together are."""
    loans = month.loans[month.loans["light"] == "green"]
    likely = loans[loans[KEY].map(risk).astype(float) >= least]
    told = [f"likely to default within 12 months: {100 * chance:.0f}%" for chance in likely[KEY].map(risk)]
    return likely[[KEY, "light", "days_past_due"]].assign(
        since="", exposure=likely["balance"], reasons=told, changed="", days_past_due_as_of=likely["known_in"]
    )


def _gone(month: "Month") -> pd.DataFrame:
    """Return the loans that were on the list of the month before and are gone, as they last stood."""
    rows = month.changes.rows
    rows = rows[(rows["change"] == GONE) & rows["before"].isin(LISTED)]
    panel, then = month.panel, month.previous or 0
    places = np.searchsorted(panel.loan_id, rows[KEY])
    days = np.full(len(rows), np.nan) if panel.days_past_due is None else panel.days_past_due[places, then]
    told = {
        KEY: rows[KEY].to_numpy(), "light": GONE, "since": str(month.month), "days_past_due": days,
        "days_past_due_as_of": str(panel.months[then]), "exposure": panel.balance[places, then],
        "reasons": [f"not delivered; {light} the month before" for light in rows["before"]],
        "changed": rows["words"].to_numpy(),
    }  # fmt: skip
    return pd.DataFrame(told)


def worklist(loans: pd.DataFrame, *, economics: "Economics", saved: "ActingSettings") -> pd.DataFrame:
    """Return the work list, ordered by what acting could save.

    Where that is not known, red loans and those that are gone come first of all, and the others last, by light and exposure.

    Args:
        loans: One row a loan to work on: loan_id, light, since, reasons (words), exposure (currency), days_past_due, days_past_due_as_of (the
            month in which they were last known, "" for this one), pd_12_months (a fraction), changed (words), offer (or "") and its
            expected_cost (currency).
        economics: For its loss given default.
        saved: What acting saves.

    Returns:
        The COLUMNS: rank from 1; expected_loss: pd_12_months x exposure x loss given default, where a loan in default has defaulted for
        sure; could_save: expected_loss x the share that acting saves; amounts with two decimals, days whole; what people fill in is empty.
    """
    exposure, risk, days, cost = (
        loans[name].to_numpy(dtype=float, na_value=np.nan)
        for name in ("exposure", "pd_12_months", "days_past_due", "expected_cost")
    )
    defaulted = loans["light"].to_numpy() == IN_DEFAULT
    risk = np.where(defaulted, 1.0, risk)
    lost = risk * exposure * economics.loss_given_default
    could_save = lost * np.where(defaulted, saved.in_default, saved.performing)
    # Where only defaults have a probability, what they cost must not put them before all others.
    ordered = could_save if not np.isnan(risk[~defaulted]).all() else np.full(len(loans), np.nan)
    words = ("light", "since", "reasons", "changed", "offer", "days_past_due_as_of")
    table = loans.assign(
        pd_12_months=risk.round(4), exposure=exposure.round(2), expected_loss=lost.round(2), could_save=could_save.round(2),
        expected_cost=cost.round(2), days_past_due=pd.array(np.rint(days), dtype="Int64"),
        **{name: loans[name].fillna("").astype("str") for name in words}, **dict.fromkeys(PEOPLES, ""),
    )  # fmt: skip
    keys = pd.DataFrame({
        "asks": ~(np.isnan(ordered) & loans["light"].isin(("red", GONE)).to_numpy()), "could_save": -ordered,
        "light": loans["light"].map({light: place for place, light in enumerate(_ORDER)}).to_numpy(),
        "exposure": -exposure, "loan_id": table["loan_id"].astype("str").to_numpy(),
    })  # fmt: skip
    table = table.iloc[
        keys.sort_values(["asks", "could_save", "light", "exposure", "loan_id"], na_position="last").index
    ].reset_index(drop=True)
    return table.assign(rank=np.arange(1, len(table) + 1))[list(COLUMNS)]


def carried(listed: pd.DataFrame, last: pd.DataFrame) -> pd.DataFrame:
    """Return a work list with owner, status, due date and note of the same loans in an earlier one, as from `read_last`."""
    known = last.set_index("loan_id")[list(PEOPLES)].reindex(listed["loan_id"].astype("str")).fillna("")
    return listed.assign(**{name: known[name].to_numpy() for name in PEOPLES})


def totals(listed: pd.DataFrame) -> pd.DataFrame:
    """Return the work list by light, with a last line for all: light, loans, sums of what is known, unknown (no expected loss)."""
    counted = listed.assign(loans=1, unknown=listed["expected_loss"].isna().astype(int))
    names = ["loans", "exposure", "expected_loss", "could_save", "unknown"]
    by_light = counted.groupby("light", sort=False)[names].sum(min_count=1).reset_index()
    whole = counted[names].sum(min_count=1).to_frame().T.assign(light="all").fillna({"loans": 0, "unknown": 0})
    kinds = {"loans": "int64", "unknown": "int64", **dict.fromkeys(names[1:4], "float64")}
    return pd.concat([by_light, whole], ignore_index=True).astype(kinds).round(2)
