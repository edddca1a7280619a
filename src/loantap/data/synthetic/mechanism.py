"""The truth behind a synthetic panel, as constants: none of them was estimated, since there are no real snapshots."""

from dataclasses import dataclass


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
        missing: Share of snapshots that are lost, but for the first and the last of a loan and that of its default.
        prepays: Share of loans that are repaid early in a month, arrears and all.
        prepays_in_distress: The same in distress, where money for it is rarer.
        charged_off_after: Months after the default in which a loan is charged off, unless it re-performs before.
        reperforms: Share of defaults that re-perform: payments begin again, and what was missed is added to the end. What comes
            after is drawn like the arrears of other loans; none of them defaults again.
        inquiries: Mean number of credit inquiries within six months.
        inquiries_in_distress: The same in distress.
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
    prepays: float = 0.01
    prepays_in_distress: float = 0.003
    charged_off_after: int = 3
    reperforms: float = 0.1
    inquiries: float = 0.5
    inquiries_in_distress: float = 1.5
