"""Snapshots of live loans and the applications they began as, read from files or from what yields such rows."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from loantap.data.annuity import annuity
from loantap.data.application_file import open_applications
from loantap.data.cleaning import typed
from loantap.data.columns import KEY
from loantap.data.contract import FAILURE_COLUMNS, summarise
from loantap.data.reading import RaggedRow
from loantap.data.snapshot_contract import AS_OF, months_since_1970
from loantap.data.snapshot_sources import SnapshotSource, open_snapshots
from loantap.data.snapshots import read_snapshots
from loantap.data.units import Units
from loantap.errors import InputError, SchemaError
from loantap.model.inputs import source_columns
from loantap.model.persistence import SavedModel
from loantap.scoring.table import Applications, checked_applications
from loantap.watchlist.acting import TERMS
from loantap.watchlist.live import Live

_PROBLEMS = 5  # of applications, that are told


def application_needs(model: SavedModel) -> list[str]:
    """Return the columns of an application that a watchlist reads."""
    return sorted({*source_columns(inputs=model.facts.inputs), *TERMS, "dti", "revol_util"})


def read_applications(model: SavedModel, applications: Applications) -> tuple[pd.DataFrame, list[str]]:
    """Read the applications of live loans, each with an installment; those that break the contract are left out, and told in notes.

    Raises InputError where they bear no loan_id, InputError or SchemaError for what cannot be read or if none keeps the contract.
    """
    if KEY not in applications.header:
        raise InputError(
            f"{applications.location}: expected the column {KEY}, which joins applications to snapshots; there is none. Add it."
        )
    needed, units, read = application_needs(model), Units(), 0
    parts: list[pd.DataFrame] = []
    failures = [pd.DataFrame(columns=FAILURE_COLUMNS)]
    for raw in applications.chunks():
        checked, found = checked_applications(raw, needed=needed)
        parts.append(typed(checked.loc[~checked.index.isin(found["row"])]))
        failures.append(found)
        units.add(checked)
        read += len(raw)
    read += len(applications.ragged)
    if read == 0:
        raise InputError(f"{applications.location}: expected applications, found none. Check how they were exported.")
    notes = units.doubts(applications.location)
    good = pd.concat(parts, ignore_index=True)
    due = annuity(good["loan_amnt"], good["int_rate"], good["term"]).round(2)
    good = good.assign(installment=good["installment"].fillna(due) if "installment" in good else due)
    if refused := read - len(good):
        problems = summarise(pd.concat([found for found in failures if len(found)] or failures, ignore_index=True))
        told = [str(problem) for problem in problems[:_PROBLEMS]]
        if applications.ragged:
            told.append(f"{len(applications.ragged):,} records have another number of fields than the header.")
        if good.empty:
            lines = "".join(f"\n  {one}" for one in told)
            raise SchemaError(f"{applications.location}: no row keeps the contract of applications:{lines}")
        note = f"{refused:,} of {read:,} applications break the contract and were left out: their loans have no probability."
        notes = [" ".join([note, *told]), *notes]
    return good, notes


class _UpTo:
    """Snapshots without those of later months, so that what is said of a month is the same whenever it is said."""

    def __init__(self, source: SnapshotSource, month: np.datetime64) -> None:
        self._source, self._month = source, month
        self.location = source.location

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
        last, any_kept, any_later = int(self._month.astype("datetime64[M]").astype(int)), False, False
        for frame in self._source.chunks():
            kept = frame[
                months_since_1970(frame[AS_OF]) <= last
            ]  # what is no month is below all of them, and is set aside later
            any_kept, any_later = any_kept or len(kept) > 0, any_later or len(kept) < len(frame)
            if len(kept):
                yield kept
        if any_later and not any_kept:
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
    known, notes = _applications(applications, model)
    read = read_snapshots(source if until is None else _UpTo(source, until), progress=progress)
    return Live(read.panel, known, source.location, notes=(*read.notes, *notes), quarantine=read.quarantine)


def _applications(given: str | Applications | pd.DataFrame, model: SavedModel) -> tuple[pd.DataFrame, list[str]]:
    if not isinstance(given, pd.DataFrame):
        if isinstance(given, str):
            given = open_applications(Path(given), needed=application_needs(model))
        return read_applications(model, given)
    if KEY not in given:
        raise InputError(
            f"applications: expected loans with the column {KEY}, which joins them to snapshots; those of the run have none. "
            "Name a file of applications."
        )
    return given, []
