"""Snapshots of all kinds for what watches loans: gaps, unknown and wrong values, copies, defaults and their probation."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scored_alike import as_cleaned

from loantap.data.text_records import RaggedRow

LOANS = 60
WORDS = ("open", "Current", "Fully Paid", "Charged Off", "In Forbearance", "a yacht")
DAYS = (1.0, 29.0, 30.0, 59.0, 60.0, 89.0, 90.0, 150.0, -3.0, 1.5)


class Delivered:
    """Rows at hand, as a source of snapshots."""

    location = "given rows"
    notes: Sequence[str] = ()
    ragged: Sequence[RaggedRow] = ()

    def __init__(self, rows: pd.DataFrame) -> None:
        self._rows = rows.set_axis(pd.RangeIndex(1, len(rows) + 1))

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield them."""
        yield self._rows


def applications_of(loans: pd.DataFrame) -> pd.DataFrame:
    """Return applications of most of the loans; some break the contract, and some tell no installment."""
    frame = as_cleaned(loans).head(LOANS - 5).reset_index(drop=True)
    frame["loan_id"] = [f"L{number:03d}" for number in frame.index]
    frame.loc[3, "annual_inc"], frame.loc[4, "grade"] = -1.0, "Z"
    return frame.assign(installment=frame["installment"].where(frame.index % 3 > 0))


def random_snapshots(seed: int, *, months: int, gaps: float, unknown: float, late: float) -> pd.DataFrame:
    """Return snapshots of LOANS loans up to 2016-12, in no order.

    Args:
        seed: Of what is drawn.
        months: How many there are.
        gaps: Share of months in which a loan is not delivered.
        unknown: Share of values that are not known.
        late: Share of months in which a loan is late.
    """
    rng = np.random.default_rng(seed)
    loan, month = (side.ravel() for side in np.meshgrid(np.arange(LOANS), np.arange(months), indexing="ij"))
    n = len(loan)
    frame = pd.DataFrame({
        "loan_id": [f"L{number:03d}" for number in loan],
        "as_of": (np.datetime64("2016-12", "M") - months + 1 + month).astype(str),
        "dti": rng.choice([5.0, 18.0, 31.5, 44.0, 9_999.0, -1.0], n, p=[0.3, 0.3, 0.2, 0.17, 0.01, 0.02]) + rng.random(n).round(2),
        "revol_util": (50 + 8 * rng.normal(size=n).cumsum() % 60).round(1),
        "balance": np.where(rng.random(n) < 0.05, 0.0, (rng.random(n) * 20_000).round(2)),
        "days_past_due": np.where(rng.random(n) < late, rng.choice(DAYS, n), 0.0),
        "payment": np.where(rng.random(n) < 0.3, (rng.random(n) * 400).round(2), 900.0),
        "inquiries": rng.integers(0, 9, n).astype(float),
        "status": pd.Series(np.where(rng.random(n) < 0.12, rng.choice(WORDS, n), None), dtype="str"),
    })  # fmt: skip
    for name in ("dti", "revol_util", "balance", "days_past_due", "payment", "inquiries"):
        frame.loc[rng.random(n) < unknown, name] = np.nan
    frame = frame[(rng.random(n) >= gaps) | (loan == 0)]  # one loan has every month, so that none is lost
    twice = frame.sample(frac=0.05, random_state=seed)
    twice = twice.assign(dti=twice["dti"].where(rng.random(len(twice)) < 0.5), days_past_due=rng.choice(DAYS[:6], len(twice)))  # fmt: skip
    return pd.concat([frame, twice]).sample(frac=1, random_state=seed).reset_index(drop=True)
