"""The verdicts on the original claims: records, sentences, tables and the figure; pages call what takes records."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from loantap.analysis.claims import NO_EVIDENCE, SUPPORTED, VERDICTS, Judgement
from loantap.exhibits.exhibit import Exhibit, Notice
from loantap.exhibits.words import ABSENT, columns, interval, percent, plain, show

PUBLISHED, OWN = "published counts of the real portfolio", "loans of this run"
_COLUMNS = columns("claim", "judgement", "measure", "result", "p_adjusted", "p_against_adjusted")
_MEASURES = {
    "share": "default rate", "level": "odds ratio", "factor": "Cramér's V", "trend": "odds ratio per step",
    "mean": "difference of means", "metric": "score",
}  # fmt: skip
_SEPARATED = {"all_default": "all defaulted", "none_default": "none defaulted"}
# One job is counted in two ways, and neither number is the other's.
_SPELLED = {PUBLISHED: " with the exact title {}", OWN: " of the profession {} in all its spellings"}
Record = Mapping[str, Any]


def records(
    tests: Sequence[Judgement], own: Sequence[Judgement] = (), *, basis: str = PUBLISHED
) -> list[dict[str, Any]]:
    """Return the entries of `results/claims.json`.

    Args:
        tests: The verdicts that stand on top.
        own: Those on the run's own loans, which go under `this_run`; none where there is no run.
        basis: What the verdicts on top rest on.
    """
    entries = [
        {"id": tested.claim.id, "claim": tested.claim.claim, "wording": tested.claim.wording, "basis": basis}
        | {**tested.to_dict(), "result": _result(tested), "evidence": evidence(tested, basis)}
        | tested.claim.model_dump(include={"test", "variable", "level", "direction", "smallest_effect", "claimed", "exhibit"})
        | tested.claim.model_dump(include={"caveat", "instead"}) | {"leak": _by_the_leak(tested)}
        for tested in tests
    ]  # fmt: skip
    for entry, mine in zip(entries, own, strict=False):
        entry["this_run"] = {"basis": OWN, **mine.to_dict(), "result": _result(mine), "evidence": evidence(mine, OWN)}
    return entries


def verdicts(tests: Sequence[Judgement], *, basis: str, note: str = "") -> Exhibit:
    """Show the verdict on each claim; `note` says which loans a model has seen, if not all."""
    rows = [
        {"id": tested.claim.id, "claim": tested.claim.claim, "verdict": tested.verdict}
        | {"judgement": f"{tested.verdict}, by the leak" if _by_the_leak(tested) else tested.verdict}
        | {"measure": _MEASURES[tested.claim.test], "result": _result(tested)}
        | {name: tested.to_dict()[name] for name in ("estimate", "ci_low", "ci_high", "p_adjusted", "p_against_adjusted", "n")}
        | {"evidence": evidence(tested, basis)}
        for tested in tests
    ]  # fmt: skip
    counts = Counter(tested.verdict for tested in tests)
    told = dict(zip(VERDICTS, VERDICTS, strict=True)) | {NO_EVIDENCE: "without evidence either way"}
    if leaks := sum(map(_by_the_leak, tests)):
        told[SUPPORTED] += f" (of which {leaks} by the leak only)"
    title = f"{len(tests)} claims on the {basis}: {', '.join(f'{counts[v]} {told[v]}' for v in VERDICTS if counts[v])}"
    caption = (
        f"{title}. n = {show(_loans(tests), 'count')} loans; {_confidence(tests)} "
        "intervals: Wilson for rates, Wald on the log odds, Welch for means, bootstrap for a model's scores; p adjusted: that "
        "there is no such difference; p against adjusted: that it is as large as matters; "
        f"{correction([tested.to_dict() for tested in tests])}"
    )
    name = "claims" if basis == PUBLISHED else "claims-this-run"
    return Exhibit(name, title, f"{caption} {note}".rstrip(), table=pd.DataFrame(rows), columns=_COLUMNS)


def side_by_side(tests: Sequence[Judgement], own: Sequence[Judgement]) -> Exhibit:
    """Show the claims on odds ratios, on the published counts and on the run's own loans."""
    from loantap.exhibits.plots.claims import claims_forest  # here, since pages and `loantap claims` draw nothing

    rows = []
    for published, mine in zip(tests, own, strict=True):
        row: dict[str, Any] = {"claim": published.claim.claim, "verdict": published.verdict}
        for prefix, tested in (("published", published), ("own", mine)):
            effect = tested.effect
            known = effect is not None and effect.kind == "ratio" and not effect.facts.get("separation")
            numbers = (effect.estimate, effect.ci_low, effect.ci_high) if known and effect else (float("nan"),) * 3
            row |= dict(zip((prefix, f"{prefix}_low", f"{prefix}_high"), numbers, strict=True))
        rows.append(row)
    shown = pd.DataFrame(rows).dropna(subset="published", ignore_index=True)
    sizes = [tested.claim.smallest_effect for tested in tests if tested.claim.test in ("level", "trend")]
    # Between these odds ratios no claim's difference matters.
    band = max(size for size in sizes if size < 1), min(size for size in sizes if size > 1)
    counts = Counter(shown["verdict"])
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    title = f"Of {len(shown)} claims on odds ratios the published counts leave {told}"
    caption = (
        f"{title}. {_confidence(tests)} Wald intervals on the log odds; n = {_loans(tests):,} published loans, "
        f"{_loans(own):,} of this run."
    )
    alt = f"Dots with intervals by claim, and a band around 1. {title}."
    return Exhibit("claims-verdicts", title, caption, alt, figure=claims_forest(shown, matters=band))


