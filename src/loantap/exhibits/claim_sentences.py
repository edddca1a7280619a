"""What the data say of a claim, in words: the verdict, the result and the evidence."""

from collections.abc import Mapping
from typing import Any

from loantap.analysis.claims import CANNOT, CONTRADICTED, NO_EVIDENCE, SUPPORTED, ClaimResult
from loantap.data.columns import BY_NAME
from loantap.exhibits.words import ABSENT, capital, estimate, interval, show

PUBLISHED, OWN = "published counts of the real portfolio", "loans of this run"
# Results keep the verdict's name; people read what it means.
VERDICT_WORDS = {
    SUPPORTED: "holds", CONTRADICTED: "does not hold", NO_EVIDENCE: "undecided", CANNOT: "cannot be tested",
}  # fmt: skip
BY_LEAK = "holds by data leakage only"
_MEASURES = {
    "share": "default rate", "level": "odds ratio", "factor": "Cramér's V", "trend": "odds ratio per step",
    "mean": "difference of means", "metric": "score",
}  # fmt: skip
_WHOLE = 100
_SEPARATED = {"all_default": "every loan defaulted", "none_default": "no loan defaulted"}
# One job is counted in two ways, and neither number is the other's.
_SPELLED = {PUBLISHED: " with the exact title {}", OWN: " of the profession {} in all its spellings"}


def measure(tested: ClaimResult) -> str:
    """Return what a claim's estimate measures."""
    return _MEASURES[tested.claim.test]


def judgement(tested: ClaimResult) -> str:
    """Return the verdict as people read it."""
    return BY_LEAK if by_the_leak(tested) else VERDICT_WORDS[tested.verdict]


def by_the_leak(tested: ClaimResult) -> bool:
    """Tell whether a claim holds for no better reason than the leak."""
    claim, facts = tested.claim, tested.effect.facts if tested.effect else {}
    least = (claim.claimed or 0.0) - claim.smallest_effect
    pure = facts.get("pure") or facts.get("separation") or facts.get("without_pincode", least) < least
    return tested.verdict == SUPPORTED and claim.leak and bool(pure)


def result(tested: ClaimResult) -> str:
    """Return the estimate with its interval."""
    effect = tested.effect
    if effect is None:
        return ABSENT
    if separated := effect.facts.get("separation"):
        return _SEPARATED[separated]
    return estimate(effect.estimate, effect.ci_low, effect.ci_high, kind=_kind(tested))


def _kind(tested: ClaimResult) -> str:
    if tested.claim.test == "mean":
        return number_kind(tested.claim.smallest_effect)
    if tested.effect:
        return tested.effect.kind
    return ""


def number_kind(smallest: float) -> str:
    """Return how to show a number of which a difference of `smallest` matters: decimals only where they could."""
    return "count" if smallest >= _WHOLE else "number"


def found(tested: ClaimResult) -> str:
    """Return the result with what it measures, such as 'odds ratio 1.15 (1.07 to 1.24)'."""
    told = result(tested)
    return told if told in (ABSENT, *_SEPARATED.values()) else f"{measure(tested)} {told}"


def name_of(variable: str) -> str:
    """Return a column, factor or score as people call it."""
    return BY_NAME[variable].label if variable in BY_NAME else variable.replace("_", " ").replace("f2", "F2")


def evidence(tested: ClaimResult, basis: str) -> str:
    """Return what the data say of a claim, and what follows; `basis` is what it rests on, and says how titles are spelled."""
    if tested.effect is None:
        return f"This cannot be tested here: {tested.reason}."
    facts = {**tested.effect.facts, "basis": basis}
    told = [_MEASURED[tested.claim.test](tested, facts, tested.effect.n), _conclusion(tested)]
    return " ".join(f"{capital(text)}." for text in told if text)


