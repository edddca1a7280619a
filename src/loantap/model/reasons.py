"""Why a score is what it is: what each input adds, against a typical loan, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from loantap.data.columns import FEATURE_BY_NAME
from loantap.data.declarations import FORM, written
from loantap.model.inputs import PLACES
from loantap.model.metadata import TrainingSummary
from loantap.model.scorer import Scorer, Value

Effect = Literal["raises", "lowers"]
SLIGHT = 0.01  # of calibrated log-odds: a sixth of a point at a probability of 20%, which is no reason for a decision
# What a value above the median is called; where nothing is declared it is just above it.
_ABOVE = {"riskier": "worse than", "safer": "better than"}
_BELOW = {"riskier": "better than", "safer": "worse than"}


class ReasonCode(BaseModel):
    """One line of a model's table of reasons."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    code: str  # its code
    feature: str  # the model's input
    label: str  # the input in a sentence
    form: Annotated[str, Field(pattern=FORM)]  # how a value is written
    voice: str  # inputs of one voice are told in one reason; empty for one that speaks alone
    # what a typical loan has of it in the raw log-odds: for a number the contribution at the median of the known values
    # of the training loans, for a category the mean contribution over these loans
    typical: FiniteFloat


@dataclass(frozen=True)
class Reason:
    """What one input, or inputs that say much the same, do to one score.

    Attributes:
        code: Of the table of reasons.
        feature: The model's input; of several the strongest.
        effect: What it does to the risk, against a typical loan.
        contribution: What it adds to the calibrated log-odds of default, against a typical loan; of several the sum.
        text: The same in a sentence.
    """

    code: str
    feature: str
    effect: Effect
    contribution: float
    text: str


def reason_table(scorer: Scorer, X: pd.DataFrame) -> list[ReasonCode]:
    """Return the table of reasons of a model whose training loans have the features X."""
    # Not the mean contribution of a number: where a few large values pull it up, one above the median would "lower" the
    # risk.
    typical = {
        str(name): None if pd.isna(value) else float(value) for name, value in X.median(numeric_only=True).items()
    }
    at_typical = dict(zip(scorer.features, scorer.one({**dict.fromkeys(scorer.features), **typical}), strict=True))
    means = dict(zip(scorer.features, scorer.many(X).mean(axis=0).tolist(), strict=True))
    return [
        ReasonCode(
            code=feature.code,
            feature=feature.name,
            label=feature.phrase,
            form=feature.form,
            voice=feature.voice,
            typical=(at_typical if feature.name in typical else means)[feature.name],
        )
        for feature in map(FEATURE_BY_NAME.__getitem__, scorer.features)
    ]


def voices(table: list[ReasonCode]) -> list[list[int]]:
    """Return the places in the table of the lines that are told together, in the order of the table."""
    places: dict[str, list[int]] = {}
    for place, line in enumerate(table):
        places.setdefault(line.voice or line.code, []).append(place)
    return list(places.values())


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

    Inputs of one voice count by their sum; those that pull the other way are told as well.

    Args:
        contributions: Of one application, as from `Scorer.one`, in the order of `table`.
        features: Its features, as they are to be told.
        table: The model's table of reasons.
        training: What the training loans were like, for comparison in the text.
        slope: Of the calibration, so that contributions are of calibrated log-odds.
        effect: Only reasons of this effect, the strongest and others that are not SLIGHT; all of them if None.
        limit: At most so many.
        words: Values by feature that are told in the application's own words.
    """
    added = [slope * (contribution - line.typical) for line, contribution in zip(table, contributions, strict=True)]
    summed = [(sum([added[place] for place in places]), places) for places in voices(table)]
    summed.sort(key=lambda one: -abs(one[0]))
    chosen = [(total, places) for total, places in summed if total != 0 and effect in (None, _effect(total))]
    if effect is not None:  # the strongest is told however slight it is
        chosen = [one for rank, one in enumerate(chosen) if rank == 0 or abs(one[0]) >= SLIGHT]
    reasons = []
    for total, places in chosen[:limit]:
        order = sorted((place for place in places if added[place] != 0), key=lambda place: -abs(added[place]))
        lines = {place: (table[place], table[place].feature) for place in order}
        said = {k: _told(line, features[name], training, (words or {}).get(name)) for k, (line, name) in lines.items()}
        pull = [place for place in order if added[place] * total > 0]
        other = [place for place in order if place not in pull and abs(added[place]) >= SLIGHT]
        text = ", and ".join(said[place] for place in pull)
        text += f", although {' and '.join(said[place] for place in other)}" if other else ""
        together = f"together they {_effect(total).removesuffix('s')}"
        text += f"; {f'this {_effect(total)}' if len(pull) + len(other) == 1 else together} the risk."
        first = table[pull[0]]
        reasons.append(Reason(first.code, first.feature, _effect(total), total, text[0].upper() + text[1:]))
    return reasons


def _effect(added: float) -> Effect:
    return "raises" if added > 0 else "lowers"


def _told(line: ReasonCode, value: Value, training: TrainingSummary, words: str | None) -> str:
    if value is None:
        return f"{line.label} is not known"
    known = training.numbers.get(line.feature)
    if known is None:
        return f"{line.label} is {words or written(line.form, value)}"
    if levels := PLACES.get(line.feature):
        shown, typical = levels[int(value)], levels[int(known.median)]
        higher = FEATURE_BY_NAME[line.feature].higher
        above, below = _ABOVE.get(higher, "above"), _BELOW.get(higher, "below")
    else:
        shown, typical = written(line.form, value), written(line.form, known.median)
        above, below = "above", "below"
    # As told, whatever further digits say.
    place = "at" if shown == typical else above if value > known.median else below  # type: ignore[operator]
    return f"{line.label} is {words or shown}, {place} the portfolio's median of {typical}"
