"""What a model may see: the allow-list, and the features that come from it, as the one column table declares them."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from loantap.data.annuity import months_of
from loantap.data.applications import month_number
from loantap.data.columns import BY_NAME, COLUMNS, FEATURE_BY_NAME, FEATURES, OPTIONAL, RETIRED, names
from loantap.data.computed import COMPUTED
from loantap.data.declarations import Column, Enters, Feature
from loantap.errors import InputError

# without_pincode is the model; with_pincode serves comparison with the original figures only; application_only
# leaves out the lender's own pricing, and so asks what the applicant's own facts can tell.
Inputs = Literal["without_pincode", "with_pincode", "application_only"]
INPUTS: tuple[Inputs, ...] = get_args(Inputs)

LEAK = "pincode"
_REMEDY = "Complete it in src/loantap/data/columns.py, or computed.py beside it."
UNKNOWN = "not known"  # the level of a category whose value is missing


def _entering(how: Enters) -> tuple[str, ...]:
    return tuple(feature.name for feature in FEATURES if feature.enters == how and feature.name != LEAK)


# Money and counts with long right tails enter by their logarithm; it is closer to what the log-odds follow.
SKEWED, PLAIN = _entering("logarithm"), _entering("as it is")
RATIOS, CATEGORIES = _entering("ratio"), _entering("category")
# Categories in an order that enter as the place of their level, from 0; a term is a number of months already.
PLACES = {
    column.name: column.levels
    for column in COLUMNS
    if column.kind == "category" and column.name in {*SKEWED, *PLAIN} - {"term"}
}
CAPS = {column.name: column.cap for column in COLUMNS if column.cap is not None}
_MAY_BE_UNKNOWN = {name for name in CATEGORIES if name in BY_NAME and BY_NAME[name].missing}
_PRICES = {column.name for column in COLUMNS if column.known == "pricing"}
PRICING = (*_PRICES, *(feature.name for feature in COMPUTED if _PRICES & {*feature.sources}))


def chosen(names: tuple[str, ...], *, inputs: Inputs) -> list[str]:
    """Return those of the named features that the set of inputs holds."""
    return [name for name in names if not (inputs == "application_only" and name in PRICING)]


_FEATURES = {
    inputs: [FEATURE_BY_NAME[name] for name in chosen((*SKEWED, *PLAIN, *RATIOS, *CATEGORIES), inputs=inputs)]
    for inputs in INPUTS
}


def _places(column: Column) -> Callable[[str], float]:
    return {level: float(place) for place, level in enumerate(column.levels)}.__getitem__


# How the texts of an application become numbers; numbers are numbers already.
_NUMBER_OF: dict[str, Callable[[str], float]] = {
    **{column.name: _places(column) for column in COLUMNS if column.kind == "category"},
    **{column.name: lambda text: float(month_number(text)) for column in COLUMNS if column.kind == "month"},
    "term": lambda text: float(months_of(text)),
}
# The columns behind numbers; the others are categories, or the address.
_READ = {
    inputs: sorted({source for feature in made if feature.enters != "category" for source in feature.sources})
    for inputs, made in _FEATURES.items()
}
_MADE = {
    inputs: [
        (feature.name, feature.compute if isinstance(feature, Feature) else None, feature.sources) for feature in made
    ]
    for inputs, made in _FEATURES.items()
}


def feature_names(*, inputs: Inputs) -> list[str]:
    """Return the names of the features that the set of inputs holds."""
    return [*(feature.name for feature in _FEATURES[inputs]), *([LEAK] if inputs == "with_pincode" else [])]


def source_columns(*, inputs: Inputs) -> list[str]:
    """Return the columns of the cleaned loans that `feature_frame` reads; OPTIONAL ones may be absent."""
    named = {source for feature in _FEATURES[inputs] for source in feature.sources}
    return sorted(named | ({LEAK} if inputs == "with_pincode" else set()))


def feature_frame(loans: pd.DataFrame, *, inputs: Inputs) -> pd.DataFrame:
    """Return the model's inputs, one row per cleaned loan; missing values stay missing.

    Numbers are float64, capped as in CAPS: amounts in currency, rates and utilisation in percent, term and credit
    history in months, employment in years, the sub-grade as the place of its level, ratios as fractions of annual
    income. Categories are texts.
    """
    loans = loans.assign(**{name: np.nan for name in OPTIONAL if name not in loans})
    numbers = {source: _numbers(loans[source], source) for source in _READ[inputs]}
    made = {}
    for name in feature_names(inputs=inputs):
        feature = FEATURE_BY_NAME[name]
        if feature.enters == "category":
            made[name] = loans[name].astype("object")
            if name in _MAY_BE_UNKNOWN:
                made[name] = made[name].where(made[name].notna(), UNKNOWN)
        elif isinstance(feature, Column):
            made[name] = numbers[name]
        elif feature.compute:
            made[name] = feature.compute(*(numbers[source] for source in feature.sources))
    return pd.DataFrame(made)


def _numbers(values: pd.Series, name: str) -> pd.Series:
    """Return a column of cleaned loans as float64, capped: months from year 0, the place of an ordered level."""
    if pd.api.types.is_datetime64_any_dtype(values):
        values = values.dt.year * 12 + values.dt.month
    elif isinstance(values.dtype, pd.CategoricalDtype):
        values = values.cat.codes.astype("float64").where(values.notna())
    return values.astype("float64").clip(upper=CAPS.get(name))


def capped(features: pd.DataFrame) -> pd.DataFrame:
    """Return the features with each number of CAPS at most at its cap."""
    return features.assign(**{name: features[name].clip(upper=cap) for name, cap in CAPS.items() if name in features})


def with_computed(features: pd.DataFrame) -> pd.DataFrame:
    """Return the features with those computed anew that follow from others of them, such as the ratios to income."""
    return features.assign(
        **{
            feature.name: feature.compute(*(features[source] for source in feature.sources))
            for feature in COMPUTED
            if feature.compute and {*feature.sources} <= {*features.columns}
        }
    )


def check_features() -> None:
    """Raise InputError for what a feature needs and does not declare, and for a reason's code that is not its own."""
    for name in names(feature=True):
        if not BY_NAME[name].enters:
            raise InputError(
                f"column '{name}': a model may use it; expected enters, one of {', '.join(get_args(Enters))}. {_REMEDY}"
            )
    for feature in FEATURES:
        gaps = feature.gaps() + [
            f"the source '{name}', which is no column" for name in feature.sources if name not in BY_NAME
        ]
        if isinstance(feature, Feature) and feature.compute is None and feature.name != LEAK:
            gaps.append("compute (how it follows from its sources)")
        if (feature.curved or feature.enters == "ratio") and {*feature.sources} & {*OPTIONAL}:
            gaps.append("a straight line (a file may lack what it comes from, and a spline needs values)")
        if gaps:
            raise InputError(f"feature '{feature.name}': these are not declared: {'; '.join(gaps)}. {_REMEDY}")
        taken = [f"stood for {RETIRED[feature.code]} once"] if feature.code in RETIRED else []
        taken += [f"is that of '{one.name}' too" for one in FEATURES if one.code == feature.code and one is not feature]
        if taken:
            wanted = f"feature '{feature.name}': expected a code of its own"
            raise InputError(f"{wanted}, {feature.code} {taken[0]}. {_REMEDY}")


