from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from staged_rows import Row, staged

from loantap.data.columns import KEY
from loantap.errors import MergeError, SourceError
from loantap_sources import merge as merging
from loantap_sources.connectors.config import MergePolicy
from loantap_sources.merge import merge
from loantap_sources.merge_report import MergeReport
from loantap_sources.staging import NEWEST, Staged


def merged(folder: Path, *sources: Staged, **policy: Any) -> tuple[list[dict[str, Any]], MergeReport]:
    report = merge(list(sources), MergePolicy(**policy), out=folder / "merged.parquet")
    return pq.read_table(folder / "merged.parquet").to_pylist(), report


def refused(folder: Path, *sources: Staged, **policy: Any) -> str:
    with pytest.raises(MergeError) as failed:
        merged(folder, *sources, **policy)
    assert not (folder / "merged.parquet").exists()
    return str(failed.value)


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Staged]:
    def made(name: str, columns: list[str], rows: list[Row], **settings: Any) -> Staged:
        return staged(tmp_path, name, columns, rows, **settings)

    return made


Make = Callable[..., Staged]


def test_columns_of_two_sources_stand_in_the_order_of_the_codebook(source: Make, tmp_path: Path):
    loans = source("loans", ["purpose", "branch", "loan_amnt"], [("2", "car", "B", "10"), ("10", "house", "A", "20")])
    terms = source("terms", ["term"], [("10", "60 months"), ("2", "36 months")])
    rows, report = merged(tmp_path, loans, terms)
    assert [list(row.values()) for row in rows] == [
        ["2", "10", "36 months", "car", "B"],
        ["10", "20", "60 months", "house", "A"],
    ]
    assert list(rows[0]) == [KEY, "loan_amnt", "term", "purpose", "branch"]
    assert (report.base, report.rows, report.dropped) == (2, 2, 0)
    assert [(one.source, one.rows, one.keys, one.matched) for one in report.sources] == [
        ("loans", 2, 2, 2),
        ("terms", 2, 2, 2),
    ]


def test_a_copy_of_a_row_is_dropped_and_counted(source: Make, tmp_path: Path):
    loans = source("loans", ["title"], [("1", "a"), ("1", "a"), ("2", None), ("2", None), ("2", None)])
    rows, report = merged(tmp_path, loans)
    assert [row[KEY] for row in rows] == ["1", "2"]
    assert report.sources[0].copies == 3


@pytest.mark.fault("sources that do not fit together")
def test_one_key_with_different_content_is_an_error(source: Make, tmp_path: Path):
    loans = source("loans", ["title"], [("1", "a"), ("1", "b"), ("2", "a"), ("2", None)])
    message = refused(tmp_path, loans)
    assert "source 'loans': 2 keys stand in rows of different content (such as 1, 2)" in message
    assert "newest_by" in message


@pytest.mark.parametrize(
    ("older", "newer"),
    [("2016-12-31", "2017-01-01"), ("9", "10"), (None, "2017-01-01"), ("9007199254740992", "9007199254740993")],
)
def test_the_newest_row_of_a_key_wins_where_that_is_declared(source: Make, tmp_path: Path, older: str, newer: str):
    rows = [("1", "old", older), ("1", "new", newer), ("1", "old", older)]
    loans, report = merged(tmp_path, source("loans", ["title", NEWEST], rows))
    assert loans == [{KEY: "1", "title": "new"}]
    assert (report.sources[0].copies, report.sources[0].superseded) == (1, 1)


@pytest.mark.fault("sources that do not fit together")
@pytest.mark.parametrize("times", [("Dec-2014", "Apr-2015"), ("12/31/2014", "2015-01-31"), ("9", "2015-01-31")])
def test_what_does_not_sort_by_time_says_not_which_row_is_newer(source: Make, tmp_path: Path, times: Row):
    rows = [("1", "old", times[0]), ("1", "new", times[1])]
    message = refused(tmp_path, source("loans", ["title", NEWEST], rows))
    assert "source 'loans': newest_by changed expected numbers throughout, or dates throughout" in message


