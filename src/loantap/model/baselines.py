"""Rules that any model must beat, judged on the same test loans."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from loantap.model.evaluation import Predictions, evaluate


def score_baselines(
    train: pd.DataFrame, test: pd.DataFrame, *, repetitions: int = 500, random_state: int
) -> list[dict]:
    """Return the test scores of three rules; each learns from the training loans only.

    Args:
        train: Training loans with `default`, `pincode` and `grade`.
        test: Test loans with the same columns.
        repetitions: Bootstrap repetitions for the intervals.
        random_state: Seed of the bootstrap.

    Returns:
        One dict per rule: name, rule (in words), threshold, and `test` as in `evaluate`.
    """
    rules: dict[str, tuple[str, Mapping[str, pd.Series] | None]] = {
        "reject_all": ("refuse every application", None),
        "pincode": (
            "refuse all but the pincodes in which no training loan defaulted (a leak)",
            {"pincode": _any_default(train)},
        ),
        "grade": ("refuse the grades at and above the threshold in default rate", {"grade": _default_rate(train)}),
    }
    found = []
    for name, (rule, table) in rules.items():
        known, unseen = (_apply(table, loans) for loans in (train, test))
        threshold = 0.5 if name != "grade" else Predictions.of(train["default"].to_numpy(), known).best_threshold()
        scores = evaluate(
            test["default"].to_numpy(), unseen, threshold=threshold, repetitions=repetitions, random_state=random_state
        )
        found.append({"name": name, "rule": rule, "threshold": threshold, "test": scores})
    return found


def _any_default(train: pd.DataFrame) -> pd.Series:
    return train.groupby("pincode", observed=True)["default"].max().astype(float)


def _default_rate(train: pd.DataFrame) -> pd.Series:
    return train.groupby("grade", observed=True)["default"].mean()


def _apply(table: Mapping[str, pd.Series] | None, loans: pd.DataFrame) -> np.ndarray:
    if table is None:
        return np.ones(len(loans))
    ((column, values),) = table.items()
    # A level that no training loan had is refused: nothing speaks for it.
    return loans[column].astype("object").map(values).fillna(1.0).to_numpy(dtype=float)
