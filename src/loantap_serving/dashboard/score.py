"""One application: a form with the answer beside it, its reasons, and what would change it."""

from typing import Any

import streamlit as st

from loantap.data.columns import BY_NAME, FEATURE_BY_NAME
from loantap.data.declarations import Column, readable_level
from loantap.exhibits.words import capital
from loantap.model.persistence import SavedModel
from loantap.model.reasons import voices
from loantap.scoring.application import all_reasons, score_application
from loantap_serving.alternatives import alternatives, told_apart
from loantap_serving.dashboard.charts import bars, gauge
from loantap_serving.dashboard.parts import need_model, note, plain, tell_referred
from loantap_serving.form import ASKED, check_form, starting_values

_COLUMNS = 3
_UNKNOWN = "not known"


def _label(column: Column) -> str:
    return capital(column.label) + (" (%)" if column.unit.startswith("percent") else "")


def _ask(column: Column, start: Any) -> Any:
    said: dict[str, Any] = {
        "label": _label(column),
        "key": f"field_{column.name}",
        "help": plain(f"{column.meaning}. {column.name}: {column.rule}"),
    }
    optional = column.missing or column.name == "issue_d"
    if column.kind == "category":
        levels = [_UNKNOWN, *column.levels] if optional else list(column.levels)
        start = levels.index(start or _UNKNOWN)
        chosen = st.selectbox(
            options=levels, index=start, format_func=lambda level: capital(readable_level(level)), **said
        )
        return None if chosen == _UNKNOWN else chosen
    if column.kind == "number":
        whole = column.unit == "count" or start == round(start or 0)
        hint = "empty: the annuity" if column.name == "installment" else _UNKNOWN if optional else "needed"
        # No limits here: the browser would keep a wrong value to itself, and the last right one would be scored.
        return st.number_input(value=start, step=1.0, format="%.0f" if whole else "%.2f", placeholder=hint, **said)
    hint = "this month" if column.name == "issue_d" else "such as Jan-2015" if column.kind == "month" else _UNKNOWN
    return st.text_input(value=start or "", placeholder=hint, **said)


def _form(model: SavedModel) -> dict[str, Any] | None:
    """Return what was entered, once it was sent."""
    start, entered = starting_values(model.training), {}

    def rows(fields: list[Column]) -> None:
        for first in range(0, len(fields), _COLUMNS):
            for cell, column in zip(st.columns(_COLUMNS), fields[first : first + _COLUMNS], strict=False):
                with cell:
                    entered[column.name] = _ask(column, start[column.name])

    seen = {source for name in model.metadata.features for source in FEATURE_BY_NAME[name].sources}
    aside = [column for column in ASKED if column.name not in seen]
    with st.form("application"):
        note("Filled in with the median or the commonest value of the training loans. Enter in a field sends the form.")
        rows([column for column in ASKED if column.name in seen])
        with st.expander(f"{len(aside)} fields that this model does not look at"):
            note("They are only held against the rest: what does not go together is told as a doubt.")
            rows(aside)
        sent = st.form_submit_button("Score the application", type="primary")
    return entered if sent else None


def _answer(model: SavedModel, application: dict[str, Any]) -> None:
    score = score_application(model, application)
    refer = score.decision == "refer"
    st.header("Refer to a person" if refer else "Approve", anchor="answer")
    probability, threshold = told_apart(score.probability_of_default, score.threshold)
    side = "at or above" if refer else "below"
    st.markdown(f"The probability of default is **{probability}**, {side} the threshold of {threshold}.")
    gauge(score.probability_of_default, score.threshold, score.decision)
    for warning in score.warnings:
        st.warning(plain(warning.text), icon=":material/warning:")
    st.subheader("Reasons")
    told = "\n".join(f"1. {plain(reason.text)} ({reason.code})" for reason in score.reasons)
    st.markdown(told or f"No single input {'raises' if refer else 'lowers'} the risk against a typical loan.")
    st.subheader("What would change the answer")
    st.markdown("\n".join(f"- {plain(other.text)}" for other in alternatives(model, application)))
    note("All else stays as it is. This says what moves the score, not what would help the applicant.")
    reasons = all_reasons(model, application)
    with st.expander("Everything that moves this score"):
        labels = {
            model.reasons[place].feature: " and ".join(model.reasons[other].label for other in places)
            for places in voices(model.reasons)
            for place in places
        }
        bars(
            [labels[reason.feature] for reason in reasons],
            [reason.contribution for reason in reasons],
            title="Added log-odds",
            description="What each input adds to the log-odds of default, against a typical loan, the strongest first",
        )
        st.markdown("\n".join(f"- {plain(reason.text)} ({reason.contribution:+.3f})" for reason in reasons))
    tell_referred(model)


st.title("Score an application")
model = need_model()
left, right = st.columns([11, 9], gap="medium")
with left:
    entered = _form(model)
with right:
    if entered is None:
        st.info("The answer will stand here, with its reasons and what would change it.", icon=":material/info:")
    else:
        application, wrong = check_form(entered)
        if application is not None:
            _answer(model, application)
        else:
            count = "1 field needs" if len(wrong) == 1 else f"{len(wrong)} fields need"
            listed = "\n".join(f"- **{_label(BY_NAME[name])}** {plain(text)}" for name, text in wrong.items())
            st.error(f"Nothing was scored: {count} another value.\n\n{listed}", icon=":material/error:")
