"""What is told of a saved model beside its pipeline: how it was made, and how its log-odds become decisions."""

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from loantap.model.inputs import Inputs

Threshold = Annotated[float, Field(ge=0, le=float(np.nextafter(1.0, 2.0)))]  # just above 1: nobody is referred


class Facts(BaseModel):
    """What `model.json` holds: how the model was made, and how its log-odds become decisions.

    Attributes:
        inputs: Which set of inputs it takes.
        encoding: How they were encoded.
        sampler: What was done about the rarity of defaults.
        obeys: Whether it was bound to the declared directions of risk.
        unknown: What a missing value counts as.
        without: Inputs that it was not shown.
        penalty: Of the coefficients.
        C: Its inverse strength.
        features: The inputs, in the order of contributions.
        slope: Of the calibration.
        intercept: Of the calibration.
        threshold: Calibrated probability at and above which a loan is flagged, for F2.
        profit_threshold: The same for profit.
        capacity: The share of the applications that people can look at.
        capacity_threshold: The same for that capacity.
        versions: Of the libraries that made it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    inputs: Inputs
    encoding: str
    sampler: str
    obeys: bool
    unknown: str
    without: list[str]
    penalty: str
    C: FiniteFloat
    features: list[str]
    slope: Annotated[FiniteFloat, Field(ge=0)]
    intercept: FiniteFloat
    threshold: Threshold
    profit_threshold: Threshold
    capacity: Annotated[float, Field(ge=0, le=1)]
    capacity_threshold: Threshold
    versions: dict[str, str]
