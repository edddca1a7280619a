"""Which columns give the outcome away: levels that end alike too often, and columns that order loans too well alone.

Both rules ask whether a column does better than what can be known before the outcome, since strong is not a leak:

- **Levels.** A column is named if the odds of default at one of its levels lie further from the portfolio's than the
  factor ODDS_CEILING, in either direction, by more than chance. In the published portfolio the lender's own
  sub-grades, its best judgement of all it knew, reach from 0.12 times the portfolio's odds (A1) to 4.3 times (G3); 20
  leaves a factor of more than two beyond A1 and is the same both ways. A level that is pure beyond chance is always
  counted, but it names its column only if the lender's best level would not be pure at that size as well.
- **AUC.** A column is named if its cross-validated AUC alone lies above AUC_CEILING by more than the error of a column
  that stands at the ceiling (the error at the AUC found would be nil for a perfect order of a few loans). For columns
  known by the time of funding the ceiling is lower: the lender set its price with them in hand, so none of them should
  order the loans better than the price does, by more than AUC_MARGIN. The 0.80 is a choice and not a law: models of all
  columns together reach about 0.7 on these loans, and tools that screen single columns set their alarm between 0.70 and
  0.95.

Levels too small to be named whatever their outcomes need no correction (Tarone 1990): free texts and identifiers,
with a level for nearly every loan, neither raise an alarm nor drown one.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from loantap.analysis.odds import separation
from loantap.analysis.strength import auc_alone, auc_interval, counts_of_column
from loantap.data.columns import BY_NAME, KEY
from loantap.errors import InputError

LEAK, CLEAR, UNKNOWN = "leak", "clear", "unknown"
ODDS_CEILING = 20.0  # the largest plausible factor between a level's odds of default and the portfolio's, both ways
AUC_CEILING = 0.80  # the largest plausible AUC of a single column
AUC_MARGIN = 0.05  # how far a column known by funding may pass the upper end of the strongest price's AUC
FOLDS = 5
_OUTCOME = {"row", KEY, "default", *(name for name, column in BY_NAME.items() if column.known == "outcome")}
_OF_ADDRESS = ("state", "pincode")
_COLUMN = [
    "column", "known", "levels", "pure_levels", "loans_in_pure", "extreme_levels", "p_adjusted",
    "auc", "auc_low", "auc_high", "auc_ceiling", "verdict", "reason",
]  # fmt: skip
_LEVEL = ["column", "level", "n", "defaults", "default_rate", "separation", "p_chance", "p_adjusted"]


@dataclass(frozen=True)
class LeakReport:
    """What was examined, and what gives the outcome away."""

    # one row per column, leaks first, then by AUC. column; known: application, pricing, funding, or unknown to the
    # codebook; levels: distinct values, missing included; pure_levels and loans_in_pure: levels that are pure beyond
    # chance; extreme_levels: levels beyond ODDS_CEILING and chance; p_adjusted: of its most extreme level; auc,
    # auc_low, auc_high: alone, out of fold, by value or by bin, with intervals that hold for all columns at once;
    # auc_ceiling: the one applied; verdict: leak or clear; reason: levels, auc, both, or empty.
    columns: pd.DataFrame
    # the pure and extreme levels of the leaks: column, level, n, defaults, default_rate, separation (all_default,
    # none_default or None), p_chance (of being pure, if outcomes were dealt at random; 1 if not pure), p_adjusted (of
    # lying beyond the ceiling)
    levels: pd.DataFrame
    n: int  # loans
    defaults: int  # loans charged off
    alpha: float  # the family-wise error rate of each rule
    odds_ceiling: float  # the largest plausible factor between a level's odds and the portfolio's
    tested_levels: int  # levels large enough to be named
    smallest_all_default: int  # from how many loans on a level that holds nothing but defaults names its column
    smallest_none_default: int  # the same for a level without any default

    def leaks(self) -> pd.DataFrame:
        """Return the rows of the columns that give the outcome away."""
        return self.columns.loc[self.columns["verdict"] == LEAK]


def find_leaks(loans: pd.DataFrame, *, alpha: float = 0.05, min_cell: int = 10, random_state: int = 0) -> LeakReport:
    """Look at every column by itself for what gives the outcome away.

    Args:
        loans: Cleaned loans with `default`. All columns are examined, also those that the codebook does not know, but
            for the outcome, `row` and the loan's key.
        alpha: The family-wise error rate of each of the two rules.
        min_cell: Levels with fewer loans are neither tested nor shown.
        random_state: Seed of the folds. To one column alone, loans of equal value and outcome are alike, so folds are
            dealt to counts and the order of the loans makes no difference.

    Raises InputError for loans without both outcomes, or without columns to examine.
    """
    outcomes = set(loans["default"].unique()) if "default" in loans else set()
    if outcomes != {0, 1}:
        raise InputError(f"leaks: expected a column 'default' of 0 and 1, got {sorted(outcomes)}. Use finished loans.")
    default = loans["default"].to_numpy(dtype="int64")
    names = [str(name) for name in loans.columns if name not in _OUTCOME]
    if not names:
        raise InputError("leaks: expected columns beside the outcome, got none. Pass the cleaned loans.")
    fold = np.random.default_rng(random_state).permutation(np.arange(len(loans)) % FOLDS)
    positives = int(default.sum())
    sizes = positives, len(loans) - positives
    # Each column is scored at most twice, so intervals of this confidence hold for all of them at once.
    confidence = 1 - alpha / 2 / len(names)
    rows, tables = [], []
    for name in names:
        exact, bins = counts_of_column(loans[name], default)
        auc = max(auc_alone(table, fold, folds=FOLDS) for table in (exact, bins) if table is not None)
        low, high = auc_interval(auc, *sizes, confidence=confidence)
        known = "application" if name in _OF_ADDRESS else BY_NAME[name].known if name in BY_NAME else UNKNOWN
        row = {"column": name, "known": known, "levels": len(exact)}
        rows.append(row | {"auc": auc, "auc_low": low, "auc_high": high})
        groupings = [table for table in (exact, bins, _all_but_one(exact)) if table is not None]
        tables += [table[table["n"] >= min_cell].assign(column=name, of=place) for place, table in enumerate(groupings)]
    base = positives / len(loans)
    low, high = base / (1 - base) / ODDS_CEILING, base / (1 - base) * ODDS_CEILING
    rates = low / (1 + low), high / (1 + high)
    levels, tested = _evaluated(pd.concat(tables, ignore_index=True), len(loans), positives, rates=rates, alpha=alpha)
    columns = _with_levels(pd.DataFrame(rows), levels)
    price = columns.loc[columns["known"] == "pricing", "auc_high"].max()
    lower = AUC_CEILING if np.isnan(price) else min(AUC_CEILING, float(price) + AUC_MARGIN)
    columns["auc_ceiling"] = np.where(columns["known"].isin(["application", "funding"]), lower, AUC_CEILING)
    upper = {ceiling: auc_interval(ceiling, *sizes, confidence=confidence)[1] for ceiling in (lower, AUC_CEILING)}
    by_auc, by_levels = columns["auc"] > columns["auc_ceiling"].map(upper), columns["extreme_levels"] > 0
    columns["verdict"] = np.where(by_levels | by_auc, LEAK, CLEAR)
    columns["reason"] = np.select([by_levels & by_auc, by_levels, by_auc], ["levels and auc", "levels", "auc"], "")
    columns = columns.sort_values(["verdict", "auc", "column"], ascending=[False, False, True], ignore_index=True)
    telling = levels.loc[(levels["pure"] | levels["extreme"]) & levels["shown"]]
    named = columns.loc[columns["verdict"] == LEAK, "column"]
    smallest = [int(np.log(alpha / 2 / max(tested, 1)) / np.log(chance)) + 1 for chance in (rates[1], 1 - rates[0])]
    return LeakReport(
        columns=columns[_COLUMN],
        levels=telling.loc[telling["column"].isin(named), _LEVEL].sort_values(["column", "level"], ignore_index=True),
        n=len(loans),
        defaults=positives,
        alpha=alpha,
        odds_ceiling=ODDS_CEILING,
        tested_levels=tested,
        smallest_all_default=smallest[0],
        smallest_none_default=smallest[1],
    )


def _all_but_one(exact: pd.DataFrame) -> pd.DataFrame | None:
    """Return as one level all loans but those at the value that most loans share, such as all that have a value at all.

    None where no value is shared by more than half of the loans, or a single other one is left.
    """
    most = exact.loc[2 * exact["n"] > exact["n"].sum()]
    if most.empty or len(exact) < 3:
        return None
    rest = exact[["n", "defaults"]].sum() - most[["n", "defaults"]].iloc[0]
    return pd.DataFrame({"level": [f"all but {_level_text(most['level'].iloc[0])}"], **rest})


def _level_text(level: object) -> str:
    if isinstance(level, pd.Timestamp):
        return f"{level:%Y-%m-%d}"
    return f"{level:.12g}" if isinstance(level, float) else str(level)


def _evaluated(
    levels: pd.DataFrame, loans: int, positives: int, *, rates: tuple[float, float], alpha: float
) -> tuple[pd.DataFrame, int]:
    """Add default_rate, separation, p_chance, p_adjusted, pure, extreme; shown: in the column's most telling grouping."""
    n, defaults = levels["n"].to_numpy(dtype="int64"), levels["defaults"].to_numpy(dtype="int64")
    low, high = rates
    # Pure by chance: with the outcomes dealt to the loans at random (hypergeometric).
    none, every = (stats.hypergeom.pmf(bad, loans, positives, n) for bad in (0, n))
    all_default = defaults == n
    by_chance = np.where(all_default, every, np.where(defaults == 0, none, 1.0))
    possible = np.minimum(np.where(n <= positives, every, 1.0), np.where(n <= loans - positives, none, 1.0))
    p_chance = np.minimum(1, 2 * by_chance * _number_tested(2 * possible, alpha))
    # Beyond the plausible rates by chance: exact binomial tails at the nearer of the two rates.
    tails = np.minimum(stats.binom.cdf(defaults, n, low), stats.binom.sf(defaults - 1, n, high))
    tested = _number_tested(2 * np.minimum((1 - low) ** n, high**n), alpha)
    evaluated = levels.assign(
        level=levels["level"].map(_level_text),
        default_rate=defaults / n,
        separation=pd.Series(separation(levels["defaults"], levels["n"]), index=levels.index, dtype="object"),
        p_chance=p_chance,
        p_adjusted=np.minimum(1, 2 * tails * tested),
        pure=p_chance < alpha,
    )
    evaluated["extreme"] = evaluated["p_adjusted"] < alpha
    loans_in = evaluated.assign(extreme=evaluated["extreme"] * n, pure=evaluated["pure"] * n).groupby(["column", "of"])
    best = loans_in[["extreme", "pure"]].sum().sort_values(["extreme", "pure"], ascending=False, kind="stable")
    chosen = best.reset_index().drop_duplicates("column").set_index("column")["of"]
    return evaluated.assign(shown=evaluated["of"] == evaluated["column"].map(chosen)), tested


def _number_tested(attainable: np.ndarray, alpha: float) -> int:
    """Return by how much p-values are multiplied (Tarone 1990), given the smallest p-value each level could reach."""
    factors = np.arange(1, len(attainable) + 1)
    within = np.searchsorted(np.sort(attainable), alpha / factors, side="right")
    return int(factors[np.argmax(within <= factors)]) if len(factors) else 0


def _with_levels(columns: pd.DataFrame, levels: pd.DataFrame) -> pd.DataFrame:
    shown = levels.loc[levels["shown"]]
    by_column = shown.assign(loans_in_pure=shown["pure"] * shown["n"]).groupby("column")
    sums = by_column[["pure", "loans_in_pure", "extreme"]].sum()
    sums = sums.rename(columns={"pure": "pure_levels", "extreme": "extreme_levels"})
    # A column without a level of enough loans has none.
    sums = sums.reindex(columns["column"], fill_value=0).astype("int64")
    sums["p_adjusted"] = levels.groupby("column")["p_adjusted"].min()
    return columns.merge(sums, left_on="column", right_index=True)
