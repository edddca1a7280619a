"""What a model of the earlier loans says of every loan is kept in the run, and read by who judges a policy out of time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from loantap.errors import InputError
from loantap.model.economics import Economics
from loantap.model.fitted import Apart, fit_out_of_time
from loantap.model.recipe import Recipe
from loantap.runs.notebook_model import keep_out_of_time, later_predictions, notebook_model
from loantap.runs.notebooks import STAGES
from loantap.runs.results import OUT_OF_TIME, RunFolder

pytestmark = pytest.mark.slow
ASKED = {"recipe": Recipe("without_pincode", "plain", "none"), "C": 0.1, "later_share": 0.2, "rows": 4_000, "folds": 3, "economics": Economics(), "random_state": 0}  # fmt: skip


@pytest.fixture(scope="module")
def apart(loans: pd.DataFrame) -> Apart:
    """A model of the earlier loans."""
    found = fit_out_of_time(loans, **ASKED)
    assert found is not None
    return found


@pytest.fixture
def run(loans: pd.DataFrame, tmp_path: Path) -> RunFolder:
    """A run's folder with its loans."""
    folder = RunFolder(tmp_path / "run")
    folder.to("data").mkdir(parents=True)
    loans.to_parquet(folder.to("data", "loans.parquet"), index=False)
    return folder


def test_what_is_kept_is_read_again_to_the_last_digit(run: RunFolder, apart: Apart):
    keep_out_of_time(run, apart)
    found = later_predictions(run)
    assert found is not None
    assert found.dtypes.astype(str).to_dict() == {"later": "bool", "probability": "float64"}
    assert (found["later"] == apart.later).all()
    assert (found["probability"] == apart.probability).all()


def test_a_run_without_later_loans_has_no_predictions(run: RunFolder, apart: Apart):
    assert later_predictions(run) is None
    keep_out_of_time(run, apart)
    keep_out_of_time(run, None)  # on a bench it takes the place of a former one
    assert later_predictions(run) is None


def test_predictions_of_other_loans_are_refused(run: RunFolder, loans: pd.DataFrame, apart: Apart):
    keep_out_of_time(run, apart)
    loans[:-1].to_parquet(run.loans_path, index=False)
    with pytest.raises(InputError, match="expected one row for each of 3,999 loans, got 4,000"):
        later_predictions(run)
    loans[::-1].to_parquet(run.loans_path, index=False)
    with pytest.raises(InputError, match="expected the later loans to be those of the last months"):
        later_predictions(run)
    run.to(OUT_OF_TIME).write_text("no table")
    with pytest.raises(InputError, match="expected predictions as Parquet"):
        later_predictions(run)


def test_a_model_made_in_haste_has_its_predictions_too(run: RunFolder, loans: pd.DataFrame):
    notebook_model(run)
    found, expected = later_predictions(run), fit_out_of_time(loans, **ASKED)
    assert found is not None
    assert expected is not None
    assert np.array_equal(found["probability"], expected.probability)


def test_a_policy_is_made_again_when_the_predictions_change():
    assert OUT_OF_TIME in next(stage.needs for stage in STAGES if stage.name == "policy")
