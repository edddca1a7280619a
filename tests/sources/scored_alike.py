"""What `loantap score` says of applications, and whether a database says the same."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from loantap.data.applications import FIELDS
from loantap.data.cleaning import typed
from loantap.data.columns import BY_NAME, KEY
from loantap.data.declarations import Column
from loantap.model.inputs import feature_frame, source_columns
from loantap.model.persistence import SavedModel
from loantap.model.reasons import SLIGHT, voices
from loantap.scoring.table import REASONS, checked_applications, score_frame

# Sums of some twenty terms in another order, and other libraries' EXP and LN: rounding only.
ROUNDING = 1e-12
COLUMNS = [field.name for field in FIELDS if field.kind != "text"]
USUAL: dict[str, Any] = {
    "loan_amnt": 10_000.0, "term": "36 months", "int_rate": 11.44, "installment": 329.48, "grade": "B", "sub_grade": "B4",
    "emp_length": "10+ years", "home_ownership": "RENT", "annual_inc": 64_000.0, "verification_status": "Not Verified",
    "issue_d": pd.Timestamp("2015-01-01"), "purpose": "car", "dti": 18.4, "earliest_cr_line": pd.Timestamp("1998-03-01"),
    "open_acc": 11.0, "pub_rec": 0.0, "revol_bal": 12_400.0, "revol_util": 45.3, "total_acc": 24.0,
    "application_type": "INDIVIDUAL", "mort_acc": 0.0, "pub_rec_bankruptcies": 0.0,
}  # fmt: skip


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=[KEY, *COLUMNS])
    kinds = {"number": "float64", "category": "str", "month": "datetime64[s]"}
    return frame.astype({name: kinds[BY_NAME[name].kind] for name in COLUMNS})


def as_cleaned(loans: pd.DataFrame) -> pd.DataFrame:
    """Return cleaned loans as the warehouse holds them."""
    frame = loans.assign(loan_id=loans["row"].astype("str"), term=loans["term"].astype("str") + " months")
    return frame[[KEY, *COLUMNS]].astype({name: "str" for name in COLUMNS if BY_NAME[name].kind == "category"})


def values_of(column: Column) -> st.SearchStrategy[Any]:
    """Return values of a column: ordinary ones, ends, ones far outside, wrong ones and missing ones."""
    match column.kind:
        case "number":
            ends = [column.low, min(column.high, 1e9), column.cap or 0.0, 0.0]
            ordinary = st.floats(column.low, min(column.high, 1e6), allow_subnormal=False)
            return st.one_of(ordinary, ordinary, ordinary, st.sampled_from([*ends, -1.0, 1e-9, 1e12, np.inf, None]))
        case "category":
            levels = st.sampled_from(column.levels)
            return st.one_of(levels, levels, levels, st.sampled_from([f" {column.levels[0]} ", "a yacht", "", None]))
    months = st.dates(date(1950, 1, 1), date(2016, 12, 1)).map(lambda day: pd.Timestamp(day.replace(day=1)))
    return st.one_of(months, months, months, st.just(None))


@st.composite
def applications(draw: st.DrawFn, least: int = 1) -> pd.DataFrame:
    """Return some applications, of which a few columns each are anything and the others are usual."""
    rows = []
    for number in range(draw(st.integers(least, 30))):
        changed = draw(st.lists(st.sampled_from(COLUMNS), max_size=6, unique=True))
        rows.append(USUAL | {name: draw(values_of(BY_NAME[name])) for name in changed} | {KEY: f"L{number}"})
    return table(rows)


def by_the_library(model: SavedModel, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the scores of `loantap score` by key, and the first rule that each other row breaks."""
    raw = frame.set_axis(range(1, len(frame) + 1))
    checked, failures = checked_applications(raw, needed=source_columns(inputs=model.metadata.inputs))
    good = checked.loc[~checked.index.isin(failures["row"])]
    broken = failures.assign(refused=failures["column"] + ": " + failures["rule"], key=raw[KEY].reindex(failures["row"]).to_numpy())  # fmt: skip
    if good.empty:
        return pd.DataFrame(), broken
    return score_frame(model, good).to_pandas().set_index(KEY), broken


def assert_alike(model: SavedModel, frame: pd.DataFrame, found: pd.DataFrame, *, atol: float = ROUNDING) -> None:
    wanted, broken = by_the_library(model, frame)
    found = found.set_index(KEY)
    refused = found["refused"].dropna()
    assert {*refused.index} == {*broken["key"]}
    assert {*refused.items()} <= {*zip(broken["key"], broken["refused"], strict=True)}
    assert found.loc[refused.index].drop(columns=["refused", "model_version"]).isna().all(axis=None)
    if wanted.empty:
        return
    got = found.drop(index=refused.index).loc[wanted.index]
    probability = wanted["probability_of_default"].to_numpy()
    np.testing.assert_allclose(got["probability_of_default"].astype(float), probability, rtol=0, atol=atol)
    near = np.abs(probability - model.threshold) < atol
    assert (near | (got["decision"] == wanted["decision"].astype("str")).to_numpy()).all()
    assert (got["warnings"].astype(int) == wanted["warnings"]).all()
    assert set(got["model_version"]) == {model.version}
    for number in range(REASONS):
        name = f"reason_{number + 1}"
        mine, theirs = got[name].where(got[name].notna(), ""), wanted[name].astype("object").where(wanted[name].notna(), "")  # fmt: skip
        for key in wanted.index[(mine != theirs).to_numpy() & ~near]:
            # Two that count alike to rounding may change places, and one at the bound may be told or not.
            weights = voice_weights(model, frame.set_index(KEY).loc[[key]], refer=wanted.loc[key, "decision"] == "refer")  # fmt: skip
            bound = SLIGHT if number else 0.0
            assert weights.get(mine[key], bound) == pytest.approx(weights.get(theirs[key], bound), abs=1e-9), key


def voice_weights(model: SavedModel, row: pd.DataFrame, *, refer: bool) -> dict[str, float]:
    """Return of every code what its voice speaks for the decision."""
    checked, _ = checked_applications(row.set_axis([1]), needed=source_columns(inputs=model.metadata.inputs))
    added = model.scorer.many(feature_frame(typed(checked), inputs=model.metadata.inputs))[0]
    sign = model.metadata.slope * (1 if refer else -1)
    weight = [sign * (one - line.typical) for one, line in zip(added, model.reasons, strict=True)]
    return {model.reasons[place].code: sum(weight[one] for one in places) for places in voices(model.reasons) for place in places}  # fmt: skip
