"""Where the money at risk stands: exposure, loans that need attention, and expected loss by a feature, against the month before."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from loantap.analysis.summaries import simultaneous
from loantap.analysis.suppression import pool_small
from loantap.data.columns import KEY
from loantap.watchlist.hazards import Hazards
from loantap.watchlist.landmarks import Borrowers, landmarks
from loantap.watchlist.month import Month
from loantap.watchlist.shares import difference_ends, wilson_ends, withheld
from loantap.watchlist.standing import BUCKETS, ENDED, FROM_90, OFF, TO_59, TO_89

ALL, NOT_KNOWN = "all", "not known"


def exposed_loans(
    month: Month, applications: pd.DataFrame, *, known: Borrowers, hazards: Hazards | None
) -> pd.DataFrame:
    """Return the loans delivered for a month or for the one before, as they stood at both.

    Args:
        month: What early warning says of the month.
        applications: loan_id, and what exposure is told by.
        known: What is known of each loan of the panel since it was granted.
        hazards: Fitted; None where there are none.

    Returns:
        The applications' columns with term as text; light, bucket, balance, flagged (30 or more days late or in default; missing where not
        known, and of loans that have ended) and, with hazards, pd (within 12 months; 1 in default, missing once charged off), each also of the month before with the ending _before; missing
        where a loan was not delivered.
    """
    panel, where, last = month.panel, month.where, len(month.panel.months) - 1
    previous = last if month.previous is None else month.previous
    rows = applications.drop_duplicates(KEY).set_index(KEY).reindex(panel.loan_id).reset_index()
    names = np.array(BUCKETS, dtype=object)
    for ending, t, lines in (("_before", previous, month.before), ("", last, month.loans)):
        here = panel.delivered[:, t]
        rows[f"light{ending}"] = lines["light"].reindex(range(len(rows))).to_numpy(dtype=object)
        rows[f"bucket{ending}"] = pd.Series(names[where.bucket[:, t]]).where(here, None)
        rows[f"balance{ending}"] = panel.balance[:, t]
        bucket, live = where.bucket[:, t], here & ~np.isin(where.bucket[:, t], (OFF, ENDED))
        late = pd.Series(np.isin(bucket, (TO_59, TO_89, FROM_90)) | where.in_default[:, t])
        rows[f"flagged{ending}"] = late.where(live & ~np.isnan(where.days[:, t]))
        if hazards:
            marks, bad = landmarks(panel, where, known, [t]), where.in_default[:, t] & (where.bucket[:, t] != OFF)
            chance = np.where(bad, 1.0, np.nan)  # what is charged off is lost already
            chance[marks.row] = hazards.probability(marks)["pd"]
            rows[f"pd{ending}"] = chance
    term = rows["term"].astype("str").str.strip() + " months" if "term" in rows else ""
    return rows[panel.delivered[:, [previous, last]].any(axis=1)].assign(term=term)


def exposure_by_state(
    loans: pd.DataFrame,
    state: str,
    before: str,
    *,
    order: Sequence[str],
    loss_given_default: float,
    min_cell: int,
    confidence: float,
) -> pd.DataFrame:
    """Return how loans and money are spread over the lights or buckets of a month, against those of the month before.

    A loan counts in each month where it stood then.

    Args:
        loans: As in `concentration`, but for the flags.
        state: The light or bucket in the month, missing where the loan was not delivered.
        before: The same of the month before.
        order: The states in the order of the rows; those without a loan in either month are left out.
        loss_given_default: As in `concentration`.
        min_cell: States with fewer loans in one of the months are withheld, as `shares.withheld` says.
        confidence: Of the intervals; those of the differences hold for all states at once (Bonferroni).

    Returns:
        One row per state, and ALL: level, loans, share (of the loans) with its ends (Wilson), exposure, share_of_exposure, the same with
        _before, exposure_change; difference (of the shares of loans) with its ends, change; with pd: expected_loss, expected_loss_before,
        without_pd; and `withheld`, whose numbers are NaN.
    """
    present = {*loans[state].dropna(), *loans[before].dropna()}
    names = [name for name in order if name in present]
    sides = ((state, ""), (before, "_before"))
    counts = [[int((loans[column] == name).sum()) for name in names] for column, _ in sides]
    small = withheld(np.array(counts).reshape(2, len(names)), min_cell=min_cell)
    hidden = np.logical_or(small[0], small[1])  # the last is that of all
    at = simultaneous(confidence, len(names))
    rows = []
    for place, name in enumerate([*names, ALL]):
        flags = {
            f"flagged{ending}": (loans[column] == name).astype(float).where(loans[column].notna())
            for column, ending in sides
        }
        row: dict[str, object] = {"level": name, "withheld": bool(hidden[place])}
        for column, ending in sides:
            inside = loans[loans[column].notna() if name == ALL else loans[column] == name]
            row |= {f"loans{ending}": len(inside), f"exposure{ending}": float(inside[f"balance{ending}"].sum())}
            row |= _loss(inside, ending, loss_given_default)
        for ending in ("", "_before"):
            ends = _share(flags[f"flagged{ending}"], confidence) if name != ALL else (np.nan,) * 3
            row |= dict(zip((f"share{ending}", f"share{ending}_low", f"share{ending}_high"), ends, strict=True))
        ends = _difference(pd.DataFrame(flags), at) if name != ALL else (np.nan,) * 3
        rows.append(row | dict(zip(("difference", "difference_low", "difference_high"), ends, strict=True)))
    table = _with_shares(pd.DataFrame(rows))
    numbers = table.columns.drop(["level", "withheld", "change"])
    table[numbers] = table[numbers].astype(float).mask(table["withheld"], axis=0)
    table.loc[table["withheld"], "change"] = "open"
    return table


def _share(flags: pd.Series, confidence: float) -> tuple[float, float, float]:
    """Return the share of flags that hold, of those that are known, with its ends (Wilson); NaN of none."""
    known = flags.dropna()
    share = float(known.mean()) if len(known) else np.nan
    low, high = wilson_ends(np.array(share), np.array(len(known)), confidence=confidence)
    return share, float(low), float(high)


def _with_shares(table: pd.DataFrame) -> pd.DataFrame:
    """Add shares of the last row's exposure, how it has changed, and which way the share that is compared has moved."""
    for column in ("exposure", "exposure_before"):
        total = table[column].iloc[-1]
        table[f"share_of_{column}"] = table[column] / total if total else np.nan
    table["exposure_change"] = table["exposure"] - table["exposure_before"]
    table["change"] = np.select(
        [table["difference_low"] > 0, table["difference_high"] < 0], ["higher", "lower"], "open"
    )
    return table