def check_allowed(features: pd.DataFrame, *, inputs: Inputs) -> None:
    """Raise InputError if a feature comes from a column that the codebook or the set of inputs does not allow."""
    for name in features.columns:
        if name == LEAK and inputs == "with_pincode":
            continue
        if inputs == "application_only" and name in PRICING:
            raise InputError(f"feature '{name}' is not allowed in {inputs}: it is the lender's own pricing.")
        # The funding month is no feature by itself; it only dates the credit history.
        sources = FEATURE_BY_NAME[name].sources if name in FEATURE_BY_NAME else (name,)
        barred = [source for source in sources if source not in BY_NAME or not BY_NAME[source].feature]
        if barred := [source for source in barred if source == name or source != "issue_d"]:
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
    given = {**application, "issue_d": application.get("issue_d") or month}
    numbers: dict[str, Any] = {}
    for source in _READ[inputs]:
        value, convert = given.get(source), _NUMBER_OF.get(source)
        value = convert(value) if convert and value is not None else value
        numbers[source] = CAPS[source] if source in CAPS and value is not None and value > CAPS[source] else value
    made: dict[str, float | str | None] = {}
    for name, compute, sources in _MADE[inputs]:
        if compute:
            values = [numbers[source] for source in sources]
            made[name] = None if None in values else compute(*values)
        elif name in CATEGORIES:
            level = given.get(name)
            made[name] = UNKNOWN if level is None and name in _MAY_BE_UNKNOWN else level
        else:
            made[name] = numbers[name]
    return made
