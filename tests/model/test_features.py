from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imblearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from loantap.data.columns import BY_NAME, FEATURE_BY_NAME, FEATURES, RETIRED
from loantap.data.declarations import Feature
from loantap.errors import InputError
from loantap.model import inputs as declared
from loantap.model.features import (
    DEGREE,
    ENCODINGS,
    INDICATOR,
    KNOTS,
    SUPPORT,
    Encoding,
    LevelEncoder,
    categories_of,
    column_groups,
)
from loantap.model.inputs import (
    INPUTS,
    PRICING,
    Inputs,
    application_features,
    check_allowed,
    check_features,
    feature_frame,
    source_columns,
)
from loantap.model.recipe import Recipe


def encoder(*, inputs: Inputs, encoding: Encoding) -> Pipeline:
    """Return the steps of a recipe before its model."""
    return Recipe(inputs, encoding, "none").pipeline(random_state=0)[:-1]


def test_the_pincode_is_off_unless_asked_for(loans: pd.DataFrame):
    assert "pincode" not in feature_frame(loans, inputs="without_pincode")
    assert "pincode" in feature_frame(loans, inputs="with_pincode")


def test_the_lenders_own_pricing_is_no_part_of_the_application(loans: pd.DataFrame):
    priced = feature_frame(loans, inputs="without_pincode")
    alone = feature_frame(loans, inputs="application_only")
    assert set(priced) - set(alone) == {"int_rate", "sub_grade"} == set(PRICING) & {*FEATURE_BY_NAME}
    for name in set(priced) - set(alone):
        with pytest.raises(InputError, match=f"feature '{name}' is not allowed in application_only"):
            check_allowed(alone.assign(**{name: 1.0}), inputs="application_only")


@pytest.mark.parametrize("inputs", INPUTS)
def test_features_need_only_the_columns_they_name(loans: pd.DataFrame, inputs: str):
    pd.testing.assert_frame_equal(
        feature_frame(loans[source_columns(inputs=inputs)], inputs=inputs), feature_frame(loans, inputs=inputs)
    )


@pytest.mark.parametrize("inputs", INPUTS)
def test_allowed_features_pass(loans: pd.DataFrame, inputs: str):
    check_allowed(feature_frame(loans, inputs=inputs), inputs=inputs)


@pytest.mark.parametrize("column", ["loan_status", "default", "address", "pincode", "recoveries", "issue_d"])
def test_a_planted_leak_is_refused(loans: pd.DataFrame, column: str):
    features = feature_frame(loans, inputs="without_pincode").assign(**{column: 1.0})
    with pytest.raises(InputError, match=f"feature '{column}' is not allowed"):
        check_allowed(features, inputs="without_pincode")


def test_credit_history_is_the_months_between_first_line_and_funding(loans: pd.DataFrame):
    dates = loans[["issue_d", "earliest_cr_line"]].apply(lambda column: column.dt.to_period("M").astype("int64"))
    found = feature_frame(loans, inputs="without_pincode")["credit_history_months"]
    assert (found == dates["issue_d"] - dates["earliest_cr_line"]).all()


def test_ratios_are_shares_of_annual_income_and_survive_an_income_of_zero(loans: pd.DataFrame):
    broke = loans.head(2).assign(loan_amnt=6_000.0, annual_inc=[24_000.0, 0.0])
    found = feature_frame(broke, inputs="without_pincode")
    assert found["loan_to_income"].tolist() == [0.25, 6_000]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_missing_values_become_indicators(loans: pd.DataFrame, encoding: str):
    features = feature_frame(loans, inputs="without_pincode")
    assert features["emp_length_years"].isna().sum() == loans["emp_length"].isna().sum() > 0
    fitted = encoder(inputs="without_pincode", encoding=encoding).fit(features)
    assert "missingindicator_emp_length_years" in fitted.get_feature_names_out()
    assert np.isfinite(fitted.transform(features)).all()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_unknown_category_a_missing_value_and_an_unseen_pincode_encode(loans: pd.DataFrame, encoding: str):
    features = feature_frame(loans, inputs="with_pincode")
    fitted = encoder(inputs="with_pincode", encoding=encoding).fit(features)
    strange = features.head(1).assign(purpose="yacht", pincode="99999", revol_util=np.nan, sub_grade=None)
    assert np.isfinite(fitted.transform(strange)).all()


