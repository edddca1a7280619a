"""The verdicts on the original claims: records, tables, the figure and the paragraphs; pages call what takes records."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from loantap.analysis.claims import CANNOT, SUPPORTED, VERDICTS, ClaimResult
from loantap.exhibits import claim_sentences as say
from loantap.exhibits.claim_sentences import OWN, PUBLISHED, by_the_leak, judgement
from loantap.exhibits.exhibit import Exhibit, Notice
from loantap.exhibits.words import capital, columns, listed, percent, plain, show, to_markdown

_COLUMNS = columns("claim", "judgement", "found", "p_adjusted", "p_against_adjusted")
# By kind of claim: what it says, how it is tested, and in which unit the smallest effect is told.
_KINDS = {
    "level": ("One group defaults more, or less, than all other loans", "Pearson's chi-square, or Fisher's exact test of few loans", "odds ratio"),
    "mean": ("A number is higher among loans that default", "Welch's t-test of the two means", "difference"),
    "trend": ("Defaults rise, or fall, from level to level", "Logistic regression on the level's place", "odds ratio per step"),
    "factor": ("A column goes with default", "Chi-square test, and the interval of Cramér's V", "Cramér's V"),
    "share": ("The default rate has a stated value", "Two one-sided tests of the rate", "difference"),
    "metric": ("A model reaches a stated score", "The score of the original's protocol on the test loans", "shortfall"),
}  # fmt: skip
Record = Mapping[str, Any]


def why_no_score(synthetic: bool) -> str:
    """Return why a claim on a model's score cannot be tested on a run that has no model with and without the pincode, or no real loans."""
    if synthetic:
        return "a model's score on synthetic loans is that of the recipe they were made by"
    return "a score needs a model with the pincode and one without it, and this run lacks one of them"


def records(tests: Sequence[ClaimResult], own: Sequence[ClaimResult] = (), *, basis: str = PUBLISHED) -> list[Any]:
    """Return the entries of `results/claims.json`.

    Args:
        tests: The verdicts that stand on top.
        own: Those on the run's own loans, which go under `this_run`; none where there is no run.
        basis: What the verdicts on top rest on.
    """
    entries = [
        {"id": tested.claim.id, "claim": tested.claim.claim, "wording": tested.claim.wording, "basis": basis}
        | {**tested.to_dict(), **_told(tested, basis)}
        | tested.claim.model_dump(include={"test", "variable", "level", "direction", "smallest_effect", "claimed", "exhibit"})
        | tested.claim.model_dump(include={"caveat", "instead"}) | {"leak": by_the_leak(tested)}
        for tested in tests
    ]  # fmt: skip
    for entry, mine in zip(entries, own, strict=False):
        entry["this_run"] = {"basis": OWN, **mine.to_dict(), **_told(mine, OWN)}
    return entries


def _told(tested: ClaimResult, basis: str) -> dict[str, str]:
    return {"judgement": judgement(tested), "result": say.result(tested), "evidence": say.evidence(tested, basis)}


def verdicts(tests: Sequence[ClaimResult], *, basis: str, note: str = "") -> Exhibit:
    """Show the verdict on each claim; `note` says which loans a model has seen, if not all."""
    rows = [
        {"id": tested.claim.id, "claim": tested.claim.claim, "verdict": tested.verdict, "judgement": judgement(tested)}
        | {"measure": say.measure(tested), "result": say.result(tested), "found": say.found(tested)}
        | {name: tested.to_dict()[name] for name in ("estimate", "ci_low", "ci_high", "p_adjusted", "p_against_adjusted", "n")}
        | {"evidence": say.evidence(tested, basis)}
        for tested in tests
    ]  # fmt: skip
    name = "claims" if basis == PUBLISHED else "claims-this-run"
    where = "" if basis == PUBLISHED else f" on the {basis}"
    title = f"Of {len(tests)} claims, {_counted(tests)}{where}"
    loans = max((tested.effect.n for tested in tests if tested.effect), default=0)
    caption = (
        f"{title}. {capital(basis)}, n = {show(loans, 'count')}; {_confidence(tests)} intervals. A small adjusted p says that the claimed "
        "difference is there. A small “adjusted p (too small)” says that any difference is smaller than matters, or goes the other way. "
        f"{correction([tested.to_dict() for tested in tests])}"
    )
    return Exhibit(name, title, f"{caption} {note}".rstrip(), table=pd.DataFrame(rows), columns=_COLUMNS)


def _counted(tests: Sequence[ClaimResult]) -> str:
    """Return how many claims have each verdict, as a title tells it."""
    counts, leaks = Counter(tested.verdict for tested in tests), sum(map(by_the_leak, tests))
    parts = []
    for verdict, one in say.VERDICT_WORDS.items():
        many = {"holds": "hold", "does not hold": "do not hold", "undecided": "are undecided"}.get(one, one)
        word = many if counts[verdict] != 1 else f"is {one}" if one == "undecided" else one
        by_leak = f" ({leaks} of them by data leakage only)" if verdict == SUPPORTED and leaks else ""
        parts += [f"{counts[verdict]} {word}{by_leak}"] if counts[verdict] else []
    return listed(parts)


