"""Doubts about a score: inputs that training loans hardly had, inputs left out, and inputs that do not go together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from loantap.data.annuity import annuity
from loantap.data.columns import BY_NAME, FEATURE_BY_NAME
from loantap.data.declarations import written
from loantap.model.inputs import CAPS, CATEGORIES, PLACES, RATIOS
from loantap.model.metadata import NumberSummary, Range
from loantap.model.persistence import SavedModel
from loantap.model.scorer import Value

Code = Literal[
    "outside_training_range", "unseen_category", "rarely_left_out", "rate_far_from_sub_grade",
    "bankruptcies_above_records", "not_the_annuity",
]  # fmt: skip
RARELY = 0.02  # of recent training loans: a model has not seen enough loans without a value that so few lacked
_RATE_MARGIN = 1.0  # percentage points beyond what nearly all loans of a sub-grade had: prices move with the years
ANNUITY_TOLERANCE = 0.02  # fees and rounding make installments differ by less
CENT = 0.01
_GUESS, _UNUSED = "the score is a guess there.", "the model does not look at it."


@dataclass(frozen=True)
class Caution:
    """A doubt about a score."""

    field: str  # what it is about, by the codebook's name or the feature's
    code: Code  # which kind of doubt
    text: str  # the doubt in a sentence


def cautions(model: SavedModel, application: Mapping[str, Any], features: Mapping[str, Value]) -> list[Caution]:
    """Return the doubts about one application.

    Args:
        model: The model.
        application: Values by the codebook's names, as an `Application` has them.
        features: What `application_features` makes of them.
    """
    return [*_of_inputs(model, application, features), *_of_pairs(model, application, features)]


def count_cautions(model: SavedModel, loans: pd.DataFrame, features: pd.DataFrame) -> np.ndarray:
    """Return how many doubts `cautions` has about each of many applications, shape (n,).

    Args:
        model: The model.
        loans: Typed applications; installments may be absent.
        features: As from `feature_frame`.
    """
    count = np.zeros(len(features), dtype=np.int8)
    for name in (*model.metadata.features, *model.metadata.without):
        if name in CATEGORIES:
            count += ~features[name].isin(model.scorer.levels[name]).to_numpy()
        elif known := model.training.numbers.get(name):
            values = (loans[name] if name in CAPS else features[name]).to_numpy(dtype=np.float64)
            outside = (values < known.low) | (values > known.high)
            if name in RATIOS:
                outside &= loans["annual_inc"].to_numpy(dtype=np.float64) >= 1
            count += outside
            if known.missing < RARELY:
                count += np.isnan(values)
    if {"int_rate", "sub_grade"} <= {*loans.columns}:
        bounds = np.array([rate_bounds(model.training.rates.get(level)) for level in BY_NAME["sub_grade"].levels])
        low, high = bounds[loans["sub_grade"].cat.codes].T
        rate = loans["int_rate"].to_numpy(dtype=np.float64)
        count += (rate < low) | (rate > high)
    if {"pub_rec", "pub_rec_bankruptcies"} <= {*loans.columns}:
        count += (loans["pub_rec_bankruptcies"] > loans["pub_rec"]).to_numpy(dtype=bool)
    if {"installment", "int_rate"} <= {*loans.columns}:
        due = annuity(loans["loan_amnt"], loans["int_rate"], loans["term"])
        off = (loans["installment"] - due).abs()
        count += (off > np.maximum(ANNUITY_TOLERANCE * due, CENT)).to_numpy(dtype=bool)
    return count


def _of_inputs(model: SavedModel, application: Mapping[str, Any], features: Mapping[str, Value]) -> Iterator[Caution]:
    """Yield the doubts about single inputs, of those that the model was not shown too."""
    for name in (*model.metadata.features, *model.metadata.without):
        value, field = features[name], _field(name)
        if name in CATEGORIES:
            if value not in model.scorer.levels[name]:
                counts = "it counts as the riskiest level" if model.metadata.obeys else "the score leaves it out"
                text = f"{field}: hardly any training loan had '{value}'; {counts}."
                yield Caution(field, "unseen_category", text)
            continue
        known = model.training.numbers.get(name)
        if known is None or (name in RATIOS and application["annual_inc"] < 1):
            continue  # the income itself is doubted; a ratio to it says nothing
        if value is None:
            if known.missing < RARELY:
                yield Caution(field, "rarely_left_out", f"{field}: it is left out, and {_left_out(name, known, model)}")
            continue
        asked: Any = application[name] if name in CAPS else value
        if not known.low <= asked <= known.high:
            shown, low, high = (_written(name, number) for number in (asked, known.low, known.high))
            text = (
                f"{field}: {shown} is {'just ' if shown in (low, high) else ''}outside of what nearly all training loans had, "
                f"{low} to {high}; {_UNUSED if name in model.metadata.without else _GUESS}"
            )
            yield Caution(field, "outside_training_range", text)


def _of_pairs(model: SavedModel, application: Mapping[str, Any], features: Mapping[str, Value]) -> Iterator[Caution]:
    """Yield the doubts about inputs that do not go together, whatever the model looks at."""
    rate, level = application["int_rate"], application["sub_grade"]
    low, high = rate_bounds(ends := model.training.rates.get(level))
    if ends and not low <= rate <= high:
        text = (
            f"int_rate: {rate:.2f}% is far from what training loans of sub-grade {level} and its like had, "
            f"{ends.low:g}% to {ends.high:g}% and {_RATE_MARGIN:g} point to either side; {_GUESS}"
        )
        yield Caution("int_rate", "rate_far_from_sub_grade", text)
    bankruptcies, records = application.get("pub_rec_bankruptcies"), application["pub_rec"]
    if bankruptcies is not None and bankruptcies > records:
        text = f"pub_rec_bankruptcies: {bankruptcies:g} is more than pub_rec, {records:g}, and each of them is a public record."
        yield Caution("pub_rec_bankruptcies", "bankruptcies_above_records", text)
    stated, due = application.get("installment"), annuity(application["loan_amnt"], rate, features["term"])
    if stated is not None and abs(stated - due) > max(ANNUITY_TOLERANCE * due, CENT):
        text = f"installment: {stated:,.2f} is not the annuity of amount, rate and term, {due:,.2f}."
        yield Caution("installment", "not_the_annuity", text)


def rate_bounds(ends: Range | None) -> tuple[float, float]:
    """Return between which rates a loan of a sub-grade is not doubted."""
    return (ends.low - _RATE_MARGIN, ends.high + _RATE_MARGIN) if ends else (-np.inf, np.inf)


def _field(name: str) -> str:
    """Return the field of an application that a feature comes from, the first of several."""
    return next(source for source in FEATURE_BY_NAME[name].sources if source != "issue_d")


def _left_out(name: str, known: NumberSummary, model: SavedModel) -> str:
    had = f"{min(round(100 * (1 - known.missing), 1), 99.9):g}%" if known.missing else "all"
    stated = f"{had} of the recent training loans had it"
    if name in model.metadata.without:
        return f"{stated}; {_UNUSED}"
    value, more = model.scorer.unknown(name)
    added = ", and as riskier still, as those without it were" if more else ""
    if model.metadata.unknown == "learned":
        added = ", and as those without it turned out"
    return f"{stated}. It counts as {_written(name, value)}{added}."


def _written(name: str, value: Any) -> str:
    levels = PLACES.get(name)
    return levels[int(value)] if levels else written(FEATURE_BY_NAME[name].form, value)
