"""From the bytes of a request to applications that keep every rule of the codebook."""

import json
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from loantap.data.applications import Application, rule
from loantap.data.units import PERCENTAGES, Units
from loantap.errors import SchemaError
from loantap_serving.api.answers import MOST_ROWS, Decision
from loantap_serving.api.problems import LISTED, Problem, shown

SINGLE_BRACKETS, BATCH_BRACKETS = 500, 4 * MOST_ROWS  # an application is flat; its texts may hold some
COMMAS = 60 * MOST_ROWS  # in a request; an application needs two dozen, and its texts may hold some
_MOST_FIELDS = 100  # an application has far fewer; a million wrong names are not worth looking at
_WHOLE, _BATCH = "application", "applications"
_RULES = {
    _WHOLE: "an object with the fields of an application",
    _BATCH: f"a list of 1 to {MOST_ROWS:,} applications",
    "request_id": "the header X-Request-Id of the score's answer",
    "row": "in a batch: which application, from 0",
    "decision": "approve or decline",
    "person": "up to 64 letters, digits and ._@-",
    "reason": "3 to 500 letters",
}


def read_json(body: bytes, *, brackets: int) -> Any:
    """Return what the JSON says.

    Raises Problem 400 for what is not JSON of RFC 8259 in UTF-8, has a name twice, or more than so many `{` and `[`, or
    commas: millions of them would take seconds, in which nobody else is answered, and fifty times the memory of their bytes.
    """
    opened = body.count(b"{") + body.count(b"[")
    if (parts := body.count(b",")) > COMMAS:
        raise Problem(400, f"Expected at most {COMMAS:,} commas here, got {parts:,}: applications hold no others.")
    if opened > brackets:
        raise Problem(
            400, f"Expected at most {brackets:,} of {{ and [ here, got {opened:,}: applications hold no others."
        )
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Problem(400, "Expected JSON in UTF-8; these bytes are not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Problem(400, f"Expected JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise Problem(400, "Expected an application; this JSON is nested too deeply.") from None
    except ValueError as error:  # of the two below, and of Python for a number of thousands of digits
        text = str(error) if isinstance(error, _NotPlainError) else "a number has too many digits."
        raise Problem(400, f"Expected JSON: {text}") from None


def valid_application(given: Any, kind: type[BaseModel] = Application) -> dict[str, Any]:
    """Return the values of an application, or of another kind of request; raises Problem 422 with every field that breaks its rule."""
    try:
        return _values(given, kind)
    except _InvalidError as error:
        listed = error.errors[:LISTED]
        raise Problem(422, _count(len(error.errors)), errors=listed, more=len(error.errors) - len(listed)) from None


def valid_batch(given: Any) -> list[dict[str, Any]]:
    """Return the values of each application of a batch.

    Raises Problem 422 with row, field and rule of all faults, or for a percentage that all rows together show to be in fractions.
    """
    if not isinstance(given, dict):
        raise Problem(422, "Expected an object with 'applications'.", errors=[_fault(_BATCH, "Field required")])
    if extra := [name for name in given if name != _BATCH]:
        raise Problem(422, "Expected 'applications' and nothing else.", errors=[_fault(extra[0], "Extra field")], more=len(extra) - 1)  # fmt: skip
    rows = given.get(_BATCH)
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_ROWS:
        came = f"a list of {len(rows):,}" if isinstance(rows, list) else "something else"
        raise Problem(422, "No row was scored.", errors=[_fault(_BATCH, f"Got {came}")])
    valid: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    more = bad = 0
    for number, row in enumerate(rows):
        try:
            valid.append(_values(row))
        except _InvalidError as error:
            bad += 1
            free = LISTED - len(errors)
            errors += [{"row": number, **fault} for fault in error.errors[:free]]
            more += max(len(error.errors) - free, 0)
    if errors:
        detail = f"{_count(len(errors) + more)} {bad:,} of {len(rows):,} rows are concerned; no row was scored."
        raise Problem(422, detail, errors=errors, more=more)
    units = Units()
    units.add({name: np.array([row[name] for row in valid], dtype=float) for name in PERCENTAGES})
    try:
        units.doubts("applications")
    except SchemaError as error:
        raise Problem(422, f"No row was scored. {error}", errors=[_fault(_BATCH, "Expected percentages")]) from None
    return valid


class _InvalidError(Exception):
    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__()
        self.errors = errors


def valid_decision(given: Any) -> dict[str, Any]:
    """Return the values of a person's decision; raises Problem as `valid_application`."""
    return valid_application(given, Decision)


def _values(given: Any, kind: type[BaseModel] = Application) -> dict[str, Any]:
    if isinstance(given, dict) and len(given) > _MOST_FIELDS:
        raise _InvalidError([_fault(_WHOLE, f"Has {len(given):,} fields")])
    try:
        return kind.model_validate(given).model_dump()
    except ValidationError as error:
        raise _InvalidError([_told(found) for found in error.errors(include_url=False, include_input=False)]) from None


def _told(found: Any) -> dict[str, Any]:
    """Return one of pydantic's errors as the caller needs it; none of its texts quotes the value that came."""
    if found["type"] == "model_type":
        return _fault(_WHOLE, "Expected a JSON object")
    name = found["loc"][0] if found["loc"] else found.get("ctx", {}).get("field", _WHOLE)
    return _fault(str(name), found["msg"])


def _fault(field: str, message: str) -> dict[str, Any]:
    return {"field": shown(field), "rule": _RULES.get(field) or rule(field), "message": message}


def _count(faults: int) -> str:
    return "One field breaks its rule." if faults == 1 else f"{faults:,} fields break their rules."


class _NotPlainError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):  # which of the two was meant?
        raise _NotPlainError("an object has a name twice.")
    return found


def _no_constant(_: str) -> None:
    raise _NotPlainError("NaN and Infinity are no JSON.")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
