import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from loantap.errors import InputError
from loantap.model import tuning
from loantap.model.features import feature_frame, preprocessor
from loantap.model.logistic import PathLogisticRegression
from loantap.model.tuning import fit_model, split_loans, stratified_sample, tune

CS = (0.01, 1.0)


@pytest.fixture(scope="module")
def table(loans: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    return feature_frame(loans, with_pincode=False), loans["default"].to_numpy()


def search(X: pd.DataFrame, y: np.ndarray, **options: object) -> tuning.Tuned:
    chosen = {"preprocessor": preprocessor(with_pincode=False), "Cs": CS, "random_state": 0, "n_jobs": 1} | options
    return tune(X, y, **chosen)  # type: ignore[arg-type]


def test_scores_are_those_of_grid_search_over_the_whole_pipeline(table: tuple[pd.DataFrame, np.ndarray]):
    X, y = table
    pipeline = Pipeline(
        [
            ("features", preprocessor(with_pincode=False)),
            ("sampler", SMOTE(random_state=0)),
            ("model", PathLogisticRegression()),
        ]
    )
    slow = GridSearchCV(
        pipeline,
        {"model__penalty": ["l1", "l2"], "model__C": list(CS)},
        scoring=make_scorer(fbeta_score, beta=2),
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
    ).fit(X, y)
    expected = {
        (params["model__penalty"], params["model__C"]): score
        for params, score in zip(slow.cv_results_["params"], slow.cv_results_["mean_test_score"], strict=True)
    }
    found = search(X, y).grid.set_index(["penalty", "C"])["f2_mean"].to_dict()
    # A warm start ends at another point within the solver's tolerance; a loan or two may change sides.
    assert found == pytest.approx(expected, abs=1e-3)


def test_workers_do_not_change_the_result(table: tuple[pd.DataFrame, np.ndarray]):
    X, y = table
    one, two = search(X, y, n_jobs=1), search(X, y, n_jobs=2)
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
    monkeypatch.setattr(tuning, "SMOTE", SpySMOTE)
    SpySMOTE.seen = []
    search(X, y)
    expected = [len(train) for train, _ in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y)]
    assert SpySMOTE.seen == expected


def test_shuffled_labels_cannot_be_learnt(table: tuple[pd.DataFrame, np.ndarray]):
    from sklearn.metrics import roc_auc_score

    X, y = table
    shuffled = np.random.default_rng(0).permutation(y)
    # With 4,000 loans the AUC of a useless model scatters by about 0.012.
    assert roc_auc_score(shuffled, search(X, shuffled).log_odds) == pytest.approx(0.5, abs=0.04)


def test_every_loan_is_scored_out_of_fold(table: tuple[pd.DataFrame, np.ndarray]):
    X, y = table
    assert np.isfinite(search(X, y).log_odds).all()


def test_too_few_defaults_are_refused(table: tuple[pd.DataFrame, np.ndarray]):
    X, y = table
    rows = np.concatenate([np.flatnonzero(y == 0)[:200], np.flatnonzero(y)[:10]])
    with pytest.raises(InputError, match="at least 35 loans of each outcome to tune with 5 folds, got 10"):
        search(X.iloc[rows], y[rows])


def test_the_simplest_model_within_one_standard_error_is_chosen():
    grid = pd.DataFrame(
        {
            "penalty": ["l1", "l1", "l2", "l2"],
            "C": [0.1, 1.0, 0.1, 1.0],
            "f2_mean": [0.5, 0.6, 0.599, 0.598],
            "f2_sd": 0.01,
        }
    )
    assert tuning._simplest_within_one_error(grid, folds=5) == {"penalty": "l2", "C": 0.1}


def test_the_fitted_model_carries_no_sampler_and_no_training_rows(table: tuple[pd.DataFrame, np.ndarray]):
    X, y = table
    model = fit_model(
        X, y, preprocessor=preprocessor(with_pincode=False), best={"penalty": "l2", "C": 0.1}, random_state=0
    )
    assert list(model.named_steps) == ["features", "model"]
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