def correction(entries: Sequence[Record]) -> str:
    """Say over how many comparisons the correction goes, and why a factor's own table can differ; takes entries of the results."""
    count = sum(entry["p_adjusted"] is not None for entry in entries)
    return (
        f"Holm over {2 * count} comparisons: both questions of the {count} claims that could be tested. The table of a factor corrects "
        "over its levels alone and asks one question, so that a difference can be shown in one of them and not in the other."
    )


def smallest(entries: Sequence[Record]) -> str:
    """Say from which odds ratios on a difference of levels matters."""
    sizes = sorted({entry["smallest_effect"] for entry in entries if entry["test"] == "level"})
    return " or ".join(show(size, "ratio") for size in sizes)


def synthetic_notice() -> Notice:
    """Say what the verdicts on synthetic loans are worth."""
    return Notice(
        "Are synthetic loans a second opinion?",
        "No: they are made from the published counts. What they say of one column repeats those counts with less certainty, what they say "
        "of professions without published counts is invented, and their model is an approximation.",
    )


def _by_the_leak(tested: Judgement) -> bool:
    claim, facts = tested.claim, tested.effect.facts if tested.effect else {}
    least = (claim.claimed or 0.0) - claim.smallest_effect
    pure = facts.get("pure") or facts.get("separation") or facts.get("without_pincode", least) < least
    return tested.verdict == SUPPORTED and claim.leak and bool(pure)


def _loans(tests: Sequence[Judgement]) -> int:
    return max((tested.effect.n for tested in tests if tested.effect), default=0)


def _confidence(tests: Sequence[Judgement]) -> str:
    return percent(1 - tests[0].alpha)


def paragraphs(records: Sequence[Record], verdict: str, *, leak: bool | None = None, linked: bool = True) -> str:
    """Return a paragraph for each claim with a verdict on the published counts: the claim, the counts, what to do.

    Args:
        records: The entries of `results/claims.json`.
        verdict: Which claims, by their verdict.
        leak: Which of them: those that hold by the leak, the others, or both.
        linked: Whether to link the exhibit; a page of the site can, a notebook cannot.
    """
    chosen = [entry for entry in records if entry["verdict"] == verdict and leak in (None, entry["leak"])]
    return "\n\n".join(_paragraph(entry, linked=linked) for entry in chosen)


def _paragraph(entry: Record, *, linked: bool) -> str:
    where = f" ([exhibit]({entry['exhibit'].replace('.html', '.qmd')}))" if linked else ""
    claimed = f" Original insight: {plain(entry['wording'])}." if entry["wording"] != entry["claim"] else ""
    caveat = f" {plain(entry['caveat'])}" if entry["caveat"] else ""
    act = f" *Instead:* {plain(entry['instead'])}" if entry["verdict"] != SUPPORTED or entry["leak"] else ""
    own = f" *Loans of this run, {entry['this_run']['verdict']}:* {plain(entry['this_run']['evidence'])}"
    return (
        f"**{plain(entry['claim'])}: {entry['verdict']}.**{claimed} {plain(entry['evidence'])}{caveat}{act}{own}{where}"
    )


def evidence(tested: Judgement, basis: str) -> str:
    """Return what the data say of a claim, as one plain sentence; `basis` is what it rests on, and says how titles are spelled."""
    text = f"this cannot be tested here: {tested.reason}"
    if tested.effect is not None:
        facts = {**tested.effect.facts, "basis": basis}
        text = _MEASURED[tested.claim.test](tested, facts, tested.effect.n) + _conclusion(tested)
    return f"{text[0].upper()}{text[1:]}."


