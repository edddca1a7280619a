"""What is told of a saved model beside its pipeline: how it was made, and how its log-odds become decisions."""

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from loantap.model.inputs import Inputs

Threshold = Annotated[float, Field(ge=0, le=float(np.nextafter(1.0, 2.0)))]  # just above 1: nobody is referred


class Facts(BaseModel):
    """What `model.json` holds: how the model was made, and how its log-odds become decisions."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    inputs: Inputs  # which set of inputs it takes
    encoding: str  # how they were encoded
    sampler: str  # what was done about the rarity of defaults
    obeys: bool  # whether it was bound to the declared directions of risk
    unknown: str  # what a missing value counts as
    without: list[str]  # inputs that it was not shown
    penalty: str  # of the coefficients
    C: FiniteFloat  # its inverse strength
    features: list[str]  # the inputs, in the order of contributions
    slope: Annotated[FiniteFloat, Field(ge=0)]  # of the calibration
    intercept: FiniteFloat  # of the calibration
    threshold: Threshold  # calibrated probability at and above which a loan is flagged, for F2
    profit_threshold: Threshold  # the same for profit
    capacity: Annotated[float, Field(ge=0, le=1)]  # the share of the applications that people can look at
    capacity_threshold: Threshold  # the same for that capacity
    versions: dict[str, str]  # of the libraries that made it
