"""What went wrong, in the form of RFC 9457; never with what the caller sent, but for names of fields."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PROBLEM_JSON = "application/problem+json"
LISTED = 100  # faults of fields that one answer names
TITLES = {
    400: "The request cannot be read",
    401: "No valid key",
    404: "There is nothing here",
    405: "Another method is needed here",
    413: "The request is too large",
    415: "The request is not JSON in UTF-8",
    422: "An application breaks its rules",
    429: "Too many requests",
    431: "The headers are too large",
    500: "The service failed",
    503: "The service cannot answer now",
}
_DETAILS = {
    404: "See /openapi.json for what there is.",
    405: "The header Allow names the methods.",
    500: "This is the service's fault. Its log has more under the id in 'instance'.",
}
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818 (the term of RFC 9457)
    """An answer other than what was asked for.

    Attributes:
        status: The HTTP status.
        detail: What is wrong here and what to do.
        errors: By field, what is wrong with it.
        more: How many further ones are not listed.
        headers: Headers that the answer needs.
    """

    status: int
    detail: str = ""
    errors: Sequence[Mapping[str, Any]] = ()
    more: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.status = self.status if self.status in TITLES else 500
        self.detail = self.detail or _DETAILS.get(self.status, TITLES[self.status] + ".")

    def body(self, request_id: str) -> bytes:
        """Return the problem as JSON."""
        found: dict[str, Any] = {
            "type": f"/docs#problem-{self.status}",
            "title": TITLES[self.status],
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:uuid:{request_id}",
        }
        if self.errors:
            found |= {"errors": list(self.errors), "more": self.more}
        return json.dumps(found).encode()


def too_large(most: int) -> Problem:
    """Return what is said of a body beyond so many bytes."""
    return Problem(413, f"At most {most:,} bytes are taken here.")


def shown(name: str) -> str:
    """Return the name of a field as it may be shown: a caller could put anything there."""
    return name if _PLAIN_NAME.fullmatch(name) else "(a name of other characters)"
