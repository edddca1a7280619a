"""What the model may see, and how it is encoded. Everything that learns from data is a scikit-learn transformer."""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from loantap.data.columns import BY_NAME
from loantap.errors import InputError

# Money and counts with long right tails; their logarithm is closer to what the log-odds follow.
SKEWED = ["loan_amnt", "installment", "annual_inc", "dti", "revol_bal", "open_acc", "total_acc", "pub_rec"]
PLAIN = [
    "int_rate",
    "revol_util",
    "mort_acc",
    "pub_rec_bankruptcies",
    "term",
    "emp_length_years",
    "credit_history_months",
]
CATEGORIES = ["sub_grade", "home_ownership", "verification_status", "purpose", "application_type"]
LEAK = "pincode"
# Features that are computed, and the raw columns that each comes from.
DERIVED = {
    "emp_length_years": ("emp_length",),
    "credit_history_months": ("issue_d", "earliest_cr_line"),
    LEAK: ("address",),
}


def source_columns(*, with_pincode: bool) -> list[str]:
    """Return the columns of the cleaned loans that `feature_frame` reads."""
    named = {name for name in (*SKEWED, *PLAIN, *CATEGORIES) if name not in DERIVED}
    return sorted(named | {"emp_length", "issue_d", "earliest_cr_line"} | ({LEAK} if with_pincode else set()))


def feature_frame(loans: pd.DataFrame, *, with_pincode: bool) -> pd.DataFrame:
    """Return the model's inputs, one row per loan; missing values stay missing.

    Args:
        loans: Cleaned loans with `source_columns`.
        with_pincode: Add the leaking pincode, for comparison with the original figures only.
    """
    months = (loans["issue_d"].dt.year - loans["earliest_cr_line"].dt.year) * 12 + (
        loans["issue_d"].dt.month - loans["earliest_cr_line"].dt.month
    )
    years = loans["emp_length"].cat.codes.astype("float64").where(loans["emp_length"].notna())
    made = loans.assign(credit_history_months=months.astype("float64"), emp_length_years=years)
    features = made[[*SKEWED, *PLAIN]].astype("float64").join(made[CATEGORIES].astype("object"))
    if with_pincode:
        features[LEAK] = loans[LEAK].astype("object")
    return features


def check_allowed(features: pd.DataFrame, *, with_pincode: bool) -> None:
    """Raise InputError if a feature comes from a column that the codebook does not allow."""
    for name in features.columns:
        if name == LEAK and with_pincode:
            continue
        # The funding month is no feature by itself; it only dates the credit history.
        sources = [source for source in DERIVED.get(name, (name,)) if source == name or source != "issue_d"]
        barred = [source for source in sources if source not in BY_NAME or not BY_NAME[source].feature]
        if barred:
            why = BY_NAME[barred[0]].why if barred[0] in BY_NAME else "the codebook does not know it"
            raise InputError(f"feature '{name}' is not allowed: {why}. Allowed features are marked in data/README.md.")


def preprocessor(*, with_pincode: bool) -> ColumnTransformer:
    """Return the encoder: logarithms, indicators of missing values, standardised numbers, one column per category."""

    def numbers(*first: FunctionTransformer) -> Pipeline:
        return make_pipeline(*first, SimpleImputer(strategy="median", add_indicator=True), StandardScaler())

    categories = [*CATEGORIES, LEAK] if with_pincode else CATEGORIES
    return ColumnTransformer(
        [
            ("skewed", numbers(FunctionTransformer(np.log1p, feature_names_out="one-to-one")), SKEWED),
            ("plain", numbers(), PLAIN),
            ("category", OneHotEncoder(handle_unknown="ignore", min_frequency=20, sparse_output=False), categories),
        ],
        verbose_feature_names_out=False,
    )
