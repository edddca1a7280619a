"""What came in, where every record went, and what was wrong with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from loantap.data.ingest import IngestSummary
from loantap.exhibits import heads
from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.words import bullets, capital, columns, plain, show


def summary(loans: IngestSummary) -> Exhibit:
    """Say how many loans are analysed, from when, and how many of them defaulted."""
    first, last = loans.period or ("", "")
    return Exhibit(
        text=f"**{show(loans.rows, 'count')} finished loans** are analysed, funded from {first} to {last}; "
        f"{show(loans.defaults, 'count')} of them were charged off ({show(loans.defaults / loans.rows, 'rate')})."
    )


def sources(read: pd.DataFrame, notes: list[str]) -> Exhibit:
    """Show what was read from each source (source, kind, location, rows, seconds, and files with size and sha256), and notes on it."""
    text = bullets(map(plain, notes))
    if read.empty:
        return Exhibit(text=text)
    by_source = [known if isinstance(known, list) else [] for known in read.get("files", [None] * len(read))]
    files = [
        "; ".join(f"{Path(one['file']).name} ({one['size']:,} bytes, sha256 {one['sha256'][:12]})" for one in several)
        for several in by_source
    ]  # fmt: skip
    table = read[["source", "kind", "location", "rows", "seconds"]].assign(files=files)
    caption = f"What {len(table)} sources brought: {show(int(table['rows'].sum()), 'count')} rows."
    shown = columns("source", "kind", "rows", "seconds", "location", "files")
    return Exhibit("ingest-sources", f"{len(table)} sources were read", caption, text=text, table=table, columns=shown)


def merge(merged: Mapping[str, Any] | None) -> Exhibit:
    """Show how several sources went together: rows, base, and sources (records of counts by source, with examples of keys)."""
    if merged is None:
        return Exhibit(text="Nothing was merged: the loans are of one source.")
    table = pd.DataFrame(merged["sources"])
    for name in ("loans_without_keys", "rows_without_keys", "repeated_keys"):
        table[name] = table[name].map(", ".join)
    title = f"{show(merged['rows'], 'count')} of {show(merged['base'], 'count')} loans are left after the merge"
    shown = columns("source", "rows", "copies", "superseded", "matched", "loans_without", "rows_without")
    return Exhibit("ingest-merge", title, "Rows of each source, and what became of them.", table=table, columns=shown)


def conflicts(merged: Mapping[str, Any] | None) -> Exhibit:
    """Show the columns that two sources claim, and for how many loans they differ, if there are such columns."""
    if not (merged and merged["conflicts"]):
        return Exhibit(text="No column is claimed by two sources." if merged else "")
    table = pd.DataFrame(merged["conflicts"], columns=["column", "first", "second", "compared", "differ", "keys"])
    table["keys"] = table["keys"].map(", ".join)
    title = f"{int((table['differ'] > 0).sum())} of {len(table)} columns that two sources claim differ between them"
    shown = columns("column", "first", "second", "compared", "differ")
    return Exhibit("ingest-conflicts", title, "Loans compared, and loans that differ.", table=table, columns=shown)


def accounts(table: pd.DataFrame) -> Exhibit:
    """Show where every record went: what, records, share; the records read stand in the row 'read'."""
    records = table.set_index("what")["records"]
    read = int(records["read"])
    lost = read - int(records.drop("read").sum())
    title = f"{show(lost, 'count')} records are not accounted for" if lost else "Every record is accounted for"
    caption = f"What became of {show(read, 'count')} records."
    return Exhibit("ingest-accounts", title, caption, table=table, columns=columns("what", "records", "share"))


def problems(table: pd.DataFrame, *, set_aside: int) -> Exhibit:
    """Show each rule of the codebook that some record broke: column, rule, records, rows (where first, as text)."""
    one_or_none = {0: "No record breaks a rule", 1: "1 rule of the codebook is broken"}
    title = one_or_none.get(len(table), f"{len(table)} rules of the codebook are broken")
    caption = f"{show(set_aside, 'count')} records were set aside."
    shown = columns("column", "rule", "records", "rows", rows="text")
    return Exhibit("ingest-problems", title, caption, table=table, columns=shown)


def extra_columns(names: list[str]) -> Exhibit:
    """Say which columns the codebook does not know."""
    unknown = f"Columns that the codebook does not know, kept and not used: {', '.join(map(plain, names))}."
    return Exhibit(text=unknown if names else "Every column is known to the codebook.")


def missing(table: pd.DataFrame, *, loans: int) -> Exhibit:
    """Show how many values each column lacks: column, loans, share."""
    title = "No value is missing"
    if len(table):
        most = table.iloc[int(table["share"].argmax())]
        name, share = capital(heads.label(most["column"])), show(most["share"], "rate")
        title = f"{name} is missing most often: in {share} of loans"
    caption = f"{len(table)} columns lack values; n = {show(loans, 'count')} loans."
    return Exhibit("ingest-missing", title, caption, table=table, columns=columns("column", "loans", "share"))


def codebook(table: pd.DataFrame) -> Exhibit:
    """Show what each column means, and the rule that its values have to keep."""
    caption = f"The {len(table)} columns of a file of loans."
    return Exhibit("codebook", "What each column means", caption, table=table, columns=columns(*table))


def features(table: pd.DataFrame) -> Exhibit:
    """Show what a model makes of the columns, and which direction of risk is expected of each."""
    title = "What a model makes of the columns"
    caption = f"The {len(table)} features, how each enters the model, and what is expected of a higher value."
    return Exhibit("codebook-features", title, caption, table=table, columns=columns(*table))
