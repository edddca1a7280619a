"""Where the money at risk stands: exposure, loans that need attention, and expected loss by a feature, against the month before."""

import numpy as np
import pandas as pd

from loantap.analysis.summaries import simultaneous
from loantap.analysis.suppression import pool_small
from loantap.watchlist.shares import difference_ends, wilson_ends

ALL, NOT_KNOWN = "all", "not known"


def concentration(
    loans: pd.DataFrame, by: str, *, loss_given_default: float, min_cell: int, confidence: float
) -> pd.DataFrame:
    """Return how loans and money are spread over the levels of a feature.

    Args:
        loans: One row per loan: `by` (a light or bucket of the month, or a column of the application), flagged and flagged_before (whether
            the loan needed attention in the month, and the one before: True, False, or missing where it was not judged), balance and
            balance_before (currency, missing where the loan was not delivered); and, where they are known, pd and pd_before
            (probabilities of default within twelve months).
        by: The feature; missing is a level of its own.
        loss_given_default: Share of the exposure that is lost in a default, an assumption.
        min_cell: Levels with fewer loans, or with some that are flagged or are not, but fewer, are pooled (`suppression.pool_small`).
        confidence: Of the intervals; those of the differences hold for all levels at once (Bonferroni).

    Returns:
        One row per level, by exposure, and ALL: level, loans (with a balance), exposure, share_of_exposure and the same of the month
        before (exposure_before, share_of_exposure_before), exposure_change; judged, flagged, flagged_share with its ends (Wilson),
        flagged_share_before, difference with its ends, and change ("higher", "lower", "open"): shares of a loan in both months go
        together, which narrows it. With pd: expected_loss (currency, of the loans with a pd), expected_loss_before,
        expected_loss_rate (of their exposure) and without_pd (loans). A level named after what it pools stands last.

    Where `by` is what flags a loan itself, as a light is, its levels are flagged altogether: read exposure and loss there.
    """
    level = loans[by].astype(object).where(loans[by].notna(), NOT_KNOWN).astype(str)
    counts = pd.DataFrame({"level": level, "n": 1, "defaults": (loans["flagged"] == True).astype(int)})  # noqa: E712
    pooled = pool_small(
        counts.groupby("level", as_index=False, sort=True).sum(), min_cell=min_cell, by_expectation=False
    )
    level = level.replace(pooled.names())
    names = [str(name) for name in pooled.counts["level"]]
    rows = [_row(loans[level == name], loss_given_default, confidence) | {"level": name} for name in names]
    table = pd.DataFrame([*rows, _row(loans, loss_given_default, confidence) | {"level": ALL}])
    for column in ("exposure", "exposure_before"):
        total = table[column].iloc[-1]
        table[f"share_of_{column}"] = table[column] / total if total else np.nan
    table["exposure_change"] = table["exposure"] - table["exposure_before"]
    sides = [loans[level == name] for name in names] + [loans]
    at = simultaneous(confidence, len(names))
    found = [_difference(side, at if place < len(names) else confidence) for place, side in enumerate(sides)]
    table[["difference", "difference_low", "difference_high"]] = found
    table["change"] = np.select(
        [table["difference_low"] > 0, table["difference_high"] < 0], ["higher", "lower"], "open"
    )
    last = table["level"].isin([*pooled.members, NOT_KNOWN]) + 2 * (table["level"] == ALL)
    order = np.lexsort((-table["exposure"], last))
    return table.iloc[order].reset_index(drop=True)


def _row(loans: pd.DataFrame, loss_given_default: float, confidence: float) -> dict[str, object]:
    here = loans["balance"].notna()
    row: dict[str, object] = {"loans": int(here.sum())}
    for ending in ("", "_before"):
        row[f"exposure{ending}"] = float(loans[f"balance{ending}"].sum())
        judged = loans[f"flagged{ending}"].dropna().astype(bool)
        share = float(judged.mean()) if len(judged) else np.nan
        row[f"flagged_share{ending}"] = share
        if not ending:
            low, high = wilson_ends(np.array(share), np.array(len(judged)), confidence=confidence)
            row |= {
                "judged": len(judged),
                "flagged": int(judged.sum()),
                "flagged_share_low": float(low),
                "flagged_share_high": float(high),
            }
        if f"pd{ending}" in loans:
            known = loans[f"pd{ending}"].notna() & loans[f"balance{ending}"].notna()
            exposure = loans.loc[known, f"balance{ending}"]
            lost = float((loans.loc[known, f"pd{ending}"] * exposure).sum()) * loss_given_default
            row[f"expected_loss{ending}"] = lost
            if not ending:
                row["expected_loss_rate"] = lost / float(exposure.sum()) if exposure.sum() else np.nan
                row["without_pd"] = int((here & ~known).sum())
    return row


def _difference(loans: pd.DataFrame, confidence: float) -> tuple[float, float, float]:
    """Return how much larger the share of flagged loans is than the month before, whose loans are largely the same."""
    now, before = (loans[name] for name in ("flagged", "flagged_before"))
    if not now.notna().any() or not before.notna().any():
        return (float("nan"),) * 3
    sides, off = [], []
    for values in (now, before):
        known = values.notna()
        flags = values[known].astype(bool)
        share = float(flags.mean())
        ends = wilson_ends(np.array(share), np.array(len(flags)), confidence=confidence)
        sides.append((share, float(ends[0]), float(ends[1])))
        off.append(np.where(known, (values == True) - share, 0.0) / len(flags))  # noqa: E712
    spread = np.sqrt((off[0] ** 2).sum() * (off[1] ** 2).sum())
    correlation = float((off[0] * off[1]).sum() / spread) if spread else 0.0
    return difference_ends(sides[0], sides[1], correlation=correlation)
