"""The model that a notebook works with, and the run's loans as that model's training and test loans."""

from typing import Any

import numpy as np
import pandas as pd

from loantap.analysis.leaks import LEAK
from loantap.errors import InputError
from loantap.jsonable import jsonable
from loantap.model.economics import Economics, loan_profit
from loantap.model.finalist import fit_finalist
from loantap.model.inputs import feature_frame
from loantap.model.persistence import SavedModel, load_model, save_model
from loantap.model.recipe import Recipe
from loantap.model.tuning import split_loans
from loantap.report.results import RunFolder

_SPLIT = {"test_share": 0.2, "seed": 0}


def notebook_model(run: RunFolder) -> SavedModel:
    """Return the run's model; where it has none, make a quick one, so that a notebook can be tried by itself."""
    if not run.find("model").is_dir():
        _make_quickly(run)
    return load_model(run.find("model"))


def split_run(run: RunFolder, model: SavedModel) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the run's loans that its model was fitted on, and those that it has not seen.

    Raises InputError for a model that does not say how its loans were split.
    """
    split = model.card.get("split")
    if split is None:
        raise InputError(
            f"{run.find('model')}: expected a card that says which loans the model has seen. Run the tuning stage again."
        )
    loans = run.loans()
    rows = split_loans(loans["default"], test_share=split["test_share"], random_state=split["seed"])
    training, test = (loans.iloc[part].reset_index(drop=True) for part in rows)
    return training, test


def run_facts(run: RunFolder) -> dict[str, Any]:
    """Return what a model card says of the run: which it is, its loans, and the columns that gave the outcome away.

    Returns:
        run_id, git_commit, made_at; synthetic; data; sample (a sentence, or nothing); leaks, None where nobody searched.
    """
    # A model that was made on a bench is none of the run whose loans it saw.
    manifest = {"run_id": run.bench} if run.on_bench else run.manifest()
    found = run.result("leaks")["columns"] if run.find("results", "leaks.json").is_file() else None
    return {
        "run_id": manifest.get("run_id"),
        "git_commit": manifest.get("git_commit"),
        "made_at": manifest.get("started_at"),
        "synthetic": run.is_synthetic,
        "data": {name: run.data.get(name) for name in ("kind", "sha256", "rows", "defaults", "period")},
        "sample": run.model_note(),
        "leaks": None if found is None else [line["column"] for line in found if line["verdict"] == LEAK],
    }


def _make_quickly(run: RunFolder) -> None:
    loans = run.loans()
    rows, _ = split_loans(loans["default"], test_share=_SPLIT["test_share"], random_state=int(_SPLIT["seed"]))
    training = loans.iloc[rows]
    recipe = Recipe("without_pincode", "plain", "none")
    finalist = fit_finalist(
        feature_frame(training, inputs=recipe.inputs),
        training["default"].to_numpy(),
        loan_profit(training, Economics()),
        recipe=recipe,
        C=0.1,
        sample=np.arange(len(training)),
        folds=3,
        random_state=0,
        n_jobs=1,
    )
    card = jsonable({"name": "made in haste, for trying a notebook", "split": _SPLIT, "economics": Economics()})
    save_model(run.to("model"), finalist, loans=training, card=card, page="")
