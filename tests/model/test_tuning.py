import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.metrics import fbeta_score, make_scorer, roc_auc_score
from sklearn.model_selection import GridSearchCV

from loantap.errors import InputError
from loantap.model import recipe as recipes
from loantap.model import tuning
from loantap.model.folds import fold_splits, out_of_fold
from loantap.model.inputs import feature_frame
from loantap.model.recipe import SAMPLERS, Recipe
from loantap.model.tuning import fit_model, split_loans, stratified_sample, tune

pytestmark = pytest.mark.slow

CS = (0.01, 1.0)
PLAIN = Recipe("without_pincode")


@pytest.fixture(scope="module")
def table(loans: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    return feature_frame(loans, inputs="without_pincode"), loans["default"].to_numpy()


def search(X: pd.DataFrame, y: np.ndarray, **options: object) -> tuning.Tuned:
    splits = fold_splits(y, folds=3, random_state=0)
    chosen = {"recipe": PLAIN, "splits": splits, "penalties": ("l1", "l2"), "Cs": CS, "random_state": 0}
    return tune(X, y, **chosen | options)  # type: ignore[arg-type]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_scores_are_those_of_grid_search_over_the_whole_pipeline(
    table: tuple[pd.DataFrame, np.ndarray], sampler: recipes.Sampler
):
    X, y = table
    recipe = Recipe("without_pincode", "plain", sampler)
    slow = GridSearchCV(
        recipe.pipeline(random_state=0),
        {"model__penalty": ["l1", "l2"], "model__C": list(CS)},
        scoring=make_scorer(fbeta_score, beta=2),
        cv=fold_splits(y, folds=3, random_state=0),
    ).fit(X, y)
    expected = {
        (params["model__penalty"], params["model__C"]): score
        for params, score in zip(slow.cv_results_["params"], slow.cv_results_["mean_test_score"], strict=True)
    }
    found = search(X, y, recipe=recipe).grid.set_index(["penalty", "C"])["f2_mean"].to_dict()
    # A warm start ends at another point within the solver's tolerance; a loan or two may change sides.
    assert found == pytest.approx(expected, abs=1e-3)


def test_workers_do_not_change_the_result(table: tuple[pd.DataFrame, np.ndarray], monkeypatch: pytest.MonkeyPatch):
    one = search(*table)
    monkeypatch.setattr("loantap.model.parallel.WORKERS", 2)
    two = search(*table)
    pd.testing.assert_frame_equal(one.grid, two.grid)
    assert (one.log_odds == two.log_odds).all()