@pytest.mark.fault("sources that do not fit together")
@pytest.mark.parametrize("times", [("2017-01-31", "2017-01-31"), ("9", "9.0"), (None, None)])
def test_newest_rows_that_differ_at_one_time_are_an_error(source: Make, tmp_path: Path, times: Row):
    rows = [("1", "a", times[0]), ("1", "b", times[1])]
    message = refused(tmp_path, source("loans", ["title", NEWEST], rows))
    assert "1 keys stand in rows of different content (the newest rows of a key differ) (such as 1)" in message


@pytest.mark.fault("sources that do not fit together")
def test_rows_without_a_key_are_an_error(source: Make, tmp_path: Path):
    loans = source("loans", ["title"], [("1", "a"), (None, "b"), (None, "b")], key="LOAN_NO")
    assert "source 'loans': 2 rows have no LOAN_NO. Complete them." in refused(tmp_path, loans)


@pytest.mark.fault("sources that do not fit together")
def test_all_that_does_not_fit_is_told_at_once(source: Make, tmp_path: Path):
    loans = source("loans", ["title"], [("1", "a"), ("2", "b"), ("2", "c"), ("3", "d"), (None, "e")])
    others = source("others", ["title", "purpose"], [("1", "A", "car"), ("4", "x", "car"), ("5", "y", "car")])
    message = refused(tmp_path, loans, others)
    assert message.splitlines() == [
        "the sources do not fit together:",
        "  source 'loans': 1 rows have no loan_id. Complete them.",
        "  source 'loans': 1 keys stand in rows of different content (such as 2). Correct them, or name under newest_by a "
        "column that says which wins.",
        "  source 'others' lacks 2 of 3 loans (such as 2, 3). Complete the sources, or set merge.unmatched to keep or drop.",
        "  source 'others' has 2 keys that no loan has (such as 4, 5). Complete the sources, or set merge.unmatched to keep "
        "or drop.",
        "  column 'title': loans and others differ for 1 of 1 loans (such as 1). Correct one, let one of them bring it, or "
        "set merge.conflicts: first.",
    ]


def unmatched(source: Make) -> tuple[Staged, Staged]:
    loans = source("loans", ["title"], [("1", "a"), ("2", "b"), ("3", "c")])
    return loans, source("terms", ["term"], [("1", "36 months"), ("3", None), ("4", "60 months")])


def test_an_unmatched_loan_is_kept_with_missing_values(source: Make, tmp_path: Path):
    rows, report = merged(tmp_path, *unmatched(source), unmatched="keep")
    assert [(row[KEY], row["term"]) for row in rows] == [("1", "36 months"), ("2", None), ("3", None)]
    assert (report.rows, report.dropped, report.sources[1].matched) == (3, 0, 2)
    assert (report.sources[1].loans_without, report.sources[1].loans_without_keys) == (1, ["2"])
    assert (report.sources[1].rows_without, report.sources[1].rows_without_keys) == (1, ["4"])


def test_an_unmatched_loan_is_dropped_and_counted(source: Make, tmp_path: Path):
    rows, report = merged(tmp_path, *unmatched(source), unmatched="drop")
    assert [row[KEY] for row in rows] == ["1", "3"]
    assert (report.base, report.rows, report.dropped) == (3, 2, 1)


@pytest.mark.fault("sources that do not fit together")
def test_that_no_loan_is_left_is_an_error(source: Make, tmp_path: Path):
    loans, terms = source("loans", ["title"], [("1", "a")]), source("terms", ["term"], [("01", "36 months")])
    assert "none of the 1 loans stands in all sources" in refused(tmp_path, loans, terms, unmatched="drop")


def test_where_two_sources_differ_the_first_with_a_value_wins_if_declared(source: Make, tmp_path: Path):
    loans = source("loans", ["title"], [("1", "a"), ("2", None), ("3", "c"), ("4", None)])
    others = source("others", ["title"], [("1", "A"), ("2", "B"), ("3", "c"), ("4", None)])
    assert "differ for 2 of 4 loans (such as 1, 2)" in refused(tmp_path, loans, others)
    rows, report = merged(tmp_path, loans, others, conflicts="first")
    assert [row["title"] for row in rows] == ["a", "B", "c", None]
    [conflict] = report.conflicts
    assert (conflict.column, conflict.first, conflict.second) == ("title", "loans", "others")
    assert (conflict.compared, conflict.differ, conflict.keys) == (4, 2, ["1", "2"])


