"""Where the money at risk stands: exposure, loans that need attention, and expected loss by a feature, against the month before."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from loantap.analysis.summaries import simultaneous
from loantap.analysis.suppression import pool_small, withheld
from loantap.data.columns import KEY
from loantap.watchlist.hazards import Hazards
from loantap.watchlist.landmarks import Borrowers, landmarks
from loantap.watchlist.month import Month
from loantap.watchlist.standing import BUCKETS, FROM_90, OFF, TO_59, TO_89
from loantap.watchlist.transitions import difference_ends, wilson_ends

ALL, NOT_KNOWN = "all", "not known"
_SIDES = ("", "_before")  # the month, and the one before
_DIFFERENCE = ("difference", "difference_low", "difference_high")


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
        The applications' columns with term as text; light, bucket, balance, flagged (30 or more days late or in default; missing where
        not known, and of loans that have ended) and, with hazards, pd (within 12 months; 1 in default, missing once charged off), each
        also of the month before with the ending _before; missing where a loan was not delivered.
    """
    panel, stands, last = month.panel, month.standing, len(month.panel.months) - 1
    previous = last if month.previous is None else month.previous
    rows = applications.drop_duplicates(KEY).set_index(KEY).reindex(panel.loan_id).reset_index()
    for ending, t, lines in (("_before", previous, month.before), ("", last, month.loans)):
        here, bucket, inside = panel.delivered[:, t], stands.bucket[:, t], stands.in_default[:, t]
        rows[f"light{ending}"] = lines["light"].reindex(range(len(rows))).to_numpy(dtype=object)
        rows[f"bucket{ending}"] = pd.Series(np.array(BUCKETS, dtype=object)[bucket]).where(here, None)
        rows[f"balance{ending}"] = panel.balance[:, t]
        late = pd.Series(np.isin(bucket, (TO_59, TO_89, FROM_90)) | inside)
        rows[f"flagged{ending}"] = late.where(here & ~stands.ended(t) & ~np.isnan(stands.days[:, t]))
        if hazards:
            marks = landmarks(panel, stands, known, [t])
            chance = np.where(inside & (bucket != OFF), 1.0, np.nan)  # what is charged off is lost already
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
    """Return how loans and money are spread over the lights or buckets of a month and of the one before, each loan as it stood then.

    Args:
        loans: As in `concentration`, but for the flags.
        state: The light or bucket in the month, missing where the loan was not delivered.
        before: The same of the month before.
        order: The states in the order of the rows; those without a loan in either month are left out.
        loss_given_default: As in `concentration`.
        min_cell: States with fewer loans in one of the months are withheld, as `suppression.withheld` says.
        confidence: Of the intervals; those of the differences hold for all states at once (Bonferroni).

    Returns:
        One row per state, and ALL: level, loans, share (of the loans) with its ends (Wilson), exposure, share_of_exposure, the same with
        _before, exposure_change; difference (of the shares of loans) with its ends, change; with pd: expected_loss, expected_loss_before,
        without_pd; and `withheld`, whose numbers are NaN.
    """
    sides = dict(zip(_SIDES, (loans[state], loans[before]), strict=True))
    names = [name for name in order if any((values == name).any() for values in sides.values())]
    counts = [[int((values == name).sum()) for name in names] for values in sides.values()]
    small = withheld(np.array(counts).reshape(2, len(names)), min_cell=min_cell)  # the last column is that of all
    at, rows = simultaneous(confidence, len(names)), []
    for place, name in enumerate([*names, ALL]):
        row: dict[str, object] = {"level": name, "withheld": bool(small[:2, place].any())}
        flags = {}
        for ending, values in sides.items():
            inside = loans[values.notna() if name == ALL else values == name]
            row |= {f"loans{ending}": len(inside), f"exposure{ending}": float(inside[f"balance{ending}"].sum())}
            row |= _loss(inside, ending, loss_given_default)
            known = values.notna() & (name != ALL)
            flags[f"flagged{ending}"] = (values == name).astype(float).where(known)
        for ending in _SIDES:
            share = f"share{ending}"
            row |= dict(
                zip(
                    (share, f"{share}_low", f"{share}_high"), _share(flags[f"flagged{ending}"], confidence), strict=True
                )
            )
        rows.append(row | dict(zip(_DIFFERENCE, _difference(pd.DataFrame(flags), at), strict=True)))
    table = _with_shares(pd.DataFrame(rows))
    numbers = table.columns.drop(["level", "withheld", "change"])
    table[numbers] = table[numbers].astype(float).mask(table["withheld"], axis=0)
    table.loc[table["withheld"], "change"] = "open"
    return table


