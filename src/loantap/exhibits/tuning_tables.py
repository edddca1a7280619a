"""The tables about models, as the notebook writes them, and the columns that it and the pages show."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.model.original import Original
from loantap.model.out_of_time import OutOfTime
from loantap.model.study import Judged
from loantap.model.tuning import Tuned

Result = Mapping[str, Any]
SCORE_COLUMNS = {"metric": "text", "estimate": "score with interval", "smote": "score with interval"}
PROFIT_COLUMNS = {
    "name": "text", "threshold": "rate", "refused": "rate", "profit": "rate with interval", "difference": "rate with interval",
}  # fmt: skip
LADDER_COLUMNS = {"name": "text", "rule": "text", "f2": "score with interval", "difference": "score with interval"}
OUT_OF_TIME_COLUMNS = {
    "loans_of": "text", "n": "count", "default_rate": "rate", "predicted": "rate", "roc_auc": "score with interval", "f2": "score",
    "brier": "score",
}  # fmt: skip

GAINS_COLUMNS = {
    "decile": "count", "loans": "count", "predicted": "rate", "default_rate": "rate with interval", "cumulative_defaults": "rate",
    "lift": "ratio",
}  # fmt: skip
GROUP_COLUMNS = {
    "group": "text", "n": "count", "default_rate": "rate", "predicted": "rate", "recall": "rate", "false_positive_rate": "rate",
    "roc_auc": "score with interval",
}  # fmt: skip
ODDS_COLUMNS = {"change": "text", "odds_ratio": "ratio with interval"}


def score_table(*, champion: Result, smote: Result) -> pd.DataFrame:
    """Return one row per metric: the champion's estimate and interval, and the tuned SMOTE model's beside it."""
    return pd.DataFrame(
        {
            "metric": key.replace("_", " "),
            "estimate": champion[key],
            "ci_low": low,
            "ci_high": high,
            "smote": smote[key],
            "smote_low": smote["ci"][key][0],
            "smote_high": smote["ci"][key][1],
        }
        for key, (low, high) in champion["ci"].items()
    )


def ladder(
    *, champion: Judged, smote: Judged, original: Original, baselines: list[dict], differences: pd.DataFrame
) -> pd.DataFrame:
    """Return F2 of models and rules on the same test loans, one row each, and the champion's less each other's."""
    rivals = [
        {"name": "champion", "rule": "the model in use", "test": champion.test},
        {"name": "tuned SMOTE", "rule": "logistic regression with SMOTE, calibrated", "test": smote.test},
        {
            "name": "original protocol",
            "rule": "SMOTE before splitting, liblinear, TPR = 1 - FPR",
            "test": original.test,
        },
        *baselines,
    ]
    table = pd.DataFrame(
        {
            "name": rival["name"],
            "rule": rival["rule"],
            "f2": rival["test"]["f2"],
            "ci_low": rival["test"]["ci"]["f2"][0],
            "ci_high": rival["test"]["ci"]["f2"][1],
            "recall": rival["test"]["recall"],
            "precision": rival["test"]["precision"],
            "brier": rival["test"]["brier"],
        }
        for rival in rivals
    ).merge(differences, on="name", validate="one_to_one")
    return table.assign(name=table["name"].str.replace("_", " "))


def out_of_time_table(judged: Judged, later: OutOfTime | None) -> pd.DataFrame:
    """Return the scores on loans of the same months beside those on later loans."""
    test = judged.test
    confusion = test["confusion"]
    base = (confusion["tp"] + confusion["fn"]) / test["n"]
    rows: list[tuple[str, Result, float, float]] = [("the same months", test, base, judged.predicted)]
    if later is not None:
        label = f"{later.first_month:%B %Y} on"
        rows.append((label, later.test, later.default_rate, later.predicted))
    return pd.DataFrame(
        {"loans_of": label, "n": scores["n"], "default_rate": rate, "predicted": predicted, "brier": scores["brier"]}
        | {
            f"{key}{end}": value
            for key in ("roc_auc", "f2")
            for end, value in zip(("", "_low", "_high"), (scores[key], *scores["ci"][key]), strict=True)
        }
        for label, scores, rate, predicted in rows
    )


def grid_summary(tuned: Tuned) -> dict[str, Any]:
    """Return the search of the tuned model: mean and deviation of F2 at the chosen setting, and the whole grid."""
    grid = tuned.grid
    row = grid[(grid["penalty"] == tuned.best["penalty"]) & (grid["C"] == tuned.best["C"])].iloc[0]
    scored_at = "raw probability 0.5 of resampled folds"
    return {"scored_at": scored_at, "f2_mean": row["f2_mean"], "f2_sd": row["f2_sd"], "grid": grid}