def side_by_side(tests: Sequence[ClaimResult], own: Sequence[ClaimResult]) -> Exhibit:
    """Show the claims on odds ratios, on the published counts and on the run's own loans."""
    from loantap.exhibits.plots.association import claims_forest  # here, since pages and `loantap claims` draw nothing

    rows, shown = [], []
    for published, mine in zip(tests, own, strict=True):
        claim = published.claim.claim
        row: dict[str, Any] = {"claim": claim, "verdict": published.verdict, "words": judgement(published)}
        for prefix, tested in (("published", published), ("own", mine)):
            effect = tested.effect
            known = effect is not None and effect.kind == "ratio" and not effect.facts.get("separation")
            numbers = (effect.estimate, effect.ci_low, effect.ci_high) if known and effect else (float("nan"),) * 3
            row |= dict(zip((prefix, f"{prefix}_low", f"{prefix}_high"), numbers, strict=True))
        if pd.notna(row["published"]):
            rows.append(row)
            shown.append(published)
    order = {verdict: place for place, verdict in enumerate(VERDICTS)}
    table = pd.DataFrame(rows)
    table = table.iloc[table["verdict"].map(order).argsort(kind="stable")].reset_index(drop=True)
    sizes = [tested.claim.smallest_effect for tested in tests if tested.claim.test in ("level", "trend")]
    # Between these odds ratios no claim's difference matters.
    band = max(size for size in sizes if size < 1), min(size for size in sizes if size > 1)
    title = f"Of {len(shown)} claimed differences in the odds of default, {_counted(shown)}"
    loans = [max((tested.effect.n for tested in some if tested.effect), default=0) for some in (tests, own)]
    caption = (
        f"{title}. The verdicts are those on the published counts. {_confidence(tests)} intervals of the odds ratio against all other loans; "
        f"n = {show(loans[0], 'count')} published loans and {show(loans[1], 'count')} of this run."
    )
    alt = f"One row per claim with its odds ratio, interval and verdict, beside a band around 1. {title}."
    return Exhibit("claims-verdicts", title, caption, alt, figure=claims_forest(table, matters=band))


def correction(entries: Sequence[Record]) -> str:
    """Say how many tests are corrected together, and why a factor's own table can differ; takes entries of the results."""
    count = sum(entry["p_adjusted"] is not None for entry in entries)
    return (
        f"Holm's adjustment covers {2 * count} tests: two for each of the {count} claims that could be tested. The table of a factor covers "
        "its own levels only and asks one question, so the two can disagree."
    )


def kinds(entries: Sequence[Record]) -> str:
    """Return the kinds of claims as a Markdown table: what each says, its test, the smallest effect that matters, how many were tested."""
    rows = []
    for test, (says, how, unit) in _KINDS.items():
        own = [entry for entry in entries if entry["test"] == test]
        if own:
            sizes = sorted({_smallest(entry) for entry in own})
            tested = f"{sum(entry['verdict'] != CANNOT for entry in own)} of {len(own)}"
            smallest = f"{unit} {(', ' if test == 'mean' else ' or ').join(sizes)}"
            rows.append(
                {"What is claimed": says, "Test": how, "Smallest effect that matters": smallest, "Tested": tested}
            )
    return to_markdown(pd.DataFrame(rows), dict.fromkeys(rows[0], "text"))


def _smallest(entry: Record) -> str:
    size = entry["smallest_effect"]
    if entry["test"] == "mean":
        return f"{show(size, say.number_kind(size))} ({say.name_of(entry['variable'])})"
    return show(size, "rate" if entry["test"] in ("share", "metric") else "ratio")


def untested(entries: Sequence[Record]) -> str:
    """Say how many claims cannot be tested, on either basis."""
    told = []
    own = [entry["this_run"] for entry in entries]
    for where, tested in (("the published counts", entries), ("the loans of this run", own)):
        count = sum(entry["verdict"] == CANNOT for entry in tested)
        told.append(
            f"On {where}, {f'{count} of {len(entries)} claims cannot' if count else 'every claim can'} be tested."
        )
    return " ".join(told)


def synthetic_notice() -> Notice:
    """Say what the verdicts on synthetic loans are worth."""
    return Notice(
        "Are synthetic loans a second opinion?",
        "No. They are made from the published counts. In single columns they repeat those counts with less certainty; professions without "
        "published counts are synthetic; and their model is approximate.",
    )


def _confidence(tests: Sequence[ClaimResult]) -> str:
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
    own = entry["this_run"]
    where = f" See [the exhibit]({entry['exhibit'].replace('.html', '.qmd')})." if linked else ""
    claimed = f" Original insight: “{plain(entry['wording'])}”." if entry["wording"] != entry["claim"] else ""
    caveat = f" {plain(entry['caveat'])}" if entry["caveat"] else ""
    told = f"**{plain(entry['claim'])}: {entry['judgement']}.**{claimed} {plain(entry['evidence'])}{caveat}{where}"
    doubted = entry["verdict"] != SUPPORTED or entry["leak"]
    lines = [f"- *What to do instead:* {plain(entry['instead'])}"] if doubted else []
    return "\n".join([told, "", *lines, f"- *On the loans of this run, {own['judgement']}:* {plain(own['evidence'])}"])
