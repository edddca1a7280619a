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
page = st.navigation(pages, position="top")
st.html("<style>.stMainBlockContainer{padding:4.5rem clamp(1rem,4vw,3rem) 3rem} h1{padding:.5rem 0!important}</style>")
if page.url_path != "portfolio":
    st.session_state.pop("scored", None)  # of people: not kept longer than they are looked at
shown = sources()
model = need_model() if shown.model else None
run = shown.run
told = []
if model:
    beside = "" if shown.promoted else " :orange-badge[not the champion: see loantap promote]"
    told.append(f"**Model** {model.version}{beside}")
if run:
    told.append(f"**Run** {plain(run.manifest()['run_id'])}")
st.markdown(" · ".join(told))
if (model and model.card.get("synthetic")) or (run and run.is_synthetic):
    st.warning(
        "**SYNTHETIC DATA.** Made from synthetic loans: for trials only. Decide nothing about real people with it.",
        icon=":material/science:",
    )
page.run()
