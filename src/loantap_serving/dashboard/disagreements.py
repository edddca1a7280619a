"""Where a challenger and persons decide otherwise than the model that answered, where the service keeps its answers."""

import os
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from loantap.analysis.odds import wilson
from loantap.exhibits.words import interval
from loantap_serving.dashboard.parts import note, or_stop, show
from loantap_serving.dashboard.sources import RECORDS

if TYPE_CHECKING:
    from loantap_serving.records import Disagreements

_HEADS = {
    "model_version": "Model", "challenger_version": "Challenger", "decision": "Model decides", "challenger_decision": "Challenger decides",
    "applications": "Applications", "probability": "Model's probability of default", "challenger_probability": "Challenger's", "at": "When (UTC)",
    "request_id": "Request", "row": "Row", "model_decision": "Model decides", "person": "Person", "reason": "Reason",
}  # fmt: skip


def _read() -> "Disagreements":
    from loantap_serving.records import read_disagreements  # SQLAlchemy is no part of the dashboard's extra

    return read_disagreements(os.environ[RECORDS])


def _table(rows: pd.DataFrame, alt: str, **heads: str) -> None:
    config = {
        name: st.column_config.NumberColumn(head, format="percent") if "probability" in name else head
        for name, head in (_HEADS | heads).items()
        if name in rows
    }
    st.dataframe(rows, hide_index=True, column_config=config, alt=alt)


st.title("Disagreements")
found = or_stop(_read)
models = found.models
st.header("Model and challenger")
if models.empty:
    st.info("No challenger was scored beside the model. Name one: `loantap serve api --challenger MODEL`.")
else:
    differ, n = (
        models.loc[models["decision"] != models["challenger_decision"], "applications"].sum(),
        models["applications"].sum(),
    )
    low, high = wilson(pd.Series([differ]), pd.Series([n]), alpha=0.05)
    st.markdown(
        f"They decide differently on {show(differ, 'count')} of {show(n, 'count')} applications: {show(differ / n, 'rate')} "
        f"(95% interval {interval(low[0], high[0], 'rate')}). Which of them is right is known when the loans have run."
    )
    _table(models, "Applications by decision of model and challenger")
    st.subheader("The last ones on which they differ")
    _table(found.scores, "The last applications on which model and challenger differ")
st.header("Model and persons")
if found.persons.empty:
    st.info("No decision of a person was recorded. The service takes them at `POST /v1/decision`.")
else:
    _table(found.persons, "Applications by decision of model and person", decision="Person decides")
    st.subheader("The last decisions")
    _table(found.decisions, "The last decisions of persons with their reasons", decision="Person decides")
note("Of several decisions on one application the last one counts here; the store keeps all of them.")
