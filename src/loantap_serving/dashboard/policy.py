"""The decision sheet of the run, whom each policy refuses, and what another threshold would do."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from loantap.exhibits.decision import fair, who
from loantap.exhibits.decision_rows import basis, sheet_rows, why
from loantap.exhibits.economics import told
from loantap.exhibits.words import capital, interval, percent, plain
from loantap.model.bootstrap import CONFIDENCE
from loantap.model.decision import Share
from loantap.model.economics import Economics
from loantap.model.persistence import SavedModel
from loantap.policy.composition import composition_of
from loantap.policy.groupings import words_of
from loantap.policy.listing import threshold_score
from loantap.policy.verdicts import DEPENDS, SHOWN
from loantap.runs.results import RunFolder, decision_sheet
from loantap_serving.dashboard.charts import curves, frontier, shares
from loantap_serving.dashboard.parts import (
    need_model,
    need_run,
    note,
    or_stop,
    show,
    tell_referred,
    test_loans,
    wide_table,
)
from loantap_serving.explore import MIN_CELL
from loantap_serving.trade_off import TestLoans, curve, trade_off

_MEASURES = {
    "referred": "Referred, of all applications",
    "defaults_caught": "Defaults caught",
    "good_referred": "Good customers referred",
    "default_rate_approved": "Default rate of the approved",
    "profit_per_100": "Profit per 100 of money asked for",
}
_CURVES = {"referred": "Referred", "defaults_caught": "Defaults caught", "good_referred": "Good customers referred"}
_NEAR = 0.025  # on both axes: closer marks would hide one another


def _shown(name: str, share: Share) -> str:
    kind = "number" if name == "profit_per_100" else "rate"
    return f"{show(share.estimate, kind)} ({interval(share.ci_low, share.ci_high, kind)})"


def _tell_verdict(sheet: Mapping[str, Any]) -> None:
    """Say what may be recommended, in a box by its verdict."""
    verdict = sheet["recommended"]["verdict"]
    box = {SHOWN: st.success, DEPENDS: st.warning}.get(verdict, st.info)
    told = " ".join(filter(None, (sheet["recommendation"], sheet["recommended"].get("ask"))))  # older runs ask nothing
    box(f"**Verdict: {verdict}.** {plain(told)}", icon=":material/gavel:")


def _show_sheet(sheet: Mapping[str, Any], thresholds: pd.DataFrame) -> None:
    """Show the policies side by side, as a table and as places between good customers declined and defaults avoided."""
    wide_table(sheet_rows(sheet["policies"]).rename(index=lambda place: place + 1), "The decision sheet")
    note(f"{basis(sheet)} {sheet['caveat']}")
    said = "Defaults avoided against good customers declined, along the thresholds of the model; the numbers are rows of the table"
    drawn, words = st.columns([2, 1], vertical_alignment="center")
    with drawn:
        frontier(thresholds, _points(sheet), description=said)
    with words:
        note(f"{said}. Dashed: declining at random.")


def _points(sheet: Mapping[str, Any]) -> pd.DataFrame:
    """Return where the policies lie, those that lie close to one another as one: mark, policy, good_refused, defaults_avoided."""
    points: list[dict[str, Any]] = []
    for number, entry in enumerate(sheet["policies"], start=1):
        place = {name: entry[name] for name in ("good_refused", "defaults_avoided")}
        near = next((one for one in points if all(abs(one[name] - place[name]) < _NEAR for name in place)), None)
        if near:
            near |= {"mark": f"{near['mark']}, {number}", "policy": f"{near['policy']}; {capital(entry['title'])}"}
        else:
            points.append({"mark": str(number), "policy": capital(entry["title"]), **place})
    return pd.DataFrame(points)


def _show_refused(sheet: Mapping[str, Any]) -> None:
    """Show whom a chosen policy declines, by every attribute that the sheet counts by."""
    refusing = {capital(entry["title"]): entry for entry in sheet["policies"] if entry["n_refused"]}
    if not refusing:
        st.info("No policy of the sheet declines anybody.", icon=":material/info:")
        return
    entry = refusing[st.selectbox("Policy", list(refusing))]
    st.markdown("\n\n".join(plain(text) for text in (why(entry), who(entry), fair(entry))))
    cells, heights = st.columns(2), [0, 0]
    for attribute, levels in entry["composition"].items():
        by, place = words_of(attribute.removesuffix("_band")), heights.index(min(heights))
        heights[place] += len(levels) + 5  # and a heading and an axis
        with cells[place]:
            st.subheader(capital(by))
            shares(pd.DataFrame(levels), title="Declined, of each group", description=f"Share declined by {by}")
    note("Of the test loans. The first risk decile is the safest tenth of them. Small groups are joined.")


def _try_threshold(
    model: SavedModel, test: TestLoans, thresholds: pd.DataFrame, run: RunFolder, confidence: float
) -> None:
    """Let another threshold, and another loss from a default, be tried on the test loans."""
    left, right = st.columns(2)
    start = round(100 * model.threshold, 1)
    moved = left.slider("Refer at a probability of default of (%)", 1.0, 99.0, start, 0.1, format="%.1f")
    threshold = model.threshold if moved == start else moved / 100
    economics = Economics(**model.card["economics"])
    assumed = round(100 * economics.loss_given_default)
    loss = right.slider("A default loses, of the balance outstanding then (%)", 0, 100, assumed, 1) / 100
    economics = economics.with_("loss_given_default", loss)
    columns = {
        f"{whose}: {show(at, 'rate') if at <= 1 else 'nobody'}": [
            _shown(name, share)
            for name, share in trade_off(test, threshold=at, economics=economics, confidence=confidence).items()
        ]
        for whose, at in (
            ("Chosen here", threshold),
            (f"{threshold_score(model)}, the model's own", model.threshold),
            ("Profit", model.metadata.profit_threshold),
            (f"Capacity of {percent(model.metadata.capacity)}", model.metadata.capacity_threshold),
        )
    }
    st.table(pd.DataFrame(columns, index=list(_MEASURES.values())))
    said = "Applications referred, defaults caught and good customers referred, by threshold; the line marks the chosen one"
    curves(thresholds, _CURVES, at=threshold, description=said)
    referred = composition_of(
        test.loans, test.probability, {"chosen": test.probability >= threshold}, min_cell=MIN_CELL
    )
    st.subheader("Referred at the chosen threshold, by grade")
    shares(
        referred[referred["attribute"] == "grade"],
        title="Referred, of each grade",
        description="Share referred at the chosen threshold by grade",
    )
    note(
        f"On n = {show(len(test.loans), 'count')} test loans of run {run.manifest()['run_id']}, which had no part in making the model; in "
        f"brackets {percent(confidence)} intervals, Wilson's for shares, bootstrap ones for profit. Profit assumes that no referred application is "
        f"granted, {told(economics)}. A threshold chosen on these very loans promises somewhat more than it will earn. {run.model_note()}"
    )


st.title("Policy")
model, test, run = need_model(), test_loans(), need_run()
thresholds = curve(test, np.linspace(0.01, 0.99, 99))
sheet = or_stop(lambda: decision_sheet(run))
if sheet:
    _tell_verdict(sheet)
tell_referred(model)
decided, declined, tried = st.tabs(["The decision sheet", "Who is declined?", "Try another threshold"])
with decided:
    if sheet:
        heads = {"good_referred": "good_refused", "defaults_caught": "defaults_avoided"}
        _show_sheet(sheet, thresholds.rename(columns=heads))
    else:
        st.info("This run has no decision sheet: its policy stage has not run, or an older version made it.", icon=":material/info:")  # fmt: skip
with declined:
    if sheet:
        _show_refused(sheet)
with tried:
    _try_threshold(model, test, thresholds, run, sheet["confidence"] if sheet else CONFIDENCE)
