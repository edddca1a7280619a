from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from loantap.data.panel import Panel
from loantap.errors import InputError
from loantap.model.economics import Economics, loan_profit
from loantap.model.features import Encoding
from loantap.model.fitted import FittedModel, fit_calibrated
from loantap.model.inputs import feature_frame
from loantap.model.persistence import SavedModel, load_model, save_model
from loantap.model.recipe import Recipe
from loantap.watchlist import signals
from loantap.watchlist.signals import probabilities as of_panel

probabilities = partial(of_panel, carry=0)
# Sums of some thirty terms in another order: rounding only.
ROUNDING = 1e-10
N, MONTHS = 400, 3


@dataclass(frozen=True)
class Portfolio:
    applications: pd.DataFrame
    panel: Panel

    def changed(self, position: int) -> pd.DataFrame:
        """The applications of the panel's loans, in its order, with what the snapshots of a month say."""
        found = self.applications.set_index("loan_id").loc[self.panel.loan_id]
        return found.assign(dti=self.panel.dti[:, position], revol_util=self.panel.revol_util[:, position])


@pytest.fixture(scope="module")
def portfolio(loans: pd.DataFrame) -> Portfolio:
    """400 loans, their applications in another order and among others; snapshots lack a value here and there."""
    rng = np.random.default_rng(0)
    loan_id = rng.permutation(np.arange(1_000, 1_000 + 2 * N))
    applications = loans.head(2 * N).assign(loan_id=loan_id)
    mine = np.sort(loan_id[:N])
    months = np.arange(np.datetime64("2018-01"), np.datetime64("2018-04"))
    dti, util = rng.uniform(0, 70, (N, MONTHS)), rng.uniform(0, 160, (N, MONTHS))  # beyond the caps too
    dti[rng.random((N, MONTHS)) < 0.1], util[rng.random((N, MONTHS)) < 0.1] = np.nan, np.nan
    dti[:3, 0] = 0.0, 9_999.0, 60.0
    return Portfolio(applications, Panel(mine, months, dti, util, np.full((N, MONTHS), 1_000.0)))


