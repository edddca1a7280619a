"""The claims of the original insights, each put to the test: which hold, which fail, and which nobody can tell.

Each claim asks two questions (see `claim_tests`): is there the difference it claims, and is it as large as matters?
All answers of one portfolio are corrected together by Holm's method, so that any false verdict among them has a
probability of at most alpha. The verdict:

- contradicted: the effect is smaller than what matters, absent or reversed (the second test, corrected), even where
  the sample is so large that a difference too small to matter shows;
- supported: otherwise, if the difference is there (the first test, corrected) and its interval on the claimed side;
- no evidence: neither;
- cannot be tested: the data hold nothing on it, or too few loans to publish.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from loantap.analysis import claim_tests as tests
from loantap.analysis.association import Association, analyse
from loantap.analysis.claim_counts import PortfolioCounts
from loantap.analysis.claim_list import Claim
from loantap.analysis.claim_scores import implied_scores, metric_effect
from loantap.analysis.claim_tests import Effect
from loantap.analysis.odds import adjust_p_values
from loantap.data.columns import BY_NAME
from loantap.errors import InputError

SUPPORTED, CONTRADICTED = "supported", "contradicted"
NO_EVIDENCE, CANNOT = "no evidence", "cannot be tested"
VERDICTS = (SUPPORTED, CONTRADICTED, NO_EVIDENCE, CANNOT)


@dataclass(frozen=True)
class Judgement:
    """What a portfolio says of one claim.

    Attributes:
        claim: The claim.
        effect: The estimate and its p-values; None if it cannot be tested.
        p_adjusted: The p-value, corrected over both questions of all claims.
        p_against_adjusted: The same of the second question.
        verdict: One of VERDICTS.
        alpha: The error rate over all claims that it was judged with.
        reason: Why it cannot be tested.
    """

    claim: Claim
    effect: Effect | None
    p_adjusted: float | None
    p_against_adjusted: float | None
    verdict: str
    alpha: float
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values, in the results contract's names."""
        names = ("effect", "kind", "n", "estimate", "ci_low", "ci_high", "p_value", "p_against", "facts")
        numbers = dict.fromkeys(names) if self.effect is None else {k: asdict(self.effect)[k] for k in names}
        return numbers | {
            "p_adjusted": self.p_adjusted,
            "p_against_adjusted": self.p_against_adjusted,
            "verdict": self.verdict,
        }


def judge_claims(
    claims: Sequence[Claim],
    counts: PortfolioCounts,
    *,
    deciles: Mapping[str, pd.DataFrame] | None = None,
    alpha: float = 0.05,
    min_cell: int = 0,
) -> list[Judgement]:
    """Test every claim on a portfolio and judge it.

    Args:
        claims: The claims; one correction goes over all of them.
        counts: The portfolio.
        deciles: The models' deciles, as in `metric_effect`; None where there are only counts.
        alpha: Error rate over all claims, and one minus the confidence of each interval.
        min_cell: Levels with smaller counts are not shown, as in the association's results; 0 for published counts.
    """
    if not 0 < alpha < 1:
        raise InputError(f"alpha: expected a number between 0 and 1, got {alpha}.")
    portfolio = _Portfolio(claims, counts, deciles, alpha, min_cell)
    effects = [portfolio.effect(claim) for claim in claims]
    p_values = pd.Series(
        [getattr(found, name) if isinstance(found, Effect) else None for name in ("p_value", "p_against") for found in effects],
        dtype="float64",
    )  # fmt: skip
    adjusted = adjust_p_values(p_values, correction="holm").to_numpy().reshape(2, -1)
    return [
        Judgement(
            claim, found, float(p), float(against), _verdict(claim, found, float(p), float(against), alpha), alpha
        )
        if isinstance(found, Effect)
        else Judgement(claim, None, None, None, CANNOT, alpha, found)
        for claim, found, p, against in zip(claims, effects, *adjusted, strict=True)
    ]


def _verdict(claim: Claim, effect: Effect, p: float, against: float, alpha: float) -> str:
    if against < alpha:
        return CONTRADICTED
    above, below = effect.ci_low > effect.null, effect.ci_high < effect.null
    on_its_side = {"more": above, "any": above, "less": below}.get(claim.direction, True)
    return SUPPORTED if p < alpha and on_its_side else NO_EVIDENCE


