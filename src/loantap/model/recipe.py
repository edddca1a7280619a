"""A recipe names everything about a model except the strength of its penalty, and makes its pipeline."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, SMOTENC
from imblearn.pipeline import Pipeline

from loantap.model.features import (
    INDICATOR,
    Encoding,
    Unknown,
    categories_of,
    column_groups,
    expand_step,
    numbers_of,
    standard_step,
)
from loantap.model.inputs import Inputs
from loantap.model.logistic import PathLogisticRegression
from loantap.model.woe import WoeEncoder

# From the simplest to the most involved.
Sampler = Literal["none", "class_weights", "SMOTE", "SMOTENC"]
SAMPLERS: tuple[Sampler, ...] = get_args(Sampler)
NEIGHBOURS = 5  # that SMOTE draws between, unless a caller says otherwise


@dataclass(frozen=True)
class Recipe:
    """What a logistic regression sees, how it is encoded, and what is done about the rarity of defaults."""

    inputs: Inputs
    encoding: Encoding = "plain"
    sampler: Sampler = "SMOTE"
    neighbours: int = NEIGHBOURS  # that SMOTE or SMOTENC draws between
    obeys: bool = True  # the declared directions of risk
    unknown: Unknown = "risky"  # what a missing value counts as
    without: tuple[str, ...] = ()  # inputs that it does not look at

    @property
    def name(self) -> str:
        """The recipe in words, without its inputs."""
        sampling = {"none": "no resampling", "class_weights": "class weights"}.get(self.sampler, self.sampler)
        free = "" if self.obeys else ", free signs"
        return f"{self.encoding}, {sampling}{free}{', missing values learnt' if self.unknown == 'learned' else ''}"

    @property
    def features(self) -> list[str]:
        """The inputs that it looks at."""
        numbers = numbers_of(inputs=self.inputs, encoding=self.encoding, without=self.without)
        return [*numbers, *categories_of(inputs=self.inputs)]

    def pipeline(self, *, penalty: str = "l2", C: float = 1.0, random_state: int) -> Pipeline:
        """Return encoder, sampler and logistic regression as one unfitted pipeline."""
        weights = "balanced" if self.sampler == "class_weights" else None
        if self.encoding == "woe":  # riskier bins have higher weights, so a coefficient below 0 would turn them round
            return Pipeline([("woe", WoeEncoder()), ("model", PathLogisticRegression(penalty, C, weights, rest=1))])
        seen: Any = {"inputs": self.inputs, "encoding": self.encoding, "without": self.without}
        shape = tuple((columns, way if self._binds(name) else 0) for name, columns, way in column_groups(**seen))
        if not any(way or columns > 1 for columns, way in shape):
            shape = ()  # nothing to hold to, and no curve
        steps = [
            ("standard", standard_step(**seen, unknown=self.unknown)),
            ("expand", expand_step(**seen)),
            # A level that hardly any loan had has no column. Where no level adds to the risk, it counts as the
            # riskiest.
            ("model", PathLogisticRegression(penalty, C, weights, shape, rest=-1 if self.obeys else 0)),
        ]
        if self.sampler == "SMOTE":
            steps.insert(2, ("sampler", SMOTE(k_neighbors=self.neighbours, random_state=random_state)))
        if self.sampler == "SMOTENC":
            categories = categories_of(inputs=self.inputs)
            steps.insert(1, ("sampler", SMOTENC(categories, k_neighbors=self.neighbours, random_state=random_state)))
        return Pipeline(steps)

    def _binds(self, name: str) -> bool:
        return self.obeys and not (self.unknown == "learned" and name.startswith(INDICATOR))


def prepare(pipeline: Pipeline, X: pd.DataFrame, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit every step before the model, and return its matrix and outcome, resampled where the recipe resamples."""
    for _, step in pipeline.steps[:-1]:
        if hasattr(step, "fit_resample"):
            X, y = step.fit_resample(X, y)
        else:
            X = step.fit_transform(X, y)
    return np.asfortranarray(X), np.asarray(y)


def encode(pipeline: Pipeline, X: pd.DataFrame) -> np.ndarray:
    """Return the matrix of unseen loans; a sampler is passed by."""
    for _, step in pipeline.steps[:-1]:
        if not hasattr(step, "fit_resample"):
            X = step.transform(X)
    return np.asarray(X)
