"""What the environment says of the service."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from loantap.errors import InputError
from loantap.settings import runs_dir
from loantap_serving.api.app import ApiSettings
from loantap_serving.api.keys import Keys, parse_keys
from loantap_serving.api.models import Models
from loantap_serving.locate import find_model

if TYPE_CHECKING:
    from loantap_serving.records import Records

MODEL, KEYS, RATE = "LOANTAP_API_MODEL", "LOANTAP_API_KEYS", "LOANTAP_API_RATE"
RECORDS, CHALLENGER = "LOANTAP_API_RECORDS", "LOANTAP_API_CHALLENGER"


def told_models() -> Models:
    """Return the model, loaded; raises InputError for one that is none."""
    named = os.environ.get(MODEL)
    models = Models(lambda: find_model(Path(named) if named else None))
    models.refresh()
    return models


def told_keys() -> Keys | None:
    """Return the keys in the environment, or None; an empty text raises InputError: it was to shut somebody out."""
    text = os.environ.get(KEYS)
    return None if text is None else parse_keys(text, KEYS)


def told_records(place: str | None = None, challenger: Path | None = None) -> "Records | None":
    """Return where to keep answers, and beside them those of a challenger, as named or as the environment says; None: nowhere.

    Raises InputError for a place or a challenger that is none.
    """
    place, named = place or os.environ.get(RECORDS), challenger or os.environ.get(CHALLENGER)
    if not place and not named:
        return None
    from loantap_serving.records import Records  # its extra is needed where it is asked for only

    beside = Models(lambda: find_model(Path(named))) if named else None
    if beside:
        beside.refresh()
    return Records(place or str(runs_dir() / "decisions.db"), beside)


def told_settings() -> ApiSettings:
    """Return how callers are treated; raises InputError for a rate that is none, and as the functions above."""
    rate = os.environ.get(RATE)
    if rate is not None and not re.fullmatch(r"(?=.*[1-9])\d+(\.\d+)?", rate):
        raise InputError(f"{RATE}: expected requests a second, a number above 0, got {rate!r}.")
    return ApiSettings(keys=told_keys(), rate=float(rate) if rate else None, records=told_records())