def test_each_encoding_holds_the_former_and_adds_columns(loans: pd.DataFrame):
    features = feature_frame(loans, inputs="without_pincode")
    names = [
        set(encoder(inputs="without_pincode", encoding=encoding).fit(features).get_feature_names_out())
        for encoding in ENCODINGS
    ]
    assert names[2] - names[1] == {f"loan_to_income_sp_{place}" for place in range(KNOTS + DEGREE - 2)}
    assert not names[1] - names[2]
    assert len(names[0]) < len(names[1])


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("without", [(), ("dti", "mort_acc", "term", "annual_inc")])
def test_column_groups_tell_what_the_matrix_holds(
    loans: pd.DataFrame, inputs: Inputs, encoding: Encoding, without: tuple[str, ...]
):
    steps = Recipe(inputs, encoding, "none", without=without).pipeline(random_state=0)[:-1]
    names = list(steps.fit(feature_frame(loans, inputs=inputs)).get_feature_names_out())
    groups = column_groups(inputs=inputs, encoding=encoding, without=without)
    signs = {"riskier": 1, "safer": -1, "open": 0}
    for name, count, direction in groups:
        own, names = names[:count], names[count:]
        assert own == ([name] if count == 1 else [f"{name}_sp_{place}" for place in range(count)])
        indicator = name.startswith(INDICATOR)
        assert direction == (1 if indicator else signs[FEATURE_BY_NAME[name].higher])
        assert name.removeprefix(INDICATOR) not in without
    assert all(name.startswith(tuple(categories_of(inputs=inputs))) for name in names)  # levels, and nothing else


def test_a_level_of_few_loans_is_pooled_and_has_no_column_where_the_pool_is_small(loans: pd.DataFrame):
    few = feature_frame(loans, inputs="without_pincode")
    few["home_ownership"] = "RENT"
    few.iloc[:9, few.columns.get_loc("home_ownership")] = "NONE"  # 9 loans of 4,000
    few["application_type"] = "INDIVIDUAL"
    few.iloc[:30, few.columns.get_loc("application_type")] = "JOINT"
    few.iloc[30:60, few.columns.get_loc("application_type")] = "DIRECT_PAY"  # 60 together: 1.5%
    fitted = encoder(inputs="without_pincode", encoding="plain").fit(few)
    names = [name for name in fitted.get_feature_names_out() if name.startswith(("home_", "application_"))]
    assert names == ["application_type_INDIVIDUAL", "application_type_infrequent_sklearn"]
    pooled = pd.DataFrame(fitted.transform(few), columns=fitted.get_feature_names_out())
    assert pooled["application_type_infrequent_sklearn"].to_numpy()[:60].all()
    strange = fitted.transform(few.head(1).assign(home_ownership="yacht"))
    assert (strange == fitted.transform(few.head(1))).all()  # the nine count as a level that nobody had


@given(
    shares=st.lists(st.integers(1, 300), min_size=1, max_size=120),
    others=st.lists(st.integers(1, 300), min_size=1, max_size=5),
)
def test_levels_are_those_of_scikit_learn(shares: list[int], others: list[int]):
    n = 3 * max(sum(shares), sum(others))
    columns = [np.repeat([f"level {place}" for place in range(len(some))], some) for some in (shares, others)]
    X = pd.DataFrame({str(place): np.resize(column, n) for place, column in enumerate(columns)}, dtype=object)
    options: Any = {"handle_unknown": "ignore", "min_frequency": SUPPORT, "sparse_output": False}
    ours, theirs = LevelEncoder(**options).fit(X), OneHotEncoder(**options).fit(X)
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())
    for found, expected in zip(ours.infrequent_categories_, theirs.infrequent_categories_, strict=True):
        assert np.array_equal(found, expected)
    strange = pd.concat([X.drop_duplicates(), pd.DataFrame({"0": ["yacht"], "1": ["level 0"]}, dtype=object)])
    assert np.array_equal(ours.transform(strange), theirs.transform(strange))


def test_a_missing_value_counts_as_a_risky_one_and_where_nothing_is_declared_as_a_typical_one(loans: pd.DataFrame):
    X = feature_frame(loans, inputs="without_pincode")
    X["open_acc"] = X["open_acc"].mask(X.index % 7 == 0)
    ends = {"riskier": 0.99, "safer": 0.01, "open": 0.5}
    risky, typical = (
        Recipe("without_pincode", "plain", "none", unknown=unknown).pipeline(random_state=0)["standard"].fit(X)
        for unknown in ("risky", "learned")
    )
    for name in ("revol_util", "mort_acc", "pub_rec_bankruptcies", "emp_length_years", "open_acc", "int_rate"):
        at = X[name].quantile([ends[FEATURE_BY_NAME[name].higher], 0.5]).tolist()
        known = X.head(2).assign(**{name: at})
        blank = X.head(2).assign(**{name: np.nan})
        assert risky.transform(blank)[name].iloc[0] == pytest.approx(risky.transform(known)[name].iloc[0]), name
        assert typical.transform(blank)[name].iloc[0] == pytest.approx(typical.transform(known)[name].iloc[1]), name


