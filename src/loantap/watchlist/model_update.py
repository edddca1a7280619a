"""The model's probability of default of live loans, with debt-to-income and utilisation as they are now."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from loantap.data.columns import KEY, OPTIONAL
from loantap.data.panel import Panel
from loantap.errors import InputError
from loantap.model.inputs import CAPS, feature_frame, source_columns
from loantap.model.persistence import SavedModel
from loantap.watchlist.signals import carried

_UPDATED = ("dti", "revol_util")
_CHUNK = 50_000  # loans at a time; their features take some 30 MB


@dataclass(frozen=True)
class Probabilities:
    """Calibrated probabilities of default of the n loans of a panel; NaN where not known.

    Attributes:
        at_application: As the application stood, shape (n,).
        now: With debt-to-income and utilisation of the snapshots at k months, shape (n, k). All else is as in the
            application: the model was fitted on applications, so this is what it would say of the borrower's next one.
    """

    at_application: np.ndarray
    now: np.ndarray


def probabilities(
    model: SavedModel, applications: pd.DataFrame, panel: Panel, positions: Sequence[int], *, carry: int
) -> Probabilities:
    """Return the model's probabilities of the panel's loans at application and at some of its months.

    Args:
        model: The model.
        applications: Cleaned loans with loan_id and the model's `source_columns`; those of other loans are passed by.
        panel: The n loans. Where debt-to-income or utilisation is not known, the probability is NaN.
        positions: Which k of the panel's months.
        carry: Months for which the last known debt-to-income and utilisation stand for unknown ones.

    Raises InputError for a column that is absent, two applications of one loan, and applications of none of the loans.
    """
    columns = source_columns(inputs=model.metadata.inputs)
    columns = [name for name in columns if name in applications or name not in OPTIONAL]
    if absent := [name for name in (KEY, *columns) if name not in applications]:
        raise InputError(
            f"applications: expected the columns {KEY}, {', '.join(columns)}; {', '.join(absent)} is absent."
        )
    rows = _rows(applications[KEY], panel.loan_id)
    at_application = np.full(len(rows), np.nan)
    now = np.full((len(rows), len(positions)), np.nan)
    sources, with_application = applications[columns], np.flatnonzero(rows >= 0)
    scorer, changing = model.scorer, model.scorer.only(_UPDATED)
    places = [place for place, name in enumerate(scorer.features) if name in _UPDATED]
    for start in range(0, len(with_application), _CHUNK):
        part = with_application[start : start + _CHUNK]
        contributions = scorer.many(feature_frame(sources.iloc[rows[part]], inputs=model.metadata.inputs))
        log_odds = contributions.sum(axis=1) + scorer.intercept
        rest = log_odds - contributions[:, places].sum(axis=1)
        at_application[part] = model.calibration(log_odds)
        for column, position in enumerate(positions):
            known = {name: carried(getattr(panel, name)[part, : position + 1], carry)[0] for name in _UPDATED}
            values = pd.DataFrame({name: np.minimum(level, CAPS[name]) for name, level in known.items()})
            found = np.where(values.notna().all(axis=1), rest + changing.many(values).sum(axis=1), np.nan)
            now[part, column] = model.calibration(found)
    return Probabilities(at_application, now)


def _rows(loan_id: pd.Series, wanted: np.ndarray) -> np.ndarray:
    """Return the row of each wanted loan's application, -1 where there is none."""
    index = pd.Index(loan_id)
    if not index.is_unique:
        twice = index[index.duplicated()][0]
        raise InputError(f"applications: expected one row per loan, got several of {KEY} {twice}. Keep one of them.")
    rows = np.asarray(index.get_indexer(pd.Index(wanted)))
    if len(rows) and (rows < 0).all():
        raise InputError(
            f"applications: expected those of the panel's loans, such as {KEY} {wanted[0]!r}, got none of them"
            f"{f', but such as {index[0]!r}' if len(index) else ''}. Read both from the same portfolio."
        )
    return rows
