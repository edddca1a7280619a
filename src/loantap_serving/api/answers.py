"""What the service answers: the models that document it, and the bytes that go out.

Answers are not built from these models, for speed; a test holds the answers against them.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from loantap.model.inputs import Inputs
from loantap.model.persistence import SavedModel
from loantap.scoring.application import Score
from loantap.scoring.cautions import Code

MOST_ROWS = 10_000  # applications of a batch
Probability = Annotated[float, Field(ge=0, le=1)]
Threshold = Annotated[float, Field(ge=0)]  # one above 1 is never reached


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReasonAnswer(_Answer):
    """What one input, or inputs that say much the same, do to the score, against a typical loan of the portfolio."""

    code: str = Field(description="Never changes its meaning", pattern="^R[0-9]{2}$")
    feature: str = Field(description="Of several inputs that are told together, the strongest")
    effect: Literal["raises", "lowers"] = Field(description="What it does to the risk")
    contribution: float = Field(description="What it adds to the calibrated log-odds of default")
    text: str = Field(description="The same in a sentence")


class WarningAnswer(_Answer):
    """A doubt about the score."""

    field: str
    code: Code
    text: str


class ScoreAnswer(_Answer):
    """The score of an application."""

    probability_of_default: Probability = Field(description="Calibrated")
    decision: Literal["approve", "refer"] = Field(description="refer (to a person) at and above the threshold")
    threshold: Threshold
    model_version: str = Field(pattern="^[0-9a-f]{12}$")
    reasons: list[ReasonAnswer] = Field(description="For a referral what raises the risk, else what lowers it; strongest first")  # fmt: skip
    warnings: list[WarningAnswer]


class RowAnswer(ScoreAnswer):
    """The score of one application of a batch."""

    row: int = Field(ge=0, description="Place in the request, from 0")


class BatchAnswer(_Answer):
    """The scores of a batch, in the order of the request."""

    scores: list[RowAnswer]


class ReasonCodeAnswer(_Answer):
    """One line of the model's table of reasons."""

    code: str
    feature: str
    label: str


class ModelAnswer(_Answer):
    """The model that answers now."""

    version: str = Field(pattern="^[0-9a-f]{12}$")
    threshold: Threshold = Field(description="At and above it an application is referred")
    profit_threshold: Threshold = Field(description="Where profit would be highest; decides nothing here")
    capacity_threshold: Threshold = Field(
        description="Where at most the share `capacity` of the card would be referred; decides nothing here"
    )
    inputs: Inputs
    features: list[str]
    reasons: list[ReasonCodeAnswer]
    libraries: dict[str, str] = Field(description="Versions it was made with")
    card: dict[str, Any] = Field(description="The model card: uses, misuses, limits, how it was tested")


class Decision(_Answer):
    """What a person decided on an application that was scored."""

    request_id: str = Field(pattern=r"^[0-9a-f-]{36}$", description="The header X-Request-Id of the score's answer")
    row: int = Field(default=0, ge=0, lt=MOST_ROWS, description="In a batch: which application")
    decision: Literal["approve", "decline"]
    person: str = Field(pattern=r"^[A-Za-z0-9._@-]{1,64}$", description="Who decided")
    reason: str = Field(min_length=3, max_length=500, description="Why; names no customer")


class DecisionAnswer(_Answer):
    """What was recorded."""

    request_id: str
    row: int
    at: str = Field(description="UTC")
    decision: Literal["approve", "decline"]
    model_decision: Literal["approve", "refer"]
    model_version: str


class StatusAnswer(_Answer):
    """How the service is."""

    status: Literal["ok", "ready"]


class FieldFault(_Answer):
    """A field that breaks its rule."""

    row: int | None = Field(default=None, ge=0, description="In a batch: which application, from 0")
    field: str
    rule: str
    message: str


class ProblemAnswer(_Answer):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    instance: str = Field(description="The id of the request, as in the header X-Request-Id and in the log")
    errors: list[FieldFault] | None = Field(default=None, description="The fields that break their rules")
    more: int | None = Field(default=None, ge=0, description="How many further ones are not listed")


def score_json(score: Score) -> bytes:
    """Return a score as JSON."""
    return to_json(score)


def batch_json(scores: Sequence[Score]) -> bytes:
    """Return the scores of a batch as JSON."""
    return to_json({"scores": [{"row": row, **vars(score)} for row, score in enumerate(scores)]})


def model_answer(model: SavedModel) -> Mapping[str, Any]:
    """Return what is told of a model."""
    metadata = model.metadata
    return {
        "version": model.version,
        "threshold": metadata.threshold,
        "profit_threshold": metadata.profit_threshold,
        "capacity_threshold": metadata.capacity_threshold,
        "inputs": metadata.inputs,
        "features": metadata.features,
        "reasons": [line.model_dump(include={"code", "feature", "label"}) for line in model.reasons],
        "libraries": metadata.versions,
        "card": model.card,
    }
