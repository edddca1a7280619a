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
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from loantap.analysis import claim_tests as tests
from loantap.analysis.association import Association, analyse
from loantap.analysis.claim_counts import PortfolioCounts
from loantap.analysis.claim_list import Claim
from loantap.analysis.claim_tests import CELLS, Effect, doubled
from loantap.analysis.odds import adjust_p_values
from loantap.data.columns import BY_NAME
from loantap.errors import InputError

SUPPORTED, CONTRADICTED = "supported", "contradicted"
NO_EVIDENCE, CANNOT = "no evidence", "cannot be tested"
_DRAWS = 2_000
VERDICTS = (SUPPORTED, CONTRADICTED, NO_EVIDENCE, CANNOT)


@dataclass(frozen=True)
class ClaimResult:
    """What a portfolio says of one claim."""

    claim: Claim  # the claim
    effect: Effect | None  # the estimate and its p-values; None if it cannot be tested
    p_adjusted: float | None  # the p-value, corrected over both questions of all claims
    p_against_adjusted: float | None  # the same of the second question
    verdict: str  # one of VERDICTS
    alpha: float  # the error rate over all claims that it was judged with
    reason: str = ""  # why it cannot be tested

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values, in the results contract's names."""
        names = ("effect", "kind", "n", "estimate", "ci_low", "ci_high", "p_value", "p_against", "facts")
        numbers = {name: getattr(self.effect, name, None) for name in names}
        return numbers | {name: getattr(self, name) for name in ("p_adjusted", "p_against_adjusted", "verdict")}


def evaluate_claims(
    claims: Sequence[Claim],
    counts: PortfolioCounts,
    *,
    confusions: Mapping[str, Mapping[str, int]] | None = None,
    untested: str = "a score needs a model, and loans that the model has not seen",
    alpha: float = 0.05,
    min_cell: int = 0,
) -> list[ClaimResult]:
    """Test every claim on a portfolio, and give the verdict.

    Args:
        claims: The claims; one correction goes over all of them.
        counts: The portfolio.
        confusions: Of the original's protocol, as in `metric_effect`; None where no score can be tested.
        untested: Why not.
        alpha: Error rate over all claims, and one minus the confidence of each interval.
        min_cell: Levels with smaller counts are not shown, as in the association's results; 0 for published counts.
    """
    scores = {claim.variable: claim.claimed for claim in claims if claim.test == "metric"}
    portfolio = _Portfolio(counts, confusions, untested, alpha, min_cell, scores)
    effects = [portfolio.effect(claim) for claim in claims]
    p_values = [getattr(effect, name, None) for name in ("p_value", "p_against") for effect in effects]
    adjusted = adjust_p_values(pd.Series(p_values, dtype="float64"), correction="holm").to_numpy()
    results = []
    for claim, effect, p, against in zip(claims, effects, *adjusted.reshape(2, -1).tolist(), strict=True):
        if isinstance(effect, Effect):
            verdict = _verdict(claim, effect, p, against, alpha)
            results.append(ClaimResult(claim, effect, p, against, verdict, alpha))
        else:
            results.append(ClaimResult(claim, None, None, None, CANNOT, alpha, effect))
    return results


def _verdict(claim: Claim, effect: Effect, p: float, against: float, alpha: float) -> str:
    if against < alpha:
        return CONTRADICTED
    above, below = effect.ci_low > effect.null, effect.ci_high < effect.null
    on_its_side = {"more": above, "any": above, "less": below}.get(claim.direction, True)
    return SUPPORTED if p < alpha and on_its_side else NO_EVIDENCE


