"""Time and memory of a month's watchlist: python tools/bench_watch.py --model RUN [--loans N]. Writes docs/early-warning.md's table."""

import argparse
import tempfile
from pathlib import Path
from sys import executable

import pandas as pd
from bench import measured
from page_parts import write_measured

from loantap.data.applications import FIELDS
from loantap.data.cleaning import typed
from loantap.data.contract import check_loans
from loantap.data.snapshots import write_snapshots
from loantap.data.synthetic import generate_loans
from loantap.data.synthetic.panel import synthetic_panel
from loantap.model.persistence import load_model
from loantap_serving.locate import find_model

PAGE = Path(__file__).parents[1] / "docs" / "early-warning.md"
LOANS, MONTHS = 1_000_000, 24


def main() -> None:
    """Measure `loantap watch` on synthetic snapshots, whole process, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a run's folder, or a model's")
    parser.add_argument("--loans", type=int, default=LOANS, help="how many live loans")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        applications = folder / "applications.parquet"
        for kind in ("parquet", "csv"):
            snapshots = folder / f"snapshots.{kind}"
            count = write(given.loans, snapshots, applications, given.model)
            words = [executable, "-m", "loantap", "watch", "--snapshots", str(snapshots)]
            words += ["--applications", str(applications), "--model", str(given.model), "--out", str(folder / "watch")]
            seconds, peak = measured(words)
            rows.append({"live loans": f"{given.loans:,}", "months": MONTHS, "snapshots": f"{count:,}", "file": kind, "MB": f"{snapshots.stat().st_size / 1e6:,.0f}", "seconds": f"{seconds:.1f}", "peak GB": f"{peak:.2f}"})  # fmt: skip
            print(rows[-1])
            snapshots.unlink()
    write_measured(PAGE, "watch", pd.DataFrame(rows).to_markdown(index=False))


def write(loans: int, snapshots: Path, applications: Path, model: Path) -> int:
    """Write snapshots and applications of synthetic loans, and return how many snapshots there are."""
    names = [column.name for column in FIELDS]
    raw = generate_loans(loans, seed=1)[names]
    checked, _ = check_loans(raw, columns=FIELDS)
    clean = typed(checked)
    made = synthetic_panel(
        clean, load_model(find_model(model)).probability(clean), months=MONTHS, random_state=0, first_month="2016-01"
    )
    raw.assign(loan_id=made.panel.loan_id).to_parquet(applications, index=False)
    write_snapshots(made.panel, snapshots)
    return int((made.panel.balance >= 0).sum())


if __name__ == "__main__":
    main()
