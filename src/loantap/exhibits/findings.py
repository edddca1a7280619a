"""The findings of the first screen: what each says in one sentence, and the few bars that show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loantap.data.columns import BY_NAME
from loantap.exhibits import heads
from loantap.exhibits.words import capital, show

Result = Mapping[str, Any]
MOST = 5
_BARS = 7
_FACTORS = ("grade", "profession", "pincode")
# The findings of the exploration, by their id: the column that they are about.
_DRIVERS = {
    "term": "term", "dti": "dti", "utilisation": "revol_util", "income": "annual_inc", "amount": "loan_amnt",
    "home-ownership": "home_ownership", "verification": "verification_status", "purpose": "purpose",
}  # fmt: skip
_TOGETHER = dict.fromkeys(("dti", "utilisation", "income", "amount"), "dti")  # told in one section
_ORDER = ("grade", "term", "dti", "profession", "pincode", *_DRIVERS)


@dataclass(frozen=True)
class Shown:
    """A finding as the first screen shows it."""

    name: str  # the factor, or the id of the exploration's finding
    head: str
    text: str
    levels: tuple[str, ...]  # names of the levels drawn, in order
    rates: tuple[float, ...]  # their default rates, in [0, 1]
    ordered: bool  # whether the levels are ranges in their order

    @property
    def section(self) -> str:
        """The section of the page on drivers that tells more."""
        return f"sec-{self.name if self.name in ('term', *_FACTORS) else _TOGETHER.get(self.name, 'others')}"

    @property
    def alt(self) -> str:
        """Say what its chart shows."""
        ends = (0, -1) if self.ordered else range(len(self.levels))
        rates = ", ".join(f"{self.levels[place]} {show(self.rates[place], 'rate')}" for place in ends)
        return f"Default rate by {self.head.lower()}: {rates}."


def first_findings(page: Any) -> list[Shown]:
    """Return the findings for the first screen, of the factors that the run tested and of its exploration."""
    findings: dict[str, Shown] = {}
    for name in _ORDER:
        if name in _FACTORS and name in page.factors:
            findings[name] = _factor(page, name)
        elif name in _DRIVERS and name not in findings and (shown := _driver(page.result("eda"), name)):
            findings[name] = shown
    return list(findings.values())[:MOST]


def _factor(page: Any, factor: str) -> Shown:
    result = page.result(f"association_{factor}")
    levels = [level for level in result["levels"] if level["level"] not in heads.NO_PROFESSION]
    clear = [level for level in levels if level["p_adjusted"] < result["alpha"]]
    if pure := [level for level in clear if level["separation"]]:
        groups = {
            "all default": [level for level in pure if level["defaults"]],
            "mixed": [level for level in levels if level not in pure],
            "none default": [level for level in pure if not level["defaults"]],
        }
        bars = [
            (f"{len(group)} {name}", sum(level["defaults"] for level in group) / sum(level["n"] for level in group))
            for name, group in groups.items() if group
        ]  # fmt: skip
    else:
        if len(levels) > _BARS:
            levels = _outermost(clear if len(clear) > 1 else levels)
        bars = _bars(levels)
    names, rates = zip(*bars, strict=True)
    title = page.title(f"association-{factor}-levels")
    return Shown(factor, capital(heads.label(factor)), title, names, rates, ordered=False)


def _bars(levels: Sequence[Result]) -> list[tuple[str, float]]:
    return [(heads.level(str(level["level"])), level["default_rate"]) for level in levels]


def _outermost(levels: Sequence[Result]) -> list[Result]:
    """Return the levels as they stand if there is room, else those with the highest and the lowest rates, highest first."""
    if len(levels) <= _BARS:
        return list(levels)
    ranked = sorted(levels, key=lambda level: -level["default_rate"])
    return [*ranked[: _BARS // 2], *ranked[-(_BARS // 2) :]]


def _driver(eda: Result, name: str) -> Shown | None:
    text = next((finding["title"] for finding in eda["findings"] if finding["id"] == name), None)
    column = BY_NAME[_DRIVERS[name]]
    all_levels: list[Result] = next((one["levels"] for one in eda["drivers"] if one["driver"] == column.name), [])
    levels = [level for level in all_levels if level["default_rate"] is not None and level["level"] != "Missing"]
    if text is None or len(levels) < 2:
        return None
    ordered = len(levels) > 2 and column.kind == "number"
    names, rates = zip(*_bars(levels if ordered else _outermost(levels)), strict=True)
    return Shown(name, capital(heads.label(column.name)), text, names, rates, ordered)
