"""An application for a loan, checked at the edge: its fields and their rules come from the codebook."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator
from pydantic_core import PydanticCustomError

from loantap.data.columns import COLUMNS
from loantap.data.declarations import Column

MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PLACE = {month: place for place, month in enumerate(MONTH_NAMES)}
MONTH_PATTERN = rf"^({'|'.join(MONTH_NAMES)})-(19|20)[0-9]{{2}}$"
_TEXT_PATTERN = r"^[^\x00-\x1f\x7f]*$"  # no control characters
_TEXT_LENGTH = 200
_LARGEST = 1e9  # for numbers without a largest value of their own: far beyond it, a score would be no number

# What is known when somebody applies, the lender's price among it. The address is never wanted: it is personal, and
# its pincode gives the outcome of the old loans away. The month of funding dates the credit history. The installment follows
# from amount, rate and term, so it need not be said.
_FOLLOWS = "installment"
FIELDS: tuple[Column, ...] = tuple(
    replace(
        column,
        high=min(column.high, _LARGEST) if column.kind == "number" else column.high,
        missing=column.missing or column.name == _FOLLOWS,
        optional=column.optional or column.name == _FOLLOWS,
    )
    for column in COLUMNS
    if (column.known in ("application", "pricing") and column.kind != "address") or column.name == "issue_d"
)


def month_number(text: str) -> int:
    """Return the months from year 0 to a month such as 'Jan-2015'."""
    return int(text[4:]) * 12 + _PLACE[text[:3]]


def this_month() -> str:
    """Return the present month, in UTC, as the codebook writes months."""
    now = datetime.now(UTC)
    return f"{MONTH_NAMES[now.month - 1]}-{now.year}"


class _Checked(BaseModel):
    """The rules that hold between fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="after")
    def _across(self) -> "_Checked":
        grade, sub_grade = getattr(self, "grade", None), getattr(self, "sub_grade", "")
        if sub_grade[:1] != grade:
            raise PydanticCustomError("other_grade", "sub_grade: of another grade than 'grade'", {"field": "sub_grade"})
        funded = getattr(self, "issue_d", None) or this_month()
        if month_number(getattr(self, "earliest_cr_line", "Jan-1900")) > month_number(funded):
            raise PydanticCustomError(
                "later_than_issue", "earliest_cr_line: later than issue_d", {"field": "earliest_cr_line"}
            )
        return self


def _field(column: Column) -> tuple[Any, Any]:
    facts: dict[str, Any] = {"description": f"{column.meaning} ({column.unit})"}
    kind: Any
    match column.kind:
        case "number":
            kind = Annotated[float, Field(ge=column.low, le=column.high, allow_inf_nan=False)]
        case "category":
            kind = Literal[column.levels]
        case "month":
            kind = Annotated[str, Field(pattern=MONTH_PATTERN)]
        case _:
            kind = Annotated[str, Field(max_length=_TEXT_LENGTH, pattern=_TEXT_PATTERN)]
    if column.name == _FOLLOWS:
        facts["description"] += "; the annuity if absent"
    if column.name == "issue_d":
        facts["description"] = "Month in which the loan would be funded; the present month if absent"
    if column.missing or column.name == "issue_d":
        return kind | None, Field(default=None, **facts)
    return kind, Field(**facts)


_DEFINITIONS: dict[str, Any] = {column.name: _field(column) for column in FIELDS}
Application: type[BaseModel] = create_model(
    "Application",
    __base__=_Checked,
    __doc__="One application for a loan.",
    **_DEFINITIONS,
)


_RULES = {column.name: column.rule for column in FIELDS}


def rule(field: str) -> str:
    """Return the rule of a field in words, or that there is no such field."""
    return _RULES.get(field, "no field of an application")
