"""Live loans: their snapshots, and the applications they began as."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from loantap.data.columns import KEY
from loantap.data.panel import Panel
from loantap.data.synthetic.panel import synthetic_panel
from loantap.model.persistence import SavedModel


@dataclass(frozen=True)
class Live:
    """What early warning reads.

    Attributes:
        panel: Snapshots of n loans.
        applications: Their applications, with loan_id.
        source: Where the snapshots are stored, in words.
        truth: What synthetic snapshots were drawn from, see `SyntheticPanel`; None for real ones.
        notes: What was seen when reading.
        quarantine: Rows of snapshots set aside, with their reasons.
    """

    panel: Panel
    applications: pd.DataFrame
    source: str
    truth: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    quarantine: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["row", KEY, "as_of", "reason"]))

    @property
    def issued(self) -> np.ndarray | None:
        """The months in which synthetic loans were funded, shape (n,); None for real ones, whose applications tell it."""
        return None if self.truth is None else self.panel.months[0] + self.truth["funded"].to_numpy()


def synthetic_live(
    loans: pd.DataFrame, model: SavedModel, *, most: int, months: int = 24, random_state: int = 0
) -> Live:
    """Return synthetic snapshots of loans whose applications are those of the given ones.

    Args:
        loans: Cleaned loans, that the model has not seen.
        model: Its probability of default is part of the hazard.
        most: How many loans at most.
        months: Length of the panel, which begins where the training loans end.
        random_state: Seed of the choice of loans and of the snapshots.
    """
    chosen = loans.sample(min(most, len(loans)), random_state=random_state).reset_index(drop=True)
    first = str(np.datetime64(model.training.period[1], "M") + 1)
    made = synthetic_panel(
        chosen, model.probability(chosen), months=months, random_state=random_state, first_month=first
    )
    return Live(
        panel=made.panel,
        applications=chosen.drop(columns=KEY, errors="ignore").assign(**{KEY: made.panel.loan_id}),
        source=f"synthetic: {len(chosen):,} loans over {months} months",
        truth=made.truth,
    )
