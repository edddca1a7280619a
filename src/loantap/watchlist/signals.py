"""What a month's snapshots tell of each live loan: levels, trends, breaches, and what they do to its probability of default."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from loantap.data.columns import KEY, OPTIONAL
from loantap.data.panel import FORBEARANCE, Panel
from loantap.errors import InputError
from loantap.model.inputs import CAPS, feature_frame, source_columns
from loantap.model.persistence import SavedModel
from loantap.watchlist.settings import Settings
from loantap.watchlist.standing import NEVER, Standing, carried, last_known

MIN_KNOWN = 4  # known months below which a trend is not told
MIN_KNOWN_HALF = 3  # the same of half a window
_MEASURES = {"dti": "dti", "revol_util": "util"}  # column of the panel, and what its trends are called
# What the last known value stands for, in words, where it is not known: columns of the panel.
LAST_VALUES = {
    "balance": "balance", "dti": "debt-to-income", "revol_util": "utilisation", "payment": "payments", "inquiries": "inquiries",
    "days_past_due": "days past due",
}  # fmt: skip
_CHUNK = 8192  # loans at a time: the slopes of their pairs of months fit into a processor's cache
_SCORED = 50_000  # loans at a time; their features take some 30 MB


def theil_sen(values: np.ndarray, *, min_known: int = MIN_KNOWN) -> np.ndarray:
    """Return the median slope of all pairs of known months in each row, per month; NaN where fewer than `min_known` are known.

    Sen, Journal of the American Statistical Association 63 (1968), 1379-1389. One odd month in six moves it little, which a
    least-squares slope cannot say. There is one row per loan and one column per month, 62 at most.
    """
    slopes = np.full(len(values), np.nan)
    known = ~np.isnan(values)
    # Loans with the same months known share their pairs, so that no slope is NaN and one median does for all.
    patterns = known @ (1 << np.arange(values.shape[1], dtype=np.int64))
    for pattern in np.unique(patterns):
        rows = np.flatnonzero(patterns == pattern)
        months = np.flatnonzero(known[rows[0]])
        if len(months) < max(min_known, 2):
            continue
        earlier, later = (months[side] for side in np.triu_indices(len(months), 1))
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            pairs = (values[part][:, later] - values[part][:, earlier]) / (later - earlier)
            slopes[part] = np.median(pairs, axis=1, overwrite_input=True)
    return slopes


def acceleration(values: np.ndarray) -> np.ndarray:
    """Return the Theil-Sen slope of the later half of the months less that of the earlier half, per month, shape (n,).

    The halves of an odd number of months share the middle one; each needs MIN_KNOWN_HALF known months.
    """
    half = (values.shape[1] + 1) // 2
    earlier, later = (theil_sen(part, min_known=MIN_KNOWN_HALF) for part in (values[:, :half], values[:, -half:]))
    return later - earlier


def _filled(values: np.ndarray) -> np.ndarray:
    """Return rows with months between known ones on the line between them: a month that is not known takes no sign away."""
    known, months = ~np.isnan(values), np.arange(values.shape[1])
    gaps = np.flatnonzero(~known.all(axis=1) & known.any(axis=1))
    rows, known = values[gaps], known[gaps]
    before = np.maximum.accumulate(np.where(known, months, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, months, len(months))[:, ::-1], axis=1)[:, ::-1]
    row, month = np.nonzero(~known & (before >= 0) & (after < len(months)))
    start, end = before[row, month], after[row, month]
    low, high = rows[row, start], rows[row, end]
    filled = values.copy()
    filled[gaps[row], month] = low + (high - low) * (month - start) / (end - start)
    return filled


def signals(
    panel: Panel,
    t: int,
    *,
    settings: Settings,
    stands: Standing,
    probability_then: np.ndarray | None = None,
    probability_now: np.ndarray | None = None,
    installment: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return the signals of each loan that is live at a month, from snapshots up to that month only.

    Args:
        panel: Snapshots of n loans.
        t: Position of the month in the panel.
        settings: Window, and for how long the last known value stands for an unknown one.
        stands: Where the loans stand.
        probability_then: Probability of default of each loan by its application, shape (n,).
        probability_now: The same with debt-to-income and utilisation as in the month's snapshot, shape (n,).
        installment: What each loan pays a month, in currency, shape (n,).

    Returns:
        One row per live loan, indexed by its row in the panel: loan_id, balance (currency); dti and revol_util (percent) with trends and
        accelerations (points a month); probability, probability_change (fractions); payment_shortfall (share of the installment not paid);
        inquiries; days_past_due; known_in (the month that these are of, "" if this one); arrears_told (whether they ever were known);
        forbearance; lost (which values were known and are not for too long, in words). NaN where not known.
    """
    rows = np.flatnonzero(live(panel, t, stands=stands))
    unknown, lost = np.full(len(rows), np.nan), {}

    def last(name: str) -> np.ndarray:
        values = getattr(panel, name)
        level, lost[name] = (unknown, unknown > 0) if values is None else carried(values[rows, : t + 1], settings.carry)
        return level

    columns: dict[str, Any] = {"loan_id": panel.loan_id[rows], "balance": last("balance")}
    for measure, name in _MEASURES.items():
        columns[measure] = last(measure)
        values = _filled(_until_known(getattr(panel, measure)[rows, : t + 1], settings))
        columns |= {f"{name}_trend": theil_sen(values), f"{name}_acceleration": acceleration(values)}
    now, then = (
        unknown if values is None else np.asarray(values, dtype=float)[rows]
        for values in (probability_now, probability_then)
    )
    columns |= {"probability": now, "probability_change": now - then}
    columns["payment_shortfall"] = _shortfall(panel, t, rows, installment, columns["balance"], settings.carry)
    columns |= {
        "payment": last("payment"),
        "inquiries": last("inquiries"),
        "forbearance": last("status") == FORBEARANCE,
    }
    age = stands.age[rows, t]
    lost["days_past_due"] = (age > settings.carry) & (age < NEVER)
    columns |= {
        "days_past_due": stands.days[rows, t],
        "known_in": stands.known_in(panel, t)[rows],
        "arrears_told": age < NEVER,
    }
    told = np.full(len(rows), "", dtype=object)
    for name, words in LAST_VALUES.items():
        told[lost[name]] = [f"{said}, {words}" if said else words for said in told[lost[name]]]
    return pd.DataFrame(columns | {"lost": told}, index=rows)