class _Portfolio:
    def __init__(
        self,
        claims: Sequence[Claim],
        counts: PortfolioCounts,
        deciles: Mapping[str, pd.DataFrame] | None,
        alpha: float,
        min_cell: int,
    ) -> None:
        self.counts, self.deciles, self.alpha, self.min_cell = counts, deciles, alpha, min_cell
        self.scores = {claim.variable: claim.claimed for claim in claims if claim.test == "metric"}
        self.associations: dict[str, Association | None] = {}

    def effect(self, claim: Claim) -> Effect | str:
        """Return what the portfolio says of a claim, or why it says nothing."""
        known = {
            "share": True, "metric": self.deciles is not None, "mean": claim.variable in self.counts.means,
        }.get(claim.test, claim.variable in self.counts.levels)  # fmt: skip
        if not known:
            label = BY_NAME[claim.variable].label if claim.variable in BY_NAME else claim.variable
            return self._not_with_counts() if claim.test == "metric" else f"the counts say nothing about {label}"
        options: dict[str, Any] = {"direction": claim.direction, "smallest": claim.smallest_effect}
        match claim.test:
            case "share":
                return tests.share_effect(
                    self.counts.loans, claimed=claim.claimed or 0.0, margin=claim.smallest_effect, alpha=self.alpha
                )
            case "mean":
                smallest = claim.smallest_effect if claim.direction == "more" else -claim.smallest_effect
                moments = self.counts.means[claim.variable]
                return tests.mean_effect(moments, direction=claim.direction, smallest=smallest, alpha=self.alpha)
            case "trend":
                association = self._association(claim.variable)
                shown = () if association is None else tuple(association.levels["level"])
                found = tests.trend_effect(self._ordered(claim.variable), **options, alpha=self.alpha, shown=shown)
                return found or f"too few levels of the {BY_NAME[claim.variable].label} hold both outcomes"
            case "metric":
                return self._metric(claim)
        association = self._association(claim.variable)
        if association is None or (claim.level and claim.level not in set(association.levels["level"])):
            return f"there are too few loans, defaults or repaid loans ({self.min_cell} of each are needed to publish a group)"
        if claim.test == "factor":
            return tests.factor_effect(association, smallest=claim.smallest_effect)
        return tests.level_effect(association, claim.level, **options)

    def _association(self, factor: str) -> Association | None:
        if factor not in self.associations:
            try:
                found = analyse(
                    self.counts.frame(factor), factor=factor, alpha=self.alpha, min_cell=self.min_cell, random_state=0
                )
            except InputError:  # pooling left a single level
                found = None
            self.associations[factor] = found
        return self.associations[factor]

    def _ordered(self, factor: str) -> pd.DataFrame:
        frame = self.counts.frame(factor).set_index("level")
        return frame.loc[[level for level in BY_NAME[factor].levels if level in frame.index]].reset_index()

    def _not_with_counts(self) -> str:
        recall, precision = self.scores.get("recall"), self.scores.get("precision")
        why = "a score needs a model, and loans that the model has not seen"
        if not recall or not precision:
            return why
        implied = implied_scores(recall, precision, self.counts.loans.defaults / self.counts.loans.n)
        return (
            f"{why}. The claimed figures agree with each other: at this portfolio's default rate a recall of {100 * recall:.1f}% "
            f"and a precision of {100 * precision:.1f}% give an accuracy of {100 * implied['accuracy']:.1f}% and an F2 of "
            f"{100 * implied['f2']:.1f}%"
        )

    def _metric(self, claim: Claim) -> Effect | str:
        recall, precision = self.scores.get("recall"), self.scores.get("precision")
        if not recall or not precision or self.deciles is None:
            return "the share of loans flagged follows from recall and precision, and one of them is not claimed"
        return metric_effect(
            self.deciles,
            claim.variable,
            claimed=claim.claimed or 0.0,
            recall=recall,
            precision=precision,
            margin=claim.smallest_effect,
            alpha=self.alpha,
        )
