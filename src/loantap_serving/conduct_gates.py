"""Gates about what a model does to people, on loans that it has not seen: none of them compares the model with itself alone.

Each takes the saved model and cleaned held-out loans with `source_columns` and `default`, and returns whether it holds and what was seen.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from loantap.analysis.summaries import simultaneous, vintage_rates, with_intervals
from loantap.data.annuity import months_of
from loantap.data.applications import FIELDS
from loantap.data.columns import BY_NAME, FEATURE_BY_NAME
from loantap.data.computed import COMPUTED
from loantap.data.declarations import Column
from loantap.exhibits.words import percent
from loantap.model.groups import delong_interval
from loantap.model.inputs import CATEGORIES, feature_frame, source_columns
from loantap.model.metadata import TrainingSummary
from loantap.model.persistence import SavedModel
from loantap.model.reasons import Reason, reasons_of
from loantap.model.scorer import Value

Finding = tuple[bool, str]

SAMPLE, SEED = 2_000, 0
ROUNDING = 1e-9
STEPS = 25  # values between the ends of a range, evenly spaced, and as many that the loans have
TURNED = 0.01
FEWEST_REFERRED, MOST_REFERRED = 0.05, 0.95
MIN_CELL = 20  # loans of either outcome in a vintage
RATE_FACTOR, RANKING_FALL = 1.6, 0.05
FIRST_MONTH = float(np.datetime64("1900-01", "M").astype("int64"))  # that an application may state
_UNHEARD_OF = "a level that no loan had"


def worse_scores_no_better(model: SavedModel, loans: pd.DataFrame) -> Finding:
    """Change each column with a declared direction for the worse, over all that an application may hold, and score anew.

    Features that follow from it are computed anew. An installment, which follows from amount, rate and term, is none.
    """
    sample = _sampled(loans)
    before = _scored(model, sample)
    used = [
        name for name in source_columns(inputs=model.metadata.inputs) if name in sample and sample[name].notna().any()
    ]
    ways = {name: way for name, way in _ways().items() if name in used}
    changes, largest, which = 0, 0.0, ""
    for name, way in ways.items():
        column = next(field for field in FIELDS if field.name == name)
        steps = _steps(column, sample)[::way]
        many = pd.concat([sample] * len(steps), ignore_index=True)
        many[name] = _as_column(steps.repeat(len(sample)), like=many[name])
        if column.kind == "month":  # a credit line is not opened after the funding
            many[name] = many[[name, "issue_d"]].min(axis=1)
        after, place = (values.reshape(len(steps), -1) for values in (_scored(model, many), way * _place(many[name])))
        worse = place > way * _place(sample[name])
        falls = np.where(worse, before - after, 0.0), np.maximum.accumulate(after) - after
        changes += int(worse.sum()) + (len(steps) - 1) * len(sample)
        if (fall := float(np.max(falls))) > largest:
            largest, which = fall, name
    told = f"{100 * largest:.2g} points, for {which}" if largest > ROUNDING else "none"
    return (
        largest <= ROUNDING,
        f"{len(ways)} columns of {len(sample):,} loans, {changes:,} changes for the worse; largest fall: {told}",
    )


def leaving_out_buys_nothing(model: SavedModel, loans: pd.DataFrame) -> Finding:
    """Leave out each field that an application may lack, and count referrals that become approvals, whatever the threshold.

    A category that may not be missing gets a level that no loan had.
    """
    before = _scored(model, loans)
    grid = np.quantile(before, np.linspace(FEWEST_REFERRED, MOST_REFERRED, 19), method="higher")
    shares = {float(at): float((before >= at).mean()) for at in (*grid, model.threshold)}
    tried = {at: share for at, share in shares.items() if FEWEST_REFERRED <= share <= MOST_REFERRED}
    fields = [
        name for name in source_columns(inputs=model.metadata.inputs) if BY_NAME[name].missing or name in CATEGORIES
    ]
    turned: dict[tuple[str, float], float] = {}
    for name in fields:
        gone = loans[name].where(np.zeros(len(loans), dtype=bool)) if BY_NAME[name].missing else _UNHEARD_OF
        after = _scored(model, loans.assign(**{name: gone}))
        turned |= {(name, at): float((after < at)[before >= at].mean()) for at in tried}
    own = f"its own refers {shares[model.threshold]:.1%}"
    own += "" if model.threshold in tried else f", which is not within {percent(FEWEST_REFERRED)} to {percent(MOST_REFERRED)}"  # fmt: skip
    seen = f"{len(fields)} fields of {len(loans):,} loans, {len(tried)} thresholds ({own})"
    if not turned:
        return bool(
            tried
        ), f"{seen}; nothing can be left out" if tried else f"{seen}; not judged: no threshold divides them"
    name, at = max(turned, key=lambda one: turned[one])
    share = turned[name, at]
    how = "without" if BY_NAME[name].missing else f"with {_UNHEARD_OF} for"
    where = f", {how} {name} where {tried[at]:.0%} are referred" if share else ""
    return share <= TURNED, f"{seen}; largest share of referrals that become approvals: {share:.2%}{where}"


def no_reason_against_a_direction(model: SavedModel, loans: pd.DataFrame) -> Finding:
    """Ask for every reason of the loans, and count those that say the reverse of what is declared."""
    sample = _sampled(loans)
    X = feature_frame(sample, inputs=model.metadata.inputs)
    applications: Any = X.astype(object).where(X.notna(), None).to_dict("records")
    looked, against = 0, []
    for features, contributions in zip(applications, model.scorer.many(X).tolist(), strict=True):
        reasons = reasons_of(contributions, features, model.reasons, model.training, slope=model.metadata.slope)
        looked += len(reasons)
        against += [reason for reason in reasons if _is_against(reason, features, model.training)]
    found = f"{looked:,} reasons of {len(sample):,} loans; against a direction: {len(against):,}"
    return looked > 0 and not against, found + (f', such as "{against[0].text}"' if against else "")


def holds_by_vintage(model: SavedModel, loans: pd.DataFrame) -> Finding:
    """Compare what was predicted with what came, and the ranking, year of funding by year of funding.

    Years of too few loans of either outcome are judged together with their neighbours.
    """
    y, predicted = loans["default"].to_numpy(), model.probability(loans)
    counts = loans.groupby("issue_d")["default"].agg(n="size", defaults="sum").reset_index()
    vintages = vintage_rates(counts, period="year", min_cell=MIN_CELL)
    confidence = simultaneous(0.95, len(vintages))
    vintages = with_intervals(vintages, confidence=confidence)
    overall, _, _ = delong_interval(y, predicted, confidence=confidence)
    rates, rankings = [], []
    for line in vintages.to_dict("records"):
        inside = loans["issue_d"].between(line["start"], line["end"]).to_numpy()
        rate, low, high = float(predicted[inside].mean()), float(line["ci_low"]), float(line["ci_high"])
        told = (
            f"{rate:.1%} predicted, {line['default_rate']:.1%} ({low:.1%} to {high:.1%}) defaulted of {line['level']}"
        )
        rates.append((max(low / rate, rate / high), told))
        auc, _, end = delong_interval(y[inside], predicted[inside], confidence=confidence)
        rankings.append((end, f"ROC-AUC {auc:.3f} (up to {end:.3f}) of {line['level']}, {overall:.3f} of all"))
    (factor, furthest), (end, lowest) = max(rates), min(rankings)
    return (
        bool(factor <= RATE_FACTOR and end >= overall - RANKING_FALL),
        f"{len(loans):,} loans of {len(vintages)} vintages; furthest off: {furthest}; ranked worst: {lowest}",
    )


def _sampled(loans: pd.DataFrame) -> pd.DataFrame:
    return loans.sample(min(SAMPLE, len(loans)), random_state=SEED)


def _scored(model: SavedModel, loans: pd.DataFrame) -> np.ndarray:
    features = feature_frame(loans, inputs=model.metadata.inputs)
    return model.calibration(model.scorer.log_odds(features))


def _ways() -> dict[str, int]:
    """Return by column 1 where a higher value is declared riskier, -1 where it is safer; some declare it for what is made of them."""
    found = {name: column.direction for name, column in BY_NAME.items() if column.direction}
    for feature in COMPUTED:
        for place, name in enumerate(feature.sources):
            if feature.compute and feature.direction and BY_NAME[name].feature and not BY_NAME[name].higher:
                one = [1.0] * len(feature.sources)
                rise = feature.compute(*one[:place], 2.0, *one[place + 1 :]) - feature.compute(*one)
                found[name] = feature.direction * int(np.sign(rise))
    return found


def _place(values: pd.Series) -> np.ndarray:
    """Return a column as numbers in its order, NaN where missing."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        places = values.cat.codes.to_numpy()
    elif pd.api.types.is_datetime64_any_dtype(values):
        places = values.to_numpy(dtype="datetime64[M]").astype("int64")
    else:
        places = values.to_numpy()
    return np.where(values.isna(), np.nan, places.astype("float64"))


