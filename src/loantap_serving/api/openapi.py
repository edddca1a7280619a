"""The service described in OpenAPI 3.1, from the codebook's request model and the models of the answers."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from loantap import __version__
from loantap.data.applications import FIELDS, Application
from loantap_serving.api.answers import (
    MOST_ROWS,
    BatchAnswer,
    Decision,
    DecisionAnswer,
    ModelAnswer,
    ProblemAnswer,
    ScoreAnswer,
    StatusAnswer,
)
from loantap_serving.api.problems import PROBLEM_JSON, TITLES

EXAMPLE: dict[str, Any] = {column.name: column.example for column in FIELDS if column.example is not None}
DECISION = {
    "request_id": "dff9bf71-3e82-411b-b0d9-708052c7173f", "decision": "approve", "person": "a.meyer", "reason": "Income verified on paper",
}  # fmt: skip
_SENDING = (400, 413, 415, 422, 503)  # what sending an application may meet
_HEADERS = {
    401: ("WWW-Authenticate", "Which key is wanted", "string"),
    429: ("Retry-After", "Seconds to wait", "integer"),
}
_ABOUT = (
    "Scores applications for a loan: the calibrated probability of default, a decision at the model's threshold, reasons in plain "
    "words, and doubts. It refers an application to a person; it refuses none. Two rules hold between fields and are not in the "
    "schema: sub_grade belongs to grade, and earliest_cr_line is not later than issue_d."
)


class BatchRequest(BaseModel):
    """A batch of applications."""

    model_config = ConfigDict(extra="forbid")
    applications: list[Application] = Field(min_length=1, max_length=MOST_ROWS)  # type: ignore[valid-type]


def describe(*, secured: bool, recorded: bool = False) -> dict[str, Any]:
    """Return the OpenAPI document; `secured`: whether keys are asked for; `recorded`: whether persons' decisions are taken."""
    _, shared = models_json_schema(
        [(model, "validation") for model in (Application, BatchAnswer, BatchRequest, ModelAnswer, ProblemAnswer, ScoreAnswer, StatusAnswer)],
        ref_template="#/components/schemas/{model}",
    )  # fmt: skip
    components: dict[str, Any] = {"schemas": shared["$defs"]}
    if secured:
        components["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}

    def operation(
        name: str,
        summary: str,
        answer: type[BaseModel] | str,
        *,
        body: str = "",
        example: Any = None,
        also: tuple[int, ...] = (),
        open_to_all: bool = False,
    ) -> dict[str, Any]:
        guards = () if open_to_all else (401, 429) if secured else (429,)
        problems = sorted({*also, *guards, 500})
        found: dict[str, Any] = {
            "operationId": name,
            "summary": summary,
            "responses": {"200": _answer(answer)} | {str(status): _problem(status) for status in problems},
        }
        if body:
            content = {"schema": {"$ref": f"#/components/schemas/{body}"}, "example": example}
            found["requestBody"] = {"required": True, "content": {"application/json": content}}
        if secured and not open_to_all:
            found["security"] = [{"key": []}]
        return found

    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "servers": [{"url": "./"}],  # wherever a proxy puts this description
        "info": {"title": "LoanTap scoring", "version": __version__, "description": _ABOUT},
        "paths": {
            "/v1/score": {
                "post": operation(
                    "score", "Score one application", ScoreAnswer, body="Application", example=EXAMPLE, also=_SENDING
                )
            },
            "/v1/score/batch": {
                "post": operation(
                    "score_batch", f"Score up to {MOST_ROWS:,} applications, all or none", BatchAnswer, body="BatchRequest",
                    example={"applications": [EXAMPLE]}, also=_SENDING,
                )
            },
            "/v1/model": {"get": operation("model", "The model that answers, with its card", ModelAnswer, also=(503,))},
            "/health": {"get": operation("health", "Whether the process lives", StatusAnswer, open_to_all=True)},
            "/ready": {
                "get": operation("ready", "Whether to send requests here", StatusAnswer, also=(503,), open_to_all=True)
            },
            "/openapi.json": {"get": operation("openapi", "This description", "application/json")},
            "/docs": {"get": operation("docs", "This description as a page", "text/html")},
            "/metrics": {"get": operation("metrics", "Counts for Prometheus", "text/plain")},
        },
        "components": components,
    }  # fmt: skip
    if recorded:
        _, more = models_json_schema([(Decision, "validation"), (DecisionAnswer, "validation")], ref_template="#/components/schemas/{model}")  # fmt: skip
        components["schemas"] |= more["$defs"]
        told = operation("decide", "Record what a person decided on a score", DecisionAnswer, body="Decision", example=DECISION, also=(*_SENDING, 404))  # fmt: skip
        found["paths"]["/v1/decision"] = {"post": told}
    return found


def _answer(kind: type[BaseModel] | str) -> dict[str, Any]:
    if isinstance(kind, str):
        schema = {"type": "object"} if kind == "application/json" else {"type": "string"}
        return {"description": "As asked", "content": {kind: {"schema": schema}}}
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"description": kind.__doc__, "content": {"application/json": {"schema": schema}}}


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemAnswer"}
    found: dict[str, Any] = {"description": TITLES[status], "content": {PROBLEM_JSON: {"schema": schema}}}
    if status in _HEADERS:
        name, meaning, kind = _HEADERS[status]
        found["headers"] = {name: {"description": meaning, "schema": {"type": kind}, "required": True}}
    return found
