"""Default rates by any factor of the run's loans, with intervals and filters."""

import streamlit as st

from loantap.exhibits.words import percent
from loantap.model.bootstrap import CONFIDENCE
from loantap_serving.dashboard.charts import level_rates
from loantap_serving.dashboard.parts import need_run, note, plain, portfolio, show
from loantap_serving.explore import MIN_CELL, factors

_SHOWN = 40  # levels in the chart; the table has all
_HEADERS = {"level": "Level", "n": "Loans", "defaults": "Defaults", "default_rate": "Default rate", "ci_low": "Interval from", "ci_high": "Interval to"}  # fmt: skip
_RATES = ["default_rate", "ci_low", "ci_high"]

st.title("Explore the loans")
loans, run = portfolio(), need_run()
names = factors()
left, right = st.columns(2)
factor = left.selectbox("Factor", list(names), index=list(names).index("grade"), format_func=names.__getitem__)
filtered = right.multiselect("Only some loans, by", list(names), placeholder="No filter", format_func=names.__getitem__)
filters = {
    name: st.multiselect(f"Only these: {names[name]}", loans.levels(name), placeholder="All", key=f"filter_{name}")
    for name in filtered
}
found = loans.rates(factor, filters)
if found.default_rate is None or found.loans is None:
    st.info(found.note, icon=":material/info:")
    st.stop()
left, right = st.columns(2)
left.metric("Loans that match", show(found.loans, "count"))
right.metric("Default rate of these", show(found.default_rate, "rate"))
if found.note:
    st.warning(plain(found.note), icon=":material/warning:")
said = f"Default rate with {percent(CONFIDENCE)} intervals: {names[factor]}"
level_rates(
    found.levels.head(_SHOWN), default_rate=found.default_rate, description=f"{said}; the table has the numbers"
)
if len(found.levels) > _SHOWN:
    note(f"The picture has the first {_SHOWN} of {len(found.levels)} levels.")
columns = {
    name: st.column_config.Column(header)
    if name == "level"
    else st.column_config.NumberColumn(header, format="%.1f %%" if name in _RATES else "localized")
    for name, header in _HEADERS.items()
}
percentages = found.levels.assign(**(100 * found.levels[_RATES]))
st.dataframe(percentages, hide_index=True, column_config=columns, alt=said)
note(
    f"{percent(CONFIDENCE)} Wilson intervals; the dashed line is the rate of all loans that match. Levels with fewer than {MIN_CELL} loans, "
    "defaults or repaid loans are pooled. Nothing is corrected for the number of slices you look at, and differences are not "
    f"causes: the report has the tests. {run.model_note()}"
)
