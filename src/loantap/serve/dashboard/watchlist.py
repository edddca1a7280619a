"""Loans that early warning points at, where a run has looked for them."""

import streamlit as st

from loantap.serve.dashboard.parts import need_run, or_stop

st.title("Watchlist")
run = need_run()
if not (run.path / "results" / "early_warning.json").is_file():
    st.info("This run has no watchlist: early warning has not been run on it.", icon=":material/info:")
    st.stop()
table = or_stop(lambda: run.table("watchlist"))
st.dataframe(table, hide_index=True, alt="Loans on the watchlist")