def concentration(
    loans: pd.DataFrame, by: str, *, loss_given_default: float, min_cell: int, confidence: float
) -> pd.DataFrame:
    """Return how loans and money are spread over the levels of a feature.

    Args:
        loans: One row per loan: `by`, flagged and flagged_before (whether it needed attention in the month, and the one before: True, False,
            or missing where not evaluated), balance and balance_before (currency, missing where not delivered); and, where they are known,
            pd and pd_before (probabilities of default within twelve months).
        by: The feature, of the application; missing is a level of its own. Lights and buckets change: see `exposure_by_state`.
        loss_given_default: Share of the exposure that is lost in a default, an assumption.
        min_cell: Levels with fewer loans, or with some that are flagged or are not, but fewer, are pooled (`suppression.pool_small`).
        confidence: Of the intervals; those of the differences hold for all levels at once (Bonferroni).

    Returns:
        One row per level, by exposure, and ALL: level, loans (with a balance), exposure, share_of_exposure, the same with _before,
        exposure_change; judged, flagged, flagged_share with its ends (Wilson), flagged_share_before, difference with its ends, and change
        ("higher", "lower", "open"): shares of a loan in both months go together, which narrows it. With pd: expected_loss (currency, of the
        loans with a pd), expected_loss_before, expected_loss_rate (of their exposure), without_pd (loans). What is pooled stands last.
    """
    flags = {
        f"flagged{ending}": loans[f"flagged{ending}"].astype("boolean").to_numpy(dtype=float, na_value=np.nan)
        for ending in _SIDES
    }
    loans = loans.assign(**flags)
    level = loans[by].astype(object).where(loans[by].notna(), NOT_KNOWN).astype(str)
    counts = pd.DataFrame({"level": level, "n": 1, "defaults": (flags["flagged"] == 1).astype(int)})
    counts = counts.groupby("level", as_index=False, sort=True).sum()
    pooled = pool_small(counts, min_cell=min_cell, by_expectation=False)
    level = level.replace(pooled.names())
    parts = {str(name): loans[level == name] for name in pooled.counts["level"]}
    at = simultaneous(confidence, len(parts))
    rows = []
    for name, part in (parts | {ALL: loans}).items():
        ends = _difference(part, confidence if name == ALL else at)
        rows.append(
            _row(part, loss_given_default, confidence) | {"level": name} | dict(zip(_DIFFERENCE, ends, strict=True))
        )
    table = _with_shares(pd.DataFrame(rows))
    last = table["level"].isin([*pooled.members, NOT_KNOWN]) + 2 * (table["level"] == ALL)
    return table.iloc[np.lexsort((-table["exposure"], last))].reset_index(drop=True)


def _row(loans: pd.DataFrame, loss_given_default: float, confidence: float) -> dict[str, object]:
    row: dict[str, object] = {"loans": int(loans["balance"].notna().sum())}
    for ending in _SIDES:
        row[f"exposure{ending}"] = float(loans[f"balance{ending}"].sum())
        flags = loans[f"flagged{ending}"]
        row[f"flagged_share{ending}"], low, high = _share(flags, confidence)
        if not ending:
            row |= {"judged": int(flags.notna().sum()), "flagged": int(flags.sum())}
            row |= {"flagged_share_low": low, "flagged_share_high": high}
        row |= _loss(loans, ending, loss_given_default)
    return row


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
    moved = [table["difference_low"] > 0, table["difference_high"] < 0]
    return table.assign(change=np.select(moved, ["higher", "lower"], "open"))


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


def _difference(loans: pd.DataFrame, confidence: float) -> tuple[float, float, float]:
    """Return how much larger the share of flagged loans is than the month before, whose loans are largely the same."""
    flags = [loans[f"flagged{ending}"] for ending in _SIDES]
    if not all(values.notna().any() for values in flags):
        return (float("nan"),) * 3
    now, before = sides = [_share(values, confidence) for values in flags]
    one, other = (
        np.where(values.notna(), values - share, 0.0) / values.notna().sum()
        for values, (share, *_) in zip(flags, sides, strict=True)
    )
    spread = np.sqrt((one**2).sum() * (other**2).sum())
    return difference_ends(now, before, correlation=float((one * other).sum() / spread) if spread else 0.0)