def _loss(loans: pd.DataFrame, ending: str, loss_given_default: float) -> dict[str, object]:
    if f"pd{ending}" not in loans:
        return {}
    chance, exposure = loans[f"pd{ending}"], loans[f"balance{ending}"]
    known = chance.notna() & exposure.notna()
    lost, exposed = float((chance[known] * exposure[known]).sum()) * loss_given_default, float(exposure[known].sum())
    if ending:
        return {"expected_loss_before": lost}
    unknown = int((exposure.notna() & ~known).sum())
    return {"expected_loss": lost, "expected_loss_rate": lost / exposed if exposed else np.nan, "without_pd": unknown}


def concentration(
    loans: pd.DataFrame, by: str, *, loss_given_default: float, min_cell: int, confidence: float
) -> pd.DataFrame:
    """Return how loans and money are spread over the levels of a feature.

    Args:
        loans: One row per loan: `by`, flagged and flagged_before (whether
            the loan needed attention in the month, and the one before: True, False, or missing where it was not judged), balance and
            balance_before (currency, missing where the loan was not delivered); and, where they are known, pd and pd_before
            (probabilities of default within twelve months).
        by: The feature, of the application; missing is a level of its own. Lights and buckets change: see `exposure_by_state`.
        loss_given_default: Share of the exposure that is lost in a default, an assumption.
        min_cell: Levels with fewer loans, or with some that are flagged or are not, but fewer, are pooled (`suppression.pool_small`).
        confidence: Of the intervals; those of the differences hold for all levels at once (Bonferroni).

    Returns:
        One row per level, by exposure, and ALL: level, loans (with a balance), exposure, share_of_exposure and the same of the month
        before (exposure_before, share_of_exposure_before), exposure_change; judged, flagged, flagged_share with its ends (Wilson),
        flagged_share_before, difference with its ends, and change ("higher", "lower", "open"): shares of a loan in both months go
        together, which narrows it. With pd: expected_loss (currency, of the loans with a pd), expected_loss_before,
        expected_loss_rate (of their exposure) and without_pd (loans). A level named after what it pools stands last.
    """
    flags = {
        name: loans[name].astype("boolean").to_numpy(dtype=float, na_value=np.nan)
        for name in ("flagged", "flagged_before")
    }
    loans = loans.assign(**flags)
    level = loans[by].astype(object).where(loans[by].notna(), NOT_KNOWN).astype(str)
    counts = pd.DataFrame({"level": level, "n": 1, "defaults": (flags["flagged"] == 1).astype(int)})
    pooled = pool_small(
        counts.groupby("level", as_index=False, sort=True).sum(), min_cell=min_cell, by_expectation=False
    )
    level = level.replace(pooled.names())
    names = [str(name) for name in pooled.counts["level"]]
    at, parts = simultaneous(confidence, len(names)), {name: loans[level == name] for name in names} | {ALL: loans}
    table = pd.DataFrame([_row(part, loss_given_default, confidence) | {"level": name} for name, part in parts.items()])
    found = [_difference(part, confidence if name == ALL else at) for name, part in parts.items()]
    table[["difference", "difference_low", "difference_high"]] = found
    table = _with_shares(table)
    last = table["level"].isin([*pooled.members, NOT_KNOWN]) + 2 * (table["level"] == ALL)
    order = np.lexsort((-table["exposure"], last))
    return table.iloc[order].reset_index(drop=True)


def _row(loans: pd.DataFrame, loss_given_default: float, confidence: float) -> dict[str, object]:
    row: dict[str, object] = {"loans": int(loans["balance"].notna().sum())}
    for ending in ("", "_before"):
        row[f"exposure{ending}"] = float(loans[f"balance{ending}"].sum())
        flags = loans[f"flagged{ending}"]
        row[f"flagged_share{ending}"], low, high = _share(flags, confidence)
        if not ending:
            row |= {"judged": int(flags.notna().sum()), "flagged": int(flags.sum())}
            row |= {"flagged_share_low": low, "flagged_share_high": high}
        row |= _loss(loans, ending, loss_given_default)
    return row


def _difference(loans: pd.DataFrame, confidence: float) -> tuple[float, float, float]:
    """Return how much larger the share of flagged loans is than the month before, whose loans are largely the same."""
    flags = [loans[name] for name in ("flagged", "flagged_before")]
    if not all(values.notna().any() for values in flags):
        return (float("nan"),) * 3
    sides = [_share(values, confidence) for values in flags]
    off = [
        np.where(values.notna(), values - share, 0.0) / values.notna().sum()
        for values, (share, *_) in zip(flags, sides, strict=True)
    ]
    spread = np.sqrt((off[0] ** 2).sum() * (off[1] ** 2).sum())
    correlation = float((off[0] * off[1]).sum() / spread) if spread else 0.0
    return difference_ends(sides[0], sides[1], correlation=correlation)