def test_a_spline_can_be_a_straight_line(loans: pd.DataFrame):
    features = feature_frame(loans, inputs="without_pincode")
    fitted = encoder(inputs="without_pincode", encoding="splines").fit(features)
    matrix = fitted.transform(features)
    basis = matrix[:, [name.startswith("int_rate_sp") for name in fitted.get_feature_names_out()]]
    rate = features["int_rate"].to_numpy()
    left = np.column_stack([basis, np.ones(len(basis))])
    inside = (rate > np.quantile(rate, 0.001)) & (rate < np.quantile(rate, 0.999))
    fit, *_ = np.linalg.lstsq(left[inside], rate[inside], rcond=None)
    # A cubic spline basis holds every straight line between its outer knots, exactly but for rounding.
    assert left[inside] @ fit == pytest.approx(rate[inside], abs=1e-8)


def test_loans_drawn_twice_stay_two_loans(loans: pd.DataFrame):
    twice = loans.iloc[[5, 5, 7]]
    assert len(feature_frame(twice, inputs="with_pincode")) == 3


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_column_without_any_value_is_no_obstacle(loans: pd.DataFrame, encoding: str):
    features = feature_frame(loans.assign(mort_acc=np.nan, revol_util=np.nan), inputs="without_pincode")
    assert np.isfinite(encoder(inputs="without_pincode", encoding=encoding).fit_transform(features)).all()


@pytest.mark.parametrize(
    ("name", "gap", "said"),
    [
        ("dti", {"label": ""}, "label"),
        ("dti", {"phrase": ""}, "phrase"),
        ("dti", {"code": "4"}, r"code \(such as R01\)"),
        ("dti", {"form": "{.__class__}"}, "form"),
        ("dti", {"enters": "log"}, r"enters \(one of logarithm, as it is, ratio, category\)"),
        ("dti", {"step": None}, r"step .* or no_step \(why there is none\)"),
        ("dti", {"higher": ""}, "higher and because"),
        ("loan_to_income", {"no_step": ""}, "no_step"),
        ("loan_to_income", {"sources": ("loan_amnt", "wealth")}, "the source 'wealth', which is no column"),
        ("loan_to_income", {"compute": None}, "compute"),
        ("dti", {"optional": True, "missing": True}, "a straight line"),
        ("dti", {"code": "R05"}, "expected a code of its own, R05 is that of 'revol_bal' too"),
        ("dti", {"code": "R02"}, "expected a code of its own, R02 stood for the monthly payment once"),
    ],
)
def test_a_gap_in_a_declaration_names_the_feature_and_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, name: str, gap: dict[str, Any], said: str
):
    broken = replace(FEATURE_BY_NAME[name], **gap)
    monkeypatch.setattr(declared, "OPTIONAL", ("dti",) if gap.get("optional") else ())
    monkeypatch.setattr(declared, "FEATURES", tuple(broken if one.name == name else one for one in FEATURES))
    with pytest.raises(InputError, match=f"feature '{name}': .*{said}.*columns.py"):
        check_features()


def test_what_a_model_may_use_says_how_it_enters(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(declared.BY_NAME, "emp_length", replace(BY_NAME["emp_length"], enters=""))
    with pytest.raises(InputError, match="column 'emp_length': a model may use it; expected enters, one of logarithm"):
        check_features()


def test_every_number_has_a_step_or_says_why_not():
    check_features()
    numbers = [feature for feature in FEATURES if feature.enters != "category"]
    assert all(bool(feature.step) != bool(feature.no_step) for feature in numbers)
    assert [feature.name for feature in numbers if feature.no_step] == ["loan_to_income"]


def test_reason_codes_keep_their_meaning():
    assert {feature.code: feature.name for feature in FEATURES} == {
        "R01": "loan_amnt", "R03": "annual_inc", "R04": "dti", "R05": "revol_bal", "R06": "open_acc",
        "R07": "total_acc", "R08": "pub_rec", "R09": "int_rate", "R10": "revol_util", "R11": "mort_acc",
        "R12": "pub_rec_bankruptcies", "R13": "term", "R14": "emp_length_years", "R15": "credit_history_months",
        "R16": "loan_to_income", "R18": "sub_grade", "R19": "home_ownership",
        "R20": "verification_status", "R21": "purpose", "R22": "application_type", "R23": "pincode",
    }  # fmt: skip
    # Stored reasons and letters still hold them, so they stand for nothing else.
    assert RETIRED == {"R02": "the monthly payment", "R17": "the payments of a year as a share of annual income"}
    assert not {*RETIRED} & {feature.code for feature in FEATURES}


def test_a_computed_feature_of_something_missing_is_missing(application: dict[str, Any]):
    found = application_features({**application, "emp_length": None}, inputs="without_pincode", month="Jan-2016")
    assert found["emp_length_years"] is None
    computed = [feature.name for feature in FEATURES if isinstance(feature, Feature) and feature.name != "pincode"]
    assert all(found[name] is not None for name in computed if name != "emp_length_years")