class SpySMOTE(SMOTE):
    """A SMOTE that remembers what it was shown."""

    seen: list[int] = []  # noqa: RUF012

    def fit_resample(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[override]
        SpySMOTE.seen.append(len(X))
        return super().fit_resample(X, y)


def test_smote_sees_training_folds_only(table: tuple[pd.DataFrame, np.ndarray], monkeypatch: pytest.MonkeyPatch):
    X, y = table
    monkeypatch.setattr(recipes, "SMOTE", SpySMOTE)
    SpySMOTE.seen = []
    search(X, y)
    assert SpySMOTE.seen == [len(train) for train, _ in fold_splits(y, folds=3, random_state=0)]


def test_shuffled_labels_cannot_be_learnt(table: tuple[pd.DataFrame, np.ndarray]):
    X, y = table
    shuffled = np.random.default_rng(0).permutation(y)
    # With 4,000 loans the AUC of a useless model scatters by about 0.012.
    assert roc_auc_score(shuffled, search(X, shuffled).log_odds) == pytest.approx(0.5, abs=0.04)


def test_every_loan_is_scored_out_of_fold_in_every_repeat(table: tuple[pd.DataFrame, np.ndarray]):
    X, y = table
    found = out_of_fold(
        X,
        y,
        recipe=Recipe("without_pincode", "plain", "none"),
        splits=fold_splits(y, folds=3, repeats=2, random_state=0),
        penalties=["l2"],
        Cs=[0.1],
        random_state=0,
    )["l2", 0.1]
    assert found.shape == (2, len(y))
    assert np.isfinite(found).all()
    assert (found[0] != found[1]).mean() > 0.99  # the repeats shuffle the folds anew


def test_too_few_defaults_are_refused(table: tuple[pd.DataFrame, np.ndarray]):
    _, y = table
    rows = np.concatenate([np.flatnonzero(y == 0)[:200], np.flatnonzero(y)[:10]])
    with pytest.raises(InputError, match="at least 35 loans of each outcome to tune with 5 folds, got 10"):
        fold_splits(y[rows], folds=5, random_state=0)
    with pytest.raises(InputError, match="at least 55 loans of each outcome"):
        fold_splits(y[rows], folds=5, neighbours=9, random_state=0)
    assert len(fold_splits(y[rows], folds=2, neighbours=3, random_state=0)) == 2


@pytest.mark.parametrize("sampler", ["SMOTE", "SMOTENC"])
@pytest.mark.parametrize("neighbours", [1, 8])
def test_smote_has_neighbours_enough_where_the_folds_let_it_pass(
    table: tuple[pd.DataFrame, np.ndarray], sampler: recipes.Sampler, neighbours: int
):
    X, y = table
    rows = np.concatenate([np.flatnonzero(y == 0)[:200], np.flatnonzero(y)[: 2 * (neighbours + 2)]])
    pipeline = Recipe("without_pincode", "plain", sampler, neighbours).pipeline(random_state=0)
    assert pipeline["sampler"].k_neighbors == neighbours
    for train, _ in fold_splits(y[rows], folds=2, neighbours=neighbours, random_state=0):
        _, resampled = recipes.prepare(pipeline, X.iloc[rows[train]], y[rows[train]])
        assert resampled.mean() == 0.5


def test_another_beta_is_another_score_under_another_name(table: tuple[pd.DataFrame, np.ndarray]):
    X, y = table
    two, half = search(X, y, Cs=[0.01]), search(X, y, Cs=[0.01], beta=0.5)
    assert {"f2_mean", "f2_sd"} <= set(two.grid)
    assert {"f0.5_mean", "f0.5_sd"} <= set(half.grid)
    assert not [name for name in half.grid if name.startswith("f2")]
    splits = fold_splits(y, folds=3, random_state=0)
    expected = np.mean([fbeta_score(y[fold], half.log_odds[fold] > 0, beta=0.5) for _, fold in splits])
    chosen = half.grid.set_index(["penalty", "C"]).loc[(half.best["penalty"], half.best["C"])]
    assert chosen["f0.5_mean"] == pytest.approx(expected)


def test_the_simplest_model_within_one_standard_error_is_chosen():
    grid = pd.DataFrame(
        {
            "penalty": ["l1", "l1", "l2", "l2"],
            "C": [0.1, 1.0, 0.1, 1.0],
            "f2_mean": [0.5, 0.6, 0.599, 0.598],
            "f2_sd": 0.01,
        }
    )
    assert tuning._simplest_within_one_error(grid, "f2", folds=5) == {"penalty": "l2", "C": 0.1}


@pytest.mark.parametrize("sampler", ["SMOTE", "SMOTENC"])
def test_the_fitted_model_carries_no_sampler_and_no_training_rows(
    table: tuple[pd.DataFrame, np.ndarray], sampler: recipes.Sampler
):
    X, y = table
    recipe = Recipe("without_pincode", "plain", sampler)
    model = fit_model(X, y, recipe=recipe, penalty="l2", C=0.1, random_state=0)
    assert list(model.named_steps) == ["standard", "expand", "model"]
    arrays = [value for value in vars(model["model"]).values() if isinstance(value, np.ndarray)]
    assert max(array.size for array in arrays) < len(X) / 10


def test_the_split_is_stratified_and_complete(loans: pd.DataFrame):
    train, test = split_loans(loans["default"], test_share=0.2, random_state=0)
    assert sorted([*train, *test]) == list(range(len(loans)))
    rates = loans["default"].iloc[train].mean(), loans["default"].iloc[test].mean()
    assert rates[0] == pytest.approx(rates[1], abs=1e-3)


def test_a_sample_keeps_the_share_of_defaults(loans: pd.DataFrame):
    y = loans["default"].to_numpy()
    chosen = stratified_sample(y, rows=1_000, random_state=0)
    assert len(chosen) == len(set(chosen)) == 1_000
    assert y[chosen].mean() == pytest.approx(y.mean(), abs=1e-3)
    assert (stratified_sample(y, rows=10**6, random_state=0) == np.arange(len(y))).all()
