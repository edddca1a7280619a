"""What another threshold, and another loss from a default, would do."""

import numpy as np
import pandas as pd
import streamlit as st

from loantap.decisions.policy.thresholds import threshold_score
from loantap.exhibits.economics import told
from loantap.exhibits.words import interval, percent
from loantap.model.decision import Share
from loantap.model.economics import Economics
from loantap.serve.dashboard.charts import curves
from loantap.serve.dashboard.parts import need_model, need_run, note, show, tell_referred, test_loans
from loantap.serve.trade_off import curve, trade_off

_MEASURES = {
    "referred": "Referred, of all applications",
    "defaults_caught": "Defaults caught, of all defaults",
    "good_referred": "Good loans referred, of all good ones",
    "default_rate_approved": "Default rate of the approved",
    "profit_per_100": "Profit per 100 of money asked for",
}
_CURVES = {"referred": "referred", "defaults_caught": "defaults caught", "good_referred": "good loans referred"}


def _shown(name: str, share: Share) -> str:
    kind = "number" if name == "profit_per_100" else "rate"
    return f"{show(share.estimate, kind)} ({interval(share.ci_low, share.ci_high, kind)})"


st.title("Policy")
model, test, run = need_model(), test_loans(), need_run()
tell_referred(model)
left, right = st.columns(2)
start = round(100 * model.threshold, 1)
moved = left.slider("Refer at a probability of default of (%)", 1.0, 99.0, start, 0.1, format="%.1f")
threshold = model.threshold if moved == start else moved / 100
economics = Economics(**model.card["economics"])
assumed = round(100 * economics.loss_given_default)
loss = right.slider("A default loses, of the balance then outstanding (%)", 0, 100, assumed, 1) / 100
economics = economics.with_("loss_given_default", loss)
columns = {
    f"{whose}: {show(at, 'rate') if at <= 1 else 'nobody'}": [
        _shown(name, share) for name, share in trade_off(test, threshold=at, economics=economics).items()
    ]
    for whose, at in (
        ("Chosen here", threshold),
        (f"For {threshold_score(model)}, the model's own", model.threshold),
        ("For profit", model.facts.profit_threshold),
        (f"Room for {percent(model.facts.capacity)}", model.facts.capacity_threshold),
    )
}
st.table(pd.DataFrame(columns, index=list(_MEASURES.values())))
said = "Shares referred, of defaults caught and of good loans referred, by threshold; the line marks the chosen one"
curves(curve(test, np.linspace(0.01, 0.99, 99)), _CURVES, at=threshold, description=said)
note(
    f"On n = {show(len(test.loans), 'count')} test loans of run {run.manifest()['run_id']}, which the model was not made from; in "
    "brackets 95 % intervals, Wilson's for shares, bootstrap ones for profit. Profit supposes that no referred application is "
    f"granted, {told(economics)}. A threshold chosen on these very loans promises somewhat more than it will bring. {run.model_note()}"
)
