"""Tiers of pincodes, which the original analysis asked for, and why nobody may lend by them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from loantap.analysis.levels import factor_values
from loantap.analysis.odds import separation, wilson
from loantap.analysis.suppression import is_small, pool_small
from loantap.model.bootstrap import CONFIDENCE
from loantap.policy.book import Book
from loantap.policy.simulate import simulate

LOW, LIKE, HIGH = "low", "like the portfolio", "high"
HIGH_REFUSED, WITHOUT_PURE = "high tier refused", "high tier refused, pure pincodes set aside"
FAIR_LENDING = "Where a borrower lives is also a fair-lending question: it can stand for race or origin."
_LEAK = (
    "Do not use these tiers. In {pure} of {shown} pincodes every loan ended the same way: data leakage. The addresses were made up "
    "after the outcome was known, so the pincode gives it away. The gain from declining the high tier is therefore worthless. "
)
_NO_LEAK = "No pincode gives the outcome away in these loans. "
NO_PINCODE = "The loans hold no pincode. "


@dataclass(frozen=True)
class PincodeTiers:
    """Tiers found on the training book, and what refusing by them would seem to earn on the test book.

    Attributes:
        table: Of the training book: pincode, n, defaults, default_rate with ci_low and ci_high, tier, separation (all_default or
            none_default where every loan ended alike, else None). Wilson intervals that hold for all pincodes at once
            (Bonferroni). The highest default rate first.
        effects: As from `simulate`, on the test book: refusing the high tier, and the same where the loans of pure pincodes are
            set aside from both books and the tiers are made anew. profit_change is the gain per 100 of the money asked
            for, with its interval. A row is absent where no loans are left.
        pure: The pincodes that are pure beyond chance: separated, and not like the portfolio.
        warning: What speaks against using any of it; to stand wherever any of it is shown.
    """

    table: pd.DataFrame
    effects: pd.DataFrame
    pure: tuple[str, ...]
    warning: str


def pincode_tiers(
    training: Book,
    test: Book,
    *,
    min_cell: int,
    repetitions: int,
    random_state: int,
    confidence: float = CONFIDENCE,
) -> PincodeTiers:
    """Return tiers of pincodes with the gain they feign.

    A tier follows from the interval of the default rate, not from the rate: low if it lies wholly below the portfolio's rate,
    high if wholly above it, otherwise like the portfolio. The rate of the portfolio, pincode included, is taken as known.

    Args:
        training: The book that makes the tiers.
        test: The book they are tried on. A pincode that the training book does not hold is not refused.
        min_cell: Pincodes with fewer loans, or with some but fewer defaults or repaid loans, are pooled.
        repetitions: Bootstrap repetitions.
        random_state: Their seed.
        confidence: Of the intervals.
    """
    pincode = factor_values(training.loans, "pincode").astype("str").to_numpy()
    loans = pd.DataFrame({"level": pincode, "n": 1, "defaults": training.default.astype(int)})
    pooled = pool_small(loans.groupby("level").sum().reset_index(), min_cell=min_cell, by_expectation=False)
    shown = ~is_small(pooled.counts["n"], pooled.counts["defaults"], min_cell=min_cell, default_rate=None)
    counts = pooled.counts[shown].rename(columns={"level": "pincode"})
    table = _tiers(counts.assign(separation=pd.Series(separation(counts["defaults"], counts["n"]), counts.index, dtype="object")), confidence)  # fmt: skip
    pure = table["separation"].notna() & (table["tier"] != LIKE)
    members = pooled.names()
    held = factor_values(test.loans, "pincode").astype("str").map(lambda name: members.get(name, name)).to_numpy()
    mixed = ~np.isin(held, table.loc[pure, "pincode"])
    parts = {
        HIGH_REFUSED: (np.ones(len(held), dtype=bool), table),
        WITHOUT_PURE: (mixed, _tiers(table[~pure], confidence)),
    }
    effects = [
        simulate(
            test.part(rows),
            {name: np.isin(held[rows], tiers.loc[tiers["tier"] == HIGH, "pincode"])},
            repetitions=repetitions,
            random_state=random_state,
            confidence=confidence,
        )
        for name, (rows, tiers) in parts.items()
        if rows.any() and len(tiers)
    ]
    none = NO_PINCODE if training.loans["pincode"].isna().all() else _NO_LEAK
    told = _LEAK.format(pure=pure.sum(), shown=len(table)) if pure.any() else none
    return PincodeTiers(
        table[["pincode", "n", "defaults", "default_rate", "ci_low", "ci_high", "tier", "separation"]],
        pd.concat(effects, ignore_index=True) if effects else pd.DataFrame(),
        tuple(table.loc[pure, "pincode"]),
        told + FAIR_LENDING,
    )


def _tiers(counts: pd.DataFrame, confidence: float) -> pd.DataFrame:
    n, defaults = counts["n"], counts["defaults"]
    low, high = wilson(defaults, n, alpha=round(1 - confidence, 9) / max(len(counts), 1))
    portfolio = defaults.sum() / n.sum() if len(counts) else np.nan
    tier = np.select([high < portfolio, low > portfolio], [LOW, HIGH], LIKE)
    table = counts.assign(default_rate=defaults / n, ci_low=low, ci_high=high, tier=tier)
    return table.sort_values("default_rate", ascending=False, kind="stable", ignore_index=True)
