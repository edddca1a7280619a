"""A saved model: a folder with its pipeline, in a form that cannot run code when read, and the facts around it."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
import skops.io
from pydantic import BaseModel, FiniteFloat, ValidationError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from skops.io.exceptions import UntrustedTypesFoundException

from loantap import __version__
from loantap.errors import InputError
from loantap.files import replacing, sha256, write_text
from loantap.model.calibration import SigmoidCalibration
from loantap.model.finalist import Finalist
from loantap.model.inputs import Inputs, feature_frame

PIPELINE, FACTS = "pipeline.skops", "model.json"
# What scikit-learn's own transformers hold of other libraries: splines, and the type of a column. None can run code.
TRUSTED = [
    "numpy.dtype",
    "scipy.interpolate._bsplines.BSpline",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
]


class _Facts(BaseModel):
    sha256: str
    inputs: Inputs
    slope: FiniteFloat
    intercept: FiniteFloat
    threshold: FiniteFloat
    profit_threshold: FiniteFloat
    versions: dict[str, str]


@dataclass(frozen=True)
class SavedModel:
    """A model read from its folder.

    Attributes:
        inputs: Which set of inputs it takes.
        pipeline: Encoder and logistic regression.
        calibration: From log-odds to probabilities.
        threshold: Calibrated probability at and above which a loan is flagged, for F2.
        profit_threshold: The same for profit.
    """

    inputs: Inputs
    pipeline: Pipeline
    calibration: SigmoidCalibration
    threshold: float
    profit_threshold: float

    def probability(self, loans: pd.DataFrame) -> np.ndarray:
        """Return calibrated probabilities of default of cleaned loans, shape (n,)."""
        return self.calibration(self.pipeline.decision_function(feature_frame(loans, inputs=self.inputs)))


def save_model(folder: Path, finalist: Finalist) -> Path:
    """Write a model into a folder, and return the folder.

    The logistic regression is kept as scikit-learn's own, so that reading it needs nothing of this project's code.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own = finalist.model["model"]
    plain = LogisticRegression(C=finalist.C, l1_ratio=float(finalist.penalty == "l1"))
    plain.coef_, plain.intercept_, plain.classes_ = own.coef_, own.intercept_, own.classes_
    plain.n_features_in_, plain.n_iter_ = own.n_features_in_, np.zeros(1, dtype=np.int32)
    with replacing(folder / PIPELINE) as temporary:
        skops.io.dump(
            Pipeline([*finalist.model.steps[:-1], ("model", plain)]), temporary, compression=zipfile.ZIP_DEFLATED
        )
    facts = {
        "sha256": sha256(folder / PIPELINE),
        "inputs": finalist.recipe.inputs,
        "features": finalist.recipe.encoding,
        "sampler": finalist.recipe.sampler,
        "penalty": finalist.penalty,
        "C": finalist.C,
        "slope": finalist.calibration.slope,
        "intercept": finalist.calibration.intercept,
        "threshold": finalist.threshold,
        "profit_threshold": finalist.profit_threshold,
        "train_rows": finalist.train_rows,
        "versions": {"loantap": __version__, "scikit-learn": sklearn.__version__},
    }
    write_text(folder / FACTS, json.dumps(facts, indent=1) + "\n")
    return folder


def load_model(folder: Path) -> SavedModel:
    """Read a model; raises InputError for a file that is missing, changed, of another version, or not a model's."""
    for name in (PIPELINE, FACTS):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder / name}: expected a part of a saved model, found nothing. Name a model's folder."
            )
    try:
        facts = _Facts.model_validate_json((folder / FACTS).read_text("utf-8"))
    except ValidationError as error:
        raise InputError(f"{folder / FACTS}: expected the facts of a saved model, but: {error}") from error
    if facts.sha256 != sha256(folder / PIPELINE):
        raise InputError(
            f"{folder / PIPELINE}: its sha256 is not the one in {FACTS}: it was changed, or its writing was "
            "interrupted. Do not use it; make the model again."
        )
    if facts.versions["scikit-learn"] != sklearn.__version__:
        raise InputError(
            f"{folder}: made with scikit-learn {facts.versions['scikit-learn']}, and {sklearn.__version__} is installed. "
            "Install that version, or make the model again."
        )
    try:
        pipeline = skops.io.load(folder / PIPELINE, trusted=TRUSTED)
    except UntrustedTypesFoundException as error:
        raise InputError(
            f"{folder / PIPELINE}: expected scikit-learn's types only, but: {error}. Do not use this file."
        ) from error
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{folder / PIPELINE}: expected a file that skops wrote, but: {error}") from error
    if not isinstance(pipeline, Pipeline) or list(pipeline.named_steps) != ["standard", "expand", "model"]:
        raise InputError(
            f"{folder / PIPELINE}: expected a pipeline of standard, expand and model, got {pipeline!r:.200}"
        )
    calibration = SigmoidCalibration(facts.slope, facts.intercept)
    return SavedModel(facts.inputs, pipeline, calibration, facts.threshold, facts.profit_threshold)
