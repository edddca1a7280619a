"""Time and memory of reading and checking a file in several forms: python tools/bench_reading.py [--rows ROWS]. Prints a table."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil
from memory import peak_memory

from loantap.data.columns import names
from loantap.data.synthetic import iter_loans

READ = """
import sys
from pathlib import Path
from loantap.data.ingest import ingest
from loantap.data.loan_file import open_loans
ingest(open_loans(Path(sys.argv[1])), loans_path=Path(sys.argv[2]), quarantine_path=None)
"""


def _as_usual(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def _otherwise(frame: pd.DataFrame) -> pd.DataFrame:
    """Write percent signs, dates of ISO and levels in small letters."""
    signs = {name: frame[name].astype("str") + "%" for name in ("int_rate", "revol_util")}
    months = {name: pd.to_datetime(frame[name], format="%b-%Y").dt.strftime("%Y-%m-%d") for name in names(kind="month")}
    small = {name: frame[name].str.lower() for name in ("home_ownership", "loan_status", "verification_status")}
    return frame.assign(**signs, **months, **small)


FORMS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], dict[str, str]]] = {
    "as the case study": (_as_usual, {}),
    "semicolons and cp1252": (_as_usual, {"sep": ";", "encoding": "cp1252"}),
    "percent signs, dates of ISO, small letters": (_otherwise, {}),
}


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=396_030)
    rows = parser.parse_args().rows
    print("| form | seconds | MB at most, this process included |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for form, (change, options) in FORMS.items():
            path = Path(folder) / "loans.csv"
            for part, frame in enumerate(iter_loans(rows, seed=0)):
                change(frame).to_csv(path, mode="a" if part else "w", header=not part, index=False, **options)  # type: ignore[call-overload]
            started = time.perf_counter()
            with peak_memory(psutil.Process()) as peak:
                subprocess.run([sys.executable, "-c", READ, str(path), f"{folder}/out.parquet"], check=True)
            print(f"| {form} | {time.perf_counter() - started:.1f} | {1e3 * peak.gigabytes:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
