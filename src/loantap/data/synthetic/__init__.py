"""The synthetic twin of the loan file: any number of loans in the raw format of 27 columns.

Made from summary statistics in data/reference only. At 396,030 rows every published count by loan_status comes out
exactly; docs/fidelity.md says how near the rest comes, and what a table like this cannot carry.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from loantap.data.synthetic.reference import load_reference
from loantap.data.synthetic.table import chunks
from loantap.data.synthetic.writing import check_target, write_chunks
from loantap.errors import InputError

__all__ = ["ROWS", "generate_loans", "iter_loans", "write_loans"]

ROWS = 396_030


def iter_loans(rows: int = ROWS, *, seed: int = 0, chunk_rows: int = ROWS) -> Iterator[pd.DataFrame]:
    """Return an iterator over `rows` synthetic loans in frames of at most `chunk_rows`.

    The counts of the whole table do not depend on `chunk_rows`; which loan holds which values does. Memory grows
    with `chunk_rows`, not with `rows`. The same arguments give the same loans. Raises InputError when a number is
    too small.
    """
    for name, value, least in (("rows", rows, 1), ("seed", seed, 0), ("chunk_rows", chunk_rows, 1)):
        if value < least:
            raise InputError(
                f"synthetic loans: expected {name} to be {least} or more, got {value}. "
                f"Nothing was made; give {name} a whole number from {least} up."
            )
    return chunks(load_reference(), rows, seed=seed, chunk_rows=chunk_rows)


def generate_loans(rows: int = ROWS, *, seed: int = 0) -> pd.DataFrame:
    """Return `rows` synthetic loans as one frame: 27 columns, in the order and formats of the raw file.

    Counts scale by largest remainder from those of 396,030 loans. Raises InputError when `rows` is below 1.
    """
    return pd.concat(iter_loans(rows, seed=seed))


def write_loans(path: Path, rows: int = ROWS, *, seed: int = 0, on_chunk: Callable[[int], None] | None = None) -> None:
    """Write `rows` synthetic loans to a .csv, .csv.gz or .parquet file, whole or not at all.

    `on_chunk` is called with the number of loans written so far. Memory does not grow with `rows`. Raises InputError
    for another suffix or `rows` below 1; then nothing is written.
    """
    path = Path(path)
    check_target(path)
    write_chunks(iter_loans(rows, seed=seed), path, on_chunk or (lambda written: None))
