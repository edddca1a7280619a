"""What is declared of a raw column and of a feature: the forms that the one table in `loantap.data.columns` is written in."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import pandas as pd

Kind = Literal["number", "category", "month", "text", "address"]
Known = Literal["application", "pricing", "funding", "outcome"]
# How a value enters the linear model: a number by its logarithm or as it is; a ratio by its logarithm, in models that take
# ratios; a category level by level; 'elsewhere' means through another feature, which is made from it or says more.
Enters = Literal["logarithm", "as it is", "ratio", "category", "elsewhere"]
Higher = Literal["riskier", "safer", "open"]
FORM = r"^\{(:,?(\.\d)?[f%])?\}%?( [a-z%]+)*$"  # a number or a text, and its unit: a saved model names no other form
_CODE = r"R\d\d+"
NO_ORDER = "its levels have no order"


def readable_level(level: str) -> str:
    """Return a level of a category as a sentence says it: 'debt consolidation', 'rent', 'not verified'; shorter ones are names."""
    return level if len(level) < 3 else level.replace("_", " ").lower()


def written(form: str, value: Any) -> str:
    """Return a value in its form: a number as the form says, and a level in words."""
    text = readable_level(value) if isinstance(value, str) else form.format(value)
    return text.replace(" %", "%")  # as models saved before write it


@dataclass(frozen=True)
class Step:
    """A change to a number that a person can picture.

    Attributes:
        words: The change in words.
        by: So much more.
        times: So many times as much.
        between: One value rather than another: from the first to the second.
    """

    words: str
    by: float = 0.0
    times: float = 1.0
    between: tuple[float, float] | None = None

    def after(self, values: pd.Series) -> pd.Series:
        """Return changed values; missing ones stay missing."""
        return 0 * values + self.between[1] if self.between else self.times * values + self.by


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What a raw column and a computed feature declare alike.

    Attributes:
        label: Its name in sentences and forms.
        enters: How its value enters the model; empty for what no model sees.
        curved: Whether a model with splines bends it; else its line stays straight.
        code: Of its reason; a code never changes its meaning, and features stand in the order of their codes.
        phrase: What a reason calls it.
        form: How a reason writes its value.
        voice: Features of one voice say much the same, and are told in one reason; empty for one that speaks alone.
        step: The change that its odds ratio is told for.
        no_step: Why there is none.
        unknown: What the odds ratio of a missing value is called; empty where none is told.
        higher: Whether a higher value is expected to be riskier or safer, or is open.
        because: Why.
    """

    label: str = ""
    enters: Enters | Literal[""] = ""
    curved: bool = False
    code: str = ""
    phrase: str = ""
    form: str = ""
    voice: str = ""
    step: Step | None = None
    no_step: str = ""
    unknown: str = "{label} not known"
    higher: Higher | Literal[""] = ""
    because: str = ""

    @property
    def direction(self) -> int:
        """1 where a higher value is declared riskier, -1 where it is safer, else 0."""
        return {"riskier": 1, "safer": -1}.get(self.higher, 0)

    def gaps(self) -> list[str]:
        """Return what a model, its reasons and its odds ratios need and is not declared."""
        there = {
            "label": bool(self.label),
            f"enters (one of {', '.join(get_args(Enters)[:-1])})": self.enters in get_args(Enters)[:-1],
            "code (such as R01)": re.fullmatch(_CODE, self.code) is not None,
            "phrase (what a reason calls it)": bool(self.phrase),
            "form (how a reason writes its value, such as '{:.1f}%')": re.fullmatch(FORM, self.form) is not None,
            "step (the change that its odds ratio is told for), or no_step (why there is none)": self.enters == "category"
            or bool(self.step) != bool(self.no_step),
            "higher and because (the expected direction of risk, and why)": bool(self.higher and self.because),
        }  # fmt: skip
        return [name for name, declared in there.items() if not declared]


@dataclass(frozen=True)
class Column(Declared):
    """One raw column.

    Attributes:
        name: The header in the raw file.
        meaning: What the value says, in one line.
        unit: The unit of a number, or the form of a text.
        kind: How the raw text is read.
        known: When the value exists: at the application, as part of the lender's pricing, when the loan is
            funded, or only as the outcome.
        feature: Whether a model may use it.
        why: Why a model may or may not use it.
        levels: The allowed values of a category, in their order if they have one.
        low: The smallest allowed number.
        high: The largest allowed number.
        missing: Whether the value may be absent.
        ordered: Whether the levels have an order.
        optional: Whether a file may lack the column; all its values are missing then.
        cap: Beyond it a number counts as the cap in a model: a handful of loans (debt-to-income 9999 where there is hardly an
            income) would otherwise bend the fit for all.
        example: A value of the example application.
        aliases: Other names that it goes by in files, in small letters with _ between words.
        synonyms: Other words for a level, in small letters with one space between words: the level by word.
    """

    name: str
    meaning: str
    unit: str
    kind: Kind
    known: Known
    feature: bool
    why: str
    levels: tuple[str, ...] = ()
    low: float = 0.0
    high: float = float("inf")
    missing: bool = False
    ordered: bool = False
    optional: bool = False
    cap: float | None = None
    example: float | str | None = None
    aliases: tuple[str, ...] = ()
    synonyms: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """See to it that what a file may lack may be missing."""
        if self.optional and not self.missing and self.kind != "address":  # of which only the parts are kept
            raise ValueError(f"column '{self.name}': optional, so its values may be missing. Say missing=True too.")

    @property
    def sources(self) -> tuple[str, ...]:
        """The raw columns that it comes from: itself."""
        return (self.name,)

    @property
    def rule(self) -> str:
        """The rule that a value has to keep, in words."""
        match self.kind:
            case "category":
                text = f"one of: {', '.join(self.levels)}"
            case "number":
                above = (
                    f"{self.low:,.10g} or more"
                    if self.high == float("inf")
                    else f"{self.low:,.10g} to {self.high:,.10g}"
                )
                text = f"a number, {above}, in {self.unit}"
            case "month":
                text = "a month such as Jan-2015"
            case "address":
                text = "an address that ends in a state and a five-digit pincode, such as 'OK 22690'"
            case "text":
                text = "a text"
        return f"{text}; may be missing" if self.missing else text


@dataclass(frozen=True)
class Feature(Declared):
    """One feature that is computed.

    Attributes:
        name: Its name.
        meaning: How it is computed, in words.
        sources: The raw columns that it comes from.
        compute: The same as arithmetic on plain numbers or on pandas Series of them, one argument per source: a month as
            months from year 0, an ordered category as the place of its level; None where cleaning the loans made it.
    """

    name: str
    meaning: str
    sources: tuple[str, ...]
    compute: Callable[..., Any] | None = None
