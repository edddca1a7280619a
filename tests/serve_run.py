"""A small run's folder with its model, for tests of what is served."""

from pathlib import Path
from typing import Any

import pandas as pd
from sealed import seal_run

from loantap.model.economics import Economics
from loantap.model.fitted import FittedModel
from loantap.model.inputs import feature_frame
from loantap.model.persistence import save_model
from loantap.model.study import THRESHOLDS, shares_referred
from loantap.model.tuning import split_loans
from loantap.runs.manifest import StageRecord, new_manifest

CARD: dict[str, Any] = {
    "name": "a test",
    "run_id": "r1",
    "synthetic": True,
    "split": {"test_share": 0.25, "seed": 0},
    "economics": vars(Economics()),
}


def told_of_thresholds(fitted: FittedModel, loans: pd.DataFrame) -> dict[str, Any]:
    """Return what a card says of a model's thresholds."""
    split = CARD["split"]
    unseen = loans.iloc[split_loans(loans["default"], test_share=split["test_share"], random_state=split["seed"])[1]]
    probability = fitted.probability(feature_frame(unseen, inputs=fitted.recipe.inputs))
    named = {name: getattr(fitted, name) for name in (*THRESHOLDS, "capacity", "beta")}
    return named | {"referred": shares_referred(probability, fitted), "test": {"n": len(unseen)}}


def write_run(folder: Path, fitted: FittedModel, loans: pd.DataFrame) -> Path:
    """Write a run of synthetic loans: manifest, cleaned loans and model; return the folder."""
    (folder / "data").mkdir(parents=True)
    loans.to_parquet(folder / "data" / "loans.parquet")
    manifest = new_manifest("r1", {}, [StageRecord(name="ingest", notebook="01_ingest.ipynb")])
    manifest.status, manifest.finished_at = "done", manifest.started_at
    manifest.data = {"kind": "synthetic", "location": "synthetic: a few rows"}
    manifest.write(folder)
    card = CARD | told_of_thresholds(fitted, loans)
    save_model(folder / "model", fitted, loans=loans, card=card, page="<p>a test</p>")
    return seal_run(folder)