@pytest.mark.parametrize(
    ("column", "one", "other", "agree"),
    [
        ("annual_inc", "12.50", "12.5", True),
        ("annual_inc", "12.50", "12.51", False),
        ("annual_inc", "many", "12.5", False),
        ("annual_inc", "0", None, False),
        ("annual_inc", None, None, True),
        ("title", "00813", "813", False),
        ("title", "12.50", "12.5", False),
        ("title", " a", "a", False),
        ("term", " 36 months", "36 months", True),
        ("term", "36 months", "60 months", False),
        ("branch", "1", "1.0", False),
    ],
)
def test_values_agree_by_the_kind_of_their_column(
    source: Make, tmp_path: Path, column: str, one: str, other: str, agree: bool
):
    sources = source("loans", [column], [("1", one)]), source("others", [column], [("1", other)])
    _, report = merged(tmp_path, *sources, conflicts="first")
    assert report.conflicts[0].differ == (not agree)


def test_a_conflict_of_two_later_sources_is_seen_and_counts_what_both_have(source: Make, tmp_path: Path):
    loans = source("loans", ["purpose"], [("1", "car"), ("2", "car"), ("3", "car")])
    first = source("first", ["title"], [("1", "a"), ("2", "b")])
    second = source("second", ["title"], [("2", "B"), ("3", "c")])
    rows, report = merged(tmp_path, loans, first, second, unmatched="keep", conflicts="first")
    assert [row["title"] for row in rows] == ["a", "b", "c"]
    assert (report.conflicts[0].compared, report.conflicts[0].differ) == (1, 1)


def borrowers(source: Make, cardinality: str, keys: Row) -> tuple[Staged, Staged]:
    loans = source("loans", ["borrower"], [(str(number), key) for number, key in enumerate(keys)])
    people = source(
        "people", ["annual_inc"], [("A", "100"), ("B", None)], joins_on="borrower", cardinality=cardinality, key="id"
    )
    return loans, people


def test_many_loans_may_share_a_row_where_that_is_declared(source: Make, tmp_path: Path):
    rows, report = merged(tmp_path, *borrowers(source, "many_to_one", ("A", "B", "A")))
    assert [(row["borrower"], row["annual_inc"]) for row in rows] == [("A", "100"), ("B", None), ("A", "100")]
    assert (report.rows, report.sources[1].keys, report.sources[1].matched) == (3, 2, 3)


@pytest.mark.fault("sources that do not fit together")
def test_loans_that_share_a_row_are_an_error_where_it_is_declared_as_one_to_one(source: Make, tmp_path: Path):
    message = refused(tmp_path, *borrowers(source, "one_to_one", ("A", "B", "A")))
    assert (
        "source 'people': 1 of its rows are shared by several loans (such as borrower A), expected one_to_one"
        in message
    )
    assert "many_to_one" in message


def test_a_loan_without_a_foreign_key_matches_nothing(source: Make, tmp_path: Path):
    sources = borrowers(source, "many_to_one", ("A", None, "B", None))
    assert "source 'people' lacks 2 of 4 loans (such as 1, 3)" in refused(tmp_path, *sources)
    rows, report = merged(tmp_path, *sources, unmatched="keep")
    assert [row["annual_inc"] for row in rows] == ["100", None, None, None]
    assert (report.sources[1].matched, report.sources[1].loans_without) == (2, 2)


def test_one_to_one_on_another_column_allows_missing_keys_more_than_once(source: Make, tmp_path: Path):
    sources = borrowers(source, "one_to_one", ("A", None, "B", None))
    assert len(merged(tmp_path, *sources, unmatched="keep")[0]) == 4


def test_a_name_that_is_a_word_of_sql_is_a_column(source: Make, tmp_path: Path):
    loans = source("loans", ["order", "key"], [("1", "a", "b")])
    terms = source("terms", ["select", "key"], [("1", "c", "b")])
    assert merged(tmp_path, loans, terms)[0] == [{KEY: "1", "order": "a", "key": "b", "select": "c"}]


