"""Rows of snapshots that are set aside: which they are, why, and when they are too many."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from loantap.data.columns import KEY
from loantap.data.snapshot_contract import AS_OF, FAILURE_COLUMNS
from loantap.data.snapshot_rows import Rows, is_formula
from loantap.data.sources import RaggedRow
from loantap.errors import SchemaError

_EXAMPLES = 3
_LONGEST = 40  # signs of a value that are shown


def ragged_failures(records: Sequence[RaggedRow]) -> pd.DataFrame:
    """Return records with a wrong number of fields as failures."""
    rule = "a record with another number of fields than the header"
    return pd.DataFrame([(one.row, "", "", str(one.fields), rule) for one in records], columns=FAILURE_COLUMNS)


def row_failures(rows: Rows, bad: np.ndarray, rule: str) -> pd.DataFrame:
    """Return rows that break a rule together with others as failures; which they are stands in `bad`, shape (r,)."""
    months = rows.month[bad].astype("datetime64[M]").astype(str)
    names = rows.loans.take(rows.loan[bad]).to_numpy(zero_copy_only=False)
    return pd.DataFrame({"row": rows.row[bad], KEY: names, AS_OF: months, "value": "", "rule": rule})


def together(failures: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return failures as one frame."""
    found = [one for one in failures if len(one)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=FAILURE_COLUMNS)


def refuse_most(failures: pd.DataFrame, *, read: int, location: str) -> None:
    """Raise SchemaError if more than half of the rows read have failures."""
    if 2 * (bad := failures["row"].nunique()) > read:
        told = "\n  ".join(broken_rules(failures))
        raise SchemaError(
            f"{location}: {bad:,} of {read:,} rows, more than half, break the contract of snapshots (data/README.md):\n  {told}\n"
            "Mend the export: rows are set aside only where most are right."
        )


def broken_rules(failures: pd.DataFrame) -> list[str]:
    """Return one text per rule, the most broken first: how often, and examples."""
    texts = []
    for rule, group in failures.groupby("rule", sort=False):
        rows = ", ".join(f"{row:,}" for row in group["row"].head(_EXAMPLES)) + (
            ", ..." if len(group) > _EXAMPLES else ""
        )
        values = [value[:_LONGEST] for value in group["value"].dropna().drop_duplicates().head(_EXAMPLES) if value]
        came = f", such as {', '.join(map(repr, values))}" if values else ""
        texts.append((len(group), f"{rule}: {len(group):,} (rows {rows}{came})"))
    return [text for _, text in sorted(texts, key=lambda pair: -pair[0])]


def quarantine(failures: pd.DataFrame) -> pd.DataFrame:
    """Return one line per row, in their order: row, loan_id, as_of, reason.

    loan_id and as_of as they came, as_of as 2016-01 where it is a month that only other rows contradict; with an apostrophe before
    what a spreadsheet would run.
    """
    values = failures["value"].fillna("").str.slice(0, _LONGEST)
    reason = failures["rule"].where(values == "", failures["rule"] + " (" + values + ")")
    joined = failures.assign(reason=reason)[["row", KEY, AS_OF, "reason"]]
    if joined["row"].duplicated().any():
        grouped = joined.groupby("row", sort=False)
        joined = grouped[[KEY, AS_OF]].first().assign(reason=grouped["reason"].agg("; ".join)).reset_index()
    shown = {name: joined[name].fillna("").astype("str") for name in (KEY, AS_OF)}
    shown = {name: texts.where(~is_formula(pa.array(texts)), "'" + texts) for name, texts in shown.items()}
    return joined.assign(**shown).sort_values("row", ignore_index=True)
