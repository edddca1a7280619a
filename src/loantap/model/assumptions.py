"""The assumptions behind profit, with their ranges and sources: `data/reference/assumptions.yml`, checked."""

from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from loantap.errors import InputError
from loantap.settings import reference_dir

FILE_NAME = "assumptions.yml"
NAMES = ("loss_given_default", "default_after", "settled_after", "funding_cost")


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, str_min_length=1)


class Passage(_Checked):
    """Something that was read.

    Attributes:
        title: What it is called.
        by: Who wrote or published it.
        date: When, or "undated".
        at: Where it can be read.
        says: What it says, in a sentence or two.
    """

    title: str
    by: str
    date: str
    at: str = Field(pattern=r"^https?://\S+$")
    says: str


class Assumption(_Checked):
    """Something that profit depends on and the loans do not tell.

    Attributes:
        name: The field of `Economics`.
        label: What it is called in a table or a sentence.
        meaning: What it says, with its unit.
        default: What is taken where nothing else is given.
        low: The lowest value that a lender would call plausible.
        high: The highest.
        checked: Whether a passage says what default and range rest on; else they are a judgement.
        source: Where default and range come from.
        passages: What was read.
    """

    name: str
    label: str
    meaning: str
    default: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    checked: bool
    source: str
    passages: tuple[Passage, ...] = ()

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if not self.low <= self.default <= self.high or self.low == self.high:
            raise ValueError(f"expected a range around the default {self.default:g}, got {self.low:g} to {self.high:g}")
        if self.checked and not self.passages:
            raise ValueError("expected a passage that was read, since it is said to be checked")
        return self


def load_assumptions(path: Path | None = None) -> tuple[Assumption, ...]:
    """Read the assumptions; by default those of `data/reference/assumptions.yml`.

    Raises InputError for a file that is absent or no YAML, an assumption that breaks the schema, and a name that is absent or stands twice.
    """
    path = path or reference_dir() / FILE_NAME
    try:
        found = TypeAdapter(tuple[Assumption, ...]).validate_python(yaml.safe_load(path.read_text("utf-8")))
    except FileNotFoundError:
        raise InputError(f"{path}: expected the assumptions behind profit, found no file.") from None
    except (yaml.YAMLError, ValidationError) as error:
        raise InputError(f"{path}: expected a list of assumptions, but: {error}") from error
    names = [one.name for one in found]
    if sorted(names) != sorted(NAMES):
        raise InputError(f"{path}: expected {', '.join(NAMES)}, each once, got {', '.join(names)}. Mend the file.")
    return found


ASSUMPTIONS = load_assumptions()
DEFAULTS = {one.name: one.default for one in ASSUMPTIONS}
