"""A table of applications: checked by the rules of the codebook, scored row by row, with the reasons of each."""

import warnings
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from loantap.data.application_file import application_columns
from loantap.data.applications import this_month
from loantap.data.cleaning import typed
from loantap.data.columns import BY_NAME, KEY
from loantap.data.contract import check_loans, summarise
from loantap.data.text_records import RaggedRow
from loantap.data.units import Units
from loantap.errors import InputError
from loantap.model.inputs import feature_frame, source_columns
from loantap.model.persistence import SavedModel
from loantap.model.reasons import SLIGHT, voices
from loantap.scoring.cautions import count_cautions

FORMULA = r"[=+\-@\t\r]"  # a text that begins so is run by spreadsheets
REASONS = 3
PROBLEMS = 20  # told of at once


class Applications(Protocol):
    """Applications to be read."""

    @property
    def header(self) -> tuple[str, ...]:
        """The columns that are there."""

    @property
    def path(self) -> Path | None:
        """The file that holds them, if it is one."""

    @property
    def location(self) -> str:
        """Where they are stored, in words."""

    @property
    def ragged(self) -> Sequence[RaggedRow]:
        """Records with a wrong number of fields, complete once they are read."""

    @property
    def notes(self) -> Sequence[str]:
        """What was told from them and not by them, complete once they are read."""

    def chunks(self) -> Generator[pd.DataFrame, None, None]:
        """Yield frames of texts or typed values, indexed by row number."""


def score_frame(model: SavedModel, checked: pd.DataFrame) -> pa.Table:
    """Return the scores of checked applications, indexed by row number; with the columns of `loantap score`."""
    loans = typed(checked)
    features = feature_frame(loans, inputs=model.metadata.inputs)
    contributions = model.scorer.many(features)
    probability = model.calibration(contributions.sum(axis=1) + model.scorer.intercept)
    refer = probability >= model.threshold
    key = KEY if KEY in checked else "row"
    columns = {
        key: pa.array(checked[KEY].astype("str") if key == KEY else checked.index),
        "probability_of_default": pa.array(probability),
        "decision": pa.DictionaryArray.from_arrays(refer.astype(np.int8), ["approve", "refer"]),
        **_reasons(model, contributions, refer),
        "warnings": pa.array(count_cautions(model, loans, features)),
        "model_version": pa.DictionaryArray.from_arrays(np.zeros(len(refer), dtype=np.int8), [model.version]),
    }
    return pa.table(columns)


def score_table(model: SavedModel, applications: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of a frame of applications under its own index: the columns of `loantap score` but the key.

    Applications have the codebook's names, texts or typed values as in a file. Other columns are not read; missing
    values are None or NaN, and their columns may be absent.

    Raises InputError for applications that break a rule of the codebook, with column, rule and rows (from 1), and for
    percentages in fractions. What only looks like fractions is warned of.
    """
    needed = source_columns(inputs=model.metadata.inputs)
    names = [column.name for column in application_columns(needed, list(applications.columns))]
    raw = applications.reindex(columns=names).set_axis(range(1, len(applications) + 1))
    checked, failures = checked_applications(raw, needed=needed)
    if len(failures):
        listed = "".join(f"\n  {problem}" for problem in summarise(failures)[:PROBLEMS])
        raise InputError(
            f"expected applications by the rules of the codebook (data/README.md):{listed}\nNone was scored."
        )
    units = Units()
    units.add(checked)
    for note in units.doubts("applications"):
        warnings.warn(note, stacklevel=3)
    scores = score_frame(model, checked)
    return scores.select(scores.column_names[1:]).to_pandas().set_axis(applications.index)


def checked_applications(raw: pd.DataFrame, *, needed: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return applications as `check_loans` does: those without a month of funding are of this month."""
    columns = application_columns(needed, list(raw.columns))
    if "issue_d" not in raw:
        columns = (*columns, BY_NAME["issue_d"])
    raw = _dated(raw)
    checked, failures = check_loans(raw, columns=columns)
    return checked, pd.concat([failures, *wrong_keys(raw)], ignore_index=True)


def _dated(raw: pd.DataFrame) -> pd.DataFrame:
    """Return applications of which those without a month of funding are of this month."""
    if "issue_d" not in raw:
        return raw.assign(issue_d=this_month())
    months = raw["issue_d"]
    if not months.isna().any():
        return raw
    if pd.api.types.is_datetime64_any_dtype(months):
        now = pd.to_datetime(this_month(), format="%b-%Y")
        return raw.assign(issue_d=months.fillna(now.tz_localize(months.dt.tz)))
    return raw.assign(issue_d=months.astype("object").fillna(this_month()))


def _reasons(model: SavedModel, contributions: np.ndarray, refer: np.ndarray) -> dict[str, pa.Array]:
    typical = np.array([line.typical for line in model.reasons])
    # What speaks for the decision: what raises the risk of a referral, what lowers that of an approval.
    weight = (contributions - typical) * np.where(refer, 1.0, -1.0)[:, np.newaxis] * model.metadata.slope
    # Those of one voice count by their sum, and the strongest of them speaks.
    together = [np.array(places) for places in voices(model.reasons)]
    total, speaker = (np.empty((len(refer), len(together)), kind) for kind in (np.float64, np.int8))
    for number, own in enumerate(together):
        total[:, number] = weight[:, own].sum(axis=1)
        speaker[:, number] = own[weight[:, own].argmax(axis=1)] if len(own) > 1 else own
    rows, shape = np.arange(len(refer)), (len(refer), min(REASONS, len(together)))
    places, weights = np.empty(shape, np.int8), np.empty(shape)
    for number in range(shape[1]):  # of equal ones the first of the table
        strongest = total.argmax(axis=1)
        places[:, number], weights[:, number] = speaker[rows, strongest], total[rows, strongest]
        total[rows, strongest] = -np.inf
    codes = [line.code for line in model.reasons]
    told = weights >= SLIGHT
    told[:, 0] = weights[:, 0] > 0  # the strongest is told however slight it is
    return {
        f"reason_{number + 1}": pa.DictionaryArray.from_arrays(
            pa.array(places[:, number], mask=~told[:, number]),
            codes,
        )
        for number in range(REASONS)
    }


def wrong_keys(raw: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the rows without a key, and those whose key a spreadsheet would take for a formula."""
    if KEY not in raw:
        return []
    keys, failures = raw[KEY].astype("str"), []
    formulas = keys.str.match(FORMULA) & pd.to_numeric(keys, errors="coerce").isna()
    for bad, rule in ((raw[KEY].isna(), "missing"), (formulas & raw[KEY].notna(), "begins like a formula")):
        failures.append(pd.DataFrame({"row": raw.index[bad], "column": KEY, "rule": rule, "value": None}))
    return failures
