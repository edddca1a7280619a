"""Why a score is what it is: what each input adds, against the portfolio, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from loantap.data.columns import FEATURE_BY_NAME
from loantap.data.declarations import FORM
from loantap.model.scorer import Scorer, Value
from loantap.model.training import TrainingSummary

Effect = Literal["raises", "lowers"]


class ReasonCode(BaseModel):
    """One line of a model's table of reasons.

    Attributes:
        code: Its code.
        feature: The model's input.
        label: The input in a sentence.
        form: How a value is written.
        average: The input's mean contribution to the raw log-odds over the training loans.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    code: str
    feature: str
    label: str
    form: Annotated[str, Field(pattern=FORM)]
    average: FiniteFloat


@dataclass(frozen=True)
class Reason:
    """What one input does to one score.

    Attributes:
        code: Of the table of reasons.
        feature: The model's input.
        effect: What it does to the risk, against the average loan.
        contribution: What it adds to the calibrated log-odds of default, against the average loan.
        text: The same in a sentence.
    """

    code: str
    feature: str
    effect: Effect
    contribution: float
    text: str


def reason_table(scorer: Scorer, X: pd.DataFrame) -> list[ReasonCode]:
    """Return the table of reasons of a model, with averages over the features of its training loans."""
    averages = scorer.many(X).mean(axis=0)
    return [
        ReasonCode(code=told.code, feature=told.name, label=told.phrase, form=told.form, average=average)
        for told, average in zip(map(FEATURE_BY_NAME.__getitem__, scorer.features), averages.tolist(), strict=True)
    ]


def reasons_of(
    contributions: list[float],
    features: Mapping[str, Value],
    table: list[ReasonCode],
    training: TrainingSummary,
    *,
    slope: float,
    effect: Effect | None = None,
    limit: int | None = None,
    words: Mapping[str, str] | None = None,
) -> list[Reason]:
    """Return the reasons that an application's inputs give, the strongest first.

    Args:
        contributions: Of one application, as from `Scorer.one`, in the order of `table`.
        features: Its features, as they are to be told.
        table: The model's table of reasons.
        training: What the training loans were like, for comparison in the text.
        slope: Of the calibration, so that contributions are of calibrated log-odds.
        effect: Only reasons of this effect; all of them if None.
        limit: At most so many.
        words: Values by feature that are told in the application's own words.
    """
    added = [slope * (contribution - line.average) for line, contribution in zip(table, contributions, strict=True)]
    order = sorted(range(len(added)), key=lambda place: -abs(added[place]))
    chosen = [place for place in order if added[place] != 0 and effect in (None, _effect(added[place]))]
    return [_reason(table[place], added[place], features, training, words or {}) for place in chosen[:limit]]


def _effect(added: float) -> Effect:
    return "raises" if added > 0 else "lowers"


def _reason(
    line: ReasonCode, added: float, features: Mapping[str, Value], training: TrainingSummary, words: Mapping[str, str]
) -> Reason:
    text = f"{_told(line, features[line.feature], training, words.get(line.feature))}; this {_effect(added)} the risk."
    return Reason(line.code, line.feature, _effect(added), added, text[0].upper() + text[1:])


def _told(line: ReasonCode, value: Value, training: TrainingSummary, words: str | None) -> str:
    if value is None:
        return f"{line.label} is not known"
    shown = words or line.form.format(value)
    if line.feature not in training.numbers:
        return f"{line.label} is {shown}"
    median = training.numbers[line.feature].median
    typical = line.form.format(median)
    same = line.form.format(value) == typical  # as told, whatever further digits say
    place = "at" if same else "above" if value > median else "below"  # type: ignore[operator]
    return f"{line.label} is {shown}, {place} the portfolio's median of {typical}"
