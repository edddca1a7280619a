"""Whether a model card tells the truth: about the run's results, and about the model in its folder."""

from typing import Any

import numpy as np
import pandas as pd

from loantap.analysis.leaks import LEAK
from loantap.model.evaluation import METRICS, Predictions
from loantap.model.inputs import feature_frame, source_columns
from loantap.model.persistence import SavedModel
from loantap.model.seal import SMOTE
from loantap.model.study import shares_referred
from loantap.model.tuning import split_loans
from loantap.runs.manifest import Manifest
from loantap.runs.results import RunFolder

_PARTS = (
    "name", "run_id", "data", "uses", "misuses", "limits", "features", "not_features", "recipe", "train_rows", "split",
    "threshold", "threshold_rule", "profit_threshold", "capacity", "capacity_threshold", "referred", "test", "calibration", "rivals", "groups",
)  # fmt: skip


def held_out(run: RunFolder, model: SavedModel) -> tuple[int, pd.DataFrame]:
    """Return how many of a run's loans the model was fitted on, and the others, with what it looks at and `default`."""
    loans = run.loans([*source_columns(inputs=model.metadata.inputs), "default"])
    split = model.card["split"]
    train, test = split_loans(loans["default"], test_share=split["test_share"], random_state=split["seed"])
    return len(train), loans.iloc[test]


def check_card(run: RunFolder, manifest: Manifest, model: SavedModel, *, beside: str = "") -> tuple[bool, str]:
    """Return whether a model's card is whole, agrees with the run's results and with the model, and what was seen.

    The saved model scores the run's test loans again: its scores and deciles have to be the card's to 1e-9, its confusion
    exactly, and the pipeline's probabilities those of the fast scorer to 1e-12.

    Args:
        run: The run.
        manifest: Its manifest.
        model: The model.
        beside: Which of the models beside the champion it is, "smote" or "scorecard"; empty for the champion.
    """
    card = model.card
    if missing := [name for name in _PARTS if card.get(name) in (None, [], {}, "")]:
        return False, f"the card lacks {', '.join(missing)}"
    if other := _unlike_the_results(run, manifest, model, beside=beside):
        return False, f"the card says otherwise than the run's results: {', '.join(other)}"
    trained, unseen = held_out(run, model)
    probability = model.probability(unseen)
    plain = model.pipeline.decision_function(feature_frame(unseen, inputs=model.metadata.inputs))
    used = (
        card["train_rows"] if beside == SMOTE and card["train_rows"] < trained else trained
    )  # a sample is enough for it
    predictions = Predictions.of(unseen["default"].to_numpy(), probability)
    scores, deciles = predictions.metrics(model.threshold), predictions.calibration()
    told, told_deciles = card["test"], pd.DataFrame(card["calibration"]["deciles"])
    exact = {
        "threshold": card["threshold"] == model.threshold,
        "profit threshold": card["profit_threshold"] == model.metadata.profit_threshold,
        "capacity": (card["capacity"], card["capacity_threshold"])
        == (model.metadata.capacity, model.metadata.capacity_threshold),
        "features": set(model.metadata.features) <= set(card["features"]),
        "number of loans": (card["train_rows"], told["n"]) == (used, len(unseen)),
        "confusion": told["confusion"] == predictions.confusion(model.threshold),
        "shares referred": card["referred"] == shares_referred(probability, model.metadata),
        "deciles": len(told_deciles) == len(deciles)
        and np.allclose(told_deciles[list(deciles)], deciles, rtol=0, atol=1e-9),
        "scorer": np.abs(model.calibration(plain) - probability).max() <= 1e-12,
    }
    wrong = [name for name, same in exact.items() if not same]
    wrong += [name for name in METRICS if not abs(scores[name] - told[name]) <= 1e-9]
    if wrong:
        return False, f"the saved model gives other numbers on the run's {len(unseen):,} test loans: {', '.join(wrong)}"
    return (
        True,
        f"{len(unseen):,} test loans scored again: F2 {scores['f2']:.4f}, ROC-AUC {scores['roc_auc']:.4f}, as told",
    )


def _unlike_the_results(run: RunFolder, manifest: Manifest, model: SavedModel, *, beside: str) -> list[str]:
    """Return the parts of the card that the run's own results do not say."""
    card, metadata = model.card, model.metadata
    result, data = run.result("model")["without_pincode"], manifest.data
    leaks = [line["column"] for line in run.result("leaks")["columns"] if line["verdict"] == LEAK]
    if beside:
        result = result[beside]
        rivals, groups = (pd.DataFrame(result[name]) for name in ("rivals", "groups"))
    else:
        rivals, groups = (run.table(f"model-{name}-without-pincode") for name in ("baselines", "groups"))
    same = {
        "test": card["test"] == result["test"],
        "out_of_time": card["out_of_time"] == result["out_of_time"],
        "recipe": all(
            card["recipe"][name] == getattr(metadata, name) for name in ("sampler", "obeys", "unknown", "without")
        ),
        "calibration": (card["calibration"]["slope"], card["calibration"]["intercept"])
        == (metadata.slope, metadata.intercept),
        "data": all(card["data"][name] == data.get(name) for name in ("sha256", "rows", "defaults")),
        "leaks": card["leaks"] == leaks,
        "rivals": _same_table(card["rivals"], rivals[list(card["rivals"][0])]),
        "groups": _same_table(card["groups"], groups[list(card["groups"][0])]),
    }
    return [name for name, fits in same.items() if not fits]


def _same_table(told: list[dict[str, Any]], table: pd.DataFrame) -> bool:
    if len(told) != len(table):
        return False
    numbers = table.select_dtypes("number").columns
    card = pd.DataFrame(told, columns=table.columns).astype(dict.fromkeys(numbers, "float64"))
    texts = table.columns.difference(numbers)
    return bool(
        (card[texts].astype(str) == table[texts].astype(str)).all(axis=None)
        and np.allclose(card[numbers], table[numbers], rtol=0, atol=1e-9, equal_nan=True)
    )