def live(panel: Panel, t: int, *, stands: Standing) -> np.ndarray:
    """Return which loans are delivered at month t, owe something and are not in default, shape (n,)."""
    return panel.delivered[:, t] & ~stands.in_default[:, t] & ~stands.ended(t)


def _shortfall(
    panel: Panel, t: int, rows: np.ndarray, installment: np.ndarray | None, balance: np.ndarray, carry: int
) -> np.ndarray:
    """Return the share of the installment that was not paid in the last month known; NaN where none was due or nobody tells."""
    if panel.payment is None or installment is None or t == 0:
        return np.full(len(rows), np.nan)
    month, due = t - np.minimum(last_known(panel.payment[rows, : t + 1]), carry), installment[rows]
    # A loan's last payment is smaller, and a new loan has none yet.
    was_due = (month > 0) & panel.delivered[rows, np.maximum(month - 1, 0)] & (balance > due)
    paid = panel.payment[rows, month] / np.where(due > 0, due, np.nan)
    return np.where(was_due, np.clip(1 - paid, 0, 1), np.nan)


def _until_known(values: np.ndarray, settings: Settings) -> np.ndarray:
    """Return the window of months that ends with the last one known of each row, shape (n, window).

    A trend that was rising is not over because a month is not known: within `carry` months it is told as it was.
    """
    age = np.minimum(last_known(values), settings.carry)
    before = np.full((len(values), settings.window + settings.carry), np.nan)
    padded = np.concatenate([before, values], axis=1)  # halves stay halves where the panel is shorter
    ends = padded.shape[1] - age[:, np.newaxis]
    return np.take_along_axis(padded, ends - np.arange(settings.window, 0, -1), axis=1)


@dataclass(frozen=True)
class Probabilities:
    """Calibrated probabilities of default of the n loans of a panel; NaN where not known.

    `now` has debt-to-income and utilisation of the snapshots. All else is as in the application: the model was fitted on
    applications, so this is what it would say of the borrower's next one.
    """

    at_application: np.ndarray  # shape (n,)
    now: np.ndarray  # at k months, shape (n, k)


def probabilities(
    model: SavedModel, applications: pd.DataFrame, panel: Panel, positions: Sequence[int], *, carry: int
) -> Probabilities:
    """Return the model's probabilities of the panel's loans at application and at some of its months.

    Args:
        model: The model.
        applications: Cleaned loans with loan_id and the model's `source_columns`; those of other loans are passed by.
        panel: The n loans. Where debt-to-income or utilisation is not known, the probability is NaN.
        positions: Which k of the panel's months.
        carry: Months for which the last known debt-to-income and utilisation stand for unknown ones.

    Raises InputError for a column that is absent, two applications of one loan, and applications of none of the loans.
    """
    inputs = model.metadata.inputs
    columns = [name for name in source_columns(inputs=inputs) if name in applications or name not in OPTIONAL]
    if absent := [name for name in (KEY, *columns) if name not in applications]:
        raise InputError(
            f"applications: expected the columns {KEY}, {', '.join(columns)}; {', '.join(absent)} is absent."
        )
    rows = _rows(applications[KEY], panel.loan_id)
    at_application, now = np.full(len(rows), np.nan), np.full((len(rows), len(positions)), np.nan)
    with_application, scorer = np.flatnonzero(rows >= 0), model.scorer
    changing = scorer.only(tuple(_MEASURES))
    places = [place for place, name in enumerate(scorer.features) if name in _MEASURES]
    for start in range(0, len(with_application), _SCORED):
        part = with_application[start : start + _SCORED]
        contributions = scorer.many(feature_frame(applications[columns].iloc[rows[part]], inputs=inputs))
        log_odds = contributions.sum(axis=1) + scorer.intercept
        rest = log_odds - contributions[:, places].sum(axis=1)
        at_application[part] = model.calibration(log_odds)
        for column, position in enumerate(positions):
            known = {name: carried(getattr(panel, name)[part, : position + 1], carry)[0] for name in _MEASURES}
            values = pd.DataFrame({name: np.minimum(level, CAPS[name]) for name, level in known.items()})
            told = np.where(values.notna().all(axis=1), rest + changing.many(values).sum(axis=1), np.nan)
            now[part, column] = model.calibration(told)
    return Probabilities(at_application, now)


def _rows(loan_id: pd.Series, wanted: np.ndarray) -> np.ndarray:
    """Return the row of each wanted loan's application, -1 where there is none."""
    index = pd.Index(loan_id)
    if not index.is_unique:
        twice = index[index.duplicated()][0]
        raise InputError(f"applications: expected one row per loan, got several of {KEY} {twice}. Keep one of them.")
    rows = np.asarray(index.get_indexer(pd.Index(wanted)))
    if len(rows) and (rows < 0).all():
        raise InputError(
            f"applications: expected those of the panel's loans, such as {KEY} {wanted[0]!r}, got none of them"
            f"{f', but such as {index[0]!r}' if len(index) else ''}. Read both from the same portfolio."
        )
    return rows
