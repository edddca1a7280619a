"""Read, check, clean and store loans chunk by chunk, so that memory does not grow with the file."""

import csv
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from loantap.data.cleaning import clean_loans
from loantap.data.columns import BY_NAME, NAMES, NEEDED, OPTIONAL, UNFINISHED
from loantap.data.contract import Problem, address_columns, check_loans, summarise
from loantap.data.headers import kept_names
from loantap.data.reading import LoanSource
from loantap.data.text_records import RaggedRow
from loantap.data.units import Units
from loantap.errors import SchemaError
from loantap.files import replacing

_SHOWN_PROBLEMS = 20


@dataclass
class IngestSummary:
    """What became of every record: read = analysed + unfinished + duplicates + quarantined.

    Attributes:
        rows_read: Records in the source.
        rows: Loans that are analysed.
        defaults: How many of them were charged off.
        unfinished: Records left out because the loan had not ended, by status.
        duplicates: Records left out because an equal one came before.
        quarantined: Records set aside because they break the contract.
        problems: The broken rules, most frequent first.
        extra_columns: Columns that the codebook does not know, by the names under which they are kept; not used.
        missing: Missing values by column, among the analysed loans.
        period: First and last month of funding, such as ("2007-06", "2016-12").
        notes: What a person should know of the columns.
    """

    rows_read: int = 0
    rows: int = 0
    defaults: int = 0
    unfinished: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    quarantined: int = 0
    problems: list[Problem] = field(default_factory=list)
    extra_columns: list[str] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)
    period: tuple[str, str] | None = None
    notes: list[str] = field(default_factory=list)


def ingest(
    source: LoanSource, *, loans_path: Path, quarantine_path: Path | None, checked_path: Path | None = None
) -> IngestSummary:
    """Check, clean and write loans to Parquet.

    Args:
        source: The loans as they came.
        loans_path: Where the cleaned loans go, whole or not at all.
        quarantine_path: Where records that break the contract go as CSV, with the reasons; None to refuse them.
        checked_path: Where all records that keep the contract go as Parquet, typed, those of loans that have not ended
            too; None if nobody wants them.

    Raises SchemaError, with nothing written, for a percentage in fractions, if a record breaks the contract and there is no
    quarantine, or if no finished loan is left, or if all of them ended the same way.
    """
    summary = IngestSummary()
    failures: list[pd.DataFrame] = []
    seen = np.empty(0, dtype="uint64")
    units, fields, kept = Units(), list[str](), dict[str, str]()
    with ExitStack() as stack:
        loans_file = _Parts(stack, loans_path)
        checked_file = _Parts(stack, checked_path) if checked_path else None
        quarantine = _Quarantine(stack.enter_context(replacing(quarantine_path))) if quarantine_path else None
        for raw in source.chunks():
            summary.rows_read += len(raw)
            fields, kept = list(raw.columns), kept_names(raw.columns)
            summary.extra_columns = list(kept.values())
            if absent := [name for name in NEEDED if name not in raw]:  # of a file the header is looked at before
                raise SchemaError(
                    f"{source.location}: expected the columns of the codebook, {', '.join(absent)} is absent. Declare it optional "
                    "(src/loantap/data/columns.py), or read loans that have it."
                )
            checked, found = check_loans(raw)
            failures.append(found)
            bad = raw.index.isin(found["row"])
            units.add(checked)
            if quarantine and bad.any():
                quarantine.add(raw.loc[bad], found)
            good, seen, copies = _without_copies(raw, checked, bad, seen)
            summary.duplicates += copies
            summary.unfinished.update(good.loc[good["loan_status"].isin(UNFINISHED), "loan_status"])
            loans = clean_loans(good)
            _count(summary, loans)
            loans_file.add(loans)
            if checked_file:
                checked_file.add(good.reset_index(names="row"))
        summary.notes = [*source.notes]
        summary.notes += [
            f"loantap makes a column '{name.strip().lower()}' itself; the file's is kept as '{other}'"
            for name, other in kept.items()
            if name != other
        ]
        summary.notes += [absent_note(name) for name in OPTIONAL if name not in fields]
        if summary.missing["pincode"] == summary.rows:
            summary.notes.append("the loans hold no pincode: what needs one is left out")
        elif "address" not in fields:
            summary.notes.append(f"there is no address: pincodes are those of '{address_columns(fields)[1]}'")
        summary.notes += units.doubts(source.location)
        _finish(summary, failures, source, quarantine, fields=len(fields))
    return summary