def _as_column(places: np.ndarray, *, like: pd.Series) -> Any:
    """Return what `_place` has made into numbers."""
    if isinstance(like.dtype, pd.CategoricalDtype):
        return pd.Categorical.from_codes(places.astype("int64"), dtype=like.dtype)
    if pd.api.types.is_datetime64_any_dtype(like):
        return pd.Series(places.astype("int64").astype("datetime64[M]").astype("datetime64[ms]"))
    return pd.Series(places)


def _steps(column: Column, sample: pd.DataFrame) -> np.ndarray:
    """Return values of a column over all that an application may hold, ascending, as from `_place`."""
    if column.kind == "category":
        places = range(len(column.levels)) if column.name != "term" else map(months_of, column.levels)
        return np.array([*places], dtype=np.float64)
    known = _place(sample[column.name].dropna())
    low, high = (FIRST_MONTH, known.max()) if column.kind == "month" else (column.low, column.high)
    inner = np.linspace(max(low, known.min()), min(column.cap or high, known.max()), STEPS)
    steps = np.unique([low, high, column.cap or high, *inner, *np.quantile(known, np.linspace(0, 1, STEPS))])
    return np.unique(steps.round()) if column.kind == "month" else steps


def _is_against(reason: Reason, features: Mapping[str, Value], training: TrainingSummary) -> bool:
    value, known = features[reason.feature], training.numbers.get(reason.feature)
    if value is None:
        return reason.effect == "lowers"
    if known is None:
        return False
    way = FEATURE_BY_NAME[reason.feature].direction * (1 if reason.effect == "raises" else -1)
    return bool(way * (value - known.median) < 0)  # type: ignore[operator]
