"""The policy that a training book suggests: every limit looked for, and the levers worth combining.

All of it is chosen on the training book. Its effect is to be reported on the test book, with `simulate`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loantap.model.bootstrap import CONFIDENCE
from loantap.policy.book import Book
from loantap.policy.combine import Combination, Marginal, combine
from loantap.policy.groupings import Grouping, risk_tiers
from loantap.policy.level_limits import exclusions, term_limits
from loantap.policy.levers import OwnPrice, Threshold
from loantap.policy.limits import Found, amount_limits, cap_limit, found

CAPPED = ("dti", "revol_util")
EXCLUDED_BY = ("home_ownership", "profession_group")


@dataclass(frozen=True)
class Policy:
    """What was found and chosen on the training book.

    Attributes:
        tiers: The risk tiers.
        found: Every limit looked for, by the id of its lever.
        combination: The levers combined from all of them.
        plain: The levers combined from those that can be applied without the model.
    """

    tiers: Grouping
    found: dict[str, Found]
    combination: Combination
    plain: Combination


def design_policy(
    training: Book,
    *,
    min_cell: int,
    repetitions: int,
    random_state: int,
    thresholds: Mapping[str, float],
    confidence: float = CONFIDENCE,
) -> Policy:
    """Find every limit on the training book and combine the levers that add to profit.

    Candidates are the profit threshold, refusing what loses money at its own price, caps on DTI and revolving
    utilisation, amounts and terms by grade and by risk tier, and exclusions by home ownership and profession group.
    The pincode is none: it gives the outcome away, and geography is a fair-lending question.

    A loan that loses money at its own price is just what the model would refuse. Once that lever is adopted no other
    one can add to expected profit; `plain` therefore says what rules without the model reach.

    Args:
        training: The loans to design on, which the report of its effect must not contain.
        min_cell: The smallest count that may be published or concluded from.
        repetitions: Bootstrap repetitions.
        random_state: Their seed.
        thresholds: The model's thresholds, of which that for profit is a candidate.
        confidence: Of every interval and verdict.
    """
    tiers, grade = risk_tiers(training), Grouping("grade")
    sure: Any = {"min_cell": min_cell, "confidence": confidence}
    by_model = [
        found(training, Threshold("profit", thresholds["profit"]), min_cell=min_cell),
        found(training, OwnPrice(), min_cell=min_cell),
        amount_limits(training, tiers, **sure),
        term_limits(training, tiers, **sure),
    ]
    plain = [
        *(cap_limit(training, column, **sure) for column in CAPPED),
        amount_limits(training, grade, **sure),
        term_limits(training, grade, **sure),
        *(exclusions(training, Grouping(name), **sure) for name in EXCLUDED_BY),
    ]
    candidates = [*by_model, *plain]
    levers = [one.lever for one in candidates if one.lever is not None]
    marginal = Marginal.of(training, levers, repetitions=repetitions, random_state=random_state, confidence=confidence)
    return Policy(
        tiers,
        {one.id: one for one in candidates},
        combine(marginal, candidates, min_cell=min_cell),
        combine(marginal, plain, min_cell=min_cell),
    )
