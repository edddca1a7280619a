"""What a model may see: the allow-list, and the features computed from it."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import pandas as pd

from loantap.data.annuity import months_of
from loantap.data.applications import month_number
from loantap.data.columns import BY_NAME
from loantap.errors import InputError

# without_pincode is the model; with_pincode serves comparison with the original figures only; application_only
# leaves out the lender's own pricing, and so asks what the applicant's own facts can tell.
Inputs = Literal["without_pincode", "with_pincode", "application_only"]
INPUTS: tuple[Inputs, ...] = get_args(Inputs)

LEAK = "pincode"
PRICING = ("grade", "sub_grade", "int_rate", "installment", "installment_to_income")
# Money and counts with long right tails; their logarithm is closer to what the log-odds follow.
SKEWED = ("loan_amnt", "installment", "annual_inc", "dti", "revol_bal", "open_acc", "total_acc", "pub_rec")
PLAIN = (
    "int_rate",
    "revol_util",
    "mort_acc",
    "pub_rec_bankruptcies",
    "term",
    "emp_length_years",
    "credit_history_months",
)
# Beyond these a value counts as the cap: a handful of loans (debt-to-income 9999 where there is hardly an income)
# would otherwise bend the fit for all. In the units of the codebook.
CAPS = {"dti": 60.0, "revol_util": 150.0, "pub_rec": 5.0, "pub_rec_bankruptcies": 3.0, "mort_acc": 10.0}
RATIOS = ("loan_to_income", "installment_to_income")
CATEGORIES = ("sub_grade", "home_ownership", "verification_status", "purpose", "application_type")
# Features that are computed, and the raw columns that each comes from.
DERIVED = {
    "emp_length_years": ("emp_length",),
    "credit_history_months": ("issue_d", "earliest_cr_line"),
    "loan_to_income": ("loan_amnt", "annual_inc"),
    "installment_to_income": ("installment", "annual_inc"),
    LEAK: ("address",),
}


def chosen(names: tuple[str, ...], *, inputs: Inputs) -> list[str]:
    """Return those of the named features that the set of inputs holds."""
    return [name for name in names if not (inputs == "application_only" and name in PRICING)]


_FEATURES = {inputs: chosen((*SKEWED, *PLAIN, *RATIOS, *CATEGORIES), inputs=inputs) for inputs in INPUTS}
_YEARS = {level: float(years) for years, level in enumerate(BY_NAME["emp_length"].levels)}


def source_columns(*, inputs: Inputs) -> list[str]:
    """Return the columns of the cleaned loans that `feature_frame` reads."""
    named = {source for name in _FEATURES[inputs] for source in DERIVED.get(name, (name,))}
    return sorted(named | ({LEAK} if inputs == "with_pincode" else set()))


def feature_frame(loans: pd.DataFrame, *, inputs: Inputs) -> pd.DataFrame:
    """Return the model's inputs, one row per loan; missing values stay missing.

    Args:
        loans: Cleaned loans with `source_columns`.
        inputs: Which set of inputs.

    Returns:
        Numbers as float64, capped as in CAPS: amounts in currency, rates and utilisation in percent, term and credit
        history in months, employment in years, ratios as fractions of annual income (the installment for twelve
        months). Categories as text.
    """
    months = (loans["issue_d"].dt.year - loans["earliest_cr_line"].dt.year) * 12 + (
        loans["issue_d"].dt.month - loans["earliest_cr_line"].dt.month
    )
    years = loans["emp_length"].cat.codes.astype("float64").where(loans["emp_length"].notna())
    made = loans.assign(credit_history_months=months, emp_length_years=years)
    numbers = made[chosen((*SKEWED, *PLAIN), inputs=inputs)].astype("float64")
    features = with_ratios(capped(numbers))
    features = pd.concat([features, made[chosen(CATEGORIES, inputs=inputs)].astype("object")], axis="columns")
    if inputs == "with_pincode":
        features[LEAK] = loans[LEAK].astype("object")
    return features


def capped(features: pd.DataFrame) -> pd.DataFrame:
    """Return the features with each number of CAPS at most at its cap."""
    return features.assign(**{name: features[name].clip(upper=cap) for name, cap in CAPS.items()})


def with_ratios(features: pd.DataFrame) -> pd.DataFrame:
    """Return the features with the ratios to income that follow from them; an income of 0 counts as 1."""
    income = features["annual_inc"].clip(lower=1)
    made = {"loan_to_income": features["loan_amnt"] / income}
    if "installment" in features:
        made["installment_to_income"] = 12 * features["installment"] / income
    return features.assign(**made)


def check_allowed(features: pd.DataFrame, *, inputs: Inputs) -> None:
    """Raise InputError if a feature comes from a column that the codebook or the set of inputs does not allow."""
    for name in features.columns:
        if name == LEAK and inputs == "with_pincode":
            continue
        if inputs == "application_only" and name in PRICING:
            raise InputError(f"feature '{name}' is not allowed in {inputs}: it is the lender's own pricing.")
        # The funding month is no feature by itself; it only dates the credit history.
        sources = [source for source in DERIVED.get(name, (name,)) if source == name or source != "issue_d"]
        barred = [source for source in sources if source not in BY_NAME or not BY_NAME[source].feature]
        if barred:
            why = BY_NAME[barred[0]].why if barred[0] in BY_NAME else "the codebook does not know it"
            raise InputError(f"feature '{name}' is not allowed: {why}. Allowed features are marked in data/README.md.")


def application_features(
    application: Mapping[str, Any], *, inputs: Inputs, month: str
) -> dict[str, float | str | None]:
    """Return the features of one application: what `feature_frame` makes of a loan, without a frame.

    Args:
        application: Values by the codebook's names, checked; missing ones as None.
        inputs: Which set of inputs; with_pincode is for comparison only and takes no application.
        month: When the loan would be funded, such as 'Jan-2015', unless the application says it.
    """
    funded = application.get("issue_d") or month
    length = application.get("emp_length")
    made: dict[str, Any] = {
        **application,
        "term": float(months_of(application["term"])),
        "emp_length_years": None if length is None else _YEARS[length],
        "credit_history_months": float(month_number(funded) - month_number(application["earliest_cr_line"])),
    }
    for name, cap in CAPS.items():
        value = made.get(name)
        if value is not None and value > cap:
            made[name] = cap
    income = max(made["annual_inc"], 1.0)
    made["loan_to_income"] = made["loan_amnt"] / income
    if "installment" in made:
        made["installment_to_income"] = 12 * made["installment"] / income
    return {name: made.get(name) for name in _FEATURES[inputs]}
