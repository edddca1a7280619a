"""A file of applications, read in chunks; only what a model reads is read."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from loantap.data.applications import FIELDS
from loantap.data.columns import KEY, OPTIONAL
from loantap.data.declarations import Column
from loantap.data.loan_file import LoanFile, open_loans
from loantap.data.text_form import NOTHING_ASKED, Asked

_SAMPLE_BYTES = 1 << 18
# Read where they are there: the key names a row, the grade is compared with the sub-grade and the installment with the
# annuity, an application without a month of funding is one of this month, and what a file may lack is missing there.
WELCOME = (KEY, "grade", "installment", "issue_d", *OPTIONAL)


def application_columns(needed: Sequence[str], header: Sequence[str]) -> tuple[Column, ...]:
    """Return the codebook's columns that are needed, and those welcome ones that the header has."""
    names = {*needed, *(name for name in WELCOME if name in header)}
    return tuple(column for column in FIELDS if column.name in names)


def open_applications(path: Path, *, needed: Sequence[str], asked: Asked = NOTHING_ASKED) -> LoanFile:
    """Open a file of applications; raises InputError or SchemaError as `open_loans` does."""
    return open_loans(path, needed=[name for name in needed if name not in WELCOME], welcome=WELCOME, asked=asked)


def expected_rows(path: Path) -> int | None:
    """Return how many rows a file holds, for a bar: exact for Parquet, estimated for CSV, None for what is compressed."""
    if path.suffix.lower() == ".parquet" and path.is_file():
        return pq.read_metadata(path).num_rows
    if path.suffix.lower() != ".csv":
        return None
    with path.open("rb") as stream:
        start = stream.read(_SAMPLE_BYTES)
    try:
        records = sum(1 for _ in csv.reader(io.StringIO(start.decode("utf-8", "replace"), newline="")))
    except csv.Error:
        return None
    return max(1, round(records * path.stat().st_size / max(len(start), 1)) - 1)
