"""What would change the answer: the smallest change of one thing that moves an application across the threshold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from loantap.data.annuity import annuity, months_of
from loantap.data.applications import this_month
from loantap.data.columns import BY_NAME
from loantap.exhibits.words import capital, show
from loantap.model.inputs import CAPS, CATEGORIES, application_features, capped, with_computed
from loantap.model.persistence import SavedModel
from loantap.scoring.application import Decision, Score, score_application

_STEPS = {"dti": 0.1, "loan_amnt": 100.0}  # what people ask for, beside the term, and the step of a change
_DIGITS = 6
_CENT = 0.01  # an annuity is stated in whole ones
_PRICE = "at the same rate and grade, which the lender may set anew"


@dataclass(frozen=True)
class Change:
    """One field that would be another.

    Attributes:
        field: By the codebook's name.
        before: What the application says.
        after: What it would have to say.
    """

    field: str
    before: float | str
    after: float | str


@dataclass(frozen=True)
class Alternative:
    """One way to the other answer, or that it leads nowhere.

    Attributes:
        fields: What is changed on purpose.
        changes: Those fields, and the installment where it follows from them; empty if no change suffices.
        probability: Of default after the changes; None if no change suffices.
        text: The same in a sentence.
    """

    fields: tuple[str, ...]
    changes: tuple[Change, ...]
    probability: float | None
    text: str


def alternatives(model: SavedModel, application: Mapping[str, Any]) -> list[Alternative]:
    """Return the smallest change of debt-to-income, of the amount, and the other term, that would change the answer.

    For a referral: what would let it be approved, and amount and term together where nothing alone does. For an approval:
    what would have it referred. Every value on the grid of `_STEPS` between the application's and the end of what training
    loans had is tried, since a score need not rise or fall all the way: lower ones for a referral, higher ones for an
    approval. When amount or term changes, the installment keeps its ratio to their annuity; rate and grade stay.

    Args:
        model: The model.
        application: Values by the codebook's names, as an `Application` has them.
    """
    if application.get("installment") is None:  # then it is the annuity
        due = annuity(application["loan_amnt"], application["int_rate"], months_of(application["term"]))
        application = {**application, "installment": round(float(due), 2)}
    now = score_application(model, application).decision
    lower = now == "refer"
    numbers = {name: _grid(model, name, float(application[name]), lower=lower) for name in _STEPS}
    other = next(level for level in BY_NAME["term"].levels if level != application["term"])
    found = [
        _search(model, application, now, {"dti": numbers["dti"]}),
        _search(model, application, now, {"loan_amnt": numbers["loan_amnt"]}),
        _search(model, application, now, {"term": np.array([other], dtype=object)}),
    ]
    if lower and not any(alternative.changes for alternative in found):
        terms = np.full(len(numbers["loan_amnt"]), other, dtype=object)
        found.append(_search(model, application, now, {"loan_amnt": numbers["loan_amnt"], "term": terms}))
    return found


def _grid(model: SavedModel, name: str, value: float, *, lower: bool) -> np.ndarray:
    """Return the round values from the application's outwards, the nearest first, within what training loans had."""
    step, known = _STEPS[name], model.training.numbers.get(name)
    if known is None:
        return np.empty(0)
    highest = min(known.high, CAPS.get(name, np.inf))  # beyond the cap nothing changes
    first, last = np.ceil(known.low / step), np.floor(highest / step)
    steps = np.arange(first, last + 1) * step
    return steps[steps < value][::-1] if lower else steps[steps > value]


def _search(
    model: SavedModel, application: Mapping[str, Any], now: Decision, tried: Mapping[str, np.ndarray]
) -> Alternative:
    fields = tuple(tried)
    for place in _across(model, application, now, tried):
        after = {name: _plain(values[place]) for name, values in tried.items()}
        changed = {**application, **after}
        if fields != ("dti",):
            payment = _payment(application, changed["loan_amnt"], months_of(changed["term"]))
            changed["installment"] = after["installment"] = round(float(payment), 2)
        score = score_application(model, changed)
        if score.decision != now:  # the grid's own arithmetic may differ in the last digit
            changes = tuple(Change(name, application[name], value) for name, value in after.items())
            return Alternative(fields, changes, score.probability_of_default, _told(changes, score))
    return Alternative(fields, (), None, _nothing(fields, tried, now, model.threshold))


