"""What is said of the SMOTE model beside the champion follows the intervals of their differences."""

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from loantap.exhibits.smote import beside_the_champion
from loantap.model.tuning import Tuned

SCORES = {"f2": 0.58, "roc_auc": 0.7}


def evaluated(f2: float) -> Any:
    test = {**SCORES, "f2": f2, "n": 900, "ci": dict.fromkeys(SCORES, (0.5, 0.8))}
    counts = {"tn": 300, "fp": 400, "fn": 20, "tp": 180}
    test |= {"confusion": counts, "confusion_ci": {name: (n - 10, n + 10) for name, n in counts.items()}}
    model = SimpleNamespace(penalty="l2", C=0.3, threshold=0.12, train_rows=800)
    return SimpleNamespace(
        inputs="without_pincode", score="f2", confidence=0.9, repetitions=20, sampled=False, model=model, test=test, referred={"threshold": 0.6},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ends", "title", "told"),
    [
        ((0.02, 0.01, 0.03), "lies below the champion's", "below the champion's (-0.020, -0.030 to -0.010)"),
        ((-0.02, -0.03, -0.01), "lies above the champion's", "above the champion's (+0.020, +0.010 to +0.030)"),
        ((0.02, -0.01, 0.05), "is not shown to differ", "not shown to differ from the champion's (-0.020, -0.050 to"),
    ],
)
def test_a_model_is_above_or_below_where_the_paired_interval_says_so(ends: tuple[float, ...], title: str, told: str):
    names = ("difference", "difference_low", "difference_high")
    ladder = pd.DataFrame([{"name": "tuned SMOTE", **dict(zip(names, ends, strict=True))}])
    paired = {f"roc_auc_{name}": value for name, value in zip(names, (0.0, -0.01, 0.01), strict=True)}
    tuned = Tuned(
        pd.DataFrame({"penalty": ["l1", "l2"]}), {"penalty": "l2", "C": 0.3}, 2.0, pd.Series([0.0]).to_numpy()
    )
    counts, scores = beside_the_champion(evaluated(0.58), evaluated(0.56), tuned, ladder, paired).parts
    assert title in counts.title
    assert f"Its F2 is 0.560, {told}" in counts.text
    assert "ROC-AUC is 0.700, not shown to differ" in counts.text
    assert "2 settings and chose penalty l2 with C = 0.3" in counts.text
    assert list(counts.table["name"]) == ["Champion", "SMOTE, tuned"]
    assert set(scores.table["metric"]) == {"F2", "ROC-AUC"}
