"""Monthly snapshots of synthetic live loans whose hazard of default is known: what early warning is shown and tested on.

Nothing here comes from real snapshots, for there are none: the constants of `Mechanism` are chosen so that snapshots help and
do not tell everything. What a back-test finds on such a panel says whether the method works, not how well it will work for a lender.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from loantap.data.columns import BY_NAME
from loantap.data.panel import DEFAULT_DAYS, Panel
from loantap.data.synthetic.endings import Lives, endings
from loantap.data.synthetic.mechanism import Mechanism as Mechanism
from loantap.errors import InputError

_BLOCK = 1 << 16  # loans at a time, so that what is drawn on the way stays small
_BEFORE = 12  # months before the panel in which loans may enter distress, or default and so never come onto it
_ANNOUNCED = (60, 30)  # days past due one and two months before default
# float32 where whole numbers are held: a panel of a million loans takes less by a third.
_MATRICES = dict.fromkeys(("dti", "revol_util", "balance", "days_past_due", "payment", "hazard", "prepayment"), np.float64) | dict.fromkeys(("status", "inquiries"), np.float32)  # fmt: skip
_BEGINS = ("funded", "distress", "default", "repaid", "reperforms")
_AS_IT_IS = Mechanism()
_SMALLEST = 1e-4  # probabilities are taken within this of 0 and 1, where the log-odds still mean something


@dataclass(frozen=True)
class SyntheticPanel:
    """A panel and what it was drawn from.

    Attributes:
        panel: Snapshots of n loans in m months.
        truth: One row per loan: loan_id; funded, the position of the month of funding, below 0 before the panel; distress and default,
            the positions of the months in which they begin, repaid (early) and reperforms (after its default), -1 if never; distress
            is that of the first month on the panel if it began earlier.
        hazard: Probability that a loan defaults in a month for the first time given its true dti and utilisation and that it is live,
            shape (n, m); NaN before it is funded and after it has defaulted or ended. It knows nothing of days past due.
        prepayment: Probability that a loan is repaid early in a month, given that it is live and does not default in it, shape (n, m);
            NaN where `hazard` is.
    """

    panel: Panel
    truth: pd.DataFrame
    hazard: np.ndarray
    prepayment: np.ndarray


def synthetic_panel(
    loans: pd.DataFrame,
    probability: np.ndarray,
    *,
    months: int = 24,
    random_state: int,
    first_month: str,
    mechanism: Mechanism = _AS_IT_IS,
) -> SyntheticPanel:
    """Return snapshots of loans funded at months drawn evenly from those that let them be live on the panel.

    A loan is live from its funding to the month before its last installment, or to its default or early repayment; one that defaults
    before the panel begins is drawn again. Its balance amortises; an installment that is 30 days late is still in it. dti and utilisation start at
    the application's values, take lasting steps, rise in distress, and are seen with noise. Default comes with the hazard
    expit(intercept + per_logit logit(p) + per_dti (dti - dti_0) / 10 + per_util (util - util_0) / 10), not in the panel's first
    month nor in a loan's first ones, and is announced by 30 and 60 days past due in the two months before. What follows it, and
    how other loans end, is in `endings`; it is drawn from a stream of its own.

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
    events = rng.spawn(1)[0]
    matrices = {name: np.empty((len(loans), months), dtype=kind) for name, kind in _MATRICES.items()}
    begins = {name: np.empty(len(loans), dtype=np.int64) for name in _BEGINS}
    log_odds = logit(np.clip(p, _SMALLEST, 1 - _SMALLEST))
    for start in range(0, len(loans), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(loans)))
        while len(rows):  # who defaulted before the panel is not on it, and is drawn again
            drawn, on_panel = _draw(loans.iloc[rows], log_odds[rows], months, mechanism, rng, events)
            for name, values in drawn.items():
                (matrices if name in matrices else begins)[name][rows[on_panel]] = values[on_panel]
            rows = rows[~on_panel]
    loan_id = np.array([f"S{number:07d}" for number in range(1, len(loans) + 1)], dtype=object)
    first = np.datetime64(first_month, "M")
    hazard, prepayment = matrices.pop("hazard"), matrices.pop("prepayment")
    panel = Panel(loan_id, np.arange(first, first + months), **matrices)
    return SyntheticPanel(panel, pd.DataFrame({"loan_id": loan_id, **begins}), hazard, prepayment)


def _draw(
    loans: pd.DataFrame,
    log_odds: np.ndarray,
    months: int,
    how: Mechanism,
    rng: np.random.Generator,
    events: np.random.Generator,
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

    in_distress = (at >= onset) & (at < easing)
    plain, days = _days_past_due(at - default, age, in_distress, how, rng)
    live, first = (at >= funded) & (at <= ends), np.maximum(first, 0)
    shown = live & ((rng.random(shape) >= how.missing) | (at == first) | (at == default))
    dti_seen = dti_level + how.dti_noise * rng.standard_normal(shape)
    util_seen = util_level + how.util_noise * rng.standard_normal(shape)
    lives = Lives(at, funded, term, amount, rate, installment, default, never, in_distress, days, plain, shown)
    found = endings(lives, how, events)
    drawn = {
        "dti": np.clip(dti_seen, 0, BY_NAME["dti"].high).round(2),
        "revol_util": np.clip(util_seen, 0, BY_NAME["revol_util"].high).round(1),
        **found.matrices,
    }
    drawn = {name: np.where(found.shown, values, np.nan) for name, values in drawn.items()}
    truth = {"hazard": hazard, "prepayment": found.prepayment}
    drawn |= {name: np.where(found.alive, values, np.nan) for name, values in truth.items()}
    drawn = {name: values[:, _BEFORE : _BEFORE + months] for name, values in drawn.items()}
    ends = np.minimum(ends, np.minimum(found.repaid, found.default))
    begins = {
        "distress": np.where((onset <= ends) & (easing > first), np.maximum(onset, first), never),
        "default": found.default,
        "repaid": found.repaid,
        "reperforms": found.reperforms,
    }
    drawn |= {name: np.where(values < months, values, -1)[:, 0] for name, values in begins.items()}
    drawn["funded"] = funded[:, 0]
    return drawn, default[:, 0] >= 0


def _days_past_due(
    since_default: np.ndarray, age: np.ndarray, in_distress: np.ndarray, how: Mechanism, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw days past due: those without consequence, and what they are with the months up to the default."""
    days = np.where(rng.random(age.shape) < how.late, rng.integers(1, 30, age.shape), 0)
    days[rng.random(age.shape) < np.where(in_distress, how.arrears_in_distress, how.arrears)] = 30
    days[age < 2] = 0  # the first installment is due a month after the funding
    announced = [since_default == 0, since_default == -1, since_default == -2]
    return days, np.select(announced, [DEFAULT_DAYS, *_ANNOUNCED], days)
