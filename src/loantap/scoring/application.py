"""One application in, one answer out: what the API and the dashboard show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from loantap.data.applications import this_month
from loantap.data.columns import BY_NAME
from loantap.data.computed import COMPUTED
from loantap.data.declarations import readable_level
from loantap.model.inputs import CAPS, CATEGORIES, application_features
from loantap.model.persistence import SavedModel
from loantap.model.reasons import Effect, Reason, reasons_of
from loantap.model.scorer import Value
from loantap.scoring.cautions import Caution, cautions

Decision = Literal["approve", "refer"]
REASONS = 4
# Numbers that are made of a category alone, and the category.
_LEVELS = {
    feature.name: feature.sources[0]
    for feature in COMPUTED
    if len(feature.sources) == 1 and BY_NAME[feature.sources[0]].kind == "category"
}


@dataclass(frozen=True)
class Score:
    """The answer to an application.

    Attributes:
        probability_of_default: Calibrated, within 0 to 1.
        decision: "refer" to a person at and above the threshold, "approve" below it.
        threshold: The probability that decides.
        model_version: Which model said so.
        reasons: For a referral what raises the risk most against a typical loan, for an approval what lowers it most;
            none is slight.
        warnings: Doubts about the score.
    """

    probability_of_default: float
    decision: Decision
    threshold: float
    model_version: str
    reasons: list[Reason]
    warnings: list[Caution]


def score_application(model: SavedModel, application: Mapping[str, Any]) -> Score:
    """Score one application: values by the codebook's names, as an `Application` has them; optional may be absent."""
    features, contributions = _contributions(model, application)
    probability = model.calibration.one(sum(contributions) + model.scorer.intercept)
    decision: Decision = "refer" if probability >= model.threshold else "approve"
    effect: Effect = "raises" if decision == "refer" else "lowers"
    reasons = _reasons(model, application, features, contributions, effect=effect, limit=REASONS)
    doubts = cautions(model, application, features)
    return Score(probability, decision, model.threshold, model.version, reasons, doubts)


def all_reasons(model: SavedModel, application: Mapping[str, Any]) -> list[Reason]:
    """Return what every input does to an application's score, the strongest first."""
    return _reasons(model, application, *_contributions(model, application))


def _contributions(model: SavedModel, application: Mapping[str, Any]) -> tuple[dict[str, Value], list[float]]:
    features = application_features(application, inputs=model.metadata.inputs, month=this_month())
    return features, model.scorer.one(features)


def _reasons(
    model: SavedModel, application: Mapping[str, Any], features: dict[str, Value], added: list[float], **chosen: Any
) -> list[Reason]:
    # As the applicant knows them: the model caps some, "10+ years" is not ten, and "< 1 year" is not none.
    features = {**features, **{name: application.get(name) for name in CAPS if name in features}}
    words = {name: application.get(level) or "" for name, level in _LEVELS.items()}
    for name in CATEGORIES:
        if name in model.metadata.features and (level := application.get(name)) in model.scorer.rare[name]:
            words[name] = f"{readable_level(str(level))}, one of the rare ones"
    return reasons_of(added, features, model.reasons, model.training, slope=model.metadata.slope, words=words, **chosen)
