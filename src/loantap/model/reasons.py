"""Why a score is what it is: what each input adds, against the portfolio, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, FiniteFloat

from loantap.model.scorer import Scorer, Value
from loantap.model.training import TrainingSummary

Effect = Literal["raises", "lowers"]
# Feature: its code, which never changes its meaning; its name in a sentence; how its value is written.
_WORDS: dict[str, tuple[str, str, str]] = {
    "loan_amnt": ("R01", "the amount", "{:,.0f}"),
    "installment": ("R02", "the monthly payment", "{:,.0f}"),
    "annual_inc": ("R03", "the annual income", "{:,.0f}"),
    "dti": ("R04", "debt-to-income", "{:.1f} %"),
    "revol_bal": ("R05", "the revolving balance", "{:,.0f}"),
    "open_acc": ("R06", "the number of open credit lines", "{:.0f}"),
    "total_acc": ("R07", "the number of credit lines ever opened", "{:.0f}"),
    "pub_rec": ("R08", "the number of derogatory public records", "{:.0f}"),
    "int_rate": ("R09", "the interest rate", "{:.2f} %"),
    "revol_util": ("R10", "revolving utilisation", "{:.1f} %"),
    "mort_acc": ("R11", "the number of mortgage accounts", "{:.0f}"),
    "pub_rec_bankruptcies": ("R12", "the number of bankruptcies on record", "{:.0f}"),
    "term": ("R13", "the term", "{:.0f} months"),
    "emp_length_years": ("R14", "the time in employment", "{:.0f} years"),
    "credit_history_months": ("R15", "the length of the credit history", "{:.0f} months"),
    "loan_to_income": ("R16", "the amount as a share of annual income", "{:.0%}"),
    "installment_to_income": ("R17", "the payments of a year as a share of annual income", "{:.0%}"),
    "sub_grade": ("R18", "the lender's sub-grade", "{}"),
    "home_ownership": ("R19", "home ownership", "{}"),
    "verification_status": ("R20", "the check of the income", "{}"),
    "purpose": ("R21", "the purpose", "{}"),
    "application_type": ("R22", "the kind of application", "{}"),
    "pincode": ("R23", "the pincode", "{}"),
}


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
    form: Literal["{:,.0f}", "{:.1f} %", "{:.0f}", "{:.2f} %", "{:.0f} months", "{:.0f} years", "{:.0%}", "{}"]
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
        ReasonCode(code=code, feature=feature, label=label, form=form, average=average)  # type: ignore[arg-type]
        for feature, average in zip(scorer.features, averages.tolist(), strict=True)
        for code, label, form in [_WORDS[feature]]
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
