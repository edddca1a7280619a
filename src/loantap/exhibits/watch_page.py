"""A month's watchlist as a page: how many, what has changed, who, why, and what can be offered."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.exhibits.exhibit import Notice
from loantap.exhibits.single_page import single_page
from loantap.exhibits.warning_sentences import rule_sentence
from loantap.exhibits.words import bullets, capital, columns, plain, show, to_markdown
from loantap.exhibits.worklist import as_shown, order_sentence, work_columns
from loantap.watchlist.month import Month, Watch
from loantap.watchlist.settings import Settings

_SHOWN = 50
_OFFERED = 10
LIGHT_COLUMNS = columns("light", "loans", "share", "balance", "action")
LIST_COLUMNS = columns("loan_id", "light", "mainly", "balance", "probability", "dti", "revol_util", "days_past_due")
_TERMS = ("installment_before", "installment", "months", "dti_before", "dti_after", "expected_cost")
MEDIAN_COLUMNS = columns("offer", "n", *_TERMS)
OFFER_COLUMNS = columns("loan_id", "offer", *_TERMS, "pays_for_itself", "reason")
SYNTHETIC = (
    "These snapshots are synthetic, since the case-study file holds one moment of each loan only. They show how early warning works, and "
    "nothing of real loans."
)
INVENTED = Notice("Synthetic snapshots", SYNTHETIC)
OFFERS_NOTE = (
    "Debt-to-income (DTI) includes this loan's installment. The expected cost is what the lender expects to receive as it is, less what it "
    "expects with the offer, both at present value. Either way the loan may fail, and with the same probability: how far an offer lowers it is "
    "not known. So each offer says by how much that probability has to fall for it to pay for itself. No offer is made that would raise the "
    "borrower's burden. What a debt that is taken over cost before is not known."
)


def watch_page(watch: Watch, summary: Mapping[str, Any], *, settings: Settings) -> str:
    """Return the page of a month as HTML that needs nothing else; `summary` holds the counts and notes that are written beside it."""
    month, worklist, offers = watch.month, watch.acting.worklist, watch.acting.offers
    incomplete, notes = "", [*summary["notes"], *summary["not_delivered"]]
    if summary["incomplete"]:
        problems = bullets(f"{plain(problem)}." for problem in summary["incomplete"])
        incomplete = f"::: notice\nThis month is incomplete, and was accepted as it is. Beside the month before:\n\n{problems}\n:::"
    if quarantined := summary["quarantined"]:
        notes += [f"{quarantined:,} rows of snapshots break the contract; quarantine.csv says which and why."]
    if unknown := summary["unknown"]:
        notes += [f"{unknown:,} live loans have no probability: they lack an application, or a value in the snapshot."]
    first = worklist.loc[worklist["light"] == "red", "loan_id"].head(_OFFERED)
    fitting = offers[offers["loan_id"].isin(first) & offers["installment"].notna()]
    rule = rule_sentence(settings.model_dump(), month.lights.to_dict("records"))
    became = [] if watch.became is None else [
        "## What became of last month's list", to_markdown(watch.became.counts, columns("outcome", "loans")),
        to_markdown(_in_one_line(watch.became.by, "value"), columns("kind", "value", "outcome", "loans")),
    ]  # fmt: skip
    parts = [
        f"# Watchlist of {summary['as_of']}",
        f"::: notice\n{SYNTHETIC}\n:::" if summary["synthetic"] else "",
        f"Snapshots: {plain(summary['source'])}. Model {summary['model_version']}. This page names loans: keep it with the loan files.",
        incomplete,
        f"## {show(month.delivery.loans, 'count')} loans, each in one line",
        delivered_sentence(month),
        to_markdown(with_sum(month.lights), LIGHT_COLUMNS),
        "## Changes since the month before", f"{capital(summary['changed'])}.",
        "## Whom to act on first", _some(worklist, _SHOWN, "worklist.csv"), plain(f"{order_sentence(watch.no_risk)} {settings.acting.words}"),
        to_markdown(_in_one_line(as_shown(worklist.head(_SHOWN))), work_columns(worklist)) if len(worklist) else "", *became,
        "## What can be offered to red loans", _some(worklist[worklist["light"] == "red"], _OFFERED, "offers.csv"),
        *([OFFERS_NOTE, to_markdown(_in_one_line(fitting), OFFER_COLUMNS)] if len(fitting) else []),
        "## How a light comes about", plain(rule),
        "## Notes on the data", bullets(map(plain, notes or ["Nothing unusual."])),
    ]  # fmt: skip
    return single_page(f"Watchlist of {summary['as_of']}", [part for part in parts if part])


def delivered_sentence(month: Month) -> str:
    """Return how the loans of a month follow from those of the month before."""
    delivery, missing = month.delivery, month.changes.counts["gone"]
    if not delivery.before:
        return "No month before it was delivered."
    ended = delivery.before - delivery.again - missing
    return (
        f"Of the {show(delivery.before, 'count')} loans of the month before, {show(delivery.again, 'count')} were delivered again, {show(ended, 'count')} had "
        f"ended, and {show(missing, 'count')} {'is' if missing == 1 else 'are'} gone: not delivered, and nobody knows why. "
        f"{show(delivery.loans - delivery.again, 'count')} came."
    )


def with_sum(lights: pd.DataFrame) -> pd.DataFrame:
    """Return the lines of a month with their sum below them."""
    total = {"light": "all delivered", "action": ""} | lights[["loans", "share", "balance"]].sum().to_dict()
    return pd.concat([lights, pd.DataFrame([total])], ignore_index=True).astype({"loans": int})


def _in_one_line(table: pd.DataFrame, name: str = "loan_id") -> pd.DataFrame:
    one_line = table[name].astype("str").str.replace(r"\s+", " ", regex=True)  # or a row would break
    return table.assign(**{name: one_line})


def _some(table: pd.DataFrame, most: int, file: str) -> str:
    if len(table) <= most:
        return f"All {len(table):,} are in {file}." if len(table) else "None."
    return f"The first {most} of {len(table):,}, all in {file}."
