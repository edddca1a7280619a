"""Rows of snapshots that break the contract: which they are, why, and when they are too many."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from loantap.data.columns import KEY
from loantap.data.snapshot_contract import AS_OF
from loantap.data.snapshot_rows import Rows, is_formula
from loantap.data.text_records import RaggedRow
from loantap.errors import SchemaError

QUARANTINE_COLUMNS = ["row", KEY, AS_OF, "reason"]
_EXAMPLES = 3
_LONGEST = 40  # signs of a value that are shown


class SetAside:
    """The rows noted so far, by rule: there may be millions, so their rule is not written beside each of them."""

    def __init__(self) -> None:
        self._by_rule: dict[str, list[pd.DataFrame]] = defaultdict(list)

    def add(self, rule: str, rows: pd.DataFrame) -> None:
        """Note rows that break a rule: row, loan_id, as_of and value."""
        if len(rows):
            self._by_rule[rule].append(rows)

    def add_ragged(self, records: Sequence[RaggedRow]) -> None:
        """Note records with a wrong number of fields."""
        lines = [(one.row, "", "", str(one.fields)) for one in records]
        self.add(
            "a record with another number of fields than the header",
            pd.DataFrame(lines, columns=["row", KEY, AS_OF, "value"]),
        )

    def add_rows(self, rule: str, rows: Rows, bad: np.ndarray) -> None:
        """Note rows that break a rule together with others; which they are stands in `bad`, shape (r,)."""
        months = rows.month[bad].astype("datetime64[M]").astype(str)
        names = rows.loans.take(rows.loan[bad]).to_numpy(zero_copy_only=False)
        self.add(rule, pd.DataFrame({"row": rows.row[bad], KEY: names, AS_OF: months, "value": ""}))

    def count(self, column: str = "") -> int:
        """Return how many rows are noted, of all rules or of those of one column."""
        chosen = [frames for rule, frames in self._by_rule.items() if rule.startswith(column)]
        numbers = [frame["row"].to_numpy() for frames in chosen for frame in frames]
        seen = np.zeros(max((part.max() for part in numbers), default=0) + 1, dtype=bool)
        for part in numbers:
            seen[part] = True
        return int(seen.sum())

    def rules(self) -> list[str]:
        """Return one text per broken rule, the most broken first: how often, and examples."""
        texts = []
        for rule, frames in self._by_rule.items():
            count, first = sum(map(len, frames)), pd.concat(frames[:_EXAMPLES]).head(_EXAMPLES)
            came = ", ".join(repr(value[:_LONGEST]) for value in first["value"].dropna().drop_duplicates() if value)
            rows = [*(f"{row:,}" for row in first["row"]), *(["..."] if count > _EXAMPLES else [])]
            shown = ", ".join(rows) + (f", such as {came}" if came else "")
            texts.append((count, f"{rule}: {count:,} (rows {shown})"))
        return [text for _, text in sorted(texts, key=lambda pair: -pair[0])]

    def refuse_most(self, *, read: int, location: str) -> None:
        """Raise SchemaError if more than half of the rows read are noted."""
        if 2 * (bad := self.count()) > read:
            told = "\n  ".join(self.rules())
            raise SchemaError(
                f"{location}: {bad:,} of {read:,} rows, more than half, break the contract of snapshots (data/README.md):\n  {told}\n"
                "Mend the export: single rows are passed by only where most are right."
            )

    def quarantine(self) -> pd.DataFrame:
        """Return one line per row, in their order, with QUARANTINE_COLUMNS.

        loan_id and as_of as they came, as_of as 2016-01 where only other rows contradict it; with an apostrophe before what a
        spreadsheet would run.
        """
        lines = pd.concat(
            [pd.DataFrame(columns=QUARANTINE_COLUMNS, dtype="str"), *map(self._with_reason, self._by_rule)]
        )
        if lines["row"].duplicated().any():
            grouped = lines.groupby("row", sort=False)
            lines = grouped[[KEY, AS_OF]].first().assign(reason=grouped["reason"].agg("; ".join)).reset_index()
        shown = {name: lines[name].fillna("").astype("str") for name in (KEY, AS_OF)}
        shown = {name: texts.where(~is_formula(pa.array(texts)), "'" + texts) for name, texts in shown.items()}
        return lines.assign(**shown).astype({"row": "int64"}).sort_values("row", ignore_index=True)

    def _with_reason(self, rule: str) -> pd.DataFrame:
        lines = pd.concat(self._by_rule[rule], ignore_index=True)
        values = lines.pop("value").fillna("").str.slice(0, _LONGEST)
        return lines.assign(reason=(rule + " (" + values + ")").where(values != "", rule))
