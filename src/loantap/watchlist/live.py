"""Live loans: their snapshots, and the applications they began as."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from loantap.data.annuity import annuity
from loantap.data.application_file import open_applications
from loantap.data.cleaning import typed
from loantap.data.columns import KEY
from loantap.data.contract import FAILURE_COLUMNS, summarise
from loantap.data.panel import Panel
from loantap.data.snapshot_contract import AS_OF, months_since_1970
from loantap.data.snapshot_sources import SnapshotSource, open_snapshots
from loantap.data.snapshots import read_snapshots
from loantap.data.synthetic.panel import synthetic_panel
from loantap.data.text_records import RaggedRow
from loantap.data.units import Units
from loantap.errors import InputError, SchemaError
from loantap.model.inputs import source_columns
from loantap.model.persistence import SavedModel
from loantap.scoring.table import Applications, checked_applications
from loantap.watchlist.worklist import TERMS

_PROBLEMS = 5  # of applications, that are told


@dataclass(frozen=True)
class Live:
    """What early warning reads."""

    panel: Panel  # snapshots of n loans
    applications: pd.DataFrame  # theirs, with loan_id
    source: str  # where the snapshots are stored, in words
    truth: pd.DataFrame | None = None  # what synthetic snapshots were drawn from, see `SyntheticPanel`
    notes: tuple[str, ...] = ()  # what was seen when reading
    quarantine: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["row", KEY, AS_OF, "reason"]))

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
    first, p = str(np.datetime64(model.training.period[1], "M") + 1), model.probability(chosen)
    made = synthetic_panel(chosen, p, months=months, random_state=random_state, first_month=first)
    applications = chosen.drop(columns=KEY, errors="ignore").assign(**{KEY: made.panel.loan_id})
    return Live(made.panel, applications, f"synthetic: {len(chosen):,} loans over {months} months", made.truth)


def application_needs(model: SavedModel) -> list[str]:
    """Return the columns of an application that a watchlist reads."""
    return sorted({*source_columns(inputs=model.metadata.inputs), *TERMS, "dti", "revol_util"})


def read_applications(model: SavedModel, applications: Applications) -> tuple[pd.DataFrame, list[str]]:
    """Read the applications of live loans, each with an installment; those that break the contract are left out, and told in notes.

    Raises InputError where they bear no loan_id, InputError or SchemaError for what cannot be read or if none keeps the contract.
    """
    place = applications.location
    if KEY not in applications.header:
        raise InputError(
            f"{place}: expected the column {KEY}, which joins applications to snapshots; there is none. Add it."
        )
    needed, units, read, parts, failures = application_needs(model), Units(), 0, [], []
    for raw in applications.chunks():
        checked, problems = checked_applications(raw, needed=needed)
        parts.append(typed(checked.loc[~checked.index.isin(problems["row"])]))
        failures.append(problems)
        units.add(checked)
        read += len(raw)
    read += len(applications.ragged)
    if read == 0:
        raise InputError(f"{place}: expected applications, found none. Check how they were exported.")
    notes = [*applications.notes, *units.doubts(place)]
    good = pd.concat(parts, ignore_index=True)
    due = annuity(good["loan_amnt"], good["int_rate"], good["term"]).round(2)
    good = good.assign(installment=good["installment"].fillna(due) if "installment" in good else due)
    if refused := read - len(good):
        broken = [found for found in failures if len(found)] or [pd.DataFrame(columns=FAILURE_COLUMNS)]
        told = [str(problem) for problem in summarise(pd.concat(broken, ignore_index=True))[:_PROBLEMS]]
        if applications.ragged:
            told.append(f"{len(applications.ragged):,} records have another number of fields than the header.")
        if good.empty:
            raise SchemaError("\n  ".join([f"{place}: no row keeps the contract of applications:", *told]))
        note = f"{refused:,} of {read:,} applications break the contract and were left out: their loans have no probability."
        notes = [" ".join([note, *told]), *notes]
    return good, notes


class _UpTo:
    """Snapshots without those of later months, so that what is said of a month is the same whenever it is said."""

    def __init__(self, source: SnapshotSource, month: np.datetime64) -> None:
        self._source, self._month, self.location = source, month, source.location

    @property
    def ragged(self) -> Sequence[RaggedRow]:
        """Records with a wrong number of fields met so far."""
        return self._source.ragged

    @property
    def notes(self) -> Sequence[str]:
        """What was told from the source and not by it."""
        return self._source.notes

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield the snapshots up to the month; raises InputError where all are later."""
        last, kept_any, later_any = int(self._month.astype("datetime64[M]").astype(int)), False, False
        for frame in self._source.chunks():
            # What is no month is below all of them, and is set aside later.
            kept = frame[months_since_1970(frame[AS_OF]) <= last]
            kept_any, later_any = kept_any or len(kept) > 0, later_any or len(kept) < len(frame)
            if len(kept):
                yield kept
        if later_any and not kept_any:
            raise InputError(
                f"{self.location}: expected snapshots of {self._month} or earlier, all are later. Name a later month."
            )


def read_live(
    snapshots: str | SnapshotSource,
    applications: str | Applications | pd.DataFrame,
    model: SavedModel,
    *,
    until: np.datetime64 | None = None,
    progress: Callable[[int], None] | None = None,
) -> Live:
    """Read snapshots of live loans and their applications.

    Args:
        snapshots: A file, or what yields its rows.
        applications: The same for applications; or cleaned loans with loan_id.
        model: What will be asked about them.
        until: The last month that is read; all of them for None.
        progress: Called with the number of snapshots read so far.

    Raises InputError or SchemaError for what cannot be read or joined.
    """
    source = open_snapshots(Path(snapshots)) if isinstance(snapshots, str) else snapshots
    notes: list[str] = []
    if isinstance(applications, str):
        applications = open_applications(Path(applications), needed=application_needs(model))
    if not isinstance(applications, pd.DataFrame):
        applications, notes = read_applications(model, applications)
    elif KEY not in applications:
        raise InputError(
            f"applications: expected loans with the column {KEY}, which joins them to snapshots; those of the run have none. "
            "Name a file of applications."
        )
    read = read_snapshots(source if until is None else _UpTo(source, until), progress=progress)
    return Live(read.panel, applications, source.location, notes=(*read.notes, *notes), quarantine=read.quarantine)
