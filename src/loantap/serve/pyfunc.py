"""How MLflow reads a logged model: this module loads the model's folder, so that no pickle is involved."""

import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from loantap.data.application_file import application_columns
from loantap.data.contract import summarise
from loantap.data.units import Units
from loantap.errors import InputError
from loantap.model.inputs import source_columns
from loantap.model.persistence import SavedModel, load_model
from loantap.serve.batch import checked_applications, score_frame

_PROBLEMS = 20


class ApplicationModel:
    """A saved model as MLflow calls it: applications in, probabilities and decisions out."""

    def __init__(self, model: SavedModel) -> None:
        """Wrap a model."""
        self._model = model

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return probability_of_default and decision, one row per application, as `loantap score` does.

        Args:
            model_input: Applications by the codebook's names, texts or typed values as in a file. Other columns are not
                read; missing values are None or NaN, and their columns may be absent.
            params: Not used; MLflow passes it.

        Raises InputError for applications that break a rule of the codebook, with column, rule and rows (from 1), and for
        percentages in fractions.
        """
        del params
        needed = source_columns(inputs=self._model.facts.inputs)
        names = [column.name for column in application_columns(needed, list(model_input.columns))]
        raw = model_input.reindex(columns=names).set_axis(range(1, len(model_input) + 1))
        checked, found = checked_applications(raw, needed=needed)
        if len(found):
            told = "".join(f"\n  {problem}" for problem in summarise(found)[:_PROBLEMS])
            raise InputError(
                f"expected applications by the rules of the codebook (data/README.md):{told}\nNone was scored."
            )
        units = Units()
        units.add(checked)
        for note in units.doubts("applications"):
            warnings.warn(note, stacklevel=2)
        scores = score_frame(self._model, checked).select(["probability_of_default", "decision"]).to_pandas()
        return scores.astype({"decision": "str"}).set_axis(model_input.index)


def _load_pyfunc(data_path: str) -> ApplicationModel:
    """Load what was logged; MLflow looks for this name."""
    return ApplicationModel(load_model(Path(data_path)))
