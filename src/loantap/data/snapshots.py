"""Monthly snapshots of live loans, read, checked and turned into a panel; what breaks the contract is set aside with its reason."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from loantap.data.columns import KEY
from loantap.data.panel import OPEN, STATUSES, Panel
from loantap.data.snapshot_contract import AS_OF, MEASURES, NEEDED, check_snapshots
from loantap.data.snapshot_quarantine import SetAside
from loantap.data.snapshot_rows import FAR, Growing, Rows, by_loan, far_months, is_formula, matrix, repeats
from loantap.data.snapshot_sources import SnapshotSource
from loantap.data.synthetic.writing import write_chunks
from loantap.data.units import Units
from loantap.errors import InputError, SchemaError

_MOST_CELLS = 250_000_000  # loans times months; each of the four measures takes 8 bytes for each
_SHOWN_MONTHS = 12
_FEW_LOST = 20  # rows without a month that are no month of their own


@dataclass(frozen=True)
class Snapshots:
    """Snapshots as a panel, and what became of every row.

    Attributes:
        panel: The snapshots; `days_past_due` is None where nobody tells.
        quarantine: Rows that break the contract, by row: row (from 1), loan_id, as_of, reason.
        notes: What a person should know of the rows, a sentence or two each.
        rows: Rows read.
    """

    panel: Panel
    quarantine: pd.DataFrame
    notes: list[str]
    rows: int

    @property
    def loans(self) -> int:
        """How many loans the panel has."""
        return len(self.panel.loan_id)

    @property
    def months(self) -> int:
        """How many months it has."""
        return len(self.panel.months)


def read_snapshots(source: SnapshotSource, *, progress: Callable[[int], None] | None = None) -> Snapshots:
    """Read snapshots, check them and return them as a panel.

    Rows may stand in any order. A row without loan or month is set aside, and so are months more than a year from the others. A
    value that breaks a rule of the codebook counts as not known, and so does what two snapshots of one loan and month say differently.
    Of equal rows one is kept. Months that a loan lacks stay NaN.

    Args:
        source: As from `open_snapshots` or `SnapshotTable`.
        progress: Called with the number of rows read so far.

    Raises InputError for what cannot be read, is empty, or does not fit into memory as a panel; SchemaError where a column is
    missing or holds fractions, or more than half of the rows would be set aside.
    """
    where, aside = source.location, SetAside()
    rows, measures, read = _read(source, aside, progress)
    notes = _judge_units(rows, measures, where)
    names, far = is_formula(rows.loans)[rows.loan], far_months(rows)
    aside.add_rows(f"{KEY}: begins like a formula", rows, names)
    aside.add_rows(f"{AS_OF}: more than {FAR} months from the other snapshots", rows, far)
    aside.refuse_most(read=read, location=where)
    _refuse_lost_months(aside, rows, where)
    rows = _only(~(names | far), rows, measures)
    _check_size(rows, where)
    found = repeats(rows, measures)
    aside.add_rows("snapshots of one month that differ; what differs counts as not known", rows, found.differ)
    aside.refuse_most(read=read, location=where)
    for name, (places, values) in found.settled.items():
        measures[name][places] = values
    rows = _only(found.last, rows, measures)
    panel = _panel(rows, measures)
    if bad := aside.count():
        notes.append(
            f"Rows that break the contract: {bad:,} of {read:,}; a wrong value counts as not known. {'; '.join(aside.rules())}."
        )
    if copies := int(found.copies.sum()):
        notes.append(f"Rows that repeat another one: {copies:,}. One of each was kept.")
    if found.disordered:
        notes.append(f"Loans whose months do not stand in their order: {found.disordered:,}. They were sorted.")
    return Snapshots(panel, aside.quarantine(), [*source.notes, *notes, *_panel_notes(panel)], read)


def _refuse_lost_months(aside: SetAside, rows: Rows, where: str) -> None:
    """Raise SchemaError where as many rows have no month, or one that is far away, as half of the newest month has rows."""
    newest = int((rows.month[~far_months(rows)] == rows.month[~far_months(rows)].max()).sum())
    if 2 * (lost := aside.count(AS_OF)) > max(newest, _FEW_LOST):
        told = "\n  ".join(text for text in aside.rules() if text.startswith(AS_OF))
        raise SchemaError(
            f"{where}: {lost:,} rows have no month that can be placed, the newest month has {newest:,}. A whole month may be among them:\n  {told}\n"
            "Write months as 2016-01 or 2016-01-31, and bring the months between."
        )


def _panel_notes(panel: Panel) -> list[str]:
    """Return what a panel lacks: months of all loans, months of single loans, and loans that vanish."""
    seen, position = panel.delivered, np.arange(len(panel.months))
    first, last = seen.argmax(axis=1), position[-1] - seen[:, ::-1].argmax(axis=1)
    notes = []
    if (empty := ~seen.any(axis=0)).any():
        named = [str(month) for month in panel.months[empty]]
        shown = ", ".join([*named[:_SHOWN_MONTHS], *(["..."] if len(named) > _SHOWN_MONTHS else [])])
        notes.append(f"Months without a snapshot of any loan: {shown}. They stay unknown.")
    inside = (position > first[:, np.newaxis]) & (position < last[:, np.newaxis])
    gaps = (inside & ~seen & ~empty).sum(axis=1)
    if gaps.any():
        notes.append(f"Months that single loans lack between their first and last snapshot: {gaps.sum():,}, of {(gaps > 0).sum():,} loans. They stay unknown.")  # fmt: skip
    return notes


def write_snapshots(panel: Panel, path: Path) -> None:
    """Write a panel as rows of snapshots, month after month, to a .csv, .csv.gz or .parquet file, whole or not at all.

    What is read back from it is the same panel, but for loans without any snapshot. Raises InputError for another suffix.
    """
    write_chunks(_monthly(panel), Path(path), lambda written: None)


def _monthly(panel: Panel) -> Iterator[pd.DataFrame]:
    for position in np.flatnonzero(panel.delivered.any(axis=0)):
        rows, month = np.flatnonzero(panel.delivered[:, position]), panel.months[position]
        values = {name: matrix[rows, position] for name, matrix in panel.matrices() if name in MEASURES}
        if "status" in values:
            values["status"] = pd.Series(values["status"]).map({OPEN: "open"} | STATUSES).array
        yield pd.DataFrame({KEY: panel.loan_id[rows], AS_OF: str(month), **values})


def _read(
    source: SnapshotSource, aside: SetAside, progress: Callable[[int], None] | None
) -> tuple[Rows, dict[str, np.ndarray], int]:
    """Return the rows that keep the rules, their measures and how many rows were read; note the others in `aside`."""
    loans, read = [], 0
    held: dict[str, Growing] = defaultdict(Growing)  # of the columns that are there
    for frame in source.chunks():
        kept, failures = check_snapshots(frame)
        loans.append(kept.pop(KEY))
        for name, values in kept.items():
            held[name].add(values)
        for rule, failed in failures.items():
            aside.add(rule, failed)
        read += len(frame)
        if progress:
            progress(read)
    if read == 0:
        raise InputError(f"{source.location}: expected snapshots, found none. Check how they were exported.")
    aside.add_ragged(source.ragged)
    read += len(source.ragged)
    aside.refuse_most(read=read, location=source.location)
    loan = pa.chunked_array(loans).dictionary_encode()  # one dictionary for all chunks
    loans.clear()
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in loan.chunks])
    rows = Rows(held["row"].values(), codes, held[AS_OF].values(), loan.chunk(0).dictionary)
    return rows, {name: held[name].values() for name in MEASURES if name in held}, read


def _judge_units(rows: Rows, measures: dict[str, np.ndarray], where: str) -> list[str]:
    """Return doubts about the units of all rows, or raise SchemaError; a single month, as the newest one, may have other units."""
    whole = Units()
    whole.add(measures)
    notes = whole.doubts(where)
    for place, month in enumerate(rows.months):
        then, one = rows.month == rows.month.min() + place, Units()
        one.add({name: values[then] for name, values in measures.items()})
        one.doubts(f"{where}, month {month}")
    return notes


def _check_size(rows: Rows, location: str) -> None:
    loans, months = len(rows.loans), len(rows.months)
    if loans * months > _MOST_CELLS:
        raise InputError(
            f"{location}: expected at most {_MOST_CELLS:,} loans times months, got {loans:,} loans in {months:,} months with "
            f"{len(rows.row) / loans:.1f} snapshots each. Check that {KEY} names the loan and not the row, or bring fewer months."
        )


def _only(keep: np.ndarray, rows: Rows, measures: dict[str, np.ndarray]) -> Rows:
    """Return some of the rows, and leave their measures only."""
    if keep.all():
        return rows
    for name, values in measures.items():
        measures[name] = values[keep]
    return rows.only(keep)


def _panel(rows: Rows, measures: dict[str, np.ndarray]) -> Panel:
    """Return rows, one per loan and month, as matrices; each measure is let go of when its matrix is made."""
    loan_id, cells = by_loan(rows)
    shape = (len(loan_id), len(rows.months))
    delivered = np.zeros(shape, dtype=bool)
    delivered.reshape(-1)[cells] = True
    filled = {name: matrix(measures.pop(name), cells, shape) for name in list(measures)}
    told = {name: values for name, values in filled.items() if name in NEEDED or not np.isnan(values).all()}
    return Panel(loan_id, rows.months, **told, delivered=delivered)
