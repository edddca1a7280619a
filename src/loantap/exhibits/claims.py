"""The verdicts on the original claims as records, sentences and tables; pages call the functions that take records."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from loantap.analysis.claim_counts import PortfolioCounts, read_counts
from loantap.analysis.claim_list import Claim, load_claims
from loantap.analysis.claims import NO_EVIDENCE, SUPPORTED, VERDICTS, Judgement, judge_claims
from loantap.exhibits.claims_sentences import evidence, shown_result
from loantap.exhibits.words import plain, show
from loantap.report.results import RunFolder

PUBLISHED, OWN = "published counts of the real portfolio", "loans of this run"
TABLE = {
    "claim": "text", "judgement": "text", "measure": "text", "result": "text", "p_adjusted": "p", "p_against_adjusted": "p",
}  # fmt: skip
_MEASURES = {
    "share": "default rate", "level": "odds ratio", "factor": "Cramér's V", "trend": "odds ratio per step",
    "mean": "difference of means", "metric": "score",
}  # fmt: skip
Record = Mapping[str, Any]


def record(tested: Judgement, *, basis: str, own: Judgement | None = None) -> dict[str, Any]:
    """Return one claim's entry of `results/claims.json`.

    Args:
        tested: The verdict that stands on top.
        basis: What it rests on.
        own: The verdict on the run's own loans, which goes under `this_run`.
    """
    claim = tested.claim
    entry = {
        "id": claim.id,
        "claim": claim.claim,
        "wording": claim.wording,
        "basis": basis,
        **tested.to_dict(),
        "result": shown_result(tested),
        "evidence": evidence(tested),
        **claim.model_dump(include={"test", "variable", "level", "direction", "smallest_effect", "claimed", "exhibit"}),
        **claim.model_dump(include={"caveat", "leak", "instead"}),
    }
    if own is not None:
        entry["this_run"] = {"basis": OWN, **own.to_dict(), "result": shown_result(own), "evidence": evidence(own)}
    return entry


def on_counts(counts: PortfolioCounts) -> list[dict[str, Any]]:
    """Return the entries of `results/claims.json` for what counts alone decide."""
    published = counts == read_counts()
    basis = PUBLISHED if published else f"counts of {counts.portfolio}"
    return [record(tested, basis=basis) for tested in judge_claims(load_claims(), counts)]


def table(tests: Sequence[Judgement]) -> pd.DataFrame:
    """Return the verdicts as a table: id, the columns of `TABLE`, the numbers behind them, and the evidence."""
    rows = []
    for tested in tests:
        claim, numbers = tested.claim, tested.to_dict()
        judgement = f"{tested.verdict}, by the leak" if _by_the_leak(tested) else tested.verdict
        rows.append(
            {"id": claim.id, "claim": claim.claim, "verdict": tested.verdict, "judgement": judgement}
            | {"measure": _MEASURES[claim.test], "result": shown_result(tested)}
            | {
                name: numbers[name]
                for name in ("estimate", "ci_low", "ci_high", "p_adjusted", "p_against_adjusted", "n")
            }
            | {"evidence": evidence(tested)}
        )
    return pd.DataFrame(rows)


def _by_the_leak(tested: Judgement) -> bool:
    return tested.verdict == SUPPORTED and tested.claim.leak


def tally(tests: Sequence[Judgement], basis: str) -> str:
    """Return how many claims got each verdict, as a sentence without its full stop."""
    counts = Counter(tested.verdict for tested in tests)
    told = {verdict: verdict for verdict in VERDICTS} | {NO_EVIDENCE: "without evidence either way"}
    if leaks := sum(map(_by_the_leak, tests)):
        told[SUPPORTED] += f" (of which {leaks} by the leak only)"
    parts = [f"{counts[verdict]} {told[verdict]}" for verdict in VERDICTS if counts[verdict]]
    return f"{len(tests)} claims on the {basis}: {', '.join(parts)}"


def caption(tests: Sequence[Judgement], basis: str, *, alpha: float) -> str:
    """Return a table's caption: the tally, n, the intervals and the correction."""
    loans = max((tested.effect.n for tested in tests if tested.effect), default=0)
    return (
        f"{tally(tests, basis)}. n = {show(loans, 'count')} loans; {100 * (1 - alpha):g} % "
        "intervals: Wilson for rates, Wald on the log odds, Welch for means, bootstrap for a model's scores; p adjusted: that "
        "there is no such difference; p against adjusted: that it is as large as matters; Holm over both for all claims."
    )


def forest(tests: Sequence[Judgement], own: Sequence[Judgement]) -> pd.DataFrame:
    """Return the claims with an odds ratio for the figure: claim, verdict, PREFIX, PREFIX_low, PREFIX_high."""
    rows = []
    for published, mine in zip(tests, own, strict=True):
        row: dict[str, Any] = {"claim": published.claim.claim, "verdict": published.verdict}
        for prefix, tested in (("published", published), ("own", mine)):
            effect = tested.effect
            known = effect is not None and effect.kind == "ratio" and not effect.facts.get("separation")
            numbers = (effect.estimate, effect.ci_low, effect.ci_high) if known and effect else (None,) * 3
            row |= dict(zip((prefix, f"{prefix}_low", f"{prefix}_high"), numbers, strict=True))
        rows.append(row)
    found = pd.DataFrame(rows)
    odds = [name for name in found.columns if name not in ("claim", "verdict")]
    found[odds] = found[odds].astype("float64")
    return found.loc[found["published"].notna()].reset_index(drop=True)


def forest_finding(shown: pd.DataFrame) -> str:
    """Return the figure's finding: how many odds ratios hold, fail, and say nothing."""
    counts = Counter(shown["verdict"])
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    return f"Of {len(shown)} claims on odds ratios the published counts leave {told}"


def matters(claims: Sequence[Claim]) -> tuple[float, float]:
    """Return the odds ratios between which no claim's difference matters: the figure's band."""
    sizes = [claim.smallest_effect for claim in claims if claim.test in ("level", "trend")]
    return max(size for size in sizes if size < 1), min(size for size in sizes if size > 1)


def model_deciles(run: RunFolder) -> dict[str, pd.DataFrame] | None:
    """Return the calibration tables of both models by decile, or None where the run has no models yet."""
    names = {name.replace("-", "_"): f"model-calibration-{name}" for name in ("with-pincode", "without-pincode")}
    if not all(run.find("results", "tables", f"{name}.csv").is_file() for name in names.values()):
        return None
    return {name: run.table(table) for name, table in names.items()}


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
