"""Which model answers: one that is named, or the champion."""

from pathlib import Path

from loantap.errors import InputError
from loantap.model.seal import SUMS
from loantap.runs.checksums import need_unchanged_model
from loantap.runs.results import MANIFEST
from loantap.settings import models_dir, runs_dir
from loantap_serving.store import POINTER, ModelStore


def find_model(given: Path | None) -> Path:
    """Return a model's folder.

    Args:
        given: A model's folder, a run's folder or its name under runs/, or a store of promoted models; None: the project's store.

    Raises InputError if there is no model, or a run's is not the one that it wrote.
    """
    place = models_dir() if given is None else given
    if not place.exists() and (runs_dir() / place).is_dir():
        place = runs_dir() / place
    if (place / SUMS).is_file():
        return place
    if (place / "model" / SUMS).is_file():
        if (place / MANIFEST).is_file():
            need_unchanged_model(place)
        return place / "model"
    if (place / POINTER).is_file():
        champion = ModelStore(place).champion()
        if champion is not None:
            return champion
    if given is None:
        raise InputError(
            f"{place}: expected a promoted model, there is none. Promote one with: loantap promote RUN, or name a model's "
            "folder with --model."
        )
    raise InputError(f"{given}: expected a model's folder, a run's, or a store of promoted models, found none of them.")


def find_store(given: Path | None) -> ModelStore:
    """Return the store that is named, or else the project's.

    Args:
        given: As in `find_model`.
    """
    is_store = given is not None and (given / POINTER).is_file()
    return ModelStore(given if is_store else None)
