"""Stages and expected credit loss of live loans: a sketch of IFRS 9, of use for steering, not for a balance sheet.

Stage 1: twelve months of expected losses. Stage 2: the risk of default has risen significantly since the loan was granted (IFRS 9,
5.5.3 and 5.5.9), or the loan is 30 or more days past due (5.5.11), or nobody knows how late it is: losses until the last
installment. Stage 3: in default, its probation included: the loss on all that is owed.

What is simplified, and would not pass an audit:
- The probability that the application let expect is that of a loan of the same age, paid up and with debt-to-income and utilisation as on the
  application, by today's hazards; it was not computed and kept on the day the loan was granted.
- The significant increase is judged by 12-month probabilities (B5.5.13), in the base scenario, loan by loan; there is no collective one.
- Scenarios multiply the odds of default of each month by an assumed factor. They are no forecasts of an economy, loss given default
  does not move with them, and their weights are assumptions.
- Beyond the months for which loans are followed hazards are projected, see `lifetime`; where that is withheld, fewer months are counted.
- Exposure follows the schedule, with three installments unpaid at default; interest after a default, drawn limits and costs are left out.
- Loss given default is one assumption for all loans, and in stage 3 does not fall with the time since the default.
- What was charged off is not in it.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from loantap.data.annuity import balance_after
from loantap.data.panel import Panel
from loantap.model.bootstrap import CONFIDENCE
from loantap.model.economics import Economics
from loantap.watchlist.hazard_regression import sum_rows
from loantap.watchlist.hazards import HORIZON, Hazards
from loantap.watchlist.landmarks import Borrowers, Landmarks, balance_known, landmarks, months_left
from loantap.watchlist.settings import LossSettings
from loantap.watchlist.standing import OFF, TO_59, TO_89, UNKNOWN, Standing

MIN_DEFAULTS = 100  # below, nothing is projected
UNPAID = 3  # installments that a loan has not paid when it is 90 days past due
SCENARIOS = ("better", "base", "worse")
REASONS = ("in default", "past the backstop", "not known how late", "probability risen", "")
_PIECE = 50_000  # loans at a time


@dataclass(frozen=True)
class ExpectedLoss:
    """What is expected to be lost on the loans of a month."""

    # One row per loan, indexed by its row in the panel: loan_id, stage (1 to 3), because (one of REASONS), exposure (currency), pd (12
    # months; 1 in stage 3), pd_granted (what the application let expect), months (that losses are counted for), cut (months of stage 2
    # that could not be told; NaN where the remaining term is not known), better, base, worse, expected_loss (currency; weighted).
    loans: pd.DataFrame
    # By stage and for all: stage, loans, exposure, better, base, worse, expected_loss, coverage (expected loss by exposure).
    stages: pd.DataFrame
    settings: LossSettings  # thresholds and scenarios
    loss_given_default: float  # the assumption
    confidence: float  # of the intervals


def expected_loss(
    panel: Panel,
    stands: Standing,
    known: Borrowers,
    t: int,
    *,
    hazards: Hazards,
    economics: Economics,
    settings: LossSettings,
    confidence: float = CONFIDENCE,
) -> ExpectedLoss:
    """Return stages and expected credit loss of the loans that are delivered at a month and neither closed nor charged off.

    The loss of a month is the probability to default in it, the exposure then, and the loss given default, discounted at the loan's
    own rate.

    Args:
        panel: Snapshots of n loans.
        stands: Where each loan stands, of the same panel.
        known: What is known of each loan since it was granted.
        t: Position of the month.
        hazards: Fitted to months up to it.
        economics: Its loss given default.
        settings: Thresholds and scenarios.
        confidence: Of the intervals.
    """
    marks, lost = landmarks(panel, stands, known, [t]), economics.loss_given_default
    now, granted = (hazards.probability(one)["pd"].to_numpy() for one in (marks, marks.as_granted()))
    because = _because(marks, stands.days[marks.row, t], now, granted, settings)
    stage = np.where(because == REASONS[-1], 1, 2)
    wanted = lifetime(hazards, marks)["months"].to_numpy()
    wanted = np.where(np.isnan(wanted), _as_far_as_seen(hazards, marks), wanted)
    months = np.where(stage == 1, np.minimum(HORIZON, wanted), wanted).astype(np.int64)
    cut = np.where(stage == 1, 0, months_left(marks) - months)
    losses, errors = _losses(hazards, marks, known, months, stage, settings, lost)
    told = {"stage": stage, "because": because, "exposure": marks.balance, "pd": now, "pd_granted": granted}
    live = pd.DataFrame(told | {"months": months, "cut": cut, **losses}, index=marks.row)
    balance, inside = balance_known(panel, t), panel.delivered[:, t] & stands.in_default[:, t]
    bad = np.flatnonzero(inside & (stands.bucket[:, t] != OFF) & ~(balance <= 0))
    certain: dict[str, Any] = {
        "stage": 3,
        "because": REASONS[0],
        "pd": 1.0,
        "pd_granted": np.nan,
        "months": 0,
        "cut": 0,
    }
    lost_here = dict.fromkeys(SCENARIOS, balance[bad] * lost)
    defaulted = pd.DataFrame({"exposure": balance[bad], **lost_here}, index=bad).assign(**certain)
    loans = pd.concat([live, defaulted]).sort_index()
    loans.insert(0, "loan_id", panel.loan_id[loans.index])
    loans["expected_loss"] = sum(getattr(settings, name).weight * loans[name] for name in SCENARIOS)
    return ExpectedLoss(loans, _by_stage(loans, errors, confidence), settings, lost, confidence)


def exposure_ahead(balance: np.ndarray, rate: np.ndarray, installment: np.ndarray, months: int) -> np.ndarray:
    """Return what is owed by a loan that defaults in each of the next months: all but UNPAID installments until then paid, shape (k, months).

    Args:
        balance: Currency, shape (k,).
        rate: Percent a year, shape (k,); NaN where not known, and then the balance stays.
        installment: Currency a month, shape (k,); likewise.
        months: How many.
    """
    paid = np.maximum(np.arange(1, months + 1) - UNPAID, 0)
    owed = balance_after(balance[:, np.newaxis], rate[:, np.newaxis], installment[:, np.newaxis], paid)
    return np.where(np.isnan(owed), balance[:, np.newaxis], np.maximum(owed, 0))


def _because(
    marks: Landmarks, days: np.ndarray, now: np.ndarray, granted: np.ndarray, settings: LossSettings
) -> np.ndarray:
    late = np.where(np.isnan(days), np.isin(marks.bucket, (TO_59, TO_89)), days >= settings.backstop_days)
    risen = (now >= settings.relative * granted) & (now - granted >= settings.absolute)
    return np.select([late, marks.bucket == UNKNOWN, risen], REASONS[1:4], REASONS[-1]).astype(object)


def _as_far_as_seen(hazards: Hazards, marks: Landmarks) -> np.ndarray:
    """Return the months that losses are counted for where the lifetime is withheld.

    A year at least; more where the term is known and only the last part of it was not seen.
    """
    seen = hazards.oldest - marks.age if hazards.defaults >= MIN_DEFAULTS else np.zeros(len(marks.age))
    return np.minimum(np.maximum(np.where(np.isnan(months_left(marks)), 0, seen), HORIZON), marks.end)


def _losses(
    hazards: Hazards,
    marks: Landmarks,
    known: Borrowers,
    months: np.ndarray,
    stage: np.ndarray,
    settings: LossSettings,
    lost: float,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the expected loss of each live loan by scenario, and the standard errors of the weighted sums of stage 1, stage 2 and both."""
    losses = {name: np.zeros(len(marks.row)) for name in SCENARIOS}
    order = np.argsort(months, kind="stable")  # loans of as many months together
    gradients: np.ndarray | float = 0.0
    for start in range(0, len(order), _PIECE):
        rows = order[start : start + _PIECE]
        part, longest = marks.only(rows), max(int(months[rows].max()), 1)
        ahead = np.arange(1, longest + 1)
        rate, installment = known.int_rate[part.row], known.installment[part.row]
        discounted = (1 + np.nan_to_num(rate)[:, np.newaxis] / 1200) ** -ahead
        owed, counted = exposure_ahead(part.balance, rate, installment, longest), ahead <= months[rows, np.newaxis]
        # What nobody knows the balance of adds nothing, and is counted among the loans.
        value = np.nan_to_num(lost * owed * discounted * counted)
        for name in SCENARIOS:
            scenario = getattr(settings, name)
            total, gradient = hazards.valued(part, longest, value=value, odds=scenario.odds)
            losses[name][rows] = total[:, 0]
            gradients = gradients + scenario.weight * sum_rows(gradient, stage[rows] - 1, 2)
    if not len(order):
        return losses, np.zeros(3)
    return losses, hazards.error(np.vstack([gradients, np.sum(gradients, axis=0)]))