def test_a_folder_with_signs_of_a_pattern_is_read_as_it_is(tmp_path: Path):
    folder = tmp_path / "run [1] *?"
    folder.mkdir()
    assert merged(folder, staged(folder, "loans", ["title"], [("1", "a")]))[1].rows == 1


@pytest.mark.fault("disk full")
def test_a_failure_of_duckdb_is_told_and_nothing_written(source: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # No memory, and a file where the folder for what does not fit into it should be.
    (tmp_path / "spill").write_text("")
    monkeypatch.setattr(merging, "MEMORY", "8MB")
    loans = source("loans", ["title"], [(str(number), f"{number}" * 20) for number in range(200_000)])
    with pytest.raises(SourceError, match=r"the merge broke off: .*Nothing was written"):
        merged(tmp_path, loans)
    assert not (tmp_path / "merged.parquet").exists()
    assert not list(tmp_path.glob(".writing*"))


def test_a_report_is_plain_values(source: Make, tmp_path: Path):
    _, report = merged(tmp_path, *unmatched(source), unmatched="keep")
    assert report.to_dict()["sources"][1]["loans_without_keys"] == ["2"]


_KEYS = st.sampled_from(["1", "2", "9", "10", "L1", "007", None])
_VALUES = st.sampled_from(["a", "b", None])
_ROWS = st.lists(st.tuples(_KEYS, _VALUES, _VALUES), max_size=6)


def tidy(rows: list[Row]) -> tuple[dict[str, Row], bool]:
    """Rows by key, and whether they are fit for a merge."""
    contents: dict[str, set[Row]] = defaultdict(set)
    for key, *values in rows:
        if key is not None:
            contents[key].add(tuple(values))
    fit = all(len(found) == 1 for found in contents.values()) and all(row[0] is not None for row in rows)
    return {key: next(iter(found)) for key, found in contents.items()}, fit


def order(key: str) -> tuple[bool, int, str]:
    return (not key.isdecimal(), int(key) if key.isdecimal() else 0, key)


def reference(first: list[Row], second: list[Row], conflicts: str, how: str) -> list[list[str | None]] | None:
    """What the merge has to come to, without a database; None if it has to refuse."""
    (loans, loans_fit), (others, others_fit) = tidy(first), tidy(second)
    shared = loans.keys() & others.keys()
    differ = any(loans[key][1] != others[key][0] for key in shared)
    apart = loans.keys() != others.keys()
    if not (loans_fit and others_fit) or (differ and conflicts == "error") or (apart and how == "error"):
        return None
    kept = sorted(shared if how == "drop" else loans.keys(), key=order)
    table = []
    for key in kept:
        title, both = loans[key]
        claimed, purpose = others.get(key, (None, None))
        table.append([key, purpose, title, both if both is not None else claimed])
    return table or None


@settings(max_examples=60)
@given(
    first=_ROWS,
    second=_ROWS,
    conflicts=st.sampled_from(["error", "first"]),
    how=st.sampled_from(["error", "keep", "drop"]),
    random=st.randoms(use_true_random=False),
)
def test_nothing_multiplies_or_vanishes(first: list[Row], second: list[Row], conflicts: str, how: str, random: Any):
    expected = reference(first, second, conflicts, how)
    random.shuffle(first)
    random.shuffle(second)
    with TemporaryDirectory() as name:
        folder = Path(name)
        sources = [
            staged(folder, "loans", ["title", "branch"], first),
            staged(folder, "others", ["branch", "purpose"], second),
        ]
        if expected is None:
            refused(folder, *sources, conflicts=conflicts, unmatched=how)
            return
        rows, report = merged(folder, *sources, conflicts=conflicts, unmatched=how)
    assert [[row[column] for column in (KEY, "purpose", "title", "branch")] for row in rows] == expected
    assert report.rows == len(expected) == report.base - report.dropped
    for one in report.sources:
        assert one.rows == one.copies + one.superseded + one.without_key + one.keys
        assert one.matched + one.loans_without == report.base
    assert report.sources[1].keys == report.sources[1].matched + report.sources[1].rows_without
