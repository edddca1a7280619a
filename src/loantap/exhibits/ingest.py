"""What came in, where every record went, and what was wrong with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from loantap.exhibits import heads
from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.words import capital, columns, plain, show

if TYPE_CHECKING:
    from loantap.data.ingest import IngestSummary


def summary(found: "IngestSummary") -> Exhibit:
    """Say how many loans are analysed, from when, and how many of them defaulted."""
    first, last = found.period or ("", "")
    return Exhibit(
        text=f"**{show(found.rows, 'count')} finished loans** are analysed, funded from {first} to {last}; "
        f"{show(found.defaults, 'count')} of them were charged off ({show(found.defaults / found.rows, 'rate')})."
    )


def sources(read: pd.DataFrame, notes: list[str]) -> Exhibit:
    """Show what was read from each source, if there were sources, and what was noted when reading.

    Args:
        read: source, kind, location, rows, seconds, files (records of file, size, sha256); empty without sources.
        notes: Sentences.
    """
    text = "\n".join(f"- {plain(note)}" for note in notes)
    if read.empty:
        return Exhibit(text=text)
    if "files" not in read:
        read = read.assign(files=None)
    table = read[["source", "kind", "location", "rows", "seconds"]].assign(files=read["files"].map(_files))
    return Exhibit(
        "ingest-sources",
        title=f"{len(table)} sources were read",
        caption=f"What {len(table)} sources brought: {show(int(table['rows'].sum()), 'count')} rows.",
        text=text,
        table=table,
        columns=columns("source", "kind", "rows", "seconds", "location", "files"),
    )


def _files(files: Any) -> str:
    listed = files if isinstance(files, list) else []
    return "; ".join(
        f"{Path(file['file']).name} ({file['size']:,} bytes, sha256 {file['sha256'][:12]})" for file in listed
    )


def merge(merged: Mapping[str, Any] | None) -> Exhibit:
    """Show how the rows of several sources went together, if there were several.

    Args:
        merged: rows, base, and sources: records of counts by source, with examples of keys.
    """
    if merged is None:
        return Exhibit(text="Nothing was merged: the loans are of one source.")
    table = pd.DataFrame(merged["sources"])
    for name in ("loans_without_keys", "rows_without_keys", "repeated_keys"):
        table[name] = table[name].map(", ".join)
    title = f"{show(merged['rows'], 'count')} of {show(merged['base'], 'count')} loans are left after the merge"
    return Exhibit(
        "ingest-merge",
        title=title,
        caption="Rows of each source, and what became of them.",
        table=table,
        columns=columns("source", "rows", "copies", "superseded", "matched", "loans_without", "rows_without"),
    )


def conflicts(merged: Mapping[str, Any] | None) -> Exhibit:
    """Show the columns that two sources claim, and for how many loans they differ, if there are such columns."""
    found = merged["conflicts"] if merged else []
    if not found:
        return Exhibit(text="No column is claimed by two sources." if merged else "")
    table = pd.DataFrame(found, columns=["column", "first", "second", "compared", "differ", "keys"])
    title = f"{int((table['differ'] > 0).sum())} of {len(table)} columns that two sources claim differ between them"
    return Exhibit(
        "ingest-conflicts",
        title=title,
        caption="Loans compared, and loans that differ.",
        table=table.assign(keys=table["keys"].map(", ".join)),
        columns=columns("column", "first", "second", "compared", "differ"),
    )


def accounts(table: pd.DataFrame) -> Exhibit:
    """Show where every record went: what, records, share; the records read stand in the row 'read'."""
    records = table.set_index("what")["records"]
    read = int(records["read"])
    lost = read - int(records.drop("read").sum())
    return Exhibit(
        "ingest-accounts",
        title=f"{show(lost, 'count')} records are not accounted for" if lost else "Every record is accounted for",
        caption=f"What became of {show(read, 'count')} records.",
        table=table,
        columns=columns("what", "records", "share"),
    )


def problems(table: pd.DataFrame, *, set_aside: int) -> Exhibit:
    """Show each rule of the codebook that some record broke: column, rule, records, rows (where first, as text)."""
    return Exhibit(
        "ingest-problems",
        title=f"{len(table)} rules of the codebook are broken"
        if len(table) > 1
        else "1 rule of the codebook is broken"
        if len(table)
        else "No record breaks a rule",
        caption=f"{show(set_aside, 'count')} records were set aside.",
        table=table,
        columns=columns("column", "rule", "records", "rows", rows="text"),
    )


def extra_columns(names: list[str]) -> Exhibit:
    """Say which columns the codebook does not know."""
    told = f"Columns that the codebook does not know, kept and not used: {', '.join(map(plain, names))}."
    return Exhibit(text=told if names else "Every column is known to the codebook.")


def missing(table: pd.DataFrame, *, loans: int) -> Exhibit:
    """Show how many values each column lacks: column, loans, share."""
    most = table.iloc[int(table["share"].argmax())] if len(table) else None
    return Exhibit(
        "ingest-missing",
        title="No value is missing"
        if most is None
        else f"{capital(heads.label(most['column']))} is missing most often: in {show(most['share'], 'rate')} of loans",
        caption=f"{len(table)} columns lack values; n = {show(loans, 'count')} loans.",
        table=table,
        columns=columns("column", "loans", "share"),
    )


def codebook(table: pd.DataFrame) -> Exhibit:
    """Show what each column means, and the rule that its values have to keep."""
    return Exhibit(
        "codebook",
        title="What each column means",
        caption=f"The {len(table)} columns of a file of loans.",
        table=table,
        columns=columns(*table),
    )


def features(table: pd.DataFrame) -> Exhibit:
    """Show what a model makes of the columns, and which direction of risk is expected of each."""
    return Exhibit(
        "codebook-features",
        title="What a model makes of the columns",
        caption=f"The {len(table)} features, how each enters the model, and what is expected of a higher value.",
        table=table,
        columns=columns(*table),
    )
