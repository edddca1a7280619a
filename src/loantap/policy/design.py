"""The policy that a training book suggests: every limit looked for, and the levers worth combining, in which order.

The gains here are those on the loans that chose the levers, and so flatter them; what the policy is worth is for `simulate` to say,
on the test book.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from loantap.analysis.suppression import is_small
from loantap.model.bootstrap import CONFIDENCE
from loantap.policy.book import Book
from loantap.policy.groupings import Grouping, risk_tiers
from loantap.policy.level_limits import exclusions, term_limits
from loantap.policy.levers import Lever, OwnPrice, Threshold, refused_by
from loantap.policy.limits import Found, amount_limits, cap_limit, found
from loantap.policy.simulate import drawn_group_sums, ends, patterns

NOBODY_ELSE = "declines nobody whom the adopted limits do not"
FEW_ELSE = "declines too few others to tell"
FALLS = "expected profit falls"
NOT_SHOWN = "realised gain not shown"

_GAINS = ["n_refused", "expected_gain", "realised_gain", "realised_gain_low", "realised_gain_high"]

CAPPED = ("dti", "revol_util")
EXCLUDED_BY = ("home_ownership", "profession_group")


@dataclass(frozen=True)
class Combination:
    """Levers adopted one after the other.

    Attributes:
        adopted: The levers, in order.
        steps: One row per adopted lever: id, title, rule, n_refused (loans that no earlier lever refuses), expected_gain and
            realised_gain with `_low` and `_high`: the marginal change of profit per 100 of all money asked for, on the training book.
        left_out: The same of the others, after the last step, with the reason. No numbers where no lever was found, or where it
            refuses too few others.
    """

    adopted: tuple[Lever, ...]
    steps: pd.DataFrame
    left_out: pd.DataFrame

    def refuses(self, book: Book) -> np.ndarray:
        """Return whether any adopted lever refuses each loan of a book, shape (n,)."""
        return refused_by(self.adopted, book)

    def cumulative(self, book: Book) -> dict[str, np.ndarray]:
        """Return which loans of a book are refused before the first step and after each: rules for `simulate`."""
        names = ["approve all", *(lever.id for lever in self.adopted)]
        return {name: refused_by(self.adopted[:count], book) for count, name in enumerate(names)}


@dataclass(frozen=True)
class Marginal:
    """What levers add to one another on the training book.

    Loans that the same levers refuse are summed once, in every draw; the gain of any lever over any others is a sum of such sums, and
    all gains are paired.

    Attributes:
        levers: The levers, by id.
        rows: Which levers refuse each pattern of refusal, shape (patterns, levers).
        counts: Loans and defaults of each pattern, shape (2, patterns).
        profit: Expected and realised profit per 100 of all money asked for, shape (2, patterns).
        drawn: Realised profit per 100 of the money asked for in each draw, shape (repetitions, patterns).
        confidence: Of the intervals, and of what is adopted.
    """

    levers: dict[str, Lever]
    rows: np.ndarray
    counts: np.ndarray
    profit: np.ndarray
    drawn: np.ndarray
    confidence: float = CONFIDENCE

    @classmethod
    def of(
        cls,
        training: Book,
        levers: Sequence[Lever],
        *,
        repetitions: int,
        random_state: int,
        confidence: float = CONFIDENCE,
    ) -> "Marginal":
        """Sum up the training book; `repetitions` draws of its loans with the seed `random_state`."""
        refusals = np.array([lever.refuses(training) for lever in levers], dtype=bool)
        rows, group = patterns(refusals.reshape(len(levers), len(training.amount)).T)
        values = np.column_stack([training.amount, training.realised])
        _, drawn = drawn_group_sums(values, group, repetitions=repetitions, random_state=random_state)
        ones, lent = np.ones(len(group)), training.amount.sum()
        counts = [np.bincount(group, part) for part in (ones, training.default)]
        profit = [100 * np.bincount(group, part) / lent for part in (training.expected, training.realised)]
        share = 100 * drawn[:, :, 1] / drawn[:, :, 0].sum(axis=1, keepdims=True)
        return cls({lever.id: lever for lever in levers}, rows, np.array(counts), np.array(profit), share, confidence)

    def gains(self, adopted: Sequence[str], *, min_cell: int, tried: int = 1) -> pd.DataFrame:
        """Return what each lever adds to those adopted, by id, and the reason, empty where nothing stands against adopting it.

        A realised gain is shown if the interval lies above 0, and does so too when it allows for `tried` levers (Bonferroni, from the
        standard error over the draws: so far in the tails there are too few draws for percentiles).

        Args:
            adopted: The ids of those adopted.
            min_cell: A lever whose further loans, defaults or repaid loans are fewer is not told.
            tried: How many levers are tried.
        """
        taken = [name in adopted for name in self.levers]
        fresh = self.rows & ~self.rows[:, taken].any(axis=1, keepdims=True)
        n, defaults = self.counts @ fresh
        expected, realised = 0 - self.profit @ fresh
        draws = 0 - self.drawn @ fresh
        low, high = ends(draws, self.confidence)
        unsure = (low <= 0) | (
            realised <= norm.isf((1 - self.confidence) / 2 / max(tried, 1)) * draws.std(axis=0, ddof=1)
        )
        few = is_small(pd.Series(n), pd.Series(defaults), min_cell=min_cell, default_rate=None)
        columns = (n, expected, realised, low, high)
        table = pd.DataFrame(dict(zip(_GAINS, columns, strict=True)), index=list(self.levers))
        reason = np.full(len(table), "", dtype=object)
        # The last that holds is told.
        for why, holds in {NOT_SHOWN: unsure, FALLS: expected <= 0, FEW_ELSE: few, NOBODY_ELSE: n == 0}.items():
            reason[holds] = why
        table[reason == FEW_ELSE] = np.nan
        return table.astype({"n_refused": "Int64"}).assign(reason=reason)


def combine(marginal: Marginal, candidates: Sequence[Found], *, min_cell: int) -> Combination:
    """Adopt, step by step, the lever that adds most to expected profit, as long as one adds to it.

    Realised profit has to agree, against a model that is wrong: the interval of the marginal realised gain must lie above 0,
    corrected for the number of levers tried, since one of many gains something by chance. A lever that fails this in one step may
    pass in a later one.

    Args:
        marginal: What the levers add to one another on the training book.
        candidates: What was found; an entry without a lever is left out for the reason it gives.
        min_cell: A lever whose further loans, defaults or repaid loans are fewer is not adopted.
    """
    told = {one.id: {"title": one.title, "rule": one.lever.rule if one.lever else ""} for one in candidates}
    words, steps = pd.DataFrame.from_dict(told, orient="index", columns=["title", "rule"]).rename_axis("id"), []
    taken: list[str] = []
    open_ids = [one.id for one in candidates if one.lever is not None]
    while True:
        gains = marginal.gains(taken, min_cell=min_cell, tried=len(open_ids)).loc[
            [name for name in open_ids if name not in taken]
        ]
        shown = gains.loc[gains["reason"] == "", _GAINS]
        if shown.empty:
            break
        best = str(shown["expected_gain"].idxmax())
        taken.append(best)
        steps.append(shown.loc[[best]])
    found = pd.Series({one.id: one.finding for one in candidates}, dtype=object)
    left_out = words.drop(index=taken).join(gains)
    return Combination(
        tuple(marginal.levers[name] for name in taken),
        words.loc[taken].join(pd.concat(steps) if steps else shown).reset_index(names="id"),
        left_out.assign(reason=left_out["reason"].fillna(found)).reset_index(names="id"),
    )


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

    Candidates are the profit threshold, refusing what loses money at its own price, caps on DTI and revolving utilisation, amounts and terms
    by grade and by risk tier, and exclusions by home ownership and profession group. The pincode is none: it gives the outcome away, and
    geography is a fair-lending question. Once the lever of the own price is adopted no other one can add to expected profit; `plain`
    therefore says what rules without the model reach.

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