def _conclusion(tested: ClaimResult) -> str:
    claim, effect = tested.claim, tested.effect
    if effect is None or tested.verdict == SUPPORTED:
        return ""
    if tested.verdict == NO_EVIDENCE:
        beside = not effect.ci_low <= effect.null <= effect.ci_high
        alone = beside or min(effect.p_value, effect.p_against) < tested.alpha
        decides = "after adjustment for all tests, which the interval lacks, " if alone else ""
        return f"{decides}this neither confirms the claim nor rules it out"
    if claim.test in ("share", "metric"):
        return "that is further from the claimed value than matters"
    opposite = {"more": effect.ci_high < effect.null, "less": effect.ci_low > effect.null}.get(claim.direction, False)
    if opposite and (tested.p_adjusted or 0.0) < tested.alpha:
        return "that is the opposite of the claim"
    size = show(claim.smallest_effect, _kind(tested))
    what = {"ratio": f"an odds ratio of {size}", "score": f"a Cramér's V of {size}"}
    return f"even {what.get(effect.kind, f'a difference of {size}')}, the smallest effect that matters, is ruled out"


def _share(tested: ClaimResult, facts: Mapping[str, Any], n: int) -> str:
    claimed = show(tested.claim.claimed, "rate")
    return f"{result(tested)} of {show(n, 'count')} loans defaulted, and {claimed} was claimed"


def _level(tested: ClaimResult, facts: Mapping[str, Any], n: int) -> str:
    which = _SPELLED.get(facts["basis"], "") if tested.claim.variable == "profession" else ""
    loans = f"{show(facts['level_n'], 'count')} loans{which.format(tested.claim.level)}"
    rest = f"compared with {show(facts['rest_default_rate'], 'rate')} of all other loans"
    if facts["separation"]:
        return f"{'all' if facts['default_rate'] == 1 else 'none of the'} {loans} defaulted, {rest}"
    return (
        f"{show(facts['level_defaults'], 'count')} of {loans} defaulted ({show(facts['default_rate'], 'rate')}), {rest}: "
        f"an odds ratio of {result(tested)}"
    )


def _factor(tested: ClaimResult, facts: Mapping[str, Any], n: int) -> str:
    text, name = f"Cramér's V is {result(tested)}", name_of(tested.claim.variable)
    if facts["pure"]:
        share = show(facts["pure_share"], "rate")
        text += f". In {facts['pure']} of {facts['levels']} {name}s, with {share} of the loans, every loan ended the same way"
    if facts["pure"] and facts["mixed"] > 1:
        ends = interval(facts["mixed_low"], facts["mixed_high"], "rate")
        text += f"; the default rates of the other {facts['mixed']} run from {ends}"
    return text


def _trend(tested: ClaimResult, facts: Mapping[str, Any], n: int) -> str:
    odds = f"the odds ratio per step of {name_of(tested.claim.variable)} is {result(tested)}"
    if "first_rate" not in facts:  # fewer than two levels may be shown
        return odds
    rates = f"{show(facts['first_rate'], 'rate')} in {facts['first']} to {show(facts['last_rate'], 'rate')} in {facts['last']}"
    way = "up" if tested.claim.direction == "more" else "down"
    steps = f"{way} at {facts['steps_as_claimed']} of {facts['steps']} steps"
    hidden = f" ({facts['hidden']} of the levels, with counts too small to show, left out)" if facts["hidden"] else ""
    return f"the default rate goes from {rates}, {steps}{hidden}, and {odds}"


def _mean(tested: ClaimResult, facts: Mapping[str, Any], n: int) -> str:
    kind = _kind(tested)
    means = f"{show(facts['defaulted_mean'], kind)} among loans that defaulted and {show(facts['repaid_mean'], kind)}"
    return (
        f"the mean is {means} among loans that were repaid: a difference of {result(tested)}, or "
        f"{show(facts['standardized'], 'ratio')} pooled standard deviations (n = {show(n, 'count')})"
    )


def _metric(tested: ClaimResult, facts: Mapping[str, Any], n: int) -> str:
    return (
        f"the original's protocol, rebuilt on these loans, flags {show(facts['flagged_share'], 'rate')} of {show(n, 'count')} test loans: its "
        f"{name_of(tested.claim.variable)} is {result(tested)} with the pincode and {show(facts['without_pincode'], 'rate')} without it. "
        f"The claim is {show(tested.claim.claimed, 'rate')}"
    )


_MEASURED = {
    "share": _share, "level": _level, "factor": _factor, "trend": _trend, "mean": _mean, "metric": _metric,
}  # fmt: skip