@dataclass(frozen=True)
class _Portfolio:
    counts: PortfolioCounts
    confusions: Mapping[str, Mapping[str, int]] | None
    untested: str
    alpha: float
    min_cell: int
    scores: Mapping[str, float | None]  # the claimed ones
    associations: dict[str, Association | None] = field(default_factory=dict)

    def effect(self, claim: Claim) -> Effect | str:
        """Return what the portfolio says of a claim, or why it says nothing."""
        known = {
            "share": True, "metric": self.confusions is not None, "mean": claim.variable in self.counts.means,
        }.get(claim.test, claim.variable in self.counts.levels)  # fmt: skip
        if not known:
            label = BY_NAME[claim.variable].label if claim.variable in BY_NAME else claim.variable
            return self._without_model() if claim.test == "metric" else f"the counts say nothing about {label}"
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
                trend = tests.trend_effect(self._ordered(claim.variable), **options, alpha=self.alpha, shown=shown)
                return trend or f"too few levels of the {BY_NAME[claim.variable].label} hold both outcomes"
            case "metric":
                return metric_effect(
                    self.confusions or {},
                    claim.variable,
                    claimed=claim.claimed or 0.0,
                    margin=claim.smallest_effect,
                    alpha=self.alpha,
                )
        association = self._association(claim.variable)
        if association is None or (claim.level and claim.level not in set(association.levels["level"])):
            return f"there are too few loans, defaults or repaid loans ({self.min_cell} of each are needed to publish a group)"
        if claim.test == "factor":
            return tests.factor_effect(association, smallest=claim.smallest_effect)
        return tests.level_effect(association, claim.level, **options)

    def _association(self, factor: str) -> Association | None:
        if factor not in self.associations:
            try:
                association = analyse(
                    self.counts.frame(factor), factor=factor, alpha=self.alpha, min_cell=self.min_cell, random_state=0
                )
            except InputError:  # pooling left a single level
                association = None
            self.associations[factor] = association
        return self.associations[factor]

    def _ordered(self, factor: str) -> pd.DataFrame:
        frame = self.counts.frame(factor).set_index("level")
        return frame.loc[[level for level in BY_NAME[factor].levels if level in frame.index]].reset_index()

    def _without_model(self) -> str:
        recall, precision = self.scores.get("recall"), self.scores.get("precision")
        if not recall or not precision:
            return self.untested
        implied = implied_scores(recall, precision, self.counts.loans.defaults / self.counts.loans.n)
        return (
            f"{self.untested}. The claimed figures agree with each other: at this portfolio's default rate a recall of {100 * recall:.1f}% "
            f"and a precision of {100 * precision:.1f}% give an accuracy of {100 * implied['accuracy']:.1f}% and an F2 of "
            f"{100 * implied['f2']:.1f}%"
        )


def metric_effect(
    confusions: Mapping[str, Mapping[str, int]], metric: str, *, claimed: float, margin: float, alpha: float
) -> Effect:
    """Test that a model reaches a claimed score on loans that it has not seen, at its own threshold.

    Args:
        confusions: Counts tn, fp, fn and tp of those loans: of the model to test under "with_pincode", and of the one to
            compare with under "without_pincode".
        metric: One of METRICS.
        claimed: The claimed score.
        margin: How far below the claim still counts as reaching it.
        alpha: One minus the confidence of the interval: loans drawn again, so their counts are multinomial.
    """
    counts = np.array([confusions["with_pincode"][cell] for cell in CELLS])
    value, n = float(scores_of(counts)[metric]), int(counts.sum())
    draws = scores_of(np.random.default_rng(0).multinomial(n, counts / n, size=_DRAWS))[metric]
    low, high = map(float, np.quantile(draws, [alpha / 2, 1 - alpha / 2]))
    distance, error = value - (claimed - margin), max(float(np.std(draws)), 1e-12)
    without = scores_of(np.array([confusions["without_pincode"][cell] for cell in CELLS]))[metric]
    return Effect(
        f"{metric} on the test loans, with the pincode",
        "rate",
        n,
        *(value, low, high),
        p_value=doubled(stats.norm.sf(distance / error)),
        p_against=doubled(stats.norm.sf(-distance / error)),
        null=claimed,
        facts={"flagged_share": float(counts[[1, 3]].sum() / n), "without_pincode": float(without)},
    )


def scores_of(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return accuracy, precision, recall and F2 of counts in the order of CELLS, shape (..., 4)."""
    tn, fp, fn, tp = np.moveaxis(counts, -1, 0)
    return {
        "accuracy": (tn + tp) / counts.sum(axis=-1),
        "precision": tp / np.maximum(tp + fp, 1),
        "recall": tp / np.maximum(tp + fn, 1),
        "f2": 5 * tp / np.maximum(5 * tp + 4 * fn + fp, 1),
    }


def implied_scores(recall: float, precision: float, default_rate: float) -> dict[str, float]:
    """Return the accuracy and F2 that a recall and a precision make at a default rate."""
    hits = recall * default_rate
    accuracy = 1 - (default_rate - hits) - (hits / precision - hits)
    return {"accuracy": accuracy, "f2": 5 * precision * recall / (4 * precision + recall)}
