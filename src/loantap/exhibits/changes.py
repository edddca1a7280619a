"""What changed since an earlier run: what both were made from, then what they found, in sentences, tables and a figure."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.analysis.changes import Changes
from loantap.exhibits.exhibit import Exhibit, Exhibits, together
from loantap.exhibits.heads import LABELS
from loantap.exhibits.plots import drivers as plots
from loantap.exhibits.words import capital, columns, estimate, listed, percent, show

ASPECTS = ("loans", "parameters", "method")
NONE = (
    "Nothing is compared: beside this run there is no earlier finished run with loans of its kind (real or synthetic). To compare any two "
    "runs: loantap compare EARLIER LATER."
)
_FIRST = 6
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
_TABLES = {
    "rate": ("rates", "Default rates and shares"),
    "score": ("scores", "Predictors and model"),
    "money": ("policy", "Profit per 100 of money asked for, of approving all, and what each policy adds to it"),
}


def exhibits(changes: Changes | None) -> Exhibits:
    """Return tables of what differs, of numbers and of findings side by side, and default rates by grade then and now."""
    if changes is None:
        return Exhibits()
    shown, causes, differ = [], changes.causes, _different(changes)
    if len(causes):
        table = causes.assign(aspect=causes["aspect"].map(capital), what=causes["what"].map(name_in_words))
        caption = f"What differs between what run {changes.earlier['run_id']} and this run were made from. Where: the stages concerned."
        named = columns("aspect", "what", "earlier", "later", "where")
        shown.append(Exhibit("changes-causes", headline(changes), caption, table=table, columns=named))
    shown += [_numbers(changes, kind) for kind in _TABLES if (changes.numbers["kind"] == kind).any()]
    if len(differ):
        words = {"part": capital, "what": name_in_words, "earlier": value_in_words, "later": value_in_words}
        table = pd.DataFrame({name: differ[name].map(in_words) for name, in_words in words.items()})
        title = f"{len(differ):,} of {len(changes.facts):,} findings in words differ"
        caption = "Leaks, recipe, inputs, directions, verdicts and assumptions, as each run tells them. They have no interval, and no test."
        table = table.reset_index(drop=True)
        shown.append(Exhibit("changes-findings", title, caption, table=table, columns=columns(*words)))
    grades = changes.numbers[changes.numbers["part"] == "grade"]
    if len(grades):
        changed, differs = ((grades["verdict"] == verdict).sum() for verdict in ORDER)
        title = "No grade's default rate is shown to have changed"
        if changed:
            title = f"The default rate of {changed:,} of {len(grades)} grades changed"
        elif differs:
            title = f"The default rate of {differs:,} of {len(grades)} grades differs on the same loans"
        elif changes.same_loans:
            title = "Default rates by grade are the same"
        ends = [f"{row['name']}: {_then_and_now(row)}" for row in grades.to_dict("records")]
        alt = f"Dots with intervals: default rate by grade in the earlier and in this run. {'; '.join(ends)}."
        figure = plots.then_and_now(grades)
        shown.append(Exhibit("changes-grades", title, f"{title}. {_method(changes)}", alt, figure=figure))
    return together(*shown)


def _different(changes: Changes) -> pd.DataFrame:
    """Return the findings in words that differ."""
    return changes.facts[~changes.facts["same"].astype(bool)]


def _then_and_now(row: Mapping[Any, Any]) -> str:
    return f"{with_ends(row, 'earlier')} then, {with_ends(row, 'later')} now"


def _numbers(changes: Changes, kind: str) -> Exhibit:
    name, what = _TABLES[kind]
    rows = changes.numbers[changes.numbers["kind"] == kind]
    rows = pd.concat([*(rows[rows["verdict"] == verdict] for verdict in ORDER), rows[~rows["verdict"].isin(ORDER)]])
    table = rows.assign(what=[number_in_words(row) for row in rows.to_dict("records")]).drop(columns="kind")
    kinds = dict.fromkeys(("earlier", "later", "difference"), "number" if kind == "money" else kind)
    tested = () if changes.same_loans else ("p_adjusted",)
    shown = columns("what", *(f"{one} with interval" for one in kinds), *tested, "verdict", **kinds)
    if changes.same_loans:
        shown["difference"] = kinds["difference"]
    verdict, words = ("differs", "differ") if changes.same_loans else ("changed", "changed")
    counted = int((rows["verdict"] == verdict).sum())
    title = f"{what}: {f'{counted:,}' if counted else 'none'} of {len(rows):,} {words}"
    return Exhibit(f"changes-{name}", title, _method(changes), table=table.reset_index(drop=True), columns=shown)


def _method(changes: Changes) -> str:
    n = f"n = {show(changes.earlier['loans'], 'count')} loans then, {show(changes.later['loans'], 'count')} now."
    intervals = f"{percent(1 - changes.alpha)} intervals, one number at a time"
    if changes.same_loans:
        return f"{n} {intervals}. Both runs read the same loans: differences come from parameters or method, and no test of chance applies."
    return (
        f"{n} {intervals}: Wilson for default rates, bootstrap for the model's scores and for policies; of differences Newcombe's, or Zou and "
        f"Donner's from both intervals. Changed: p, adjusted by Holm for all {show(len(changes.numbers), 'count')} numbers compared, is below "
        f"{percent(changes.alpha)}."
    )


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
    causes = []
    for aspect in ASPECTS:
        if rows := changes.causes[changes.causes["aspect"] == aspect].to_dict("records"):
            parts = []
            for row in rows:
                how = "changed" if row["later"] == "changed" else f"from {row['earlier']} to {row['later']}"
                parts.append(f"{row['what']} {how}{f' ({place})' if (place := row['where']) else ''}")
            causes.append(_loans(changes) if aspect == "loans" else f"{capital(aspect)}: {'; '.join(parts)}.")
    main = changes.numbers[[key in _MAIN for key in zip(changes.numbers["part"], changes.numbers["name"], strict=True)]]
    numbers = [
        f"{number_in_words(row)}: {_then_and_now(row)} ({_VERDICTS[row['verdict']]})."
        for row in main.to_dict("records")
    ]
    differ = _different(changes)
    policy = differ[(differ["part"] == "policy") & differ["what"].isin(["verdict", "recommended"])].to_dict("records")
    facts = [
        f"Policy {row['what']}: {value_in_words(row['earlier'])} then, {value_in_words(row['later'])} now."
        for row in policy
    ]
    rest = [what for what in ("predictors", "model", "directions", "assumptions") if (differ["part"] == what).any()]
    facts += [f"Findings without an interval differ on: {listed(rest)}."] if rest else []
    claims = differ["part"].str.startswith("claim").sum()
    facts += [f"{claims:,} verdicts on claims differ."] if claims else []
    return [f"{headline(changes)}.", *causes, *numbers, _numbers_in_words(changes), *facts]


def _loans(changes: Changes) -> str:
    shared, caution = "no loan is in both", ""
    if changes.shared:
        shared = f"{changes.shared:,} of this run's loans are in the earlier one too"
        caution = ". The tests take the runs as independent, and so call too few differences a change"
    then, now = (f"{run['loans']:,} with {run['defaults']:,} defaults" for run in (changes.earlier, changes.later))
    return f"Loans: {then} then, {now} now; {shared}{caution}."


def _numbers_in_words(changes: Changes) -> str:
    counts, compared = changes.numbers["verdict"].value_counts(), f"{len(changes.numbers):,}"
    if changes.same_loans:
        if not (differ := int(counts.get("differs", 0))):
            return f"All {compared} numbers compared are equal."
        return (
            f"{differ:,} of {compared} numbers differ. Both runs read the same loans, so this is the effect of the "
            "other changes, and no test of chance applies."
        )
    rule = f"a test of each difference, Holm's correction for all of them, error rate {percent(changes.alpha)}"
    if not (changed := int(counts.get("changed", 0))):
        return f"None of {compared} numbers changed by more than chance explains ({rule})."
    first = changes.numbers[changes.numbers["verdict"] == "changed"].head(_FIRST).to_dict("records")
    more = f"; and {changed - len(first)} more" if changed > len(first) else ""
    names = "; ".join(map(number_in_words, first))
    return f"{changed:,} of {compared} numbers changed by more than chance explains: {names}{more} ({rule})."


def changed_lines(changes: Changes) -> list[str]:
    """Return one line for each number that changed or differs."""
    table = changes.numbers
    return [
        f"{number_in_words(row)}: {with_ends(row, 'earlier')}, now {with_ends(row, 'later')} ({row['verdict']})"
        for row in table[table["verdict"].isin(ORDER)].to_dict("records")
    ]


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
    return _NAMES.get(name) or LABELS.get(name) or name.replace("_", " ")


def value_in_words(text: str | None) -> str:
    """Return what a run found, with columns by their labels."""
    if text is None or pd.isna(text):
        return "not in this run"
    return ", ".join(LABELS.get(name, name) for name in text.split(", "))
