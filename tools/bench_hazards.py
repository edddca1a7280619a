"""Time and memory of probabilities over time: python tools/bench_hazards.py [--loans N] [--write]. --write puts the table into docs/early-warning.md."""

import argparse
import tempfile
import time
from pathlib import Path
from sys import executable

import numpy as np
import pandas as pd
from bench import measured
from page_parts import write_measured

from loantap.data.cleaning import typed
from loantap.data.contract import check_loans
from loantap.data.panel import Panel
from loantap.data.synthetic import generate_loans
from loantap.data.synthetic.panel import synthetic_panel
from loantap.model.economics import Economics
from loantap.watchlist.expected_loss import expected_loss
from loantap.watchlist.hazards import fit_hazards
from loantap.watchlist.landmarks import borrowers, landmarks
from loantap.watchlist.settings import read_settings
from loantap.watchlist.standing import standing

PAGE = Path(__file__).parents[1] / "docs" / "early-warning.md"
LOANS, MONTHS, DIFFERENT = 100_000, 24, 50_000
MATRICES = ("dti", "revol_util", "balance", "days_past_due", "status")


def main() -> None:
    """Measure fitting, probabilities and expected loss on synthetic snapshots, in a process of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loans", type=int, default=LOANS, help="how many loans")
    parser.add_argument("--write", action="store_true", help="write the table into the page")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folder:
        run(given.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        snapshots = prepare(given.loans, Path(name))
        seconds, peak = measured([executable, __file__, "--folder", name])
        steps = pd.read_json(Path(name) / "steps.json", typ="series")
    row = {"loans": f"{given.loans:,}", "months": MONTHS, "snapshots": f"{snapshots:,}", **{f"{step}, s": f"{taken:.1f}" for step, taken in steps.items()}, "whole process, s": f"{seconds:.1f}", "peak GB": f"{peak:.2f}"}  # fmt: skip
    print(row)
    if given.write:
        write_measured(PAGE, "hazards", pd.DataFrame([row]).to_markdown(index=False))


def prepare(loans: int, folder: Path) -> int:
    """Write a synthetic panel and what is known of its loans, and return how many snapshots there are."""
    checked, _ = check_loans(generate_loans(min(loans, DIFFERENT), seed=1))
    some = typed(checked)
    clean = some.iloc[np.arange(loans) % len(some)].reset_index(drop=True)
    probability = clean["int_rate"].to_numpy() / 75
    made = synthetic_panel(clean, probability, months=MONTHS, random_state=0, first_month="2016-01")
    for name in MATRICES:
        np.save(folder / f"{name}.npy", getattr(made.panel, name))
    terms = clean[["int_rate", "installment", "dti", "revol_util"]].astype(float)
    issued = made.panel.months[0] + made.truth["funded"].to_numpy()
    terms.assign(loan_id=made.panel.loan_id, probability=probability, issued=issued.astype("datetime64[s]")).to_parquet(folder / "loans.parquet")  # fmt: skip
    return int(made.panel.delivered.sum())


def run(folder: Path) -> None:
    """Fit, tell and sum up, and write how long each took."""
    loans = pd.read_parquet(folder / "loans.parquet")
    matrices = {name: np.load(folder / f"{name}.npy") for name in MATRICES}
    months = np.arange(np.datetime64("2016-01"), np.datetime64("2016-01") + MONTHS)
    panel = Panel(loans["loan_id"].to_numpy(), months, **matrices)
    settings = read_settings()
    stands = standing(panel, settings=settings)
    known = borrowers(panel, loans, probability=loans["probability"].to_numpy(), issued=loans["issued"].to_numpy())
    steps, started = {}, time.perf_counter()
    hazards = fit_hazards(panel, stands, known)
    steps["fit"] = time.perf_counter() - started
    if hazards is None:
        raise SystemExit("too few defaults: take more loans")
    started = time.perf_counter()
    hazards.probability(landmarks(panel, stands, known, [MONTHS - 1]))
    steps["12-month probabilities"] = time.perf_counter() - started
    started = time.perf_counter()
    expected_loss(
        panel, stands, known, MONTHS - 1, hazards=hazards, economics=Economics(), settings=settings.expected_loss
    )
    steps["stages and losses"] = time.perf_counter() - started
    pd.Series(steps).to_json(folder / "steps.json")


if __name__ == "__main__":
    main()
