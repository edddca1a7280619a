"""Write the example files in data/examples/, all synthetic: python tools/examples.py [FOLDER]."""

import sys
from pathlib import Path

import numpy as np

from loantap.data.applications import FIELDS
from loantap.data.cleaning import typed
from loantap.data.contract import check_loans
from loantap.data.snapshots import write_snapshots
from loantap.data.synthetic import generate_loans
from loantap.data.synthetic.panel import synthetic_panel
from loantap.settings import project_root

LOANS, MONTHS, RISK = 200, 9, 0.2


def main(folder: Path) -> None:
    """Write applications for loans, and monthly snapshots of the same loans."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = generate_loans(LOANS, seed=5)[[column.name for column in FIELDS]]
    checked, _ = check_loans(raw, columns=FIELDS)
    panel = synthetic_panel(
        typed(checked), np.full(LOANS, RISK), months=MONTHS, random_state=5, first_month="2016-01"
    ).panel
    raw.insert(0, "loan_id", panel.loan_id)
    raw.to_csv(folder / "applications.csv", index=False)
    write_snapshots(panel, folder / "snapshots.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else project_root() / "data" / "examples")
