"""Two runs against each other: which of their numbers differ by more than chance explains."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from loantap.analysis.comparisons import rate_difference
from loantap.analysis.odds import adjust_p_values, level_p_values
from loantap.analysis.summaries import simultaneous

Results = Mapping[str, Any]
Verdict = Literal["changed", "not shown", "differs", "equal"]
MODEL = "without_pincode"
_SCORES = ("roc_auc", "average_precision", "brier")
_EQUAL = 1e-9  # relative: beyond it, sums in another order differ


@dataclass(frozen=True)
class Measured:
    """One number of a run with its interval."""

    part: str  # what it belongs to: default rate, a factor (with `level`), predictor, model or policy
    name: str  # which number of the part: a level, a column, a score, a policy
    kind: str  # "rate", "score" or "money"
    value: float  # the number
    error_low: float = 0.0  # how far its interval reaches below it, as a standard error
    error_high: float = 0.0  # the same above it
    n: int | None = None  # loans behind it, where they are known
    # defaults among them, where it is a default rate; such a number is compared by its counts
    defaults: int | None = None


@dataclass(frozen=True)
class Changes:
    """Two runs side by side."""

    earlier: dict[str, Any]  # run_id, finished_at, loans and defaults of the earlier run
    later: dict[str, Any]  # the same of the later one
    same_loans: bool  # whether both read the same loans
    shared: int  # loans of the later run that are in the earlier one too
    alpha: float  # error rate over all numbers compared
    causes: pd.DataFrame  # what differs between what they were made from, as `causes.compare_causes` returns it
    numbers: pd.DataFrame  # as `compare_numbers` returns them
    facts: pd.DataFrame  # as `causes.compare_facts` returns them


def measured(results: Results) -> dict[tuple[str, str], Measured]:
    """Return by part and name what runs are compared in, from their eda, model, policy and association_<factor>."""
    numbers = [*_rates(results), *_strength(results.get("eda"))]
    numbers += [*_model((results.get("model") or {}).get(MODEL)), *_policies(results.get("policy"))]
    return {(one.part, one.name): one for one in numbers}


def compare_numbers(earlier: Results, later: Results, *, same_loans: bool, alpha: float = 0.05) -> pd.DataFrame:
    """Compare the numbers that both runs have.

    Default rates are compared by their counts, as a level is with the rest of its portfolio (`level_p_values`), with
    Newcombe's interval of the difference. Other numbers are compared by their intervals: the interval of the difference
    is that of Zou and Donner (2008), which is Newcombe's way for any two intervals, and the p-value is normal with its
    standard error. One Holm correction goes over all of them. Runs are taken as independent; where some loans are in
    both, differences are smaller than that, and too few are called changes.

    Args:
        earlier: Results of the earlier run, as `measured` takes them.
        later: Those of the later run.
        same_loans: Whether both runs read the same loans: nothing is tested then, and numbers differ or are equal.
        alpha: Error rate over all comparisons; one minus it is the confidence of each interval by itself.

    Returns:
        One row per number: part, name, kind; n, value, low, high of each run as earlier_n, earlier, earlier_low, ...
        and later_n, later, ...; difference, difference_low, difference_high; p_value, p_adjusted, verdict.
    """
    before, after = measured(earlier), measured(later)
    rows = [_compared(before[key], after[key], alpha) for key in after if key in before]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    if same_loans:
        table[["difference_low", "difference_high", "p_value"]] = np.nan
    table["p_adjusted"] = adjust_p_values(table["p_value"].astype("float64"), correction="holm")
    equal = np.isclose(table["earlier"].astype("float64"), table["later"].astype("float64"), rtol=_EQUAL, atol=0)
    tested = np.where(table["p_adjusted"] < alpha, "changed", "not shown")
    table["verdict"] = np.where(table["p_value"].isna(), np.where(equal, "equal", "differs"), tested)
    return table


def shared_loans(earlier: pd.DataFrame, later: pd.DataFrame) -> int:
    """Return how many loans of the later run agree with one of the earlier in every column that both have but `row`."""
    columns = [name for name in later if name in earlier and name != "row"]
    first, second = (pd.util.hash_pandas_object(loans[columns], index=False) for loans in (earlier, later))
    return int(second.isin(first).sum())


_SIDE = ("", "_low", "_high", "_n")
_COLUMNS = [
    "part", "name", "kind", *(f"{side}{end}" for side in ("earlier", "later") for end in _SIDE),
    "difference", "difference_low", "difference_high", "p_value",
]  # fmt: skip


def _compared(earlier: Measured, later: Measured, alpha: float) -> dict[str, Any]:
    row: dict[str, Any] = {"part": later.part, "name": later.name, "kind": later.kind}
    for side, one in (("earlier", earlier), ("later", later)):
        low, high = _interval(one, alpha)
        row |= {side: one.value, f"{side}_low": low, f"{side}_high": high, f"{side}_n": one.n}
    return row | dict(zip(_COLUMNS[-4:], _difference(earlier, later, alpha), strict=True))


def _interval(one: Measured, alpha: float) -> tuple[float, float]:
    if one.defaults is not None and one.n:
        low, high = proportion_confint(one.defaults, one.n, alpha=alpha, method="wilson")
        return float(low), float(high)
    reach = norm.isf(alpha / 2)
    return one.value - reach * one.error_low, one.value + reach * one.error_high


def _difference(
    earlier: Measured, later: Measured, alpha: float
) -> tuple[float, float | None, float | None, float | None]:
    if earlier.defaults is not None and later.defaults is not None and earlier.n and later.n:
        rates = (later.defaults, later.n), (earlier.defaults, earlier.n)
        apart, low, high = rate_difference(*rates, confidence=1 - alpha)
        bad, loans = np.array([earlier.defaults, later.defaults]), np.array([earlier.n, later.n])
        p_value = level_p_values(bad, loans)[0][0] if 0 < bad.sum() < loans.sum() else 1.0  # loans that all ended alike
        return apart, low, high, float(p_value)
    apart = later.value - earlier.value
    below, above = np.hypot(later.error_low, earlier.error_high), np.hypot(later.error_high, earlier.error_low)
    error = below if apart > 0 else above
    if not error > 0:  # neither has an interval, such as the gain of a policy that declines nobody
        return apart, None, None, None
    reach = norm.isf(alpha / 2)
    return apart, apart - reach * below, apart + reach * above, float(2 * norm.sf(abs(apart) / error))


def _errors(value: float, ends: Sequence[float], confidence: float) -> tuple[float, float]:
    """Return how far an interval reaches below and above its value, as standard errors."""
    low, high = ends
    reach = norm.ppf((1 + confidence) / 2)
    return max(value - low, 0) / reach, max(high - value, 0) / reach


def _rates(results: Results) -> Iterator[Measured]:
    if eda := results.get("eda"):
        n, defaults = eda["shape"]["n"], eda["shape"]["defaults"]
        yield Measured("default rate", "all loans", "rate", defaults / n, n=n, defaults=defaults)
    for name, association in results.items():
        if name.startswith("association_"):
            for level in association["levels"]:
                n, defaults = int(level["n"]), int(level["defaults"])
                if level["level"] not in association.get("pooled", {}):  # small ones differ by run
                    named = association["factor"], str(level["level"])
                    yield Measured(*named, "rate", defaults / n, n=n, defaults=defaults)


def _strength(eda: Results | None) -> Iterator[Measured]:
    rows = [row for row in (eda or {}).get("strength", []) if row["auc"] is not None and row["ci_low"] is not None]
    confidence = simultaneous(eda["settings"]["confidence"], len(rows)) if eda else 0.0
    for row in rows:
        errors = _errors(row["auc"], (row["ci_low"], row["ci_high"]), confidence)
        yield Measured("predictor", row["driver"], "score", row["auc"], *errors, n=row["n"])


def _model(model: Results | None) -> Iterator[Measured]:
    if not model:
        return
    test, confidence = model["test"], model["confidence"]
    for name in (*_SCORES, f"f{model['beta']:g}"):
        if name in test and name in test["ci"]:
            errors = _errors(test[name], test["ci"][name], confidence)
            yield Measured("model", name, "score", test[name], *errors, n=test["n"])
    refers = model["refusal"]["refused"]
    ends = _errors(refers["estimate"], (refers["ci_low"], refers["ci_high"]), confidence)
    yield Measured("model", "referred", "rate", refers["estimate"], *ends, n=test["n"])


def _policies(policy: Results | None) -> Iterator[Measured]:
    for row in (policy or {}).get("policies", []):
        name = "profit" if row["name"] == "approve all" else "profit_change"
        ends = (row[f"{name}_low"], row[f"{name}_high"])
        if policy and None not in ends:
            errors = _errors(row[name], ends, policy["confidence"])
            yield Measured("policy", row["name"], "money", row[name], *errors, n=row["n"])