def _by_stage(loans: pd.DataFrame, errors: np.ndarray, confidence: float) -> pd.DataFrame:
    """Return the sums of each stage and of all, with an interval of the expected loss on the scale of its logarithm."""
    money = ["exposure", *SCENARIOS, "expected_loss"]
    groups = [(str(stage), loans[loans["stage"] == stage]) for stage in (1, 2, 3)] + [("all", loans)]
    table = pd.DataFrame([{"stage": name, "loans": len(rows), **rows[money].sum()} for name, rows in groups])
    z, certain = NormalDist().inv_cdf((1 + confidence) / 2), table["expected_loss"].where(table["stage"] == "3", 0.0)
    certain = certain.where(table["stage"] != "all", certain.sum())  # of stage 3 nothing is left to the hazards
    open_ = table["expected_loss"] - certain
    reach = np.exp(z * np.insert(errors, 2, 0.0) / open_.where(open_ > 0, np.inf))
    table["expected_loss_low"], table["expected_loss_high"] = certain + open_ / reach, certain + open_ * reach
    return table.assign(coverage=table["expected_loss"] / table["exposure"].where(table["exposure"] > 0))


def lifetime(hazards: Hazards, marks: Landmarks, *, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """Return of each live loan the months until its last installment, its probability of default in them and why it is withheld.

    Loans are followed for HORIZON months; beyond, the hazards of the last of them go on, at the months on book the loan will then have. That
    the borrower stays as risky as it looks now is an assumption, of which the intervals tell nothing.

    Args:
        hazards: Fitted.
        marks: k live loans.
        confidence: Of the intervals.

    Returns:
        months, lifetime_pd with lifetime_pd_low and lifetime_pd_high, NaN where it is withheld, and withheld: the reason, or "".
    """
    left, names = months_left(marks), ["lifetime_pd", "lifetime_pd_low", "lifetime_pd_high"]
    cases = {
        f"fewer than {MIN_DEFAULTS} defaults were seen": np.full(len(left), hazards.defaults < MIN_DEFAULTS),
        "the remaining term is not known": np.isnan(left),
        f"no loans were seen beyond {hazards.oldest} months on book": marks.age + np.nan_to_num(left) > hazards.oldest,
    }
    withheld = np.select(list(cases.values()), list(cases), "").astype(object)
    told = withheld == ""
    table = pd.DataFrame({"months": np.where(told, left, np.nan), **dict.fromkeys(names, np.nan), "withheld": withheld})
    if told.any():
        months = max(HORIZON, int(left[told].max()))
        chance = hazards.probability(marks.only(told), months=months, confidence=confidence)
        table.loc[told, names] = chance[["pd", "pd_low", "pd_high"]].to_numpy()
    return table
