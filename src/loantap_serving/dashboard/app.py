"""What `loantap serve dashboard` lets Streamlit run: the frame of all pages."""

import os

import streamlit as st

from loantap.exhibits.plots.style import REPAID
from loantap_serving.dashboard.parts import need_model, plain, sources
from loantap_serving.dashboard.sources import RECORDS

# Its own icon: Streamlit would fetch that of a page from another host.
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    f'<path fill="{REPAID}" d="M1 9h4v6H1zM6 5h4v10H6zM11 1h4v14h-4z"/></svg>'
)

st.set_page_config(page_title="loantap", page_icon=_ICON, layout="wide")
pages = [
    st.Page("score.py", title="Score", icon=":material/person_search:", default=True),
    st.Page("explore.py", title="Explore", icon=":material/bar_chart:"),
    st.Page("portfolio.py", title="Portfolio", icon=":material/upload_file:"),
    st.Page("policy.py", title="Policy", icon=":material/tune:"),
    st.Page("watchlist.py", title="Watchlist", icon=":material/visibility:"),
]
if os.environ.get(RECORDS):
    pages.append(st.Page("disagreements.py", title="Disagreements", icon=":material/compare_arrows:"))
page = st.navigation(pages)
if page.url_path != "portfolio":
    st.session_state.pop("scored", None)  # of people: not kept longer than they are looked at
shown = sources()
model = need_model() if shown.model else None
run = shown.run
with st.sidebar:
    if model:
        st.markdown(f"**Model** {model.version}, {'the champion' if shown.promoted else 'not the champion'}")
    if run:
        st.markdown(f"**Run** {plain(run.manifest()['run_id'])}")
if (model and model.card.get("synthetic")) or (run and run.is_synthetic):
    st.warning(
        "**SYNTHETIC DATA.** Made from synthetic loans: for trials only. Decide nothing about real people with it.",
        icon=":material/science:",
    )
if model and not shown.promoted:
    st.warning(
        "This model is **not the champion**: nobody has promoted it, or another one took its place. See `loantap promote`.",
        icon=":material/flag:",
    )
page.run()
