"""Checked loans with keys, as `loantap sources load` finds them before it writes them."""

from pathlib import Path

import pandas as pd

from loantap.data.ingest import ingest
from loantap.data.reading import SyntheticLoans

HOSTILE = "'); DROP TABLE loans; --"


def checked_loans(folder: Path, rows: int) -> Path:
    """Return a file of them, made once for each number of rows; the fourth has a title that a careless statement would run."""
    path = folder / f"{rows}.parquet"
    if not path.exists():
        ingest(SyntheticLoans(rows, 1), loans_path=folder / "loans.parquet", quarantine_path=None, checked_path=path)
        frame = pd.read_parquet(path)
        frame.loc[3, "emp_title"] = HOSTILE
        frame.assign(loan_id=[f"L{row:06d}" for row in frame["row"]]).to_parquet(path, index=False)
    return path
