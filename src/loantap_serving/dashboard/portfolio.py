"""A file of applications: scored, summed up, and given back."""

from functools import partial

import streamlit as st

from loantap_serving.dashboard.parts import need_model, note, or_stop, show, tell_referred
from loantap_serving.upload import score_upload

st.title("Score a portfolio")
model = need_model()
st.markdown(
    "A file of applications (CSV, gzipped or not, Parquet, Excel), with the columns that the Score page asks for. The result is dropped "
    "when you open another page; it and the file stay in memory until some minutes after the browser's tab is closed at most."
)
file = st.file_uploader("File of applications", type=["csv", "gz", "parquet", "txt", "xlsx"])
if file is None:
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
cells = st.columns(4)
for cell, (label, value) in zip(
    cells,
    {
        "Rows": show(report.rows, "count"),
        "Scored": show(report.scored, "count"),
        "To be referred": show(report.referred, "count"),
        "Mean probability of default": show(report.mean_probability, "rate"),
    }.items(),
    strict=True,
):
    cell.metric(label, value)
for text in report.notes:
    st.warning(text, icon=":material/warning:")
st.download_button("Download the scores", done.scores, "scores.csv", "text/csv", type="primary", on_click="ignore")
if report.refused:
    st.warning(
        f"{show(report.refused, 'count')} rows were rejected; a file says which, and why.", icon=":material/warning:"
    )
    if done.errors:
        st.download_button("Download the rejected rows", done.errors, "refused.csv", "text/csv", on_click="ignore")
tell_referred(model)
note(f"Scored by model {model.version}; referred is whoever reaches {show(model.threshold, 'rate')}.")
