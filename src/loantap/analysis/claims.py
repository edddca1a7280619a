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
from loantap.analysis.claim_tests import Effect, doubled
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
    deciles: Mapping[str, pd.DataFrame] | None = None,
    alpha: float = 0.05,
    min_cell: int = 0,
) -> list[ClaimResult]:
    """Test every claim on a portfolio, and give the verdict.

    Args:
        claims: The claims; one correction goes over all of them.
        counts: The portfolio.
        deciles: The models' deciles, as in `metric_effect`; None where there are only counts.
        alpha: Error rate over all claims, and one minus the confidence of each interval.
        min_cell: Levels with smaller counts are not shown, as in the association's results; 0 for published counts.
    """
    scores = {claim.variable: claim.claimed for claim in claims if claim.test == "metric"}
    portfolio = _Portfolio(counts, deciles, alpha, min_cell, scores)
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
    deciles: Mapping[str, pd.DataFrame] | None
    alpha: float
    min_cell: int
    scores: Mapping[str, float | None]  # the claimed ones
    associations: dict[str, Association | None] = field(default_factory=dict)

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
                trend = tests.trend_effect(self._ordered(claim.variable), **options, alpha=self.alpha, shown=shown)
                return trend or f"too few levels of the {BY_NAME[claim.variable].label} hold both outcomes"
            case "metric":
                recall, precision = self.scores.get("recall"), self.scores.get("precision")
                if not recall or not precision or self.deciles is None:
                    return (
                        "the share of loans flagged follows from recall and precision, and one of them is not claimed"
                    )
                named = {"recall": recall, "precision": precision, "claimed": claim.claimed or 0.0}
                return metric_effect(
                    self.deciles, claim.variable, **named, margin=claim.smallest_effect, alpha=self.alpha
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


def metric_effect(
    deciles: Mapping[str, pd.DataFrame],
    metric: str,
    *,
    claimed: float,
    recall: float,
    precision: float,
    margin: float,
    alpha: float,
) -> Effect:
    """Test that a model reaches a claimed score where it flags as many loans as the claim implies.

    The claimed threshold applies to probabilities that nobody else has; the share of loans it flagged follows from the
    claimed recall and precision and the default rate. The test loans are flagged from the highest predicted decile
    down to that share, the last decile by lot in part, which can only understate the model.

    Args:
        deciles: loans, defaults by decile of the prediction, lowest risk first; of the model to test under
            "with_pincode", and of the one to compare with under "without_pincode".
        metric: One of METRICS.
        claimed: The claimed score.
        recall: The claimed recall.
        precision: The claimed precision.
        margin: How far below the claim still counts as reaching it.
        alpha: One minus the confidence of the interval: bootstrap, defaults drawn within deciles.
    """
    n, defaults = (deciles["with_pincode"][name].to_numpy() for name in ("loans", "defaults"))
    share = recall * defaults.sum() / n.sum() / precision
    value = float(scores_at_share(defaults, n, share)[metric])
    drawn = np.random.default_rng(0).binomial(n, defaults / n, size=(_DRAWS, len(n)))
    draws = scores_at_share(drawn, n, share)[metric]
    low, high = map(float, np.quantile(draws, [alpha / 2, 1 - alpha / 2]))
    distance, error = value - (claimed - margin), max(float(np.std(draws)), 1e-12)
    other = deciles["without_pincode"]
    without = scores_at_share(other["defaults"].to_numpy(), other["loans"].to_numpy(), share)[metric]
    return Effect(
        f"{metric} on the test loans, with the pincode",
        "rate",
        int(n.sum()),
        *(value, low, high),
        p_value=doubled(stats.norm.sf(distance / error)),
        p_against=doubled(stats.norm.sf(-distance / error)),
        null=claimed,
        facts={"flagged_share": float(share), "without_pincode": float(without)},
    )


def scores_at_share(defaults: np.ndarray, n: np.ndarray, share: float) -> dict[str, np.ndarray]:
    """Return accuracy, precision, recall and F2 where the riskiest `share` of the loans is flagged.

    Args:
        defaults: Defaults by decile, lowest risk first, shape (..., deciles).
        n: Loans by decile, shape (deciles,).
        share: Share of all loans to flag; where it ends inside a decile, that decile's loans are flagged by lot.
    """
    riskier = np.append(np.cumsum(n[::-1])[::-1][1:], 0)
    part = np.clip((share * n.sum() - riskier) / n, 0, 1)
    hits, flagged, bad = (defaults * part).sum(axis=-1), (n * part).sum(), defaults.sum(axis=-1)
    return {
        "accuracy": 1 - (flagged - hits + bad - hits) / n.sum(),
        "precision": hits / flagged,
        "recall": hits / np.maximum(bad, 1),
        "f2": 5 * hits / (4 * bad + flagged),
    }


def implied_scores(recall: float, precision: float, default_rate: float) -> dict[str, float]:
    """Return the accuracy and F2 that a recall and a precision make at a default rate."""
    hits = recall * default_rate
    accuracy = 1 - (default_rate - hits) - (hits / precision - hits)
    return {"accuracy": accuracy, "f2": 5 * precision * recall / (4 * precision + recall)}
