"""How MLflow reads a logged model: this module loads the model's folder, so that no pickle is involved."""

from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from loantap.data.applications import Application, rule
from loantap.errors import InputError
from loantap.model.persistence import SavedModel, load_model
from loantap.serve.scoring import score_application


class ApplicationModel:
    """A saved model as MLflow calls it: applications in, probabilities and decisions out."""

    def __init__(self, model: SavedModel) -> None:
        """Wrap a model."""
        self._model = model

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return probability_of_default and decision, one row per application.

        Args:
            model_input: Applications by the codebook's names; missing values as None or NaN.
            params: Not used; MLflow passes it.

        Raises InputError for an application that breaks a rule of the codebook, with its row, field and rule.
        """
        del params
        scores = [self._score(row, values) for row, values in enumerate(model_input.to_dict("records"), 1)]
        return pd.DataFrame(scores, columns=["probability_of_default", "decision"], index=model_input.index)

    def _score(self, row: int, values: dict[Any, Any]) -> tuple[float, str]:
        given = {name: None if pd.isna(value) else value for name, value in values.items()}
        try:
            application = Application(**given)
        except ValidationError as error:
            fields = [str(problem["loc"][0] if problem["loc"] else "application") for problem in error.errors()]
            told = "; ".join(f"{field}: {rule(field)}" for field in dict.fromkeys(fields))
            raise InputError(f"application {row}: expected {told}") from None
        score = score_application(self._model, application.model_dump())
        return score.probability_of_default, score.decision


def _load_pyfunc(data_path: str) -> ApplicationModel:
    """Load what was logged; MLflow looks for this name."""
    return ApplicationModel(load_model(Path(data_path)))
