"""Monthly snapshots of synthetic live loans whose hazard of default is known: what early warning is shown and tested on.

Nothing here comes from real snapshots, for there are none: the constants of `Mechanism` are chosen so that snapshots help and
do not tell everything. What a back-test finds on such a panel says whether the method works, not how well it will work for a lender.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from loantap.data.annuity import balance_after
from loantap.data.columns import BY_NAME
from loantap.data.panel import DEFAULT_DAYS, Panel
from loantap.errors import InputError

_BLOCK = 1 << 16  # loans at a time, so that what is drawn on the way stays small
_BEFORE = 12  # months before the panel in which loans may enter distress, or default and so never come onto it
_ANNOUNCED = (60, 30)  # days past due one and two months before default
_SMALLEST = 1e-4  # probabilities are taken within this of 0 and 1, where the log-odds still mean something


@dataclass(frozen=True)
class Mechanism:
    """The truth behind a synthetic panel. Points are percentage points of dti and revol_util.

    Attributes:
        intercept: Log-odds of default in a month at even odds of default by the application.
        per_logit: Their rise per unit of the log-odds of default by the application; below 1: the model knows part of it.
        per_dti: Their rise per 10 points that dti has risen since the application.
        per_util: The same of utilisation.
        youngest: Months after funding before which no loan defaults: payments cannot be 90 days late earlier.
        dti_step: Standard deviation of a month's lasting change of dti, points.
        dti_noise: Standard deviation of what moves one month's dti only, points.
        util_step: The same of utilisation.
        util_noise: The same of utilisation.
        util_ceiling: Percent of the limit that utilisation does not rise above, unless it was there at the application.
        distress: Share of loans that enter distress in a month, above 0; about a sixth of the loans are in it at some time on a
            panel of two years.
        dti_drift: Rise of dti in each month of distress, points.
        util_drift: The same of utilisation.
        cured: Share of distressed loans whose distress ends by itself.
        cured_after: Least and most months until then, each equally likely.
        eases: Share of the rise that is left after each month since then.
        late: Share of months in which a loan is 1 to 29 days past due without further harm.
        arrears: Share of months in which it is 30 days past due and pays up.
        arrears_in_distress: The same in distress.
        missing: Share of snapshots that are lost, but for the first of a loan and that of its default.
    """

    intercept: float = -4.4
    per_logit: float = 0.7
    per_dti: float = 1.0
    per_util: float = 0.5
    youngest: int = 4
    dti_step: float = 0.5
    dti_noise: float = 0.8
    util_step: float = 2.0
    util_noise: float = 3.0
    util_ceiling: float = 130.0
    distress: float = 0.01
    dti_drift: float = 1.2
    util_drift: float = 3.5
    cured: float = 0.3
    cured_after: tuple[int, int] = (3, 9)
    eases: float = 0.8
    late: float = 0.02
    arrears: float = 0.002
    arrears_in_distress: float = 0.04
    missing: float = 0.01


@dataclass(frozen=True)
class SyntheticPanel:
    """A panel and what it was drawn from.

    Attributes:
        panel: Snapshots of n loans in m months.
        truth: One row per loan: loan_id; distress and default, the positions of the months in which they begin, -1 if never;
            distress is that of the first month on the panel if it began earlier.
        hazard: Probability that a loan defaults in a month given its true dti and utilisation and that it has not before, shape
            (n, m); NaN before it is funded and after it has ended. It knows nothing of days past due.
    """

    panel: Panel
    truth: pd.DataFrame
    hazard: np.ndarray


def synthetic_panel(
    loans: pd.DataFrame,
    probability: np.ndarray,
    *,
    months: int = 24,
    random_state: int,
    first_month: str,
    mechanism: Mechanism = Mechanism(),
) -> SyntheticPanel:
    """Return snapshots of loans funded at months drawn evenly from those that let them be live on the panel.

    A loan is live from its funding to the month before its last installment, or to its default; one that defaults before the panel
    begins is drawn again. Its balance amortises; an installment that is 30 days late is still in it. dti and utilisation start at
    the application's values, take lasting steps, rise in distress, and are seen with noise. Default comes with the hazard
    expit(intercept + per_logit logit(p) + per_dti (dti - dti_0) / 10 + per_util (util - util_0) / 10), not in the panel's first
    month nor in a loan's first ones, and is announced by 30 and 60 days past due in the two months before.

    Args:
        loans: Cleaned loans, n rows: loan_amnt, int_rate, term, installment, dti, revol_util.
        probability: Their probability of default p by the application, shape (n,).
        months: m, the length of the panel.
        random_state: The seed; the same one gives the same panel.
        first_month: The panel's first month, such as "2016-01".
        mechanism: The truth.

    Raises InputError for no loan, no month, or probabilities that are none.
    """
    p = np.asarray(probability, dtype=float)
    if len(loans) == 0 or months < 1:
        raise InputError(f"synthetic panel: expected 1 loan and 1 month or more, got {len(loans):,} and {months}.")
    if p.shape != (len(loans),) or not ((p >= 0) & (p <= 1)).all():
        raise InputError(
            f"synthetic panel: expected one probability within 0 to 1 for each of {len(loans):,} loans, got an array of shape "
            f"{p.shape}, {int((~((p >= 0) & (p <= 1))).sum()):,} of them no probability."
        )
    rng = np.random.default_rng(random_state)
    matrices = {name: np.empty((len(loans), months)) for name in ("dti", "revol_util", "balance", "days_past_due", "hazard")}  # fmt: skip
    begins = {name: np.empty(len(loans), dtype=np.int64) for name in ("distress", "default")}
    log_odds = logit(np.clip(p, _SMALLEST, 1 - _SMALLEST))
    for start in range(0, len(loans), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(loans)))
        while len(rows):  # who defaulted before the panel is not on it, and is drawn again
            drawn, on_panel = _draw(loans.iloc[rows], log_odds[rows], months, mechanism, rng)
            for name, values in drawn.items():
                (matrices if name in matrices else begins)[name][rows[on_panel]] = values[on_panel]
            rows = rows[~on_panel]
    loan_id = np.array([f"S{number:07d}" for number in range(1, len(loans) + 1)], dtype=object)
    first = np.datetime64(first_month, "M")
    hazard = matrices.pop("hazard")
    panel = Panel(loan_id, np.arange(first, first + months), **matrices)
    return SyntheticPanel(panel, pd.DataFrame({"loan_id": loan_id, **begins}), hazard)


def _draw(
    loans: pd.DataFrame, log_odds: np.ndarray, months: int, how: Mechanism, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the matrices of some loans with the months in which distress and default begin, and which loans are on the panel."""
    at, never = (
        np.arange(-_BEFORE, months + len(_ANNOUNCED)),
        months + 2 * len(_ANNOUNCED),
    )  # the last months announce, too
    term, amount, rate, installment, dti, util = (
        loans[name].to_numpy(dtype=float)[:, np.newaxis]
        for name in ("term", "loan_amnt", "int_rate", "installment", "dti", "revol_util")
    )
    funded = rng.integers(1 - term.astype(np.int64), months)
    age, first, last = at - funded, np.maximum(funded, -_BEFORE), funded + term - 1
    onset = first + rng.geometric(how.distress, first.shape)
    eases_after = rng.integers(*how.cured_after, first.shape, endpoint=True)
    easing = np.where(rng.random(first.shape) < how.cured, onset + eases_after, never)
    distressed = np.clip(np.minimum(at + 1, easing) - onset, 0, None) * how.eases ** np.clip(at + 1 - easing, 0, None)
    # A loan that is not drawn from its funding on has taken as many steps before.
    steps = np.select([at > first, at == first], [1.0, np.sqrt(np.maximum(age, 0))], 0.0)

    shape = steps.shape
    dti_level = dti + how.dti_drift * distressed + np.cumsum(how.dti_step * steps * rng.standard_normal(shape), axis=1)
    dti_level = np.clip(dti_level, 0, BY_NAME["dti"].high)
    util_level = (
        util + how.util_drift * distressed + np.cumsum(how.util_step * steps * rng.standard_normal(shape), axis=1)
    )
    util_level = np.clip(util_level, 0, np.fmax(util, how.util_ceiling))
    odds = how.intercept + how.per_logit * log_odds[:, np.newaxis] + how.per_dti * (dti_level - dti) / 10
    odds += how.per_util * np.nan_to_num(util_level - util) / 10  # a utilisation that was never known does no harm
    hazard = np.where((age < how.youngest) | (at == 0), 0.0, expit(odds))
    hits = (age >= 0) & (at <= last) & (rng.random(shape) < hazard)
    default = np.where(hits.any(axis=1), at[hits.argmax(axis=1)], never)[:, np.newaxis]
    ends = np.minimum(np.minimum(default, last), months - 1)

    days = _days_past_due(at - default, age, (at >= onset) & (at < easing), how, rng)
    balance = balance_after(amount, rate, installment, np.maximum(age, 0) - days // 30)
    live, first = (at >= funded) & (at <= ends), np.maximum(first, 0)
    shown = live & ((rng.random(shape) >= how.missing) | (at == first) | (at == default))
    matrices = {
        "dti": np.clip(dti_level + how.dti_noise * rng.standard_normal(shape), 0, BY_NAME["dti"].high).round(2),
        "revol_util": np.clip(
            util_level + how.util_noise * rng.standard_normal(shape), 0, BY_NAME["revol_util"].high
        ).round(1),
        "balance": np.maximum(balance, 0).round(2),
        "days_past_due": days.astype(float),
    }
    drawn = {name: np.where(shown, values, np.nan) for name, values in matrices.items()}
    drawn["hazard"] = np.where(live, hazard, np.nan)
    drawn = {name: values[:, _BEFORE : _BEFORE + months] for name, values in drawn.items()}
    drawn["distress"] = np.where((onset <= ends) & (easing > first), np.maximum(onset, first), -1)[:, 0]
    drawn["default"] = np.where(default <= ends, default, -1)[:, 0]
    return drawn, default[:, 0] >= 0


def _days_past_due(
    since_default: np.ndarray, age: np.ndarray, in_distress: np.ndarray, how: Mechanism, rng: np.random.Generator
) -> np.ndarray:
    """Draw days past due: without consequence, or in the months up to the default."""
    days = np.where(rng.random(age.shape) < how.late, rng.integers(1, 30, age.shape), 0)
    days[rng.random(age.shape) < np.where(in_distress, how.arrears_in_distress, how.arrears)] = 30
    days[age < 2] = 0  # the first installment is due a month after the funding
    return np.select([since_default == 0, since_default == -1, since_default == -2], [DEFAULT_DAYS, *_ANNOUNCED], days)
