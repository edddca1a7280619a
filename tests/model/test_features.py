import numpy as np
import pandas as pd
import pytest

from loantap.errors import InputError
from loantap.model.features import check_allowed, feature_frame, preprocessor, source_columns


def test_the_pincode_is_off_unless_asked_for(loans: pd.DataFrame):
    assert "pincode" not in feature_frame(loans, with_pincode=False)
    assert "pincode" in feature_frame(loans, with_pincode=True)


def test_features_need_only_the_columns_they_name(loans: pd.DataFrame):
    pd.testing.assert_frame_equal(
        feature_frame(loans[source_columns(with_pincode=True)], with_pincode=True),
        feature_frame(loans, with_pincode=True),
    )


def test_allowed_features_pass(loans: pd.DataFrame):
    for with_pincode in (False, True):
        check_allowed(feature_frame(loans, with_pincode=with_pincode), with_pincode=with_pincode)


@pytest.mark.parametrize("column", ["loan_status", "default", "address", "pincode", "recoveries", "issue_d"])
def test_a_planted_leak_is_refused(loans: pd.DataFrame, column: str):
    features = feature_frame(loans, with_pincode=False).assign(**{column: 1.0})
    with pytest.raises(InputError, match=f"feature '{column}' is not allowed"):
        check_allowed(features, with_pincode=False)


def test_credit_history_is_the_months_between_first_line_and_funding(loans: pd.DataFrame):
    dates = loans[["issue_d", "earliest_cr_line"]].apply(lambda column: column.dt.to_period("M").astype("int64"))
    found = feature_frame(loans, with_pincode=False)["credit_history_months"]
    assert (found == dates["issue_d"] - dates["earliest_cr_line"]).all()


def test_missing_values_become_indicators(loans: pd.DataFrame):
    features = feature_frame(loans, with_pincode=False)
    assert features["emp_length_years"].isna().sum() == loans["emp_length"].isna().sum() > 0
    encoder = preprocessor(with_pincode=False).fit(features)
    assert "missingindicator_emp_length_years" in encoder.get_feature_names_out()
    assert np.isfinite(encoder.transform(features)).all()


def test_an_unknown_category_a_missing_value_and_an_unseen_pincode_encode(loans: pd.DataFrame):
    features = feature_frame(loans, with_pincode=True)
    encoder = preprocessor(with_pincode=True).fit(features)
    strange = features.head(1).assign(purpose="yacht", pincode="99999", revol_util=np.nan, sub_grade=None)
    assert np.isfinite(encoder.transform(strange)).all()
