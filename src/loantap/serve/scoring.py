"""One application in, one answer out: what the API and the dashboard show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from loantap.data.annuity import annuity
from loantap.data.applications import this_month
from loantap.data.columns import BY_NAME
from loantap.data.computed import COMPUTED
from loantap.model.inputs import CAPS, CATEGORIES, RATIOS, application_features
from loantap.model.persistence import SavedModel
from loantap.model.reasons import Reason, reasons_of
from loantap.model.scorer import Value

Decision = Literal["approve", "refer"]
REASONS = 4
# Numbers that are made of a category alone, and the category.
_LEVELS = {
    feature.name: feature.sources[0]
    for feature in COMPUTED
    if len(feature.sources) == 1 and BY_NAME[feature.sources[0]].kind == "category"
}
_ANNUITY_TOLERANCE = 0.02  # fees and rounding make installments differ by less


@dataclass(frozen=True)
class Caution:
    """A doubt about a score.

    Attributes:
        field: What it is about, by the codebook's name or the feature's.
        code: Which kind of doubt.
        text: The doubt in a sentence.
    """

    field: str
    code: Literal["outside_training_range", "unseen_category", "not_the_annuity"]
    text: str


@dataclass(frozen=True)
class Score:
    """The answer to an application.

    Attributes:
        probability_of_default: Calibrated, within 0 to 1.
        decision: "refer" to a person at and above the threshold, "approve" below it.
        threshold: The probability that decides.
        model_version: Which model said so.
        reasons: For a referral what raises the risk most against the average loan, for an approval what lowers it most.
        warnings: Doubts about the score.
    """

    probability_of_default: float
    decision: Decision
    threshold: float
    model_version: str
    reasons: list[Reason]
    warnings: list[Caution]


def score_application(model: SavedModel, application: Mapping[str, Any]) -> Score:
    """Score one application.

    Args:
        model: The model.
        application: Values by the codebook's names, as an `Application` has them; fields that may be missing may be absent.
    """
    features, contributions = _contributions(model, application)
    probability = model.calibration.one(sum(contributions) + model.scorer.intercept)
    decision: Decision = "refer" if probability >= model.threshold else "approve"
    reasons = reasons_of(
        contributions,
        _as_told(features, application),
        model.reasons,
        model.training,
        slope=model.facts.slope,
        effect="raises" if decision == "refer" else "lowers",
        limit=REASONS,
        words=_words(application),
    )
    cautions = _cautions(model, application, features)
    return Score(probability, decision, model.threshold, model.version, reasons, cautions)


def all_reasons(model: SavedModel, application: Mapping[str, Any]) -> list[Reason]:
    """Return what every input does to an application's score, the strongest first."""
    features, contributions = _contributions(model, application)
    told = _as_told(features, application)
    return reasons_of(
        contributions, told, model.reasons, model.training, slope=model.facts.slope, words=_words(application)
    )


def _contributions(model: SavedModel, application: Mapping[str, Any]) -> tuple[dict[str, Value], list[float]]:
    features = application_features(application, inputs=model.facts.inputs, month=this_month())
    return features, model.scorer.one(features)


def _as_told(features: Mapping[str, Value], application: Mapping[str, Any]) -> dict[str, Value]:
    """Return the features as the applicant knows them: the model caps some."""
    return {**features, **{name: application.get(name) for name in CAPS if name in features}}


def _words(application: Mapping[str, Any]) -> dict[str, str]:
    # "10+ years" is not ten, and "< 1 year" is not none.
    return {name: application.get(level) or "" for name, level in _LEVELS.items()}


def _cautions(model: SavedModel, application: Mapping[str, Any], features: Mapping[str, Value]) -> list[Caution]:
    found = []
    for name, value in features.items():
        if name in CATEGORIES:
            if name in model.facts.features and value not in model.scorer.levels(name):
                text = f"{name}: no training loan had '{value}'; the score leaves it out."
                found.append(Caution(name, "unseen_category", text))
            continue
        if name in RATIOS and application["annual_inc"] < 1:
            continue  # the income itself is doubted; a ratio to it says nothing
        known = model.training.numbers.get(name)
        asked = application.get(name) if name in CAPS else value
        if known and asked is not None and not known.low <= asked <= known.high:  # type: ignore[operator]
            unit = f" {BY_NAME[name].unit}" if name in BY_NAME and name != "term" else ""
            text = (
                f"{name}: {asked:,.10g}{unit} is outside of what nearly all training loans had, {known.low:,.10g} to "
                f"{known.high:,.10g}; the score is a guess there."
            )
            found.append(Caution(name, "outside_training_range", text))
    due = annuity(application["loan_amnt"], application["int_rate"], features["term"])
    if abs(application["installment"] / due - 1) > _ANNUITY_TOLERANCE:
        text = (
            f"installment: {application['installment']:,.2f} is not the annuity of amount, rate and term, {due:,.2f}."
        )
        found.append(Caution("installment", "not_the_annuity", text))
    return found
