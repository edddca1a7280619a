"""Loans that early warning points at, where a run has looked for them."""

import pandas as pd
import streamlit as st

from loantap.data.columns import KEY
from loantap.errors import InputError
from loantap.exhibits.watch_page import OFFERS_NOTE, SYNTHETIC
from loantap.runs.results import RunFolder
from loantap.watchlist.worklist import HEADS, PEOPLES
from loantap_serving.dashboard.parts import need_run, note, or_stop, plain, show

_HEADERS = HEADS | {
    KEY: "Loan", "light": "Light", "points": "Points", "reasons": "Reasons, the strongest first", "probability": "Probability of default",
    "probability_change": "Its change", "balance": "Balance", "days_past_due": "Days past due", "dti": "Debt-to-income (%)",
    "dti_trend": "Its trend a month", "revol_util": "Utilisation (%)", "util_trend": "Trend of it a month",
    "offer": "Offer", "int_rate": "Rate (%)", "installment_before": "Installment now", "installment": "Installment then", "months": "Months", "interest": "Interest to come",
    "interest_change": "Change of interest", "dti_before": "Debt-to-income now (%)", "dti_after": "Debt-to-income then (%)",
    "expected_cost": "Expected cost to the lender (below 0: it gains)",
    "break_even": "The probability has to fall by (points)", "pays_for_itself": "Pays for itself", "who_gains": "Who gains",
    "reason": "Not made or not computed, because",
}  # fmt: skip
_HIDDEN = ["mainly", "light_since", *PEOPLES]  # what is shorter for narrower pages, and what people fill in elsewhere
_SHARES = ("probability", "probability_change", "pd_12_months")
_RED, _IN_A_ROW = "red", 4


def _read(run: RunFolder, name: str) -> pd.DataFrame:
    try:
        table = run.table(name)
    except ValueError as error:  # pandas' own are among these
        raise InputError(f"{name}.csv: expected a table, but: {error}. Run early warning again.") from error
    return table.assign(**{KEY: table[KEY].astype("str")}) if KEY in table else table


def _show(table: pd.DataFrame, alt: str) -> None:
    numbers = table.select_dtypes("number").columns
    columns = {
        name: st.column_config.NumberColumn(header, format="percent" if name in _SHARES else "localized")
        if name in numbers
        else st.column_config.TextColumn(header)
        for name, header in _HEADERS.items()
        if name in table
    }
    digits = {name: 4 if name in _SHARES else 2 for name in numbers}
    st.dataframe(table.round(digits), hide_index=True, column_config=columns, alt=alt)


st.title("Watchlist")
run = need_run()
if not (run.path / "results" / "early_warning.json").is_file():
    st.info("This run has no watchlist: early warning has not been run on it.", icon=":material/info:")
    st.stop()
found = or_stop(lambda: run.result("early_warning"))
if found.get("synthetic"):
    st.warning(f"**Synthetic snapshots.** {plain(SYNTHETIC)}", icon=":material/science:")
st.markdown(plain(found.get("sentence", "")))
lights = found.get("lights", [])
for start in range(0, len(lights), _IN_A_ROW):
    for cell, line in zip(st.columns(_IN_A_ROW), lights[start : start + _IN_A_ROW], strict=False):
        cell.metric(
            plain(f"{line['light'].capitalize()}: {line['action']}"),
            show(line["loans"], "count"),
            help=plain(
                f"{show(line['share'], 'rate')} of the loans delivered; balance {show(line['balance'], 'money')}"
            ),
        )
if changed := found.get("changed"):
    st.markdown(plain(f"Since the month before: {changed}."))

by_rank = run.find("results", "tables", "worklist.csv").is_file()
st.header("Whom to act on first" if by_rank else "Loans to look at")
listed = or_stop(lambda: _read(run, "worklist" if by_rank else "watchlist"))
if listed.empty:
    st.info("There is no loan to look at.", icon=":material/info:")
    st.stop()
known = {"light", KEY} <= set(listed.columns)
chosen = st.multiselect("Only some lights", listed["light"].unique().tolist(), placeholder="All") if known else []
shown = listed[listed["light"].isin(chosen)] if chosen else listed
_show(shown.drop(columns=_HIDDEN, errors="ignore"), "Loans on the watchlist")
note(
    f"{show(len(shown), 'count')} of {show(len(listed), 'count')} loans. This page names loans: it is for people who may see them."
)

red = listed.loc[listed["light"] == _RED, KEY].tolist() if known else []
if not red:
    st.stop()
st.header("What can be offered")
offers = or_stop(lambda: _read(run, "watchlist-offers"))
loan = st.selectbox("Red loan", red)
of_it = offers[offers[KEY] == loan] if KEY in offers else offers.iloc[:0]
if of_it.empty:
    st.info("Nothing was computed for this loan.", icon=":material/info:")
    st.stop()
_show(of_it, "What each offer changes for borrower and lender")
note(OFFERS_NOTE)
