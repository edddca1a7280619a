"""Doubts about a score: inputs that training loans hardly had, inputs left out, and inputs that do not go together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from loantap.data.annuity import annuity
from loantap.data.columns import BY_NAME, FEATURE_BY_NAME
from loantap.model.features import RISKIER_THAN_UNKNOWN
from loantap.model.inputs import CAPS, CATEGORIES, PLACES, RATIOS
from loantap.model.persistence import SavedModel
from loantap.model.scorer import Value
from loantap.model.training import NumberSummary, Range

Code = Literal[
    "outside_training_range",
    "unseen_category",
    "rarely_left_out",
    "rate_far_from_sub_grade",
    "bankruptcies_above_records",
    "not_the_annuity",
]
RARELY = 0.05  # of the training loans: a model has not seen enough loans without a value that so few lacked
_RATE_MARGIN = 1.0  # percentage points beyond what nearly all loans of a sub-grade had: prices move with the years
_ANNUITY_TOLERANCE = 0.02  # fees and rounding make installments differ by less
_GUESS = "the score is a guess there."


@dataclass(frozen=True)
class Caution:
    """A doubt about a score.

    Attributes:
        field: What it is about, by the codebook's name or the feature's.
        code: Which kind of doubt.
        text: The doubt in a sentence.
    """

    field: str
    code: Code
    text: str


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
    for name in model.facts.features:
        if name in CATEGORIES:
            count += ~features[name].isin(model.scorer.levels(name)).to_numpy()
        elif known := model.training.numbers.get(name):
            values = (loans[name] if name in CAPS else features[name]).to_numpy(dtype=np.float64)
            outside = (values < known.low) | (values > known.high)
            if name in RATIOS:
                outside &= loans["annual_inc"].to_numpy(dtype=np.float64) >= 1
            count += outside
            if known.missing < RARELY:
                count += np.isnan(values)
    if {"int_rate", "sub_grade"} <= {*loans.columns}:
        ends = [model.training.rates.get(level) for level in BY_NAME["sub_grade"].levels]
        low = np.array([_bounds(end)[0] for end in ends])[loans["sub_grade"].cat.codes]
        high = np.array([_bounds(end)[1] for end in ends])[loans["sub_grade"].cat.codes]
        rate = loans["int_rate"].to_numpy(dtype=np.float64)
        count += (rate < low) | (rate > high)
    if {"pub_rec", "pub_rec_bankruptcies"} <= {*loans.columns}:
        count += (loans["pub_rec_bankruptcies"] > loans["pub_rec"]).to_numpy(dtype=bool)
    if {"installment", "int_rate"} <= {*loans.columns}:
        due = annuity(loans["loan_amnt"], loans["int_rate"], loans["term"])
        count += ((loans["installment"] / due - 1).abs() > _ANNUITY_TOLERANCE).to_numpy(dtype=bool)
    return count


def _of_inputs(model: SavedModel, application: Mapping[str, Any], features: Mapping[str, Value]) -> Iterator[Caution]:
    """Yield the doubts about single inputs that the model looks at."""
    for name in model.facts.features:
        value = features[name]
        if name in CATEGORIES:
            if value not in model.scorer.levels(name):
                text = f"{name}: no training loan had '{value}'; the score leaves it out."
                yield Caution(name, "unseen_category", text)
            continue
        known = model.training.numbers.get(name)
        if known is None or (name in RATIOS and application["annual_inc"] < 1):
            continue  # the income itself is doubted; a ratio to it says nothing
        if value is None:
            if known.missing < RARELY:
                yield Caution(name, "rarely_left_out", _left_out(name, known, model.facts.unknown))
            continue
        asked: Any = application[name] if name in CAPS else value
        if not known.low <= asked <= known.high:
            text = (
                f"{name}: {_written(name, asked, with_unit=True)} is outside of what nearly all training loans had, "
                f"{_written(name, known.low)} to {_written(name, known.high)}; {_GUESS}"
            )
            yield Caution(name, "outside_training_range", text)


def _of_pairs(model: SavedModel, application: Mapping[str, Any], features: Mapping[str, Value]) -> Iterator[Caution]:
    """Yield the doubts about inputs that do not go together, whatever the model looks at."""
    rate, level = application["int_rate"], application["sub_grade"]
    low, high = _bounds(ends := model.training.rates.get(level))
    if ends and not low <= rate <= high:
        text = (
            f"int_rate: {rate:.2f} % is far from what training loans of sub-grade {level} and its like had, "
            f"{ends.low:g} % to {ends.high:g} %; {_GUESS}"
        )
        yield Caution("int_rate", "rate_far_from_sub_grade", text)
    bankruptcies, records = application.get("pub_rec_bankruptcies"), application["pub_rec"]
    if bankruptcies is not None and bankruptcies > records:
        text = f"pub_rec_bankruptcies: {bankruptcies:g} is more than pub_rec, {records:g}, and each of them is a public record."
        yield Caution("pub_rec_bankruptcies", "bankruptcies_above_records", text)
    stated, due = application.get("installment"), annuity(application["loan_amnt"], rate, features["term"])
    if stated is not None and abs(stated / due - 1) > _ANNUITY_TOLERANCE:
        text = f"installment: {stated:,.2f} is not the annuity of amount, rate and term, {due:,.2f}."
        yield Caution("installment", "not_the_annuity", text)


def _bounds(ends: Range | None) -> tuple[float, float]:
    return (ends.low - _RATE_MARGIN, ends.high + _RATE_MARGIN) if ends else (-np.inf, np.inf)


def _left_out(name: str, known: NumberSummary, unknown: str) -> str:
    had = f"{min(round(100 * (1 - known.missing), 1), 99.9)} %" if known.missing else "all"
    higher, share = FEATURE_BY_NAME[name].higher, f"at most {100 * RISKIER_THAN_UNKNOWN:g} % of them"
    if unknown == "risky" and higher != "open":
        counts = (
            f"is taken to be at least as risky as one that {share} {'exceed' if higher == 'riskier' else 'stay below'}"
        )
    else:
        counts = "counts as one in the middle of theirs, and as the few without it turned out"
    return f"{name}: it is left out, and {had} of the training loans had it. It {counts}."


def _written(name: str, value: Any, *, with_unit: bool = False) -> str:
    if name == "term":
        return f"{value:g} months"
    if levels := PLACES.get(name):
        return levels[int(value)]
    unit = f" {BY_NAME[name].unit}" if with_unit and name in BY_NAME and BY_NAME[name].unit != "count" else ""
    return f"{value:,.10g}{unit}"
