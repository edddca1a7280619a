"""What changed since an earlier run, in sentences: what both runs were made from, then what they found."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.analysis.changes import Changes
from loantap.data.columns import BY_NAME, FEATURE_BY_NAME
from loantap.exhibits.words import capital, estimate, listed, percent, show

ASPECTS = ("loans", "parameters", "method")
NONE = (
    "Nothing is compared: beside this run there is no earlier finished run with loans of its kind (real or synthetic). To compare any two "
    "runs: loantap compare EARLIER LATER."
)
_TOLD = 6
_LABELS = {name: one.label for name, one in (*BY_NAME.items(), *FEATURE_BY_NAME.items())}
_NAMES = {
    "roc_auc": "ROC-AUC", "average_precision": "average precision", "brier": "Brier score", "referred": "share referred to a person",
    "f2": "F2", "threshold_f2": "F2 threshold", "cap_dti": "cap on DTI", "own_price": "expected profit",
}  # fmt: skip
_PARTS = {
    "default rate": "Default rate of {}", "predictor": "AUC of {} alone", "model": "Model, {}", "policy": "Policy, {}",
}  # fmt: skip
_MAIN = (("default rate", "all loans"), ("model", "roc_auc"), ("policy", "approve all"))
_VERDICTS = {"changed": "changed", "not shown": "no change is shown", "differs": "differs", "equal": "equal"}
ORDER = ("changed", "differs")


def record(changes: Changes | None) -> dict[str, Any]:
    """Return what `results/changes.json` holds; without an earlier run only that there is none."""
    if changes is None:
        return {"earlier": None, "told": [NONE]}
    known = ("earlier", "later", "same_loans", "shared", "alpha", "causes", "numbers", "facts")
    return {name: getattr(changes, name) for name in known} | {"headline": headline(changes), "told": told(changes)}


def headline(changes: Changes) -> str:
    """Return which of loans, parameters and method differ, in one sentence."""
    differ = [aspect for aspect in ASPECTS if aspect in set(changes.causes["aspect"])]
    since = f"since run {changes.earlier['run_id']}"
    if not differ:
        if (changes.numbers["verdict"] == "equal").all() and changes.facts["same"].all():
            return f"Nothing changed {since}"
        return f"Results changed {since}, though loans, parameters and method did not"
    rest = [aspect for aspect in ASPECTS if aspect not in differ]
    several = "; their effects cannot be told apart" if len(differ) > 1 else ""
    unchanged = f"; {listed(rest)} did not" if rest else ""
    return f"{capital(listed(differ))} changed {since}{unchanged}{several}"


def told(changes: Changes) -> list[str]:
    """Return what changed, in sentences: what the runs were made from first, then what they found."""
    main = changes.numbers[[key in _MAIN for key in zip(changes.numbers["part"], changes.numbers["name"], strict=True)]]
    numbers = [
        f"{number_in_words(row)}: {with_ends(row, 'earlier')} then, {with_ends(row, 'later')} now ({_VERDICTS[row['verdict']]})."
        for row in main.to_dict("records")
    ]
    causes = [text for aspect in ASPECTS if (text := _cause(changes, aspect))]
    return [f"{headline(changes)}.", *causes, *numbers, _numbers_told(changes), *_facts_told(changes)]


def changed_lines(changes: Changes) -> list[str]:
    """Return one line for each number that changed or differs."""
    table = changes.numbers
    return [
        f"{number_in_words(row)}: {with_ends(row, 'earlier')}, now {with_ends(row, 'later')} ({row['verdict']})"
        for row in table[table["verdict"].isin(ORDER)].to_dict("records")
    ]


def _cause(changes: Changes, aspect: str) -> str:
    rows = changes.causes[changes.causes["aspect"] == aspect].to_dict("records")
    if not rows:
        return ""
    if aspect == "loans":
        shared = f"{show(changes.shared, 'count')} of this run's loans are in the earlier one too" if changes.shared else "no loan is in both"  # fmt: skip
        caution = ""
        if changes.shared:
            caution = ". The tests take the runs as independent, and so call too few differences a change"
        runs = (changes.earlier, changes.later)
        then, now = (f"{show(run['loans'], 'count')} with {show(run['defaults'], 'count')} defaults" for run in runs)
        return f"Loans: {then} then, {now} now; {shared}{caution}."
    return f"{capital(aspect)}: {'; '.join(map(_difference, rows))}."


def _difference(row: Mapping[Any, Any]) -> str:
    where = f" ({row['where']})" if row["where"] else ""
    if row["later"] == "changed":
        return f"{row['what']} changed{where}"
    return f"{row['what']} from {row['earlier']} to {row['later']}{where}"


def _numbers_told(changes: Changes) -> str:
    counts = changes.numbers["verdict"].value_counts()
    compared = len(changes.numbers)
    if changes.same_loans:
        differ = int(counts.get("differs", 0))
        if not differ:
            return f"All {show(compared, 'count')} numbers compared are equal."
        return (
            f"{show(differ, 'count')} of {show(compared, 'count')} numbers differ. Both runs read the same loans, so this is the effect of the "
            "other changes, and no test of chance applies."
        )
    changed = int(counts.get("changed", 0))
    rule = f"a test of each difference, Holm's correction for all of them, error rate {percent(changes.alpha)}"
    if not changed:
        return f"None of {show(compared, 'count')} numbers changed by more than chance explains ({rule})."
    first = changes.numbers[changes.numbers["verdict"] == "changed"].head(_TOLD).to_dict("records")
    names = "; ".join(map(number_in_words, first))
    more = f"; and {changed - len(first)} more" if changed > len(first) else ""
    return f"{show(changed, 'count')} of {show(compared, 'count')} numbers changed by more than chance explains: {names}{more} ({rule})."


def _facts_told(changes: Changes) -> list[str]:
    differ = changes.facts[~changes.facts["same"].astype(bool)]
    policy = differ[differ["part"] == "policy"].to_dict("records")
    lines = [f"Policy {row['what']}: {value_in_words(row['earlier'])} then, {value_in_words(row['later'])} now." for row in policy if row["what"] in ("verdict", "recommended")]  # fmt: skip
    rest = [what for what in ("predictors", "model", "directions", "assumptions") if (differ["part"] == what).any()]
    lines += [f"Findings without an interval differ on: {listed(rest)}."] if rest else []
    claims = differ["part"].str.startswith("claim").sum()
    return [*lines, *([f"{show(int(claims), 'count')} verdicts on claims differ."] if claims else [])]


def with_ends(row: Mapping[Any, Any], side: str) -> str:
    """Return a number of one of the runs with its interval."""
    kind = "number" if row["kind"] == "money" else row["kind"]
    return estimate(row[side], row[f"{side}_low"], row[f"{side}_high"], kind=kind)


def number_in_words(row: Mapping[Any, Any]) -> str:
    """Return which number this is."""
    name = name_in_words(row["name"])
    if row["part"] in _PARTS:
        return _PARTS[row["part"]].format(name)
    return f"{capital(name_in_words(row['part']))} {name}"


def name_in_words(name: str) -> str:
    """Return a score, a policy, a column or a parameter in words."""
    return _NAMES.get(name) or _LABELS.get(name) or name.replace("_", " ")


def value_in_words(text: str | None) -> str:
    """Return what a run found, with columns by their labels."""
    if text is None or pd.isna(text):
        return "not in this run"
    return ", ".join(_LABELS.get(name, name) for name in text.split(", "))
