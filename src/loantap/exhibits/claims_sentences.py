"""What the data say of a claim, in one plain sentence."""

from collections.abc import Mapping
from typing import Any

from loantap.analysis.claims import NO_EVIDENCE, SUPPORTED, Judgement
from loantap.exhibits.words import ABSENT, interval, show

_SEPARATED = {"all_default": "all defaulted", "none_default": "none defaulted"}


def evidence(tested: Judgement) -> str:
    """Return what the data say of a claim, as one plain sentence."""
    if tested.effect is None:
        return _sentence(f"This cannot be tested here: {tested.reason}")
    return _sentence(_MEASURED[tested.claim.test](tested) + _conclusion(tested))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _conclusion(tested: Judgement) -> str:
    claim, effect = tested.claim, tested.effect
    if effect is None or tested.verdict == SUPPORTED:
        return ""
    if tested.verdict == NO_EVIDENCE:
        return "; that neither shows the claim nor rules it out"
    if claim.test in ("share", "metric"):
        return "; the claimed value is off by more than matters"
    opposite = {"more": effect.ci_high < effect.null, "less": effect.ci_low > effect.null}.get(claim.direction, False)
    if opposite and (tested.p_adjusted or 0.0) < tested.alpha:
        return "; that is the opposite of the claim"
    size = show(claim.smallest_effect, effect.kind)
    what = {"ratio": f"an odds ratio of {size}", "score": f"a Cramér's V of {size}"}.get(effect.kind, size)
    return f"; a difference as large as {what}, the least that matters, is ruled out"


def shown_result(tested: Judgement) -> str:
    """Return the estimate with its interval, or in words where all loans ended alike."""
    effect = tested.effect
    if effect is None:
        return ABSENT
    if separated := effect.facts.get("separation"):
        return _SEPARATED[separated]
    return f"{show(effect.estimate, effect.kind)} ({interval(effect.ci_low, effect.ci_high, effect.kind)})"


def _share(tested: Judgement) -> str:
    claimed = show(tested.claim.claimed, "rate")
    return f"{shown_result(tested)} of {show(_n(tested), 'count')} loans defaulted, where {claimed} was claimed"


def _n(tested: Judgement) -> int:
    return tested.effect.n if tested.effect else 0


def _facts(tested: Judgement) -> Mapping[str, Any]:
    return tested.effect.facts if tested.effect else {}


def _level(tested: Judgement) -> str:
    facts = _facts(tested)
    loans, rest = show(facts["level_n"], "count"), f"against {show(facts['rest_default_rate'], 'rate')} of the rest"
    if facts["separation"]:
        return f"{'all' if facts['default_rate'] == 1 else 'none of the'} {loans} loans defaulted, {rest}"
    return (
        f"{show(facts['level_defaults'], 'count')} of {loans} loans defaulted ({show(facts['default_rate'], 'rate')}), {rest}: "
        f"an odds ratio of {shown_result(tested)}"
    )


def _factor(tested: Judgement) -> str:
    facts, name = _facts(tested), tested.claim.variable
    text = f"Cramér's V is {shown_result(tested)}"
    if facts["pure"]:
        text += f", but {facts['pure']} of {facts['levels']} {name}s are pure, with {show(facts['pure_share'], 'rate')} of the loans"
    if facts["pure"] and facts["mixed"] > 1:
        ends = interval(facts["mixed_low"], facts["mixed_high"], "rate")
        text += f", and the default rates of the other {facts['mixed']} run only from {ends}"
    return text


def _trend(tested: Judgement) -> str:
    facts, odds = _facts(tested), f"each step of {tested.claim.variable} has an odds ratio of {shown_result(tested)}"
    if not facts:
        return odds
    rates = f"{show(facts['first_rate'], 'rate')} in {facts['first']} to {show(facts['last_rate'], 'rate')} in {facts['last']}"
    way = "up" if tested.claim.direction == "more" else "down"
    steps = f"{way} at {facts['steps_as_claimed']} of {facts['steps']} steps"
    return f"the default rate goes from {rates}, {steps}, and {odds}"


def _mean(tested: Judgement) -> str:
    facts = _facts(tested)
    means = f"{show(facts['defaulted_mean'], 'number')} among loans that defaulted and {show(facts['repaid_mean'], 'number')}"
    return (
        f"the mean is {means} among those repaid: a difference of {shown_result(tested)}, or {show(facts['standardized'], 'ratio')} "
        f"standard deviations (n = {show(_n(tested), 'count')})"
    )


def _metric(tested: Judgement) -> str:
    facts, name = _facts(tested), tested.claim.variable.replace("f2", "F2")
    return (
        f"flagging {show(facts['flagged_share'], 'rate')} of {show(_n(tested), 'count')} test loans, as the claim implies, the "
        f"model with the leaking pincode has {_article(name)} {name} of {shown_result(tested)}, where {show(tested.claim.claimed, 'rate')} "
        f"was claimed, and the model without it {show(facts['without_pincode'], 'rate')}"
    )


def _article(name: str) -> str:
    return "an" if name[0] in "aF" else "a"


_MEASURED = {
    "share": _share, "level": _level, "factor": _factor, "trend": _trend, "mean": _mean, "metric": _metric,
}  # fmt: skip
