"""How MLflow reads a logged model: this module loads the model's folder, so that no pickle is involved."""

from pathlib import Path
from typing import Any

import pandas as pd

from loantap.model.persistence import SavedModel, load_model
from loantap.scoring.table import score_table


class ApplicationModel:
    """A saved model as MLflow calls it: applications in, probabilities and decisions out."""

    def __init__(self, model: SavedModel) -> None:
        """Wrap a model."""
        self._model = model

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return probability_of_default and decision, one row per application; MLflow passes params too."""
        del params
        scores = score_table(self._model, model_input)[["probability_of_default", "decision"]]
        return scores.astype({"decision": "str"})


def _load_pyfunc(data_path: str) -> ApplicationModel:
    """Load what was logged; MLflow looks for this name."""
    return ApplicationModel(load_model(Path(data_path)))