@pytest.fixture(scope="module")
def models(
    loans: pd.DataFrame, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[Encoding, SavedModel]:
    some = loans.head(1_500)
    X, y = feature_frame(some, inputs="without_pincode"), some["default"].to_numpy()
    made: dict[Encoding, SavedModel] = {"ratios": load_model(model_folder)}
    for encoding in ("plain", "products"):
        fitted: FittedModel = fit_calibrated(
            X, y, loan_profit(some, Economics()), recipe=Recipe("without_pincode", encoding, "none"), C=0.1,
            sample=np.arange(len(y)), folds=2, random_state=0,
        )  # fmt: skip
        folder = tmp_path_factory.mktemp(encoding) / "model"
        made[encoding] = load_model(save_model(folder, fitted, loans=some, card={}, page=""))
    return made


@pytest.mark.parametrize("encoding", ["plain", "ratios", "products"])
@pytest.mark.parametrize("chunk", [7, 50_000])
def test_probabilities_are_the_models_own_on_the_changed_applications(
    monkeypatch: pytest.MonkeyPatch,
    portfolio: Portfolio,
    models: dict[Encoding, SavedModel],
    encoding: Encoding,
    chunk: int,
):
    monkeypatch.setattr(signals, "_SCORED", chunk)
    model = models[encoding]
    found = probabilities(model, portfolio.applications, portfolio.panel, [2, 0])

    assert found.now.shape == (N, 2)
    as_applied = model.probability(portfolio.applications.set_index("loan_id").loc[portfolio.panel.loan_id])
    np.testing.assert_allclose(found.at_application, as_applied, rtol=0, atol=ROUNDING)
    for column, position in enumerate([2, 0]):
        lacks = np.isnan(portfolio.panel.dti[:, position]) | np.isnan(portfolio.panel.revol_util[:, position])
        wanted = np.where(lacks, np.nan, model.probability(portfolio.changed(position)))
        np.testing.assert_allclose(found.now[:, column], wanted, rtol=0, atol=ROUNDING)
        assert 0 < lacks.sum() < N / 3
        assert np.nanmax(np.abs(found.now[:, column] - as_applied)) > 0.01


def test_a_loan_without_an_application_has_no_probability(portfolio: Portfolio, models: dict[Encoding, SavedModel]):
    known = portfolio.applications[~portfolio.applications["loan_id"].isin(portfolio.panel.loan_id[[0, 5]])]
    found, whole = (
        probabilities(models["ratios"], frame, portfolio.panel, [1]) for frame in (known, portfolio.applications)
    )

    assert np.flatnonzero(np.isnan(found.at_application)).tolist() == [0, 5]
    assert np.isnan(found.now[[0, 5]]).all()
    kept = np.delete(np.arange(N), [0, 5])
    np.testing.assert_array_equal(found.now[kept], whole.now[kept])


def test_values_that_are_not_known_are_carried(portfolio: Portfolio, models: dict[Encoding, SavedModel]):
    filled = [
        pd.DataFrame(values).ffill(axis=1).to_numpy() for values in (portfolio.panel.dti, portfolio.panel.revol_util)
    ]
    known = replace(portfolio.panel, dti=filled[0], revol_util=filled[1])
    found = of_panel(models["ratios"], portfolio.applications, portfolio.panel, [2], carry=2)
    np.testing.assert_array_equal(found.now, probabilities(models["ratios"], portfolio.applications, known, [2]).now)
    assert (
        np.isnan(probabilities(models["ratios"], portfolio.applications, portfolio.panel, [2]).now).sum()
        > np.isnan(found.now).sum()
    )


def test_a_value_that_an_application_lacks_does_not_matter_once_a_snapshot_has_it(
    portfolio: Portfolio, models: dict[Encoding, SavedModel]
):
    blank = portfolio.applications.assign(revol_util=np.nan, dti=20.0)
    found, whole = (
        probabilities(models["ratios"], frame, portfolio.panel, [1]) for frame in (blank, portfolio.applications)
    )
    np.testing.assert_allclose(found.now, whole.now, rtol=0, atol=ROUNDING)
    assert not np.allclose(found.at_application, whole.at_application)


def test_no_months_give_the_probabilities_at_application_alone(
    portfolio: Portfolio, models: dict[Encoding, SavedModel]
):
    found = probabilities(models["ratios"], portfolio.applications, portfolio.panel, [])
    assert found.now.shape == (N, 0)
    assert not np.isnan(found.at_application).any()


def test_a_panel_without_loans_has_no_probabilities(portfolio: Portfolio, models: dict[Encoding, SavedModel]):
    nobody = np.empty((0, MONTHS))
    empty = Panel(np.array([], dtype=int), portfolio.panel.months, nobody, nobody, nobody)
    assert probabilities(models["ratios"], portfolio.applications, empty, [0]).now.shape == (0, 1)


def test_arguments_stay_as_they_are(portfolio: Portfolio, models: dict[Encoding, SavedModel]):
    before, dti = portfolio.applications.copy(), portfolio.panel.dti.copy()
    probabilities(models["products"], portfolio.applications, portfolio.panel, [0])
    pd.testing.assert_frame_equal(portfolio.applications, before)
    np.testing.assert_array_equal(portfolio.panel.dti, dti)


def test_two_applications_of_a_loan_are_refused(portfolio: Portfolio, models: dict[Encoding, SavedModel]):
    twice = pd.concat([portfolio.applications, portfolio.applications.head(1)])
    with pytest.raises(InputError, match=f"got several of loan_id {portfolio.applications['loan_id'].iloc[0]}"):
        probabilities(models["ratios"], twice, portfolio.panel, [0])


def test_applications_of_other_loans_are_refused(portfolio: Portfolio, models: dict[Encoding, SavedModel]):
    others = portfolio.applications.assign(loan_id=portfolio.applications["loan_id"].astype(str))
    with pytest.raises(InputError, match="got none of them, but such as '"):
        probabilities(models["ratios"], others, portfolio.panel, [0])
    with pytest.raises(InputError, match=r"got none of them\. Read"):
        probabilities(models["ratios"], portfolio.applications.iloc[:0], portfolio.panel, [0])


@pytest.mark.parametrize("name", ["loan_id", "emp_length"])
def test_a_column_that_is_absent_is_named(portfolio: Portfolio, models: dict[Encoding, SavedModel], name: str):
    with pytest.raises(InputError, match=f"{name} is absent"):
        probabilities(models["ratios"], portfolio.applications.drop(columns=name), portfolio.panel, [0])
