"""A saved model: a folder with its pipeline, in a form that cannot run code when read, and all that is known of it."""

import hashlib
import json
import pickle
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from loantap.errors import InputError
from loantap.files import sha256, staging_folder, take_place
from loantap.model.calibration import SigmoidCalibration
from loantap.model.inputs import feature_frame, feature_names
from loantap.model.metadata import BINDING, ModelMetadata, TrainingSummary, summarise_training, versions
from loantap.model.reasons import ReasonCode, reason_table
from loantap.model.scorer import Scorer, StoredScorer
from loantap.model.seal import BESIDE, PICKLE, SUMS, check_seal, read_pickle, seal

if TYPE_CHECKING:  # what makes a model, and scikit-learn, need not be loaded to use one
    from sklearn.pipeline import Pipeline

    from loantap.model.fitted import FittedModel

PIPELINE, METADATA, REASONS, TRAINING = "pipeline.skops", "model.json", "reasons.json", "training.json"
CARD, PAGE = "model_card.json", "model_card.html"
SCORER = "scorer.json"  # the pipeline as plain numbers; models of before have none
BINS = "scorecard.json"  # of a scorecard, in the place of the pipeline
_NOT_OURS = (AttributeError, IndexError, KeyError, TypeError, ValueError)
_STEPS = (["standard", "expand", "model"], ["woe", "model"])


@dataclass(frozen=True)
class SavedModel:
    """A model read from its folder.

    Attributes:
        version: Twelve hexadecimal digits that follow from the content of all its files.
        metadata: How it was made.
        scorer: Encoder and logistic regression as plain numbers.
        reasons: Its table of reasons, one line per feature.
        training: What the training loans were like.
        card: Its model card.
        read_pipeline: Reads encoder and logistic regression as scikit-learn has them.
    """

    version: str
    metadata: ModelMetadata
    scorer: Scorer
    reasons: list[ReasonCode]
    training: TrainingSummary
    card: dict[str, Any]
    read_pipeline: "Callable[[], Pipeline]"

    @property
    def threshold(self) -> float:
        """Calibrated probability at and above which a loan is flagged, for F2."""
        return self.metadata.threshold

    @property
    def calibration(self) -> SigmoidCalibration:
        """From log-odds to probabilities."""
        return SigmoidCalibration(self.metadata.slope, self.metadata.intercept)

    @cached_property
    def pipeline(self) -> "Pipeline":
        """Encoder and logistic regression, read when they are first asked for; raises InputError for a file that holds none."""
        return self.read_pipeline()

    def probability(self, loans: pd.DataFrame) -> np.ndarray:
        """Return calibrated probabilities of default of cleaned loans, shape (n,)."""
        return self.calibration(self.scorer.log_odds(feature_frame(loans, inputs=self.metadata.inputs)))


def save_model(folder: Path, fitted: "FittedModel", *, loans: pd.DataFrame, card: Mapping[str, Any], page: str) -> Path:
    """Write a model into a folder, in the place of a former one, and return the folder.

    Args:
        folder: Where to.
        fitted: The model.
        loans: The cleaned loans it was fitted on; none of them is written.
        card: The model card.
        page: The model card as an HTML page.
    """
    import skops.io

    from loantap.model.compiled import compile_pipeline
    from loantap.model.storable import storable_pipeline
    from loantap.model.woe import is_scorecard, write_scorecard

    scorer = compile_pipeline(fitted.model)
    described = {**vars(fitted.recipe), **vars(fitted.calibration), **vars(fitted)}
    described |= {"without": [*fitted.recipe.without], "features": scorer.features, "versions": versions()}
    metadata = ModelMetadata(**{name: described[name] for name in ModelMetadata.model_fields})
    reasons = reason_table(scorer, feature_frame(loans, inputs=fitted.recipe.inputs))
    training = summarise_training(loans, inputs=fitted.recipe.inputs)
    with staging_folder(folder.parent) as staging:
        if is_scorecard(fitted.model):
            write_scorecard(staging / BINS, fitted.model)
        else:
            stored = storable_pipeline(fitted.model, C=fitted.C, penalty=fitted.penalty)
            skops.io.dump(stored, staging / PIPELINE, compression=zipfile.ZIP_DEFLATED)
        parts = {
            SCORER: scorer.stored().model_dump(),
            METADATA: metadata.model_dump(),
            TRAINING: training.model_dump(),
            CARD: dict(card),
        }
        for name, part in {**parts, REASONS: [reason.model_dump() for reason in reasons]}.items():
            (staging / name).write_text(json.dumps(part, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
        (staging / PAGE).write_text(page, "utf-8")
        seal(staging)
        staging.chmod(0o755)  # a model is no personal data
        take_place(staging, folder)
    return folder


def load_model(folder: Path, *, pickle_sums: Path | None = None) -> SavedModel:
    """Read what `save_model` or `export_pickle` wrote.

    A pickled pipeline can run any code when read. It is read only with `pickle_sums`, a file outside the folder, in the
    form of sha256sum, that holds its sha256.

    Raises InputError for a file that is missing, changed, of another version, or not a model's.
    """
    form = next((name for name in (PICKLE, BINS) if (folder / name).is_file()), PIPELINE)
    for name in (SUMS, METADATA, form, REASONS, TRAINING, CARD):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder / name}: expected a part of a saved model, found nothing. Name a model's folder."
            )
    version = model_version(folder)
    check_seal(folder)
    metadata = _read(folder / METADATA, ModelMetadata)
    here_now = versions()
    other = {name: here_now[name] for name in BINDING if metadata.versions.get(name) != here_now[name]}
    if other:
        made = ", ".join(f"{name} {metadata.versions.get(name, 'unknown')}" for name in other)
        here = ", ".join(f"{name} {installed}" for name, installed in other.items())
        raise InputError(
            f"{folder}: made with {made}, and {here} is installed. Install that version, or make the model again."
        )
    if unknown := [name for name in metadata.features if name not in feature_names(inputs=metadata.inputs)]:
        raise InputError(
            f"{folder}: model {version} asks for the feature '{unknown[0]}', which this loantap does not make for the inputs "
            f"{metadata.inputs}. Declare it in src/loantap/data/columns.py again, install the loantap that made the model, or make the model again."
        )
    reasons, training = _read(folder / REASONS, list[ReasonCode]), _read(folder / TRAINING, TrainingSummary)
    card = _read(folder / CARD, dict[str, Any])

    def read_pipeline() -> "Pipeline":
        return _read_pipeline(folder, form, pickle_sums)

    if form != PICKLE and (folder / SCORER).is_file():
        scorer = Scorer.of(_read(folder / SCORER, StoredScorer))
        model = SavedModel(version, metadata, scorer, reasons, training, card, read_pipeline)
    else:
        from loantap.model.compiled import compile_pipeline

        pipeline = read_pipeline()
        try:
            scorer = compile_pipeline(pipeline)
        except _NOT_OURS as error:
            raise _strange(folder, error) from error
        model = SavedModel(version, metadata, scorer, reasons, training, card, lambda: pipeline)
    features = scorer.features
    if not features == metadata.features == [reason.feature for reason in reasons]:
        raise InputError(
            f"{folder}: its numbers, {METADATA} and {REASONS} name different features. Make the model again."
        )
    if model_version(folder) != version:
        raise InputError(f"{folder}: another model took its place while it was read. Read it again.")
    return model


