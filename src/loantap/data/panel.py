"""Monthly snapshots of live loans as matrices: loans by months."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

DEFAULT_DAYS = 90  # days past due at which a loan counts as defaulted (the Basel definition of default)
OPEN, CLOSED, CHARGED_OFF, FORBEARANCE = 0.0, 1.0, 2.0, 3.0
STATUSES = {CLOSED: "closed", CHARGED_OFF: "charged off", FORBEARANCE: "forbearance"}


@dataclass(frozen=True)
class Panel:
    """Snapshots of n loans in m consecutive months; NaN where a value is not known.

    Attributes:
        loan_id: Which loans, ascending, shape (n,).
        months: Which months, ascending and without gaps, datetime64[M], shape (m,).
        dti: Monthly debt payments without mortgage and this loan, in percent of monthly income, shape (n, m).
        revol_util: Revolving utilisation in percent of the limit, shape (n, m).
        balance: Balance outstanding, in currency, shape (n, m).
        days_past_due: Days since the oldest unpaid installment was due, shape (n, m); None where nobody tells.
        status: OPEN, or one of STATUSES, shape (n, m); None where nobody tells.
        payment: What was paid in the month, in currency, shape (n, m); None where nobody tells.
        inquiries: Credit inquiries in the last six months, shape (n, m); None where nobody tells.
        delivered: Which loans have a snapshot in which month, whatever it tells, shape (n, m); by default where any value is known.
    """

    loan_id: np.ndarray
    months: np.ndarray
    dti: np.ndarray
    revol_util: np.ndarray
    balance: np.ndarray
    days_past_due: np.ndarray | None = None
    status: np.ndarray | None = None
    payment: np.ndarray | None = None
    inquiries: np.ndarray | None = None
    delivered: np.ndarray = None  # type: ignore[assignment]  # made below where nobody tells

    def __post_init__(self) -> None:
        if self.delivered is None:
            known = np.logical_or.reduce([~np.isnan(values) for _, values in self.matrices()])
            object.__setattr__(self, "delivered", known)

    def matrices(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the name and the values of each matrix that is there, `delivered` among them once it is known."""
        for field in fields(self)[2:]:
            if (values := getattr(self, field.name)) is not None:
                yield field.name, values

    def default_month(self, days: int = DEFAULT_DAYS) -> np.ndarray:
        """Return the position of the month in which each loan is first so many days past due, or charged off; m if never, shape (n,)."""
        late = np.zeros(self.delivered.shape, dtype=bool)
        if self.days_past_due is not None:
            late |= self.days_past_due >= days  # NaN is not
        if self.status is not None:
            late |= self.status == CHARGED_OFF
        return np.where(late.any(axis=1), late.argmax(axis=1), len(self.months))

    def until(self, month: np.datetime64) -> "Panel":
        """Return the panel without what comes after a month."""
        last = int((self.months <= month.astype("datetime64[M]")).sum())
        return self._with({name: values[:, :last] for name, values in self.matrices()}, months=self.months[:last])

    def only(self, rows: np.ndarray) -> "Panel":
        """Return the panel of some of its loans, by position or mask."""
        return self._with({name: values[rows] for name, values in self.matrices()}, loan_id=self.loan_id[rows])

    def _with(self, matrices: dict[str, Any], **others: np.ndarray) -> "Panel":
        return replace(self, **matrices, **others)