def _conclusion(tested: Judgement) -> str:
    claim, effect = tested.claim, tested.effect
    if effect is None or tested.verdict == SUPPORTED:
        return ""
    if tested.verdict == NO_EVIDENCE:
        alone = (
            min(effect.p_value, effect.p_against) < tested.alpha or not effect.ci_low <= effect.null <= effect.ci_high
        )
        decides = " once corrected for all claims, as the interval is not," if alone else ""
        return f"; that{decides} neither shows the claim nor rules it out"
    if claim.test in ("share", "metric"):
        return "; the claimed value is off by more than matters"
    opposite = {"more": effect.ci_high < effect.null, "less": effect.ci_low > effect.null}.get(claim.direction, False)
    if opposite and (tested.p_adjusted or 0.0) < tested.alpha:
        return "; that is the opposite of the claim"
    size = show(claim.smallest_effect, effect.kind)
    what = {"ratio": f"an odds ratio of {size}", "score": f"a Cramér's V of {size}"}.get(effect.kind, size)
    return f"; a difference as large as {what}, the least that matters, is ruled out"


def _result(tested: Judgement) -> str:
    effect = tested.effect
    if effect is None:
        return ABSENT
    if separated := effect.facts.get("separation"):
        return _SEPARATED[separated]
    return f"{show(effect.estimate, effect.kind)} ({interval(effect.ci_low, effect.ci_high, effect.kind)})"


def _share(tested: Judgement, facts: Record, n: int) -> str:
    claimed = show(tested.claim.claimed, "rate")
    return f"{_result(tested)} of {show(n, 'count')} loans defaulted, where {claimed} was claimed"


def _level(tested: Judgement, facts: Record, n: int) -> str:
    which = _SPELLED.get(facts["basis"], "") if tested.claim.variable == "profession" else ""
    loans = f"{show(facts['level_n'], 'count')} loans{which.format(tested.claim.level)}"
    rest = f"against {show(facts['rest_default_rate'], 'rate')} of the rest"
    if facts["separation"]:
        return f"{'all' if facts['default_rate'] == 1 else 'none of the'} {loans} defaulted, {rest}"
    return (
        f"{show(facts['level_defaults'], 'count')} of {loans} defaulted ({show(facts['default_rate'], 'rate')}), {rest}: "
        f"an odds ratio of {_result(tested)}"
    )


def _factor(tested: Judgement, facts: Record, n: int) -> str:
    text, name = f"Cramér's V is {_result(tested)}", tested.claim.variable
    if facts["pure"]:
        text += f", but {facts['pure']} of {facts['levels']} {name}s are pure, with {show(facts['pure_share'], 'rate')} of the loans"
    if facts["pure"] and facts["mixed"] > 1:
        ends = interval(facts["mixed_low"], facts["mixed_high"], "rate")
        text += f", and the default rates of the other {facts['mixed']} run from {ends}"
    return text


def _trend(tested: Judgement, facts: Record, n: int) -> str:
    odds = f"each step of {tested.claim.variable} has an odds ratio of {_result(tested)}"
    if not facts:
        return odds
    rates = f"{show(facts['first_rate'], 'rate')} in {facts['first']} to {show(facts['last_rate'], 'rate')} in {facts['last']}"
    way = "up" if tested.claim.direction == "more" else "down"
    steps = f"{way} at {facts['steps_as_claimed']} of {facts['steps']} steps"
    hidden = f" ({facts['hidden']} of the levels, with counts too small to show, left out)" if facts["hidden"] else ""
    return f"the default rate goes from {rates}, {steps}{hidden}, and {odds}"


def _mean(tested: Judgement, facts: Record, n: int) -> str:
    means = f"{show(facts['defaulted_mean'], 'number')} among loans that defaulted and {show(facts['repaid_mean'], 'number')}"
    return (
        f"the mean is {means} among those repaid: a difference of {_result(tested)}, or {show(facts['standardized'], 'ratio')} "
        f"pooled standard deviations (n = {show(n, 'count')})"
    )


def _metric(tested: Judgement, facts: Record, n: int) -> str:
    name = tested.claim.variable.replace("f2", "F2")
    article = "an" if name[0] in "aF" else "a"
    return (
        f"flagging {show(facts['flagged_share'], 'rate')} of {show(n, 'count')} test loans, as the claim implies, the "
        f"model with the pincode has {article} {name} of {_result(tested)}, where {show(tested.claim.claimed, 'rate')} "
        f"was claimed, and the model without it {show(facts['without_pincode'], 'rate')}"
    )


_MEASURED = {
    "share": _share, "level": _level, "factor": _factor, "trend": _trend, "mean": _mean, "metric": _metric,
}  # fmt: skip
