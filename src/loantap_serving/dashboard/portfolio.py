"""A file of applications: scored, summed up, shown with its reasons and its rejected rows, and given back."""

import io
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from loantap.exhibits.words import capital
from loantap.model.persistence import SavedModel
from loantap.scoring.table import REASONS
from loantap_serving.dashboard.charts import distribution
from loantap_serving.dashboard.parts import need_model, note, or_stop, show, tell_referred
from loantap_serving.upload import score_upload

_LISTED = 500  # rows that people look at; the files hold all
_BINS = np.linspace(0, 1, 41)
_CODES = [f"reason_{number}" for number in range(1, REASONS + 1)]


def _show_distribution(model: SavedModel, scores: pd.DataFrame) -> None:
    """Draw the probabilities, and say which reasons are told most of those referred."""
    left, right = st.columns([3, 2], gap="large")
    threshold = model.threshold
    ends = np.unique(np.append(_BINS, min(threshold, 1)))  # no bar stands on both sides of the threshold
    place = np.searchsorted(ends, scores["probability_of_default"], side="right").clip(1, len(ends) - 1)
    counts = scores[["decision"]].assign(place=place).value_counts().rename("n").reset_index()
    counts = counts.assign(**{"from": ends[counts["place"] - 1], "to": ends[counts["place"]]})
    with left:
        st.subheader("Probabilities of default")
        said = f"Applications by probability of default; the line is the threshold of {show(threshold, 'rate')}"
        distribution(counts, threshold=threshold, description=said)
        note(f"{said}.")
    with right:
        st.subheader("Why they are referred")
        referred = scores[scores["decision"] == "refer"]
        told = referred[_CODES].melt()["value"].value_counts()
        if told.empty:
            st.info("No reason is told of a referral here.", icon=":material/info:")
            return
        labels = {line.code: capital(line.label) for line in model.reasons}
        rows = {
            "Reason": told.index.map(labels),
            "Referrals": told.to_numpy(),
            "Share": 100 * told.to_numpy() / len(referred),
        }
        share = st.column_config.ProgressColumn("Share of the referrals", format="%.1f %%", min_value=0, max_value=100)
        st.dataframe(pd.DataFrame(rows), hide_index=True, column_config={"Share": share}, alt="Reasons of referrals")
        note(f"Up to {REASONS} reasons are told of each, so the shares may add up to more than 100%.")


def _show_rows(model: SavedModel, scores: pd.DataFrame) -> None:
    """List the applications most likely to default, with their reasons in words."""
    st.subheader("Applications, those most likely to default first")
    labels = {line.code: line.label for line in model.reasons}
    first = scores.nlargest(_LISTED, "probability_of_default")
    reasons = first[_CODES].apply(lambda codes: "; ".join(codes.dropna().map(labels)), axis=1)
    rows = first.drop(columns=[*_CODES, "model_version"]).assign(reasons=reasons)
    heads: dict[str, Any] = {
        "row": "Row", "loan_id": "Loan", "decision": "Decision", "warnings": st.column_config.NumberColumn("Doubts", help="How many; the Score page says which"),
        "reasons": st.column_config.TextColumn("Reasons, the strongest first", width="large"),
        "probability_of_default": st.column_config.NumberColumn("Probability of default", format="percent"),
    }  # fmt: skip
    st.dataframe(rows, hide_index=True, column_config=heads, alt="Applications with probability, decision and reasons")
    note(f"{show(len(rows), 'count')} of {show(len(scores), 'count')} applications; the downloaded file holds all.")


def _show_refused(errors: bytes, count: int) -> None:
    st.subheader("Rows that were rejected")
    heads = {"row": "Row", "column": "Column", "rule": "Rule that is broken", "value": "What came"}
    found = pd.read_csv(io.BytesIO(errors), dtype=str)
    found["value"] = found["value"].str.removeprefix("'").fillna("not told")  # the mark is for spreadsheets
    st.dataframe(found.head(_LISTED), hide_index=True, column_config=heads, alt="Rejected rows with column and rule")
    note(f"{show(count, 'count')} rows break a rule, and were not scored; {show(len(found), 'count')} faults in all.")
    st.download_button("Download the rejected rows", errors, "refused.csv", "text/csv", on_click="ignore")


st.title("Score a portfolio")
model = need_model()
file = st.file_uploader(
    "File of applications: CSV, gzipped or not, Parquet or Excel, with the columns that the Score page asks for",
    type=["csv", "gz", "parquet", "txt", "xlsx"],
)
if file is None:
    note("The result is dropped when you open another page; file and result are gone some minutes after the tab is closed.")  # fmt: skip
    st.session_state.pop("scored", None)
    st.stop()
# Kept for this session and page only, so that a download does not score the file again.
if st.session_state.get("scored", ("", None))[0] != (file.file_id, model.version):
    st.session_state.pop("scored", None)
    with st.spinner("Scoring the file"):
        done = or_stop(partial(score_upload, model, file.name, file.getvalue()))
    st.session_state["scored"] = ((file.file_id, model.version), done)
done = st.session_state["scored"][1]
report = done.report
summed = {
    "Rows": show(report.rows, "count"), "Scored": show(report.scored, "count"), "Rejected": show(report.refused, "count"),
    "To be referred": show(report.referred, "count"), "Mean probability of default": show(report.mean_probability, "rate"),
}  # fmt: skip
for cell, (label, value) in zip(st.columns(len(summed)), summed.items(), strict=True):
    cell.metric(label, value)
for text in report.notes:
    st.warning(text, icon=":material/warning:")
st.download_button("Download the scores", done.scores, "scores.csv", "text/csv", type="primary", on_click="ignore")
scores = done.score_table()
_show_distribution(model, scores)
_show_rows(model, scores)
if done.errors:
    _show_refused(done.errors, report.refused)
tell_referred(model)
note(f"Scored by model {model.version}; referred is whoever reaches {show(model.threshold, 'rate')}.")
