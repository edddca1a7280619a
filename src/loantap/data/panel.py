"""Monthly snapshots of live loans as matrices: loans by months."""

from dataclasses import dataclass

import numpy as np

DEFAULT_DAYS = 90  # days past due at which a loan counts as defaulted (the Basel definition of default)


@dataclass(frozen=True)
class Panel:
    """Snapshots of n loans in m consecutive months; NaN where a loan has no snapshot in a month.

    Attributes:
        loan_id: Which loans, ascending, shape (n,).
        months: Which months, ascending and without gaps, datetime64[M], shape (m,).
        dti: Monthly debt payments without mortgage and this loan, in percent of monthly income, shape (n, m).
        revol_util: Revolving utilisation in percent of the limit, shape (n, m).
        balance: Balance outstanding, in currency, shape (n, m).
        days_past_due: Days since the oldest unpaid installment was due, shape (n, m); None where nobody tells.
    """

    loan_id: np.ndarray
    months: np.ndarray
    dti: np.ndarray
    revol_util: np.ndarray
    balance: np.ndarray
    days_past_due: np.ndarray | None = None

    def default_month(self) -> np.ndarray:
        """Return for each loan the position of the first month in which it is DEFAULT_DAYS or more past due, m if none, shape (n,)."""
        if self.days_past_due is None:
            return np.full(len(self.loan_id), len(self.months))
        late = self.days_past_due >= DEFAULT_DAYS  # NaN is not
        return np.where(late.any(axis=1), late.argmax(axis=1), len(self.months))

    def until(self, month: np.datetime64) -> "Panel":
        """Return the panel without what comes after a month."""
        last = int((self.months <= month.astype("datetime64[M]")).sum())
        late = None if self.days_past_due is None else self.days_past_due[:, :last]
        return Panel(self.loan_id, self.months[:last], self.dti[:, :last], self.revol_util[:, :last], self.balance[:, :last], late)  # fmt: skip
