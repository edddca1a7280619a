"""The model that a notebook works with, and the run's loans as that model's training and test loans."""

from typing import Any

import numpy as np
import pandas as pd

from loantap.analysis.leaks import LEAK
from loantap.errors import InputError
from loantap.files import replacing
from loantap.jsonable import jsonable
from loantap.model.economics import Economics, loan_profit
from loantap.model.fitted import Apart, fit_calibrated, fit_out_of_time
from loantap.model.inputs import feature_frame
from loantap.model.persistence import SavedModel, load_model, save_model
from loantap.model.recipe import Recipe
from loantap.model.tuning import split_loans
from loantap.runs.results import OUT_OF_TIME, RunFolder

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


def keep_out_of_time(run: RunFolder, apart: Apart | None) -> None:
    """Write what a model of the earlier loans says of every loan of the run; without one, a file of no rows says so."""
    later, probability = (apart.later, apart.probability) if apart else (np.empty(0, bool), np.empty(0))
    with replacing(run.to(OUT_OF_TIME)) as temporary:
        pd.DataFrame({"later": later, "probability": probability}).to_parquet(temporary, index=False)


def later_predictions(run: RunFolder) -> pd.DataFrame | None:
    """Return what a model of the earlier loans says of every loan; None where the run has no such model.

    Returns:
        One row per loan, in the order of `run.loans()`: later (bool, whether the model has not seen it) and probability
        (calibrated; of the earlier loans in sample).

    Raises InputError for rows that are not of the run's loans.
    """
    path = run.find(OUT_OF_TIME)
    if not path.is_file():
        return None
    try:
        predictions = pd.read_parquet(path, columns=["later", "probability"])
    except (OSError, ValueError) as error:  # pyarrow's own are among these
        raise InputError(
            f"{path}: expected predictions as Parquet, but: {error}. Run the tuning stage again."
        ) from error
    if predictions.empty:
        return None
    months, later, wrong = run.loans(["issue_d"])["issue_d"], predictions["later"].to_numpy(), ""
    if len(predictions) != len(months):
        wrong = f"expected one row for each of {len(months):,} loans, got {len(predictions):,}"
    elif not months[~later].max() < months[later].min():
        wrong = "expected the later loans to be those of the last months, but they are not"
    if wrong:
        raise InputError(f"{path}: {wrong}. Run the tuning stage again.")
    return predictions


def run_facts(run: RunFolder) -> dict[str, Any]:
    """Return what a model card says of the run: which it is, its loans, and the columns that gave the outcome away.

    Returns:
        run_id, git_commit, made_at; synthetic; data; sample (a sentence, or nothing); leaks, None where nobody searched.
    """
    # A model that was made on a bench is none of the run whose loans it saw.
    manifest = {"run_id": run.bench} if run.on_bench else run.manifest()
    columns = run.result("leaks")["columns"] if run.find("results", "leaks.json").is_file() else None
    return {
        "run_id": manifest.get("run_id"), "git_commit": manifest.get("git_commit"), "made_at": manifest.get("started_at"),
        "synthetic": run.is_synthetic, "data": {name: run.data.get(name) for name in ("kind", "sha256", "rows", "defaults", "period")},
        "sample": run.model_note(), "leaks": None if columns is None else [line["column"] for line in columns if line["verdict"] == LEAK],
    }  # fmt: skip


def _make_quickly(run: RunFolder) -> None:
    loans = run.loans()
    rows, _ = split_loans(loans["default"], test_share=_SPLIT["test_share"], random_state=int(_SPLIT["seed"]))
    training = loans.iloc[rows]
    recipe = Recipe("without_pincode", "plain", "none")
    quick: Any = {"recipe": recipe, "C": 0.1, "folds": 3, "random_state": 0}
    X, profit = feature_frame(training, inputs=recipe.inputs), loan_profit(training, Economics())
    fitted = fit_calibrated(X, training["default"].to_numpy(), profit, sample=np.arange(len(training)), **quick)
    apart = fit_out_of_time(loans, later_share=_SPLIT["test_share"], rows=len(loans), economics=Economics(), **quick)
    card = jsonable({"name": "made in haste, for trying a notebook", "split": _SPLIT, "economics": Economics()})
    keep_out_of_time(run, apart)
    save_model(run.to("model"), fitted, loans=training, card=card, page="")
