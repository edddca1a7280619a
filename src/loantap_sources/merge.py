"""Join what the sources bring, on keys and with declared cardinality; nothing multiplies or vanishes silently.

The joins are DuckDB's, on the staged Parquet files, so that they need no more memory than it is given.
"""

import re
from pathlib import Path

import duckdb

from loantap.data.columns import BY_NAME, KEY, NAMES
from loantap.errors import MergeError, SourceError
from loantap.files import replacing
from loantap_sources.connectors.config import MergePolicy
from loantap_sources.merge_report import Conflict, MergeReport, SourceRows
from loantap_sources.staging import NEWEST, Staged

EXAMPLES = 3
MEMORY = "1500MB"


def merge(staged: list[Staged], policy: MergePolicy, *, out: Path) -> MergeReport:
    """Join the staged sources and write one row per loan, sorted by key.

    Args:
        staged: The first one holds the loans, the others bring columns to them.
        policy: What happens where they do not fit.
        out: Parquet: `loan_id`, the columns of the codebook, then others; all texts.

    Raises MergeError, with all that does not fit and nothing written, unless a policy settles it; also if the rows do
    not add up afterwards.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "threads": 2,
        "temp_directory": str(out.parent / "spill"),
    }
    try:
        with duckdb.connect(config=settings) as db:
            work = _Merge(db, staged, policy)
            work.tidy()
            work.join()
            work.compare()
            if work.problems:
                raise MergeError(
                    "the sources do not fit together:\n" + "\n".join(f"  {line}" for line in work.problems)
                )
            work.write(out)
            return work.report
    except duckdb.Error as error:
        cause = str(error).splitlines()[0]
        raise SourceError(f"{out.parent}: the merge broke off: {cause}. Nothing was written.") from None


class _Merge:
    """One merge: tables `s0`, `s1`, ... hold one row per key."""

    def __init__(self, db: duckdb.DuckDBPyConnection, staged: list[Staged], policy: MergePolicy) -> None:
        self._db, self._staged, self._policy = db, staged, policy
        self.report = MergeReport(sources=[SourceRows(one.name, one.rows) for one in staged])
        self.problems: list[str] = []

    def tidy(self) -> None:
        """Drop copies, let the newest row of a key win where that is declared, and name what is repeated."""
        for number, (one, found) in enumerate(zip(self._staged, self.report.sources, strict=True)):
            key = _quoted(one.source.joins_on)
            self._db.from_parquet(_literally(one.path)).create_view(f"read{number}")
            self._run(f"CREATE TABLE d{number} AS SELECT DISTINCT * FROM read{number} WHERE {key} IS NOT NULL")
            found.without_key = self._count(f"read{number} WHERE {key} IS NULL")
            distinct = self._count(f"d{number}")
            found.copies = found.rows - found.without_key - distinct
            if one.source.newest_by:
                # As numbers where they are some (10 is more than 9, and 9.0 no more than 9), else as texts.
                order = f"TRY_CAST({NEWEST} AS DECIMAL(38, 9))"
                self._judge_order(one, f"d{number}", order)
                self._run(
                    f"CREATE TABLE s{number} AS SELECT * FROM d{number} QUALIFY rank() OVER (PARTITION BY {key} ORDER BY "
                    f"{order} DESC NULLS LAST, CASE WHEN {order} IS NULL THEN {NEWEST} END DESC NULLS LAST) = 1"
                )
            else:
                self._run(f"ALTER TABLE d{number} RENAME TO s{number}")
            found.superseded = distinct - self._count(f"s{number}")
            again = f"(SELECT {key} AS key FROM s{number} GROUP BY ALL HAVING count(*) > 1)"
            found.repeated, found.repeated_keys = self._count(again), self._keys(again)
            found.keys = self._count(f"(SELECT DISTINCT {key} FROM s{number})")
            self._judge_keys(one, found)

    def join(self) -> None:
        """Count what matches between the loans and each other source."""
        first, *others = self.report.sources
        self.report.base = first.matched = first.keys
        for number, (one, found) in enumerate(zip(self._staged[1:], others, strict=True), 1):
            on = _quoted(one.source.joins_on)
            lacking = f"(SELECT DISTINCT {KEY} AS key FROM s0 ANTI JOIN s{number} USING ({on}))"
            found.loans_without, found.loans_without_keys = self._count(lacking), self._keys(lacking)
            found.matched = self.report.base - found.loans_without
            spare = f"(SELECT {on} AS key FROM s{number} ANTI JOIN s0 USING ({on}))"
            found.rows_without, found.rows_without_keys = self._count(spare), self._keys(spare)
            if one.source.cardinality == "one_to_one":
                shared = (
                    f"(SELECT {on} AS key FROM s0 SEMI JOIN s{number} USING ({on}) GROUP BY ALL HAVING count(*) > 1)"
                )
                found.shared, found.shared_keys = self._count(shared), self._keys(shared)
                self._judge_cardinality(one, found)
            if self._policy.unmatched == "error":
                self._judge_matches(one, found)

    def compare(self) -> None:
        """Count where two sources claim a column and their values differ; equal numbers in other words are equal."""
        for later, other in enumerate(self._staged[1:], 1):
            for earlier, one in enumerate(self._staged[:later]):
                for column in sorted(set(one.source.columns) & set(other.source.columns)):
                    self._compare(column, (earlier, one), (later, other))

    def _compare(self, column: str, one: tuple[int, Staged], other: tuple[int, Staged]) -> None:
        name = _quoted(column)
        joins = " ".join(
            f"JOIN s{number} ON s0.{on} = s{number}.{on}"
            for number, on in ((place, _quoted(staged.source.joins_on)) for place, staged in (one, other))
            if number
        )
        a, b = f"s{one[0]}.{name}", f"s{other[0]}.{name}"
        kind = BY_NAME[column].kind if column in BY_NAME else ""
        if kind == "category":
            # As in the contract: the published file writes ' 36 months'.
            a, b = f"trim({a})", f"trim({b})"
        unlike = f"{a} IS DISTINCT FROM {b}"
        if kind == "number":
            unlike += f" AND NOT coalesce(TRY_CAST({a} AS DOUBLE) = TRY_CAST({b} AS DOUBLE), false)"
        differ = f"(SELECT DISTINCT s0.{KEY} AS key FROM s0 {joins} WHERE {unlike})"
        found = Conflict(
            column, one[1].name, other[1].name, self._count(f"s0 {joins}"), self._count(differ), self._keys(differ)
        )
        self.report.conflicts.append(found)
        if found.differ and self._policy.conflicts == "error":
            self.problems.append(
                f"column '{column}': {found.first} and {found.second} differ for {found.differ:,} of {found.compared:,} loans "
                f"(such as {', '.join(found.keys)}). Correct one, let one of them bring it, or set merge.conflicts: first."
            )

    def write(self, out: Path) -> None:
        """Write the joined loans; raises MergeError if their number is not what the counts say."""
        columns: dict[str, list[str]] = {}
        for number, one in enumerate(self._staged):
            for column in one.source.columns:
                columns.setdefault(column, []).append(f"s{number}.{_quoted(column)}")
        order = [name for name in NAMES if name in columns] + [name for name in columns if name not in NAMES]
        shown = ", ".join(f"coalesce({', '.join(columns[name])}) AS {_quoted(name)}" for name in order)
        how = "JOIN" if self._policy.unmatched == "drop" else "LEFT JOIN"
        joins = " ".join(
            f"{how} s{number} ON s0.{on} = s{number}.{on}"
            for number, on in enumerate((_quoted(one.source.joins_on) for one in self._staged[1:]), 1)
        )
        # Numbers as numbers, so that 9 comes before 10; and always in the same order, however the sources sent them.
        self._run(
            f"CREATE TABLE merged AS SELECT s0.{KEY}, {shown} FROM s0 {joins} "
            f"ORDER BY TRY_CAST(s0.{KEY} AS BIGINT) NULLS LAST, s0.{KEY}"
        )
        self.report.rows = self._count("merged")
        self.report.dropped = self._count(f"s0 ANTI JOIN merged USING ({KEY})")
        distinct = self._count(f"(SELECT DISTINCT {KEY} FROM merged)")
        if self.report.rows != self.report.base - self.report.dropped or distinct != self.report.rows:
            raise MergeError(
                f"the merge does not reconcile: {self.report.base:,} loans, {self.report.dropped:,} left out, but "
                f"{self.report.rows:,} rows with {distinct:,} keys. Nothing was written."
            )
        if not self.report.rows:
            raise MergeError(
                f"none of the {self.report.base:,} loans stands in all sources, so that nothing is left. Check the keys "
                f"(such as {', '.join(self._keys(f'(SELECT {KEY} AS key FROM s0)'))})."
            )
        if self._policy.unmatched != "drop" and self.report.dropped:
            raise MergeError(f"the merge lost {self.report.dropped:,} loans that no policy drops. Nothing was written.")
        with replacing(out) as temporary:
            self._db.table("merged").write_parquet(str(temporary), compression="zstd")

    def _judge_keys(self, one: Staged, found: SourceRows) -> None:
        if found.without_key:
            self.problems.append(
                f"source '{one.name}': {found.without_key:,} rows have no {one.source.key}. Complete them."
            )
        if found.repeated:
            tied = " (the newest rows of a key differ)" if one.source.newest_by else ""
            self.problems.append(
                f"source '{one.name}': {found.repeated:,} keys stand in rows of different content{tied} (such as "
                f"{', '.join(found.repeated_keys)}). Correct them, or name under newest_by a column that says which wins."
            )

    def _judge_order(self, one: Staged, table: str, number: str) -> None:
        # 'Dec-2014' comes after 'Apr-2015' as a text: only numbers, or days as year-month-day, tell which row is newer.
        day = f"regexp_matches({NEWEST}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([ T-].*)?$')"
        odd = f"(SELECT {NEWEST} AS key FROM {table} WHERE {NEWEST} IS NOT NULL AND {number} IS NULL AND NOT {day})"
        mixed = self._count(f"(SELECT DISTINCT {number} IS NULL FROM {table} WHERE {NEWEST} IS NOT NULL)") > 1
        if (count := self._count(odd)) or mixed:
            shown = f"{count:,} others (such as {', '.join(self._keys(odd))})" if count else "both"
            self.problems.append(
                f"source '{one.name}': newest_by {one.source.newest_by} expected numbers throughout, or dates throughout in "
                f"the form that 'dates' says ({one.source.dates}), found {shown}. Correct 'dates' or the values."
            )

    def _judge_cardinality(self, one: Staged, found: SourceRows) -> None:
        if found.shared:
            self.problems.append(
                f"source '{one.name}': {found.shared:,} of its rows are shared by several loans (such as {one.source.joins_on} "
                f"{', '.join(found.shared_keys)}), expected one_to_one. Correct them, or set cardinality: many_to_one."
            )

    def _judge_matches(self, one: Staged, found: SourceRows) -> None:
        remedy = "Complete the sources, or set merge.unmatched to keep or drop."
        if found.loans_without:
            self.problems.append(
                f"source '{one.name}' lacks {found.loans_without:,} of {self.report.base:,} loans (such as "
                f"{', '.join(found.loans_without_keys)}). {remedy}"
            )
        if found.rows_without:
            self.problems.append(
                f"source '{one.name}' has {found.rows_without:,} keys that no loan has (such as "
                f"{', '.join(found.rows_without_keys)}). {remedy}"
            )

    def _run(self, statement: str) -> None:
        self._db.execute(statement).fetchall()

    def _count(self, table: str) -> int:
        return int(self._db.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])

    def _keys(self, table: str) -> list[str]:
        rows = self._db.execute(f"SELECT key FROM {table} ORDER BY key LIMIT {EXAMPLES}").fetchall()
        return [str(row[0]) for row in rows]


def _quoted(name: str) -> str:
    # Names are checked when the configuration is read; quoting keeps one that is also a word of SQL.
    return '"' + name.replace('"', '""') + '"'


def _literally(path: Path) -> str:
    # DuckDB takes a path for a pattern.
    return re.sub(r"([*?\[])", r"[\1]", str(path))