def _across(
    model: SavedModel, application: Mapping[str, Any], now: Decision, tried: Mapping[str, np.ndarray]
) -> list[int]:
    """Return the places of the values that lead to the other answer, in order."""
    size = len(next(iter(tried.values())))
    if not size:
        return []
    base = application_features(application, inputs=model.metadata.inputs, month=this_month())
    frame = pd.DataFrame({name: [value] * size for name, value in base.items()})
    frame = frame.astype({name: "float64" for name in frame.columns if name not in CATEGORIES})
    asked = {**application, **tried}
    if "dti" in tried:
        frame["dti"] = tried["dti"]
    else:
        months = np.array([months_of(term) for term in np.broadcast_to(asked["term"], size)])
        frame["loan_amnt"], frame["term"] = asked["loan_amnt"], months.astype(float)
    log_odds = model.scorer.log_odds(with_computed(capped(frame)))
    referred = model.calibration(log_odds) >= model.threshold
    return np.flatnonzero(referred != (now == "refer")).tolist()


def _payment(application: Mapping[str, Any], amount: Any, months: Any) -> Any:
    """Return the installment of another amount or term: a stated one that is not the annuity stays as far from it."""
    rate = application["int_rate"]
    stated, due = application["installment"], annuity(application["loan_amnt"], rate, months_of(application["term"]))
    ratio = 1.0 if abs(stated - due) < _CENT else stated / due
    return ratio * annuity(amount, rate, months)


def _plain(value: Any) -> float | str:
    return value if isinstance(value, str) else round(float(value), 1)


def _told(changes: tuple[Change, ...], score: Score) -> str:
    said = {change.field: change for change in changes}
    parts = [
        f"the {BY_NAME[name].label} were {_written(name, change.after)} instead of {_shown(change)}"
        for name, change in said.items()
        if name != "installment"
    ]
    text = f"If {' and '.join(parts)}"
    if paid := said.get("installment"):
        text += f" ({_PRICE}; the monthly payment would be {paid.after:,.2f} instead of {paid.before:,.2f})"
    side = "below" if score.decision == "approve" else "at or above"
    probability, threshold = told_apart(score.probability_of_default, score.threshold)
    return f"{text}, the probability of default would be {probability}, {side} the threshold of {threshold}."


def told_apart(probability: float, threshold: float) -> tuple[str, str]:
    """Return both in percent with one decimal, or with as many more as it takes until they do not look alike."""
    for digits in range(1, _DIGITS + 1):
        told = tuple(f"{100 * value:.{digits}f}%" for value in (probability, threshold))
        if told[0] != told[1]:
            return told[0], told[1]
    return show(probability, "rate"), show(threshold, "rate")  # they are the same


def _shown(change: Change) -> str:
    # What is tried is round; what the application says need not be.
    if change.field == "dti":
        return f"{change.before:g}%"
    if change.field == "loan_amnt" and float(change.before) % 1:
        return f"{change.before:,.2f}"
    return _written(change.field, change.before)


def _written(field: str, value: float | str) -> str:
    return value if isinstance(value, str) else BY_NAME[field].form.format(value)


def _nothing(fields: tuple[str, ...], tried: Mapping[str, np.ndarray], now: Decision, threshold: float) -> str:
    lower = now == "refer"
    goal = f"{'below' if lower else 'to'} the threshold of {100 * threshold:.1f}%"
    parts = []
    for name in fields:
        values = tried[name]
        if not len(values):
            return f"The {BY_NAME[name].label} is already as {'low' if lower else 'high'} as in the training loans."
        end = _written(name, values[-1])
        parts.append(f"a term of {end}" if name == "term" else f"{BY_NAME[name].label} {'down' if lower else 'up'} to {end}")  # fmt: skip
    text = f"{' with '.join(parts)} brings the probability {goal}"
    return (
        f"No {text}."
        if fields[0] != "term"
        else f"{capital(parts[0])} does not bring the probability {goal}, {_PRICE}."
    )