def absent_note(name: str) -> str:
    """Say that loans lack an optional column."""
    return f"the loans lack the optional column '{name}' ({BY_NAME[name].meaning}): it is missing in all of them"


class _Parts:
    """A Parquet file written part by part, whole or not at all."""

    def __init__(self, stack: ExitStack, path: Path) -> None:
        self._stack, self._path = stack, stack.enter_context(replacing(path))
        self._writer: pq.ParquetWriter | None = None

    def add(self, frame: pd.DataFrame) -> None:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        if self._writer is None:
            self._writer = self._stack.enter_context(pq.ParquetWriter(self._path, table.schema, compression="zstd"))
        self._writer.write_table(table.cast(self._writer.schema))


def _without_copies(
    raw: pd.DataFrame, checked: pd.DataFrame, bad: np.ndarray, seen: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray, int]:
    # Equal 64-bit hashes of all fields stand for equal records: among 4 million loans, two different ones
    # share a hash with probability below 1e-6.
    hashes = pd.util.hash_pandas_object(raw, index=False).to_numpy()
    copy = (pd.Series(hashes).duplicated().to_numpy() | np.isin(hashes, seen)) & ~bad
    return checked.loc[~bad & ~copy], np.concatenate([seen, hashes[~copy]]), int(copy.sum())


def _count(summary: IngestSummary, loans: pd.DataFrame) -> None:
    summary.rows += len(loans)
    summary.defaults += int(loans["default"].sum())
    missing = loans.isna().sum()
    summary.missing.update({str(name): int(count) for name, count in missing.items() if count})
    if len(loans):
        months = [loans["issue_d"].min().strftime("%Y-%m"), loans["issue_d"].max().strftime("%Y-%m")]
        known = [*months, *(summary.period or ())]
        summary.period = (min(known), max(known))


def _finish(
    summary: IngestSummary,
    failures: list[pd.DataFrame],
    source: LoanSource,
    quarantine: "_Quarantine | None",
    *,
    fields: int,
) -> None:
    ragged = source.ragged
    summary.rows_read += len(ragged)
    found = pd.concat(failures, ignore_index=True) if failures else pd.DataFrame()
    summary.problems = summarise(found) if len(found) else []
    if ragged:
        rule = f"a record without {fields} fields"
        rows = tuple(record.row for record in ragged[:3])
        counts = tuple(str(record.fields) for record in ragged[:3])
        summary.problems.insert(0, Problem("", rule, len(ragged), rows, counts))
    summary.quarantined = len(ragged) + (found["row"].nunique() if len(found) else 0)
    if summary.problems and quarantine is None:
        shown = "\n".join(f"  {problem}" for problem in summary.problems[:_SHOWN_PROBLEMS])
        more = len(summary.problems) - _SHOWN_PROBLEMS
        raise SchemaError(
            f"{source.location}: {summary.quarantined:,} of {summary.rows_read:,} rows break the contract:\n{shown}\n"
            + (f"  and {more:,} more kinds of problem.\n" if more > 0 else "")
            + "Fix the rows, or rerun with --quarantine to set them aside."
        )
    if quarantine:
        quarantine.add_ragged(ragged)
    if summary.rows == 0:
        raise SchemaError(
            f"{source.location}: expected loans that were repaid or charged off, found none among {summary.rows_read:,} rows "
            f"({summary.quarantined:,} break the contract, {summary.unfinished.total():,} have not ended)."
        )
    if summary.defaults in (0, summary.rows):
        ended = "charged off" if summary.defaults else "repaid"
        raise SchemaError(
            f"{source.location}: expected both outcomes, but all {summary.rows:,} finished loans were {ended}."
        )


class _Quarantine:
    """A CSV of records set aside: row, reasons, then the record as it came."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerow(["row", "reasons", *NAMES])

    def add(self, raw: pd.DataFrame, failures: pd.DataFrame) -> None:
        texts = failures["column"].str.cat(failures["rule"], sep=": ").str.removeprefix(": ")
        reasons = texts.groupby(failures["row"]).agg("; ".join)
        shown = raw.reindex(columns=list(NAMES))
        shown.insert(0, "reasons", reasons.reindex(raw.index))
        shown.to_csv(self._path, mode="a", header=False, index_label="row")

    def add_ragged(self, ragged: list[RaggedRow]) -> None:
        with self._path.open("a", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerows([record.row, f"a record of {record.fields} fields", record.text] for record in ragged)
