"""The claims of the original insights as data: `data/reference/claims.yml`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from loantap.analysis.claim_tests import METRICS, Direction
from loantap.errors import InputError
from loantap.settings import reference_dir

FILE_NAME = "claims.yml"
Kind = Literal["share", "level", "factor", "trend", "mean", "metric"]
_DIRECTIONS: Mapping[str, tuple[Direction, ...]] = {
    "share": ("equal",), "level": ("more", "less"), "factor": ("any",), "trend": ("more", "less"),
    "mean": ("more", "less"), "metric": ("at_least",),
}  # fmt: skip


class Claim(BaseModel):
    """One claim, as `data/reference/claims.yml` lists it."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")  # its name in results
    claim: str = Field(min_length=1)  # what is claimed, as one testable sentence
    wording: str = Field(min_length=1)  # the original insight that it comes from
    test: Kind  # the kind of test: share, level, factor, trend, mean or metric
    variable: str = ""  # the factor, numeric column or metric; empty for share
    level: str = ""  # the level of the factor; empty for other kinds
    direction: Direction  # more or less (defaults more, or less), any (an association), equal, at_least
    # what matters: an odds ratio, a Cramér's V, a difference of means, or a margin
    smallest_effect: float = Field(gt=0, allow_inf_nan=False)
    claimed: float | None = Field(default=None, ge=0, le=1)  # the claimed value of a share or metric
    # the page and anchor that show it
    exhibit: str = Field(pattern=r"^[a-z-]+\.html(#[a-z0-9-]+)?$")
    caveat: str = ""  # what to know even where the claim holds
    leak: bool = False  # whether the claim may hold by the leak only; the counts and scores tell whether it does
    instead: str = ""  # what to do instead where it does not hold

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        expected = {
            f"direction among {', '.join(_DIRECTIONS[self.test])}": self.direction in _DIRECTIONS[self.test],
            "a variable, for all tests but share": bool(self.variable) == (self.test != "share"),
            "a level, for the test level only": bool(self.level) == (self.test == "level"),
            "a claimed value, for share and metric only": (self.claimed is not None)
            == (self.test in ("share", "metric")),
            f"metric among {', '.join(METRICS)}": self.test != "metric" or self.variable in METRICS,
            "smallest_effect as an odds ratio on the claimed side of 1": self.test not in ("level", "trend")
            or (self.smallest_effect > 1) == (self.direction == "more"),
        }
        if wrong := [words for words, fine in expected.items() if not fine]:
            raise ValueError(f"test {self.test} expects {'; '.join(wrong)}")
        return self


def load_claims(path: Path | None = None) -> tuple[Claim, ...]:
    """Read the claims; by default those of `data/reference/claims.yml`.

    Raises InputError for a file that is absent or no YAML, a claim that breaks the schema, and an id that stands twice.
    """
    path = path or reference_dir() / FILE_NAME
    try:
        claims = TypeAdapter(tuple[Claim, ...]).validate_python(yaml.safe_load(path.read_text("utf-8")))
    except FileNotFoundError:
        raise InputError(f"{path}: expected the claims to test, found no file.") from None
    except (yaml.YAMLError, ValidationError) as error:
        raise InputError(f"{path}: expected a list of claims, but: {error}") from error
    ids = [claim.id for claim in claims]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise InputError(f"{path}: expected each id once, '{twice[0]}' stands twice. Rename one.")
    return claims


def factors_of(claims: Sequence[Claim]) -> list[str]:
    """Return the factors that the claims need counts of."""
    return list(dict.fromkeys(claim.variable for claim in claims if claim.test in ("level", "factor", "trend")))


def columns_of(claims: Sequence[Claim]) -> list[str]:
    """Return the numeric columns that the claims need moments of."""
    return list(dict.fromkeys(claim.variable for claim in claims if claim.test == "mean"))