def copy_model(folder: Path, out: Path) -> None:
    """Copy a model's folder to a new or an empty one, without the other model that may lie in it."""
    shutil.copytree(folder, out, ignore=shutil.ignore_patterns(*BESIDE), dirs_exist_ok=True)


def export_pickle(folder: Path, out: Path) -> Path:
    """Write a copy of a model with a pickled pipeline, and beside it what its reader has to be given: OUT.sha256.

    Returns that file. Raises InputError if `out` is there.
    """
    sums = out.with_name(out.name + ".sha256")
    for path in (out, sums):
        if path.exists() or path.is_symlink():
            raise InputError(f"{path}: expected nothing there. Name another folder, or remove it yourself.")
    model = load_model(folder)
    with staging_folder(out.resolve().parent, alone=False) as staging:
        for name in (METADATA, REASONS, TRAINING, CARD, PAGE):
            shutil.copy(folder / name, staging / name)
        (staging / PICKLE).write_bytes(pickle.dumps(model.pipeline, protocol=5))
        seal(staging)
        staging.chmod(0o755)
        take_place(staging, out)
    sums.write_text(f"{sha256(out / PICKLE)}  {out.name}/{PICKLE}\n", "utf-8")
    return sums


def model_version(folder: Path) -> str:
    """Return the version of the model in a folder: twelve hexadecimal digits that follow from its content.

    They begin with a letter, so that no spreadsheet reads one as a number. Raises InputError where there is none.
    """
    try:
        return hashlib.sha256((folder / SUMS).read_bytes()).hexdigest().lstrip("0123456789")[:12]
    except FileNotFoundError as error:
        raise InputError(
            f"{folder}: expected a saved model with its {SUMS}, found none. Name a model's folder."
        ) from error


def _read(path: Path, form: Any) -> Any:
    try:
        return TypeAdapter(form).validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(f"{path}: expected what `loantap run` writes there, but: {error}") from error


def _read_pipeline(folder: Path, form: str, pickle_sums: Path | None) -> "Pipeline":
    import skops.io
    from sklearn.pipeline import Pipeline
    from skops.io.exceptions import UntrustedTypesFoundException

    from loantap.model.storable import usable_pipeline
    from loantap.model.woe import StoredScorecard, usable_scorecard

    if form == BINS:
        return usable_scorecard(_read(folder / BINS, StoredScorecard))
    try:
        pipeline = read_pickle(folder, pickle_sums) if form == PICKLE else skops.io.load(folder / form)
    except InputError:
        raise
    except UntrustedTypesFoundException as error:
        raise InputError(
            f"{folder / form}: expected scikit-learn's types only, but: {error}. Do not use this file."
        ) from error
    except Exception as error:  # whatever a damaged file makes of its reader
        raise InputError(f"{folder / form}: expected a pipeline that loantap wrote, but: {error}") from error
    if not isinstance(pipeline, Pipeline) or list(pipeline.named_steps) not in _STEPS:
        raise InputError(f"{folder}: expected a pipeline of {', '.join(_STEPS[0])}, got {pipeline!r:.200}")
    try:
        return usable_pipeline(pipeline)
    except _NOT_OURS as error:
        raise _strange(folder, error) from error


def _strange(folder: Path, error: Exception) -> InputError:
    return InputError(f"{folder}: its pipeline is not one that loantap makes: {error!r}. Do not use it.")
