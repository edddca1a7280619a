"""Loans that early warning points at, where a run has looked for them."""

import pandas as pd
import streamlit as st

from loantap.data.columns import KEY
from loantap.errors import InputError
from loantap.exhibits.watch_page import OFFERS_NOTE, SYNTHETIC
from loantap.exhibits.words import ABSENT, capital
from loantap.runs.results import RunFolder
from loantap.watchlist.worklist import COUNTS, HEADS, MONEY, PEOPLES, RATES
from loantap_serving.dashboard.parts import need_run, note, or_stop, plain, show, wide_table

_HEADERS = HEADS | {
    KEY: "Loan", "light": "Light", "since": "Since", "points": "Points", "reasons": "Reasons, the strongest first", "pd_12_months": "PD 12 months",
    "probability": "Probability of default", "could_save": "Could save",
    "balance": "Balance", "days_past_due": "Days past due", "dti": "Debt-to-income (%)", "revol_util": "Utilisation (%)",
    "offer": "Offer", "int_rate": "Rate (%)", "installment_before": "Installment now", "installment": "Installment then", "months": "Months", "interest": "Interest to come",
    "interest_change": "Change of interest", "dti_before": "Debt-to-income now (%)", "dti_after": "Debt-to-income then (%)",
    "expected_cost": "Expected cost to the lender (below 0: it gains)",
    "break_even": "The probability has to fall by (points)", "pays_for_itself": "Pays for itself", "who_gains": "Who gains",
    "reason": "Not made or not computed, because",
}  # fmt: skip
# What a loan's own part of the page says, what is shown once, and what people fill in elsewhere.
_APART = [ "changed", "days_past_due_as_of", "expected_cost", "dti_trend", "util_trend", "probability_change", *PEOPLES]  # fmt: skip
_KINDS = dict.fromkeys((*RATES, "probability", "probability_change", "break_even"), "rate") | dict.fromkeys(
    (*MONEY, "balance", "interest", "interest_change"), "money"
) | dict.fromkeys((*COUNTS, "points", "months"), "count")  # fmt: skip
_LISTED = 300  # rows that people look at


def _read(run: RunFolder, name: str) -> pd.DataFrame:
    try:
        table = run.table(name)
    except ValueError as error:  # pandas' own are among these
        raise InputError(f"{name}.csv: expected a table, but: {error}. Run early warning again.") from error
    return table.assign(**{KEY: table[KEY].astype("str")}) if KEY in table else table


def _words(table: pd.DataFrame) -> pd.DataFrame:
    """Return a list as texts under heads in words."""
    shown = table.copy().astype("object")
    for name in table.columns:
        if pd.api.types.is_numeric_dtype(table[name]):
            shown[name] = [
                ABSENT if pd.isna(value) else show(value, _KINDS.get(name, "number")) for value in table[name]
            ]
    return shown.fillna(ABSENT).rename(columns=_HEADERS)


def _show_loan(run: RunFolder, line: pd.Series) -> None:
    """Show all reasons of a loan, what has changed, and for a red one what each offer would do."""
    told = [f"**{capital(str(line['light']))}**", *str(line.get("reasons", "")).split("; ")]
    if isinstance(line.get("changed"), str):
        told.append(f"since the month before: {line['changed']}")
    st.markdown("\n".join([plain(told[0]).replace("\\*", "*"), "", *(f"- {plain(text)}" for text in told[1:])]))
    if line["light"] != "red":
        note("Offers are computed for red loans only.")
        return
    offers = or_stop(lambda: _read(run, "watchlist-offers"))
    of_it = offers[offers[KEY] == line[KEY]] if KEY in offers else offers.iloc[:0]
    if of_it.empty:
        st.info("Nothing was computed for this loan.", icon=":material/info:")
        return
    st.subheader("What can be offered")
    beside = _words(of_it.drop(columns=[KEY, "probability"], errors="ignore")).set_index(_HEADERS["offer"]).T
    wide_table(beside.rename_axis(columns=None), "What each offer changes for borrower and lender")
    note(OFFERS_NOTE)


st.title("Watchlist")
run = need_run()
if not (run.path / "results" / "early_warning.json").is_file():
    st.info("This run has no watchlist: early warning has not been run on it.", icon=":material/info:")
    st.stop()
found = or_stop(lambda: run.result("early_warning"))
if found.get("synthetic"):
    st.warning(f"**Synthetic snapshots.** {plain(SYNTHETIC)}", icon=":material/science:")
left, right = st.columns([1, 1], gap="large")
left.markdown(plain(found.get("sentence", "")))
if changed := found.get("changed"):
    left.markdown(plain(f"Since the month before: {changed}."))
if lights := found.get("lights", []):
    kinds = {"loans": "count", "share": "rate", "balance": "money"}
    told = [
        {"Light": capital(line["light"]), **{capital(name): show(line[name], kind) for name, kind in kinds.items()}}
        | {"What to do": line["action"]}
        for line in lights
    ]
    with right:
        wide_table(pd.DataFrame(told), "Loans by light", index=False)

by_rank = run.find("results", "tables", "worklist.csv").is_file()
st.header("Whom to act on first" if by_rank else "Loans to look at")
listed = or_stop(lambda: _read(run, "worklist" if by_rank else "watchlist"))
if listed.empty:
    st.info("There is no loan to look at.", icon=":material/info:")
    st.stop()
known = {"light", KEY} <= set(listed.columns)
chosen = st.multiselect("Only some lights", listed["light"].unique().tolist(), placeholder="All") if known else []
shown = listed[listed["light"].isin(chosen)] if chosen else listed
first = shown.head(_LISTED).drop(columns=_APART, errors="ignore")
for written, long in (("light_since", "since"), ("mainly", "reasons")):  # as they are written for narrow pages
    if {written, long} <= {*first}:
        first = first.assign(**{long: first[written]}).drop(columns=written)
wide_table(_words(first), "Loans on the watchlist", index=False, height="34rem")
note(
    f"{show(len(first), 'count')} of {show(len(listed), 'count')} loans. This page names loans: it is for people who may see them."
)
file = run.find("results", "tables", f"{'worklist' if by_rank else 'watchlist'}.csv")
st.download_button("Download the list", file.read_bytes(), file.name, "text/csv", on_click="ignore")
if known:
    st.header("One loan")
    loan = st.selectbox("Loan", shown[KEY].tolist())
    _show_loan(run, shown[shown[KEY] == loan].iloc[0])
